"""The scrub looks at every stored event in its time, remembers where it is, and tells what it saw."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.process import workers
from api.process.loops import Stop
from api.process.scrub_report import run_last_scrub
from domain.values import public_id
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.fsck.scrub import (
    EVENTS_AT_ONCE,
    ROUND_MIN,
    ScrubFinding,
    events_due,
    scrub_findings,
    scrub_some,
    scrub_state,
)
from infrastructure.settings import SettingRefused, Settings
from infrastructure.twin.memory import SettableClock
from tests.store.damage import changed, done_by_hand, event_at
from tests.store.ledger_house import ledger_house
from tests.store.trading import Trade, trade

SUBJECT, MOVED = 13, 20  # in the log of every trade
BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
DAYS = 7
LONG = timedelta(days=30)


# --- how fast --------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**10), st.integers(1, 365))
def test_a_round_is_done_within_its_days(total: int, days: int) -> None:
    assert events_due(total, timedelta(days=days * 0.9), days) == total
    assert events_due(total, timedelta(0), days) == 0
    assert events_due(total, timedelta(days=-1), days) == 0


@given(st.integers(0, 10**10), st.integers(1, 365), st.floats(0, 400), st.floats(0, 400))
def test_what_is_due_only_grows(total: int, days: int, one: float, other: float) -> None:
    sooner, later = sorted((one, other))
    due = events_due(total, timedelta(days=sooner), days)
    assert 0 <= due <= events_due(total, timedelta(days=later), days) <= total


def test_a_large_log_is_not_read_at_once() -> None:
    assert events_due(10**9, timedelta(days=1), 30) == 10**9 // 27
    assert events_due(10**9, timedelta(days=1), 365) < 10**9 // 300


@pytest.mark.parametrize(("text", "days"), [(None, 7), ("", 7), ("1", 1), ("365", 365)])
def test_the_days_can_be_set(tmp_path: Path, text: str | None, days: int) -> None:
    given = {} if text is None else {"DAYBOOK_SCRUB_DAYS": text}
    assert Settings.read(tmp_path, given).scrub_days == days


@pytest.mark.parametrize("text", ["0", "366", "-1", "1.5", "seven"])
def test_other_days_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingRefused, match="DAYBOOK_SCRUB_DAYS must be a whole number from 1"):
        Settings.read(tmp_path, {"DAYBOOK_SCRUB_DAYS": text})


# --- rounds ----------------------------------------------------------------------------------------------------------


@dataclass
class Scrub:
    """A scrub of a small deployment; time passes when a test says so."""

    deployment: Deployment
    trader: Trade
    total: int
    keeper: Database
    now: datetime = field(default=BEGIN)

    def step(self, after: timedelta = timedelta(0), days: int = DAYS) -> int:
        """One step, some time later."""
        self.now += after
        with self.keeper.connection() as connection:
            return scrub_some(connection, self.now, days)

    def round(self) -> None:
        """A whole round, which begins now."""
        self.step(LONG)  # it begins, with nothing due yet; or it is the rest of one, from long ago
        self.now += LONG
        while self.place() < self.total:
            self.step()

    def found(self) -> list[ScrubFinding]:
        """What it has found."""
        with self.keeper.connection() as connection:
            return scrub_findings(connection, 100)

    def place(self) -> int:
        """How far the round is."""
        with self.keeper.connection() as connection:
            state = scrub_state(connection)
        assert state is not None
        assert state.total == self.total
        return state.sequence


@pytest.fixture(scope="module")
def small(module_deployment: Deployment) -> Iterator[Scrub]:
    keeper = Database(module_deployment.dsn_of("keeper"), size=1, walled=False)
    with ledger_house(module_deployment) as house:
        trader = trade(house.engine)
        trader.revise(600)
        house.settle(trader.tenant)
        ((total,),) = house.press.rows("SELECT sequence FROM sequencer_head")
        yield Scrub(module_deployment, trader, int(str(total)), keeper)
    keeper.close()


@pytest.fixture
def scrub(small: Scrub) -> Scrub:
    """Before its first round."""
    with psycopg.connect(small.deployment.main, autocommit=True) as owner:
        owner.execute("DELETE FROM scrub")
        owner.execute("DELETE FROM scrub_finding")
    small.now = BEGIN
    return small


def test_a_round_looks_at_as_many_as_are_due_and_remembers_where_it_is(scrub: Scrub) -> None:
    assert scrub.step() == 0
    assert [scrub.step(timedelta(seconds=5)) for _ in range(3)] == [100, 100, 100]
    assert scrub.place() == 300
    assert scrub.step() == 0, "no more are due"
    assert scrub.step(LONG) == scrub.total - 300, "after a long sleep all the rest is"
    assert scrub.total - 300 <= EVENTS_AT_ONCE
    assert scrub.found() == []


def test_no_more_than_some_hundred_are_looked_at_in_one_step(scrub: Scrub) -> None:
    scrub.step()
    assert scrub.step(LONG) == EVENTS_AT_ONCE < scrub.total
    assert scrub.step() == scrub.total - EVENTS_AT_ONCE


def test_the_next_round_begins_an_hour_after_the_last_at_the_earliest(scrub: Scrub) -> None:
    scrub.step()
    steps = [scrub.step(timedelta(seconds=20)) for _ in range(5)]
    assert sum(steps) == scrub.total and steps[-1] == 0
    done_at = scrub.now
    assert scrub.step(timedelta(minutes=50)) == 0
    assert scrub.place() == scrub.total
    scrub.now = BEGIN + ROUND_MIN
    assert scrub.step() == 0 and scrub.place() == 0, "it has begun anew"
    with scrub.keeper.connection() as connection:
        state = scrub_state(connection)
    assert state is not None and state.last_finished_at is not None
    assert (state.begun_at, state.finished_at) == (BEGIN + ROUND_MIN, None)
    assert state.last_begun_at == BEGIN < state.last_finished_at <= done_at


CHANGES = {
    "a byte of a payload": (
        "event",
        f"UPDATE event SET {changed('state', 12)} WHERE {event_at(MOVED)}",
        *(MOVED, "its payload is not the one that was entered"),
    ),
    "a byte of a header": (
        "event",
        f"UPDATE event SET {changed('header', 40)} WHERE {event_at(MOVED)}",
        *(MOVED, "its header is not the one that was hashed"),
    ),
    "a row": (
        "event",
        f"UPDATE event SET type = 'booking.completed.v1' WHERE {event_at(MOVED)}",
        *(MOVED, "its row has another type than its header"),
    ),
    "an event that is gone": (
        "event",
        f"DELETE FROM event WHERE {event_at(SUBJECT)}",
        *(SUBJECT, "its event is missing"),
    ),
    "a place that is gone": (
        "sequenced",
        "DELETE FROM sequenced WHERE tenant_id = %(tenant)s AND position = 300",
        *(301, "what stood before it in the order is missing"),
    ),
    "an entry of a tile that is gone": (
        "sequenced",
        "DELETE FROM sequenced WHERE tenant_id = %(tenant)s AND position = 300",
        *(256, "something of what fills tile 1 of level 0 is missing"),
    ),
    "a hash in a tile": (
        "ledger_tile",
        f"UPDATE ledger_tile SET {changed('data', 5 * 32)} WHERE tenant_id = %(tenant)s AND n = 1",
        *(256 + 5, "tile 1 of level 0 has another hash than the tree"),
    ),
    "the root of a tile": (
        "ledger_tile",
        f"UPDATE ledger_tile SET {changed('root', 5)} WHERE tenant_id = %(tenant)s AND n = 0",
        *(0, "tile 0 of level 0 has another root"),
    ),
    "a tile that is gone": (
        "ledger_tile",
        "DELETE FROM ledger_tile WHERE tenant_id = %(tenant)s AND n = 1",
        *(256, "tile 1 of level 0 is missing"),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_round_finds_what_was_changed_and_says_so_once(
    scrub: Scrub, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    table, statement, position, words = CHANGES[name]
    with (
        caplog.at_level(logging.ERROR),
        done_by_hand(scrub.deployment, (table,), (statement,), tenant=scrub.trader.tenant),
    ):
        scrub.round()
        scrub.round()
        found = scrub.found()
    same = [one for one in found if (one.position, one.reason) == (position, words)]
    assert [one.tenant for one in same] == [scrub.trader.tenant], found
    line = f"event {position} of {public_id('tenant', scrub.trader.tenant)} is damaged: {words}"
    assert caplog.messages.count(line) == 1
    assert len(caplog.messages) == len(found), "one line each"
    scrub.round()
    assert scrub.found() == [], "what a whole round has not seen any more is forgotten"


def test_what_was_found_is_told(scrub: Scrub, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_last_scrub(scrub.deployment, as_json=False) == 0
    assert "no round of the scrub was begun yet" in capsys.readouterr().out
    assert run_last_scrub(scrub.deployment, as_json=True) == 0
    nothing: dict[str, object] = {"ok": True, "round": None, "last_round": None, "findings": []}
    assert json.loads(capsys.readouterr().out) == nothing
    table, statement, position, words = CHANGES["a byte of a payload"]
    with done_by_hand(scrub.deployment, (table,), (statement,), tenant=scrub.trader.tenant):
        scrub.round()
    assert run_last_scrub(scrub.deployment, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False and told["last_round"]["finished_at"] is not None
    assert told["round"]["looked_at"] == told["round"]["events"] == scrub.total
    (found,) = told["findings"]
    tenant = public_id("tenant", scrub.trader.tenant)
    assert (found["tenant"], found["index"], found["reason"]) == (tenant, position, words)
    assert run_last_scrub(scrub.deployment, as_json=False) == 1
    said = capsys.readouterr().out
    assert f"{tenant}, event {position}, {words}" in said and "last round     begun 2027" in said


# --- in the worker ---------------------------------------------------------------------------------------------------


class StopAfter(Stop):
    """Asks to stop after so many waits, in each of which time passes."""

    def __init__(self, clock: SettableClock, waits: int) -> None:
        super().__init__()
        self.clock = clock
        self.left = waits

    def wait(self, seconds: float) -> None:
        self.clock.set(self.clock.now() + timedelta(seconds=seconds))
        self.left -= 1
        if not self.left:
            self.ask()


def test_the_worker_scrubs_in_turns(scrub: Scrub) -> None:
    clock = SettableClock(BEGIN)
    workers.scrub_in_turns(StopAfter(clock, 4), scrub.keeper, clock, DAYS)
    assert scrub.place() == 600, "ten seconds pass between turns, and 200 events are due in each"


def test_a_scrub_that_fails_does_not_end_the_worker(
    scrub: Scrub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> int:
        raise ValueError("private words")

    monkeypatch.setattr(workers, "scrub_some", fails)
    clock = SettableClock(BEGIN)
    with caplog.at_level(logging.ERROR):
        workers.scrub_in_turns(StopAfter(clock, 2), scrub.keeper, clock, DAYS)
    assert caplog.messages == ["the scrub failed: ValueError"] * 2
