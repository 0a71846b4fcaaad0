"""How a disclosure stands after each of its decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.disclosure import (
    Decision,
    Disclosure,
    DisclosureAcknowledged,
    DisclosureAttempted,
    DisclosureDelivered,
    DisclosureFailed,
    DisclosureRecorded,
    DisclosureRefused,
    DisclosureSharedOnward,
    DisclosureWithheld,
    Ground,
    Outcome,
    Scope,
    SubjectShared,
    TagOf,
    evolve,
)

ID, CRM, ADA, TAG = (UUID(int=n) for n in range(1, 5))
LATER = datetime(2027, 3, 15, tzinfo=UTC)
RECORDED = DisclosureRecorded(
    disclosure=ID,
    recipient=CRM,
    recipient_version=1,
    purpose="service",
    ground=Ground(lawful_basis="contract"),
    scope=Scope(("name",)),
    our_role="controller",
    transfer=None,
    channel="https",
    withheld_until=None,
    count=1,
    subjects=(SubjectShared(ADA, "00" * 16, None, "none"),),
)
STOPPED = DisclosureRefused(ID, CRM, "service", ("name",), "no_consent", 2, 1, RECORDED.subjects)


def failed(shared: str, retry_at: datetime | None = LATER) -> DisclosureFailed:
    return DisclosureFailed(1, "status", 500, shared, retry_at)  # type: ignore[arg-type]


def after(*decisions: Decision) -> Disclosure:
    state: Disclosure | None = None
    for decision in (RECORDED, *decisions):
        state = evolve(state, decision)
    assert state is not None
    assert state.version == 1 + len(decisions)
    return state


@pytest.mark.parametrize(
    ("decisions", "outcome"),
    [
        ((), "queued"),
        ((DisclosureAttempted(1),), "queued"),
        ((DisclosureAttempted(1), DisclosureDelivered(1, 200)), "delivered"),
        ((DisclosureAttempted(1), failed("no")), "failed"),
        ((DisclosureAttempted(1), failed("unknown")), "unknown"),
        (
            (DisclosureAttempted(1), failed("unknown"), DisclosureAttempted(2), failed("no")),
            "unknown",
        ),
        ((DisclosureAttempted(1), failed("no"), STOPPED), "refused"),
        ((DisclosureAttempted(1), failed("unknown"), STOPPED), "unknown"),
        (
            (
                DisclosureAttempted(1),
                failed("unknown"),
                DisclosureAttempted(2),
                DisclosureDelivered(2, 200),
            ),
            "delivered",
        ),
    ],
)
def test_an_outcome_that_nobody_knows_counts_as_shared(
    decisions: tuple[Decision, ...], outcome: Outcome
):
    assert after(*decisions).outcome == outcome


def test_an_attempt_runs_until_its_end_is_known():
    begun = after(DisclosureAttempted(1))
    assert (begun.attempts, begun.running) == (1, 1)
    ended = after(DisclosureAttempted(1), failed("no"))
    assert (ended.running, ended.retry_at) == (None, LATER)
    assert after(DisclosureAttempted(1), failed("no"), STOPPED).retry_at is None
    assert not after().is_over
    assert not begun.is_over
    assert not ended.is_over
    assert after(DisclosureAttempted(1), failed("no", None)).is_over


def test_what_a_tag_stands_for_is_remembered():
    withheld = DisclosureWithheld(ID, LATER, (TagOf(TAG, ADA),))
    assert after(withheld).stands_for == (TagOf(TAG, ADA),)


def test_what_the_recipient_says_changes_no_outcome():
    said = DisclosureAcknowledged("withdrawal", "done", None, verified=False)
    onward = DisclosureSharedOnward("Other Ltd", "IE", "service")
    found = after(DisclosureAttempted(1), DisclosureDelivered(1, 200), said, onward)
    assert found == replace(after(DisclosureAttempted(1), DisclosureDelivered(1, 200)), version=5)


def test_a_disclosure_is_recorded_first():
    with pytest.raises(AssertionError):
        evolve(None, DisclosureAttempted(1))
