"""Breaking the glass, and the review that follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain import access_review
from domain.access_review import AccessReviewed, GlassBroken, Review, break_glass, evolve
from domain.errors import InvalidState, NotPermitted
from tests.scenario import Scenario

ID = UUID(int=1)
AT = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
DUE = AT + timedelta(hours=24)
BROKEN = GlassBroken(ID, "emergency", "location", DUE)


def test_broken_glass_is_due_for_review_some_hours_later():
    assert break_glass(ID, "emergency", "location", AT, 24) == BROKEN
    standing = evolve(None, BROKEN)
    assert standing == Review(ID, DUE, None, 1)
    assert standing.state_at(DUE - timedelta(microseconds=1)) == "due"
    assert standing.state_at(DUE) == "late"


def test_a_review_ends_it_late_or_not():
    found = AccessReviewed(ID, "unjustified", "case-1")
    done = (
        Scenario(evolve)
        .given(BROKEN)
        .when(lambda it: access_review.review(it, "unjustified", "case-1", own=False))
        .then(found)
    )
    assert done is not None
    assert done.state_at(DUE + timedelta(days=9)) == "done"


def test_nobody_reviews_what_they_opened_themselves():
    Scenario(evolve).given(BROKEN).when(
        lambda it: access_review.review(it, "justified", None, own=True)
    ).then_refused(NotPermitted)


def test_it_is_reviewed_once():
    Scenario(evolve).given(BROKEN, AccessReviewed(ID, "justified", None)).when(
        lambda it: access_review.review(it, "unjustified", None, own=False)
    ).then_refused(InvalidState)
