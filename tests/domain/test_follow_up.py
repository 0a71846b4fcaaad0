"""How a follow-up stands after each of its decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.follow_up import (
    Decision,
    FollowUp,
    FollowUpAcknowledged,
    FollowUpAttempted,
    FollowUpDelivered,
    FollowUpFailed,
    FollowUpOrdered,
    FollowUpOutcome,
    evolve,
)

ID, DISCLOSURE, CRM, ADA = (UUID(int=n) for n in range(1, 5))
LATER = datetime(2027, 3, 15, tzinfo=UTC)
ORDERED = FollowUpOrdered(
    ID, DISCLOSURE, CRM, ADA, "withdrawal", "service", ("name",), None, "https"
)
BEGUN, TOLD = FollowUpAttempted(1), FollowUpDelivered(1, 200)
FAILED, GIVEN_UP = (FollowUpFailed(1, "timeout", None, at) for at in (LATER, None))
DONE = FollowUpAcknowledged("done", None, verified=False)


def after(*decisions: Decision) -> FollowUp:
    state: FollowUp | None = None
    for decision in (ORDERED, *decisions):
        state = evolve(state, decision)
    assert state is not None
    assert state.version == 1 + len(decisions)
    return state


@pytest.mark.parametrize(
    ("decisions", "outcome", "is_over"),
    [
        ((), "due", False),
        ((BEGUN,), "due", False),
        ((BEGUN, TOLD), "delivered", True),
        ((BEGUN, FAILED), "failed", False),
        ((BEGUN, GIVEN_UP), "failed", True),
        ((DONE,), "acknowledged", True),
        ((BEGUN, TOLD, DONE), "acknowledged", True),
        ((BEGUN, DONE, TOLD), "acknowledged", True),
        ((BEGUN, DONE, GIVEN_UP), "acknowledged", True),
    ],
)
def test_a_follow_up_is_over_when_it_was_told_or_answered_or_given_up(
    decisions: tuple[Decision, ...], outcome: FollowUpOutcome, is_over: bool
):
    found = after(*decisions)
    assert (found.outcome, found.is_over) == (outcome, is_over)


def test_an_attempt_runs_until_its_end_is_known():
    assert (after(BEGUN).running, after(BEGUN).attempts) == (1, 1)
    assert (after(BEGUN, FAILED).running, after(BEGUN, FAILED).retry_at) == (None, LATER)


def test_a_follow_up_is_ordered_first():
    with pytest.raises(AssertionError):
        evolve(None, BEGUN)
