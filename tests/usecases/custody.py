"""Put on record what binds a person's keys."""

from __future__ import annotations

from uuid import UUID

from application.custody.custody_log import custody_stream, read_custody
from application.erasing.ordering import ErasureOrders, NoGaggedHolds, NothingKept, Wish
from application.execute import Scribe
from application.ports import Append, Outcome
from application.recorded import Caller
from domain.custody import Decision
from infrastructure.twin.memory import MemoryWorld
from tests.usecases.salon import TENANT

OFFICER = Caller(TENANT, "key_officer", frozenset({"privacy_officer"}))


def binds(world: MemoryWorld, subject: UUID, *decisions: Decision) -> None:
    """Append decisions to a person's custody."""
    version = read_custody(world.store, TENANT, subject).version
    scribe = Scribe.begin(OFFICER, world.clock, world.ids)
    events = tuple(
        scribe.record(custody_stream(subject), version + number, one)
        for number, one in enumerate(decisions, 1)
    )
    assert world.store.append(Append(TENANT, scribe.at, events)) is Outcome.APPENDED


def orders_of(world: MemoryWorld) -> ErasureOrders:
    """What orders erasures, where no rule keeps anything."""
    return ErasureOrders(
        world.store, world.book, NothingKept(), NoGaggedHolds(), world.clock, world.ids
    )


def erase(world: MemoryWorld, subject: UUID) -> UUID:
    """Order a person erased; nothing is destroyed yet."""
    return orders_of(world).order(OFFICER, Wish(subject, "request"))
