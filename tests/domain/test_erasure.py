"""Ordering an erasure, what waits for holds, and how it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from domain import custody
from domain.custody import Custody, CustodyFreed, CustodyPinned, CustodyTaken, Kept
from domain.erasure import (
    Decision,
    Deferred,
    DestroyedKey,
    Erasure,
    ErasureCertified,
    ErasureCompleted,
    ErasureDeferred,
    ErasureEffected,
    ErasureJoined,
    ErasureOrdered,
    ErasureRepeated,
    ErasureResumed,
    ErasureStatus,
    evolve,
)
from domain.erasure_orders import Wanted, join, joinable, order, resume
from domain.sealing import RETENTION_CLASSES, RetentionClass

ID, ADA, HOLD, OTHER, KEY = (UUID(int=n) for n in range(1, 6))
AT = datetime(2027, 3, 15, tzinfo=UTC)
BILLS = Kept("billing", "gdpr_17_3_b_legal_obligation", "AO 147", ("legal_duty",), date(2035, 1, 1))
ALL = Wanted(ID, ADA, "request", None, RETENTION_CLASSES, ())
PINNED = custody.evolve(Custody(), CustodyPinned(ADA, ADA, HOLD, ("billing", "audit")))
REST = tuple(one for one in RETENTION_CLASSES if one not in ("billing", "audit"))


def after(*decisions: Decision) -> Erasure:
    state: Erasure | None = None
    for decision in decisions:
        state = evolve(state, decision)
    assert state is not None
    assert state.version == len(decisions)
    return state


def gone(*classes: RetentionClass) -> tuple[ErasureEffected, ErasureCompleted]:
    keys = tuple(DestroyedKey(one, KEY) for one in classes)
    return ErasureEffected(ADA, classes, keys, 2), ErasureCompleted(ADA, classes, 1, 2, "digest")


def test_everything_is_taken_where_nothing_binds():
    assert order(ALL, Custody(), (), AT) == (
        ErasureOrdered(ID, ADA, "request", None, RETENTION_CLASSES, (), AT),
        (),
    )


def test_what_is_pinned_waits_and_what_is_kept_stays():
    wanted = Wanted(ID, ADA, "request", None, RETENTION_CLASSES, (BILLS,))
    assert order(wanted, PINNED, (), AT) == (
        ErasureOrdered(ID, ADA, "request", None, REST, (BILLS,), AT),
        (ErasureDeferred(ADA, ADA, (Deferred("audit", HOLD),)),),
    )


def test_a_hold_under_a_gag_is_not_told_under_the_person_s_tag():
    both = custody.evolve(PINNED, CustodyPinned(ADA, None, OTHER, ("profile",)))
    ordered, deferred = order(ALL, both, {OTHER}, AT)
    assert deferred == (
        ErasureDeferred(ADA, ADA, (Deferred("billing", HOLD), Deferred("audit", HOLD))),
        ErasureDeferred(ADA, None, (Deferred("profile", OTHER),)),
    )
    assert "profile" not in ordered.classes


def test_what_was_taken_before_is_left_alone():
    before = custody.evolve(Custody(), CustodyTaken(ADA, OTHER, ("profile",), ()))
    ordered, _ = order(ALL, before, (), AT)
    assert ordered.classes == RETENTION_CLASSES[1:]


def test_what_waits_is_taken_when_the_last_hold_is_released():
    ordered, deferred = order(ALL, PINNED, (), AT)
    state = after(ordered, *deferred)
    assert resume(state, PINNED, HOLD, AT) is None
    twice = custody.evolve(PINNED, CustodyPinned(ADA, ADA, OTHER, ("audit",)))
    freed = custody.evolve(twice, CustodyFreed(ADA, ADA, HOLD))
    resumed = ErasureResumed(ADA, HOLD, ("billing",), AT)
    assert resume(state, freed, HOLD, AT) == resumed
    state = evolve(state, resumed)
    assert state.deferred == (Deferred("audit", HOLD),)
    assert "billing" in state.to_destroy


@pytest.mark.parametrize(
    ("decisions", "status"),
    [
        ((), "ordered"),
        (gone("profile")[:1], "online"),
        (gone("profile"), "complete"),
        ((*gone("profile"), ErasureCertified(KEY, ADA, 3, "digest", "digest")), "complete"),
        (
            (ErasureDeferred(ADA, ADA, (Deferred("billing", HOLD),)), *gone("profile")),
            "partial",
        ),
        (
            (
                ErasureDeferred(ADA, ADA, (Deferred("billing", HOLD),)),
                *gone("profile"),
                ErasureResumed(ADA, HOLD, ("billing",), AT),
                *gone("billing"),
            ),
            "complete",
        ),
    ],
)
def test_it_is_said_to_be_where_it_is(decisions: tuple[Decision, ...], status: ErasureStatus):
    assert (
        after(ErasureOrdered(ID, ADA, "request", None, ("profile",), (), AT), *decisions).status
        == status
    )


def test_what_two_wait_for_is_taken_once_and_the_other_says_that_it_is_gone():
    ordered, deferred = order(ALL, PINNED, (), AT)
    again, waits = order(replace(ALL, erasure=OTHER), PINNED, (), AT)
    first, second = after(ordered, *deferred), after(again, *waits)
    taken = custody.evolve(Custody(), CustodyTaken(ADA, ID, ("billing", "audit"), ()))
    assert resume(second, taken, HOLD, AT) is None
    assert joinable(second, taken) == {"billing": ID, "audit": ID}
    assert joinable(first, taken) == {}
    first = evolve(first, ErasureResumed(ADA, HOLD, ("billing", "audit"), AT))
    assert join(second, first) is None, "it is not gone yet"
    for one in gone("billing"):
        first = evolve(first, one)
    joined = join(second, first)
    assert joined == ErasureJoined(ADA, ID, ("billing",))
    second = evolve(second, joined)
    assert [one.retention_class for one in second.deferred] == ["audit"]
    assert (second.joined, second.to_destroy) == (("billing",), REST)


def test_what_came_back_is_to_be_destroyed_again_and_nothing_else():
    ordered = ErasureOrdered(ID, ADA, "request", None, ("profile", "booking"), (), AT)
    came_back = ErasureRepeated(ADA, "keys_came_back", ("booking",))
    state = after(ordered, *gone("profile", "booking"), came_back)
    assert (state.id, state.status, state.to_destroy) == (ID, "ordered", ("booking",))
    assert (state.online, state.complete) == (("profile",), ("profile",))
    effected, completed = gone("booking")
    assert evolve(state, effected).to_seal_off == ("booking",)
    assert evolve(evolve(state, effected), completed).status == "complete"


def test_what_is_all_deferred_or_partly_kept_is_not_called_complete():
    nothing = ErasureOrdered(ID, ADA, "request", None, (), (), AT)
    waiting = ErasureDeferred(ADA, ADA, (Deferred("billing", HOLD),))
    assert after(nothing, waiting).status == "deferred"
    left = ErasureOrdered(ID, ADA, "request", None, (), (BILLS,), AT)
    assert after(left).status == "partial"
    kept = ErasureOrdered(ID, ADA, "request", None, ("profile",), (BILLS,), AT)
    assert after(kept, *gone("profile")).status == "partial"
