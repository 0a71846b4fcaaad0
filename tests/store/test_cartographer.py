"""From the order of the log to who it is about: chains and maps equal a replay, survive crashes, hold up no append."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import psycopg
import pytest

from application.ledger.records import LedgerRecords
from application.recorded import Recorded
from domain.ledger import MapCommitted
from infrastructure.canonical import unb64
from infrastructure.clock import SystemIds
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.ledger.subjects import map_drawing
from infrastructure.ledger.subjects.cartographer import PERIOD, Cartographer
from infrastructure.ledger.subjects.subject_index import index_some
from infrastructure.ledger.subjects.subject_map import Chain, key_of, map_root, value_of
from infrastructure.ledger.subjects.subject_tags import tags_of
from infrastructure.ledger.tree.merkle import leaf_hash
from infrastructure.store.sequencer import Sequencer
from infrastructure.twin.memory import SettableClock
from infrastructure.wall import bound_to
from tests.store.filling import Tenant, fill


@dataclass
class House:
    """A deployment of the test's own, with its sequencer and its cartographer, a step at a time."""

    deployment: Deployment
    engine: Engine
    sequencer: Sequencer
    mapping: Database
    clock: SettableClock

    def cartographer(self) -> Cartographer:
        """One that has just been started."""
        made = Cartographer(
            LedgerRecords(self.engine.store, self.engine.clock, SystemIds()), self.clock
        )
        with self.mapping.connection() as connection:
            made.open(connection)
        return made

    def step(self, cartographer: Cartographer, *, later: timedelta = timedelta()) -> None:
        """Sequence what is there, and have the cartographer take it in."""
        self.clock.set(self.clock.now() + later)
        self.sequence()
        with self.mapping.connection() as connection:
            cartographer.step(connection)
        self.sequence()

    def sequence(self) -> None:
        while self.sequencer.sequence_now():
            pass

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.deployment.main, autocommit=True) as owner:
            cursor = owner.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def wish(self, tenant: UUID) -> None:
        with bound_to(tenant):
            self.engine.app.rows(
                "INSERT INTO map_wish VALUES (%b) ON CONFLICT DO NOTHING", (tenant,)
            )

    def maps(self, tenant: UUID) -> list[MapCommitted]:
        """The maps that became leaves, in order."""
        return [one.decision for one in self.log(tenant) if isinstance(one.decision, MapCommitted)]

    def log(self, tenant: UUID) -> list[Recorded[object]]:
        found = self.rows(
            "SELECT stream_id FROM sequenced WHERE tenant_id = %s ORDER BY position", tenant
        )
        streams: dict[UUID, list[Recorded[object]]] = {}
        with bound_to(tenant):
            for (stream,) in found:
                assert isinstance(stream, UUID)
                if stream not in streams:
                    streams[stream] = list(self.engine.store.read(tenant, stream))
        return [streams[stream].pop(0) for (stream,) in found if isinstance(stream, UUID)]

    def replayed(self, tenant: UUID, covers: int) -> tuple[int, bytes]:
        """How many keys, and the root of the map, from nothing but the stored bytes."""
        chains: dict[bytes, Chain] = {}
        found = self.rows(
            "SELECT e.header, e.state FROM sequenced s JOIN event e USING (tenant_id, stream_id, stream_version)"
            " WHERE s.tenant_id = %s AND s.position < %s ORDER BY s.position",
            tenant,
            covers,
        )
        for index, (header, state) in enumerate(found):
            assert isinstance(header, bytes) and isinstance(state, bytes)
            for tag in tags_of(header, state):
                key = key_of(tag.bytes)
                chains[key] = chains.get(key, Chain()).extended(index, leaf_hash(header))
        return len(chains), map_root(sorted((key, value_of(it)) for key, it in chains.items()))

    def agrees(self, tenant: UUID) -> MapCommitted:
        """Check every committed map against a replay; the last one."""
        maps = self.maps(tenant)
        previous = None
        log = self.log(tenant)
        for one in maps:
            assert (one.keys, unb64(one.root)) == self.replayed(tenant, one.covers)
            assert one.previous == previous
            previous = next(at for at, event in enumerate(log) if event.decision == one)
        return maps[-1]


