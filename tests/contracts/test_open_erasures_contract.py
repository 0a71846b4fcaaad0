"""The port `OpenErasures`: what has still to be done is found, in the moment in which it is."""

from __future__ import annotations

from uuid import UUID, uuid4

from application.erasing.ordering import ERASURES
from application.execute import Scribe
from application.ports import CatalogEntry
from application.recorded import Caller
from domain.erasure import (
    Decision,
    Deferred,
    ErasureCompleted,
    ErasureDeferred,
    ErasureEffected,
    ErasureOrdered,
    ErasureResumed,
)
from infrastructure.clock import SystemIds
from infrastructure.twin.memory import SettableClock
from tests.contracts.world import NOW, Desk

ADA, HOLD = uuid4(), uuid4()


class Case:
    """One erasure of a desk, decision by decision."""

    def __init__(self, desk: Desk, *, minutes: int = 0) -> None:
        self.desk, self.id = desk, uuid4()
        self.clock = SettableClock(NOW)
        self.clock.advance(seconds=60 * minutes)
        self.entry: CatalogEntry | None = None

    def goes_on(self, *decisions: Decision) -> None:
        by = Caller(self.desk.tenant, "system:eraser", frozenset())
        scribe = Scribe.begin(by, self.clock, SystemIds())
        written = ERASURES.write(scribe, self.id, decisions, self.entry)
        self.desk.append(*written.events, catalog=(written.entry,))
        self.entry = written.entry


def unfinished(desk: Desk, limit: int = 10) -> list[UUID]:
    with desk.world.inside(desk.tenant):
        return list(desk.world.open_erasures.unfinished(desk.tenant, limit))


def waiting(desk: Desk) -> list[UUID]:
    with desk.world.inside(desk.tenant):
        return list(desk.world.open_erasures.waiting(desk.tenant, 10))


def ordered(id: UUID, *, nothing: bool = False) -> ErasureOrdered:
    classes = () if nothing else ("profile",)
    return ErasureOrdered(id, ADA, "request", None, classes, (), NOW)  # type: ignore[arg-type]


def test_an_erasure_is_unfinished_until_older_copies_are_dead(desk: Desk):
    case = Case(desk)
    assert unfinished(desk) == []
    case.goes_on(ordered(case.id))
    assert unfinished(desk) == [case.id]
    case.goes_on(ErasureEffected(ADA, ("profile",), (), 1))
    assert unfinished(desk) == [case.id]
    case.goes_on(ErasureCompleted(ADA, ("profile",), 1, 2, "digest"))
    assert (unfinished(desk), waiting(desk)) == ([], [])


def test_what_waits_is_listed_apart_until_it_is_taken(desk: Desk):
    case = Case(desk)
    wait = ErasureDeferred(ADA, ADA, (Deferred("billing", HOLD),))
    case.goes_on(ordered(case.id, nothing=True), wait)
    assert (unfinished(desk), waiting(desk)) == ([], [case.id])
    case.goes_on(ErasureResumed(ADA, HOLD, ("billing",), NOW))
    assert (unfinished(desk), waiting(desk)) == ([case.id], [])


def test_the_oldest_come_first_and_no_more_than_asked_for(desk: Desk):
    cases = [Case(desk, minutes=minutes) for minutes in (2, 0, 1)]
    for case in cases:
        case.goes_on(ordered(case.id))
    assert unfinished(desk) == [cases[1].id, cases[2].id, cases[0].id]
    assert unfinished(desk, 2) == [cases[1].id, cases[2].id]
