"""The port `Log`: the same events for the same questions, from PostgreSQL and from the twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from application.ledger.records import LedgerRecords
from application.ledger.replaying import Log, ReplayAsked, Replays
from application.permissions import operator
from application.setup.tenancy import Tenancy
from domain.ledger import EvidenceIssued, LedgerExported
from infrastructure.ledger.copies.replay_log import PostgresLog
from infrastructure.twin.memory import MemoryWorld
from infrastructure.wall import bound_to
from tests.store.test_replay_log import House, house

__all__ = ["house"]

ADA = UUID(int=0xADA)


@dataclass
class Kept:
    """A tenant with a log that says something of Ada, twice, at its end."""

    log: Log
    replays: Replays
    tenant: UUID

    def types(self, **asked: object) -> list[str]:
        with bound_to(self.tenant):
            plan = self.replays.begin(ReplayAsked(**asked), operator(self.tenant))  # type: ignore[arg-type]
            return [one.type for page in self.replays.pages(plan) for one in page]


def kept(ports: MemoryWorld | House, log: Log, settle: Callable[[], None]) -> Kept:
    it = ports.engine if isinstance(ports, House) else ports
    tenant, records = uuid4(), LedgerRecords(it.store, it.clock, it.ids)
    with bound_to(tenant):
        Tenancy(it.store, it.book, it.clock, it.ids).found_tenant("Glow", tenant)
        for decision in (EvidenceIssued(ADA, 1), LedgerExported(0, 1), EvidenceIssued(ADA, 2)):
            records.record_copy(operator(tenant), decision)
    settle()
    return Kept(log, Replays(log, it.store, records), tenant)


@pytest.fixture(params=["memory", "postgres"])
def of_either(request: pytest.FixtureRequest) -> Kept:
    if request.param == "memory":
        world = MemoryWorld()
        return kept(world, world.replay_log, lambda: None)
    made: House = request.getfixturevalue("house")

    def settle() -> None:
        while made.sequencer.sequence_now():
            pass
        made.index()

    return kept(made, PostgresLog(made.engine.app), settle)


EVIDENCE, EXPORTED = EvidenceIssued.TYPE, LedgerExported.TYPE


def test_questions_are_answered_alike(of_either: Kept) -> None:
    with bound_to(of_either.tenant):
        size = of_either.log.size(of_either.tenant)
        assert of_either.log.is_about(of_either.tenant, ADA)
        assert not of_either.log.is_about(of_either.tenant, uuid4())
        assert (
            of_either.log.known_position(of_either.tenant, datetime.max.replace(tzinfo=UTC))
            == size - 1
        )
        assert (
            of_either.log.known_position(of_either.tenant, datetime(2000, 1, 1, tzinfo=UTC)) == -1
        )
    everything = of_either.types()
    assert len(everything) == size
    assert everything[-3:] == [EVIDENCE, EXPORTED, EVIDENCE]
    assert of_either.types(subject=ADA, types=("ledger",)) == [EVIDENCE, EVIDENCE]
    assert of_either.types(types=(EXPORTED,)) == [EXPORTED]
    assert of_either.types(types=("ledger.evidence_issued.*",), events_max=1) == [EVIDENCE]
    assert of_either.types(types=("booking.*",)) == []
    assert of_either.types(types=("booking.*", "*"), events_max=size) == everything
    assert of_either.types(as_of=datetime(2000, 1, 1, tzinfo=UTC)) == []
    assert of_either.types(to=datetime(2000, 1, 1, tzinfo=UTC)) == []
    assert of_either.types(from_=datetime.now(UTC) + timedelta(days=9_999)) == []