@pytest.fixture
def house(own_deployment: Deployment) -> Iterator[House]:
    engine = Engine.connect(own_deployment)
    order = Database(own_deployment.dsn_of("sequencer"), size=1, walled=False)
    mapping = Database(own_deployment.dsn_of("mapper"), size=1, walled=False)
    clock = SettableClock(engine.clock.now())
    yield House(own_deployment, engine, Sequencer(order, engine.clock), mapping, clock)
    for database in (order, mapping):
        database.close()
    engine.close()


def booked(tenant: Tenant, count: int, people: int = 3, *, first: int = 0) -> list[UUID]:
    """So many bookings of so many people, taking turns."""
    subjects = [tenant.register(f"ada{at}@example.test") for at in range(people)]
    for number in range(first, first + count):
        tenant.book(subjects[number % people], tenant.visit(number * 2))
    return subjects


def test_a_map_is_drawn_when_somebody_wishes_and_equals_a_replay(house: House) -> None:
    tenant, cartographer = Tenant(house.engine), house.cartographer()
    booked(tenant, 5)
    house.step(cartographer)
    assert house.maps(tenant.id) == []
    house.wish(tenant.id)
    house.step(cartographer)
    first = house.agrees(tenant.id)
    assert (first.covers, first.keys, first.previous) == (8, 3, None)
    booked(tenant, 4, 4, first=5)
    house.wish(tenant.id)
    house.step(cartographer)
    assert house.maps(tenant.id) == [first], "not faster than every other second"
    house.step(cartographer, later=timedelta(seconds=3))
    second = house.agrees(tenant.id)
    assert (second.covers, second.keys, second.previous) == (14, 4, 8)
    assert house.rows("SELECT * FROM map_wish") == []


def test_a_map_alone_is_no_reason_for_another(house: House) -> None:
    tenant, cartographer = Tenant(house.engine), house.cartographer()
    booked(tenant, 1)
    for _ in range(4):
        house.step(cartographer, later=PERIOD + timedelta(seconds=1))
    assert len(house.maps(tenant.id)) == 1
    house.wish(tenant.id)
    house.step(cartographer, later=timedelta(seconds=3))
    house.step(cartographer, later=timedelta(seconds=3))
    assert len(house.maps(tenant.id)) == 1
    assert house.rows("SELECT * FROM map_wish") == []


