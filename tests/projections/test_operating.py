"""What an operator does to read models: list, pause, resume, leave a stream out, and what shows of it. README D12."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from api.process.following import changed
from api.process.operating import ModelRefused, run_list, run_pause, run_quarantine, run_resume
from api.process.proving import run_prove
from api.process.rebuilding import opened
from application.following import ReadModelStopped, Sequenced, noting_stale
from domain.values import public_id
from infrastructure.server.processes import wait_until
from infrastructure.server.start_faults import StartFault
from infrastructure.store.event_source import SequencedEvents
from infrastructure.wall import bound_to
from projections.agenda import AgendaModel, PostgresVisits
from projections.engine import follower as following
from projections.engine.fingerprint import fingerprint
from projections.engine.follower import Follower, ModelStopped
from projections.engine.quarantine import Wanted, leave_out
from projections.engine.read_model import Connection
from projections.models import MAY_LEAVE_OUT, MODELS
from tests.projections.test_after_an_erasure import House, house
from tests.projections.test_asking import standing
from tests.store.trading import Trade

__all__ = ["house"]
REAL = AgendaModel()


@dataclass(frozen=True)
class Failing(AgendaModel):
    """The agenda, which fails at events of one stream."""

    stream: UUID | None = None

    def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
        if any(one.event.stream == self.stream for one in events):
            raise ValueError("a value nobody may see")
        AgendaModel.apply(self, connection, events)


@pytest.fixture
def poisoned(house: House, monkeypatch: pytest.MonkeyPatch) -> tuple[House, UUID, Follower]:
    """A house whose agenda stopped at a booking; it, and the follower that fails at it (the rest have its code)."""
    monkeypatch.setattr(
        following,
        "fingerprint",
        lambda model: fingerprint(REAL) if model.name == "agenda" else fingerprint(model),
    )
    house.shop.book(1)
    house.follow()
    stream = house.shop.book(2).id
    house.shop.book(3)
    while house.sequencer.sequence_now():
        pass
    failing = Follower(Failing(stream=stream), SequencedEvents(house.engine.mapper))
    with house.role.connection() as connection:
        failing.begin(connection)
        with pytest.raises(ModelStopped):
            while failing.step(connection):
                pass
    return house, stream, failing


def listed(
    house: House, capsys: pytest.CaptureFixture[str], name: str = "agenda"
) -> dict[str, Any]:
    capsys.readouterr()
    assert run_list(house.deployment, as_json=True) == 0
    found = json.loads(capsys.readouterr().out)["read_models"]
    return next(one for one in found if one["name"] == name)


def rows(house: House) -> int:
    with psycopg.connect(house.deployment.main) as owner:
        (count,) = owner.execute("SELECT count(*) FROM agenda_v1").fetchone() or (0,)
    return int(count)


def test_the_list_says_where_each_stands_and_what_to_do(
    poisoned: tuple[House, UUID, Follower], capsys: pytest.CaptureFixture[str]
) -> None:
    house, stream, _ = poisoned
    run_list(house.deployment, as_json=False)
    said = capsys.readouterr().out
    assert "agenda v1" in said
    assert "stopped" in said
    assert f"stream {stream}" in said
    assert public_id("tenant", house.shop.tenant) in said
    assert "daybook models resume agenda" in said
    assert "a value nobody may see" not in said
    told = listed(house, capsys)
    assert told["error"] == f"ValueError at event {told['sequence'] + 1}"
    assert told["failed_type"] in ("booking.confirmed.v1", "booking.requested.v1")
    assert told["failed_stream"] == str(stream)
    assert told["lag_events"] > 0
    assert told["lag_seconds"] >= 0
    assert {model.name for model in MODELS} == {"agenda"} | {
        one.name for one in MODELS if listed(house, capsys, one.name)["state"] == "following"
    }


def test_a_paused_model_takes_nothing_in_until_it_is_resumed(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.shop.book(1)
    house.follow()
    assert run_pause(house.deployment, "agenda") == 0
    before = rows(house)
    house.shop.book(2)
    house.follow()  # as a worker that was started anew
    assert rows(house) == before
    assert standing(house, house.shop).state == "paused"
    assert listed(house, capsys)["state"] == "paused"
    with pytest.raises(ModelRefused):
        run_pause(house.deployment, "agenda")
    positions, tenant = house.engine.positions, house.shop.tenant
    with bound_to(tenant), noting_stale() as stale:
        reached = positions.current(tenant, "agenda")
        assert stale == {"agenda": reached}
        with pytest.raises(ReadModelStopped):
            positions.wait(tenant, "agenda", positions.head(tenant))
    assert run_resume(house.deployment, "agenda") == 0
    house.follow()
    assert rows(house) == before + 1
    with bound_to(tenant), noting_stale() as stale:
        positions.current(tenant, "agenda")
        assert stale == {}


def test_a_model_that_stopped_goes_on_with_mended_code(
    poisoned: tuple[House, UUID, Follower],
) -> None:
    house, _, _ = poisoned
    assert rows(house) == 1
    assert run_resume(house.deployment, "agenda") == 0
    house.follow()
    assert rows(house) == 3
    assert run_prove(house.deployment, ("agenda",), as_json=True) == 0


def test_a_follower_of_other_code_keeps_off_tables_that_are_not_its_own(house: House) -> None:
    """A rebuild or a resume with a new release, while the worker still runs the old one."""
    house.shop.book(1)
    house.follow()
    old = Follower(REAL, SequencedEvents(house.engine.mapper))
    with psycopg.connect(house.deployment.main) as owner:
        owner.execute("UPDATE read_model SET fingerprint = 'of a new release'")
    house.shop.book(2)
    while house.sequencer.sequence_now():
        pass
    with house.role.connection() as connection:
        assert old.step(connection) == 0
        assert old.begin(connection) == "changed"
    assert rows(house) == 1
    assert "daybook rebuild agenda" in changed("agenda")
    assert "daybook models resume agenda" in changed("agenda")


def test_a_stream_in_quarantine_is_left_out_on_record_until_a_rebuild(
    poisoned: tuple[House, UUID, Follower], capsys: pytest.CaptureFixture[str]
) -> None:
    house, stream, failing = poisoned
    done = run_quarantine(
        house.deployment, "agenda", public_id("booking", stream), "ticket 17", "ada"
    )
    assert done == 0
    told = listed(house, capsys)
    assert told["state"] == "following"
    (record,) = told["quarantined"]
    assert (record["stream"], record["by"], record["reason"]) == (str(stream), "ada", "ticket 17")
    assert record["tenant"] == public_id("tenant", house.shop.tenant)
    with house.role.connection() as connection:
        while failing.step(connection):
            pass
    assert rows(house) == 2, "the one before, and the one after"
    assert standing(house, house.shop).left_out == (stream,)
    capsys.readouterr()
    assert run_prove(house.deployment, ("agenda",), as_json=False) == 0
    assert "WITHOUT 1 QUARANTINED STREAM" in capsys.readouterr().out
    with bound_to(house.shop.tenant):
        models, by = house.platform.read_models, house.shop.by
        read = models.digest("agenda", None, by)
        assert models.digest("agenda", read.position, by) == read
    visits = PostgresVisits(house.engine.app, house.engine.positions)
    with bound_to(house.shop.tenant), pytest.raises(ReadModelStopped):
        visits.of(house.shop.tenant, [uuid4()])
    with pytest.raises(ModelRefused, match="already"):
        run_quarantine(house.deployment, "agenda", str(stream), "again", None)
    with opened(house.deployment, REAL) as rebuild, rebuild.held():
        rebuild.begin(1)
        assert rebuild.compare() is None, "it may differ from what is read, and has to"
        rebuild.switch()
    assert rows(house) == 3
    with bound_to(house.shop.tenant):
        assert visits.of(house.shop.tenant, [uuid4()]) == []
    assert standing(house, house.shop).left_out == ()
    assert run_prove(house.deployment, ("agenda",), as_json=True) == 0
    with psycopg.connect(house.deployment.main) as owner:
        kept = owner.execute("SELECT by_whom FROM read_model_quarantine").fetchall()
    assert kept == [("ada",)], "it stays on record"


def test_a_stream_that_is_left_out_while_a_follower_waits_is_left_out(house: House) -> None:
    """The follower's look is older than the record that it waits for: what it took in is taken back."""
    house.shop.book(1)
    house.follow()
    before = rows(house)
    stream = house.shop.book(2).id
    while house.sequencer.sequence_now():
        pass
    follower = Follower(AgendaModel(), SequencedEvents(house.engine.mapper))
    wanted = Wanted(house.shop.tenant, stream, "operator", "ticket 17", datetime.now(UTC))
    with (
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(house.deployment.main) as owner,
        house.role.connection() as connection,
    ):
        follower.begin(connection)
        owner.execute("SELECT")  # from here on it is one transaction
        assert leave_out(owner, AgendaModel(), wanted)
        step = pool.submit(follower.step, connection)
        pid = connection.info.backend_pid
        assert wait_until(lambda: waits_for_a_lock(house, pid), 60.0)
        owner.commit()
        assert step.result(60) == 0
        assert follower.step(connection) > 0
    assert rows(house) == before


