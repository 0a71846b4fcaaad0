"""A replay is on record, with all that says which events it holds, before any of them is handed out. README D6."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest

from application.ledger.records import LedgerRecords
from application.ledger.replaying import TYPES_MAX, ReplayAsked, Replays
from application.permissions import operator
from domain.errors import (
    DomainError,
    Malformed,
    NotPermitted,
    PurposeRequired,
    Unacceptable,
    UnknownReference,
)
from domain.ledger import LedgerReplayed
from tests.usecases.front import Front
from tests.usecases.salon import TENANT, at, customer


def replays(front: Front) -> Replays:
    world = front.salon.world
    records = LedgerRecords(world.store, world.clock, world.ids, front.salon.gags)
    return Replays(world.replay_log, world.store, records)


def positions(front: Front, asked: ReplayAsked, by: object = None) -> list[int]:
    reads = replays(front)
    plan = reads.begin(asked, operator(TENANT))
    return [one.position for page in reads.pages(plan) for one in page]


def test_it_is_on_record_before_anything_is_handed_out(front: Front) -> None:
    reads, size = replays(front), len(front.salon.world.state.log[TENANT])
    asked = ReplayAsked(types=("booking.*", "booking.*"), subject=front.ada, events_max=2)
    plan = reads.begin(asked, replace(operator(TENANT), purpose="service"))
    (event,) = front.events(LedgerReplayed)
    assert event.decision == LedgerReplayed(front.ada, 0, size, ("booking.*",), None, 2)
    assert (event.event_id, event.actor, event.purpose) == (
        plan.record,
        "system:operator",
        "service",
    )
    (row,) = front.seen_by("person")
    assert (row.kind, row.purpose) == ("replayed", "service")
    events = [one for page in reads.pages(plan) for one in page]
    assert [one.type for one in events] == ["booking.confirmed.v1"]
    assert len(front.events(LedgerReplayed)) == 1


def test_a_replay_does_not_hold_what_comes_after_it_was_begun(front: Front, cut: UUID) -> None:
    reads, size = replays(front), len(front.salon.world.state.log[TENANT])
    plan = reads.begin(ReplayAsked(), operator(TENANT))
    front.salon.book(cut, at(13), customer("Ben", "ben@example.test"))
    assert [one.position for page in reads.pages(plan) for one in page] == list(range(size))


def test_one_of_the_whole_log_is_about_nobody(front: Front) -> None:
    size = len(front.salon.world.state.log[TENANT])
    assert len(positions(front, ReplayAsked())) == size
    (event,) = front.events(LedgerReplayed)
    assert cast(LedgerReplayed, event.decision).subject is None
    assert front.seen_by("auditor") == []


def test_times_are_half_open_and_what_was_known_is_not(front: Front, cut: UUID) -> None:
    clock = front.salon.world.clock
    clock.advance(hours=1)
    then, size = clock.now(), len(front.salon.world.state.log[TENANT])
    front.salon.book(cut, at(13), customer("Ben", "ben@example.test"))
    past = len(front.salon.world.state.log[TENANT])
    clock.advance(hours=1)
    early, late = list(range(size)), list(range(size, past))
    assert positions(front, ReplayAsked(to=then)) == early
    assert positions(front, ReplayAsked(from_=then, to=clock.now())) == late
    assert positions(front, ReplayAsked(known_at=then)) == early + late
    assert positions(front, ReplayAsked(known_at=then - timedelta(microseconds=1))) == early
    assert positions(front, ReplayAsked(as_of=then - timedelta(microseconds=1))) == early
    assert positions(front, ReplayAsked(from_=clock.now() + timedelta(days=1))) == []


def test_for_a_case_under_a_gag_the_person_does_not_learn_of_it(front: Front) -> None:
    front.salon.gags.cases["W-1"] = front.salon.world.clock.now() + timedelta(days=9)
    by = replace(operator(TENANT), purpose="legal_duty", case="W-1")
    reads = replays(front)
    plan = reads.begin(ReplayAsked(subject=front.ada), by)
    (event,) = front.events(LedgerReplayed)
    assert cast(LedgerReplayed, event.decision).subject not in (None, front.ada)
    assert front.seen_by("person") == []
    assert [row.kind for row in front.seen_by("officer")] == ["replayed"]
    assert any(page for page in reads.pages(plan)), "it is about her all the same"


EARLY, LATE = at(1), at(2)


@pytest.mark.parametrize(
    ("asked", "pointer", "refusal"),
    [
        (ReplayAsked(subject=UUID(int=3)), "/subject", UnknownReference),
        (ReplayAsked(types=("bookin.*",)), "/type", UnknownReference),
        (ReplayAsked(types=("book",)), "/type", UnknownReference),
        (ReplayAsked(types=("",)), "/type", UnknownReference),
        (ReplayAsked(types=("*",) * (TYPES_MAX + 1)), "/type", Unacceptable),
        (ReplayAsked(from_=LATE, to=EARLY), "/to", Unacceptable),
        (ReplayAsked(from_=LATE, to=LATE), "/to", Unacceptable),
        (ReplayAsked(from_=LATE, known_at=EARLY), "/known_at", Unacceptable),
        (ReplayAsked(events_max=0), "/limit", Unacceptable),
    ],
)
def test_what_is_asked_wrongly_is_refused_and_not_recorded(
    front: Front, asked: ReplayAsked, pointer: str, refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal) as refused:
        replays(front).begin(asked, operator(TENANT))
    assert [one.pointer for one in refused.value.errors] == [pointer]
    assert front.events(LedgerReplayed) == []


def test_who_may_not_and_who_does_not_say_why_is_refused(front: Front) -> None:
    by, reads = operator(TENANT), replays(front)
    for roles in ("engineer", "staff", "booking", "corporate", "subject"):
        with pytest.raises(NotPermitted):
            reads.begin(ReplayAsked(), replace(by, roles=frozenset({roles})))
    with pytest.raises(PurposeRequired):
        reads.begin(ReplayAsked(), replace(by, purpose="curiosity"))
    with pytest.raises(Malformed):
        reads.begin(ReplayAsked(), replace(by, case="she said so"))
    assert front.events(LedgerReplayed) == []