def test_many_maps_of_many_people_equal_replays(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_drawing, "KEYS_A_BUCKET", 1)
    monkeypatch.setattr(map_drawing, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(map_drawing, "BUCKETS_AT_ONCE", 3)
    tenant, cartographer = Tenant(house.engine), house.cartographer()
    for round_ in range(4):
        booked(tenant, 12, 12 * (round_ + 1), first=12 * round_)
        house.step(cartographer, later=PERIOD)
    assert house.agrees(tenant.id).keys == 48
    ((depth,),) = house.rows("SELECT depth FROM subject_map")
    assert isinstance(depth, int) and depth > map_drawing.DEPTH_MIN, "the array has grown with them"


def test_a_log_that_is_too_long_for_one_step_is_drawn_in_several(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = Tenant(house.engine)
    booked(tenant, 9)
    monkeypatch.setattr(map_drawing, "LEAVES_MAX", 5)
    cartographer = house.cartographer()
    for _ in range(6):
        house.wish(tenant.id)
        house.step(cartographer, later=PERIOD)
    covered = [one.covers for one in house.maps(tenant.id)]
    assert covered[0] == 5 and all(b - a <= 5 for a, b in pairwise(covered))
    house.agrees(tenant.id)


def test_few_subjects_at_once_end_at_a_leaf(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_drawing, "SUBJECTS_MAX", 2)
    monkeypatch.setattr(map_drawing, "ROWS_AT_ONCE", 2)
    tenant, cartographer = Tenant(house.engine), house.cartographer()
    booked(tenant, 9, 5)
    for _ in range(12):
        house.step(cartographer, later=PERIOD)
    assert len(house.maps(tenant.id)) > 2
    assert house.agrees(tenant.id).keys == 5


class Killed(BaseException):
    """The process dies here."""


def test_a_crash_between_map_and_leaf_leaves_neither_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, cartographer = Tenant(house.engine), house.cartographer()
    booked(tenant, 3)
    house.wish(tenant.id)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(LedgerRecords, "commit_map", die)
        with pytest.raises(Killed):
            house.step(cartographer)
    assert house.maps(tenant.id) == []
    again = house.cartographer()
    house.sequence()
    first = house.agrees(tenant.id)
    booked(tenant, 3, first=3)
    house.step(again, later=PERIOD)
    assert house.agrees(tenant.id).previous == first.covers


def test_after_a_restore_to_an_earlier_map_the_next_one_follows_the_last_in_the_log(
    house: House,
) -> None:
    """The mirror brings leaves back, but not what was derived from them: chains and map are older than the log."""
    tenant, cartographer = Tenant(house.engine), house.cartographer()
    booked(tenant, 3)
    house.step(cartographer)
    house.step(cartographer, later=PERIOD)
    for table in ("subject_chain", "subject_map"):
        house.rows(f"CREATE TABLE old_{table} AS SELECT * FROM {table}")
    booked(tenant, 3, first=3)
    house.step(cartographer, later=PERIOD)
    for table in ("subject_chain", "subject_map"):
        house.rows(f"DELETE FROM {table}")
        house.rows(f"INSERT INTO {table} SELECT * FROM old_{table}")
    booked(tenant, 3, first=6)
    house.step(house.cartographer(), later=PERIOD)
    assert len(house.maps(tenant.id)) == 3
    house.agrees(tenant.id)


def test_a_crash_while_drawing_changes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, cartographer = Tenant(house.engine), house.cartographer()
    booked(tenant, 3)
    house.wish(tenant.id)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(map_drawing, "update_nodes", die)
        with pytest.raises(Killed):
            house.step(cartographer)
    assert house.rows("SELECT * FROM subject_chain") == []
    house.step(house.cartographer(), later=PERIOD)
    house.agrees(tenant.id)


def test_every_leaf_about_someone_is_in_the_index(house: House) -> None:
    filled = fill(house.engine)
    house.step(house.cartographer())
    found = house.rows(
        "SELECT position FROM subject_leaf WHERE tenant_id = %s AND subject_id = %s ORDER BY position",
        filled.tenant.id,
        filled.subject,
    )
    expected = [
        at
        for at, (header, state) in enumerate(
            house.rows(
                "SELECT e.header, e.state FROM sequenced s JOIN event e USING (tenant_id, stream_id, stream_version)"
                " WHERE s.tenant_id = %s ORDER BY s.position",
                filled.tenant.id,
            )
        )
        if filled.subject in tags_of(header, state)  # type: ignore[arg-type]
    ]
    assert [at for (at,) in found] == expected
    assert len(expected) >= 2


def test_only_one_cartographer_is_in_office(house: House) -> None:
    one, other = house.cartographer(), house.cartographer()
    second = Database(house.deployment.dsn_of("mapper"), size=1, walled=False)
    try:
        with house.mapping.connection() as mine, second.connection() as yours:
            assert one.take_office(mine)
            assert not other.take_office(yours)
    finally:
        second.close()


def test_an_index_of_a_log_with_a_hole_stops(house: House) -> None:
    tenant = Tenant(house.engine)
    booked(tenant, 3)
    house.sequence()
    house.rows("DELETE FROM sequenced WHERE position = 1")
    with house.mapping.connection() as connection, pytest.raises(Exception, match="missing"):
        index_some(connection)
