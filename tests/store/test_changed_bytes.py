"""An event that somebody changed by hand goes no further than where it is loaded, and its id is in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from application.booking.sweeping import Sweeping
from application.event_types import DECISIONS
from domain.errors import LedgerDamaged
from domain.values import public_id
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.store.event_source import SequencedEvents
from infrastructure.twin.memory import SettableClock
from infrastructure.wall import bound_to
from tests.store.damage import changed, done_by_hand, event_at
from tests.store.ledger_house import LedgerHouse, ledger_house
from tests.store.trading import Trade, trade

SUBJECT, MOVED = 13, 20  # in the log of every trade
OF_ROW = {
    "event": "event_id = gen_random_uuid()",
    "type": "type = 'booking.completed.v1'",
    "version": "stream_version = 3",
    "stream": "stream_id = gen_random_uuid()",
}
CHANGES = {
    "payload": (MOVED, changed("state", 12)),
    "payload that does not read": (MOVED, changed("state", 0)),
    "envelope": (
        SUBJECT,
        """state = overlay(state PLACING 'AAAA'::bytea FROM position('"ct":"'::bytea IN state) + 6)""",
    ),
    "no envelope": (
        SUBJECT,
        "state = substring(state FROM 1 FOR position('\\x0a'::bytea IN state) - 1)",
    ),
    "digest": (
        MOVED,
        """header = overlay(header PLACING 'AAAA'::bytea FROM position('"pd":"'::bytea IN header) + 6)""",
    ),
    "no digest": (
        MOVED,
        """header = overlay(header PLACING 'qd'::bytea FROM position('"pd":"'::bytea IN header) + 1)""",
    ),
    "header that does not read": (MOVED, changed("header", 16)),
    "first line": (MOVED, changed("header", 3)),
}


@pytest.fixture(scope="module")
def house(module_deployment: Deployment) -> Iterator[LedgerHouse]:
    with ledger_house(module_deployment) as made:
        yield made


@pytest.fixture(scope="module")
def trader(house: LedgerHouse) -> Trade:
    made = trade(house.engine)
    house.settle(made.tenant)
    return made


def place(house: LedgerHouse, trader: Trade, position: int) -> tuple[UUID, UUID]:
    """Stream and event at a place of the log."""
    rows = house.press.rows(
        "SELECT stream_id, event_id FROM sequenced WHERE tenant_id = %s AND position = %s",
        *(trader.tenant, position),
    )
    stream, event = rows[0]
    assert isinstance(stream, UUID) and isinstance(event, UUID)
    return stream, event


def read_stream(house: LedgerHouse, trader: Trade, position: int) -> object:
    """As every command reads it."""
    with bound_to(trader.tenant):
        return house.engine.store.read(trader.tenant, place(house, trader, position)[0])


def follow(house: LedgerHouse, _: Trade, __: int) -> object:
    """As every follower reads it."""
    database = Database(house.press.deployment.dsn_of("follower"), size=1, walled=False)
    try:
        with database.connection() as connection:
            source = SequencedEvents(house.engine.mapper)
            return source.after(connection, 0, 1_000, frozenset(DECISIONS))
    finally:
        database.close()


READERS: dict[str, Callable[[LedgerHouse, Trade, int], object]] = {
    "store": read_stream,
    "follower": follow,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("change", CHANGES)
def test_changed_bytes_are_not_loaded(
    house: LedgerHouse, trader: Trade, caplog: pytest.LogCaptureFixture, change: str, reader: str
) -> None:
    position, set_to = CHANGES[change]
    read = READERS[reader]
    event = public_id("event", place(house, trader, position)[1])
    statement = f"UPDATE event SET {set_to} WHERE {event_at(position)}"
    assert read(house, trader, position)
    with (
        done_by_hand(house.press.deployment, ("event",), (statement,), tenant=trader.tenant),
        caplog.at_level(logging.ERROR),
        pytest.raises(LedgerDamaged, match=event),
    ):
        read(house, trader, position)
    assert [event in record.getMessage() for record in caplog.records] == [True]
    assert read(house, trader, position)


@pytest.mark.parametrize("what", OF_ROW)
def test_a_row_with_another_header_is_not_loaded(
    house: LedgerHouse, trader: Trade, what: str
) -> None:
    statement = f"UPDATE event SET {OF_ROW[what]} WHERE {event_at(MOVED)} RETURNING stream_id"
    words = f"its row has another {what} than its header"
    with done_by_hand(house.press.deployment, ("event",), (statement,), tenant=trader.tenant):
        stream = place(house, trader, MOVED)[0]
        if what == "stream":
            (row,) = house.press.rows(
                "SELECT stream_id FROM event e WHERE tenant_id = %s AND stream_version = 2 AND NOT EXISTS"
                " (SELECT FROM sequenced s WHERE s.stream_id = e.stream_id)",
                trader.tenant,
            )
            assert isinstance(row[0], UUID)
            stream = row[0]
        with bound_to(trader.tenant), pytest.raises(LedgerDamaged, match=words):
            house.engine.store.read(trader.tenant, stream)


def test_an_event_of_another_tenant_is_not_loaded(house: LedgerHouse, trader: Trade) -> None:
    other = house.engine.ids.uuid()
    stream = place(house, trader, MOVED)[0]
    statement = f"UPDATE event SET tenant_id = '{other}' WHERE {event_at(MOVED)}"
    with (
        done_by_hand(house.press.deployment, ("event",), (statement,), tenant=trader.tenant),
        bound_to(other),
        pytest.raises(LedgerDamaged, match="its row has another tenant than its header"),
    ):
        house.engine.store.read(other, stream)


def test_a_damaged_hold_does_not_keep_the_sweeper_from_the_others(house: LedgerHouse) -> None:
    trader = Trade(house.engine)
    damaged, whole = trader.hold(5), trader.hold(6)
    ids = house.engine.ids
    tomorrow = SettableClock(house.engine.clock.now() + timedelta(days=1))
    sweeping = Sweeping(house.engine.store, house.engine.book, tomorrow, ids)
    statement = f"UPDATE event SET {changed('state', 12)} WHERE stream_id = '{damaged}'"
    with done_by_hand(house.press.deployment, (), (statement,)), bound_to(trader.tenant):
        assert sweeping.sweep(trader.tenant) == 1
        assert len(house.engine.store.read(trader.tenant, whole)) == 2
        standing = "SELECT owner_id FROM reservation WHERE tenant_id = %s"
        assert house.press.rows(standing, trader.tenant) == [(damaged,)], (
            "it goes on taking its time"
        )
