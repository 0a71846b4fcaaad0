"""A log is read out in bounded looks, whole and in order; what is missing or was changed is never passed over."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg
import pytest

from application.ledger.reading import LedgerEvent
from application.ledger.records import LedgerRecords
from application.ledger.replaying import ReplayAsked, Replays
from application.permissions import operator
from benchmarks.filling import fill, written
from domain.errors import Behind, LedgerDamaged
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.ledger.copies import replay_log
from infrastructure.ledger.copies.replay_log import LOOK_EVENTS_MAX, PostgresLog
from infrastructure.ledger.subjects.subject_index import index_some
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.store.sequencer import Sequencer
from infrastructure.wall import bound_to

MIB = 1024 * 1024
SOMEBODY = UUID(int=7)


@dataclass
class House:
    """A deployment with its sequencer and its index of subjects, a step at a time."""

    deployment: Deployment
    engine: Engine
    sequencer: Sequencer
    mapping: Database

    def filled(self, count: int, *, about: int = 0) -> UUID:
        """A tenant with so many events, before which stand `about` of one person."""
        tenant = uuid4()
        recorder = SequencedRecorder(self.engine.app, home=tenant)
        for _ in range(about):
            recorder.insert_events([written(tenant, uuid4(), 1, SOMEBODY)])
        fill(recorder, tenant, count)
        while self.sequencer.sequence_now():
            pass
        return tenant

    def index(self) -> None:
        with self.mapping.connection() as connection:
            while index_some(connection)[0]:
                pass

    def replayed(self, tenant: UUID, asked: ReplayAsked | None = None) -> Iterator[LedgerEvent]:
        records = LedgerRecords(self.engine.store, self.engine.clock, self.engine.ids)
        replays = Replays(PostgresLog(self.engine.app), self.engine.store, records)
        with bound_to(tenant):
            plan = replays.begin(asked or ReplayAsked(), operator(tenant))
            for page in replays.pages(plan):
                assert len(page) <= LOOK_EVENTS_MAX
                yield from page


@pytest.fixture(scope="module")
def house(module_deployment: Deployment) -> Iterator[House]:
    engine = Engine.connect(module_deployment, connections=2)
    order = Database(module_deployment.dsn_of("sequencer"), size=1, walled=False)
    mapping = Database(module_deployment.dsn_of("mapper"), size=1, walled=False)
    yield House(module_deployment, engine, Sequencer(order, engine.clock), mapping)
    for database in (order, mapping):
        database.close()
    engine.close()


@pytest.mark.parametrize("size", [1, LOOK_EVENTS_MAX, LOOK_EVENTS_MAX + 1, 2 * LOOK_EVENTS_MAX + 3])
def test_all_of_a_log_is_read_once_and_in_order(house: House, size: int) -> None:
    found = list(house.replayed(house.filled(size)))
    assert [one.position for one in found] == list(range(size))
    assert all(one.payload for one in found)


def test_one_persons_events_are_read_however_many_others_lie_between(house: House) -> None:
    tenant = house.filled(10, about=LOOK_EVENTS_MAX + 2)
    house.index()
    asked = ReplayAsked(subject=SOMEBODY)
    assert [one.position for one in house.replayed(tenant, asked)] == list(
        range(LOOK_EVENTS_MAX + 2)
    )
    few = ReplayAsked(subject=SOMEBODY, events_max=3, types=("booking",))
    assert len(list(house.replayed(tenant, few))) == 3
    none = ReplayAsked(subject=SOMEBODY, types=("consent.*",))
    assert list(house.replayed(tenant, none)) == []


def test_what_is_not_known_to_be_all_is_not_shown_as_all(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_log, "WAIT_SECONDS_MAX", 0.0)
    tenant = house.filled(1, about=1)
    house.index()
    SequencedRecorder(house.engine.app, home=tenant).insert_events(
        [written(tenant, uuid4(), 1, SOMEBODY)]
    )
    while house.sequencer.sequence_now():
        pass
    with pytest.raises(Behind):
        next(house.replayed(tenant, ReplayAsked(subject=SOMEBODY)))
    house.index()
    assert len(list(house.replayed(tenant, ReplayAsked(subject=SOMEBODY)))) == 2


def test_a_long_log_is_read_in_little_memory(house: House) -> None:
    tenant = house.filled(10 * LOOK_EVENTS_MAX)
    tracemalloc.start()
    count = sum(1 for _ in house.replayed(tenant))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (count, peak < 6 * MIB) == (10 * LOOK_EVENTS_MAX, True), f"{peak / MIB:.1f} MiB"


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM event WHERE (tenant_id, event_id) = (%s, %s)",
        "UPDATE event SET type = 'consent.given.v1' WHERE (tenant_id, event_id) = (%s, %s)",
        "UPDATE event SET state = state || 'x'::bytea WHERE (tenant_id, event_id) = (%s, %s)",
    ],
)
def test_an_event_that_is_missing_or_was_changed_ends_it(house: House, damage: str) -> None:
    tenant = house.filled(9)
    wanted = list(house.replayed(tenant))[4]
    with psycopg.connect(house.deployment.main) as owner:
        owner.execute("SET session_replication_role = replica")
        assert owner.execute(damage.encode(), (tenant, wanted.event_id)).rowcount == 1
    with pytest.raises(LedgerDamaged):
        list(house.replayed(tenant, ReplayAsked(types=("booking.*",))))