def waits_for_a_lock(house: House, pid: int) -> bool:
    asked = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
    with psycopg.connect(house.deployment.main) as owner:
        return owner.execute(asked, (pid,)).fetchone() == (True,)


def test_what_was_changed_by_hand_beside_a_quarantine_is_still_found(
    poisoned: tuple[House, UUID, Follower], capsys: pytest.CaptureFixture[str]
) -> None:
    house, stream, _ = poisoned
    run_quarantine(house.deployment, "agenda", str(stream), "ticket 17", None)
    house.follow()
    assert run_prove(house.deployment, ("agenda",), as_json=True) == 0
    with psycopg.connect(house.deployment.main) as owner:
        owner.execute("UPDATE agenda_v1 SET status = 'noshow'")
    assert run_prove(house.deployment, ("agenda",), as_json=True) == 1
    capsys.readouterr()


@pytest.mark.parametrize("name", sorted({model.name for model in MODELS} - MAY_LEAVE_OUT))
def test_what_is_said_of_peoples_data_leaves_nothing_out(house: House, name: str) -> None:
    with pytest.raises(ModelRefused, match="complete or not given"):
        run_quarantine(house.deployment, name, str(uuid4()), "why", None)


def test_what_is_asked_wrongly_is_refused(house: House) -> None:
    house.follow()
    for stream, reason in ((str(uuid4()), "why"), ("bkg_1", "why"), (str(uuid4()), " ")):
        with pytest.raises(ModelRefused):
            run_quarantine(house.deployment, "agenda", stream, reason, None)
    with pytest.raises(StartFault):
        run_pause(house.deployment, "diary")


def test_another_tenant_sees_nothing_of_a_quarantine(
    poisoned: tuple[House, UUID, Follower],
) -> None:
    house, stream, _ = poisoned
    run_quarantine(house.deployment, "agenda", str(stream), "ticket 17", None)
    other = Trade(house.engine)
    with bound_to(house.shop.tenant):
        assert house.engine.app.rows("SELECT name FROM read_model_quarantine") == [("agenda",)]
    assert standing(house, other).left_out == ()
    with bound_to(other.tenant):
        assert house.engine.app.rows("SELECT name FROM read_model_quarantine") == []
