"""Breaking the glass: who may, where the tenant allows it; and that someone else reviews it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest

from application.access.access_reviews import ReviewAccess, ReviewsQuery
from application.booking.agenda import AgendaQuery
from application.recorded import Caller
from domain.access import AccessDenied, AccessGranted
from domain.access_review import AccessReviewed, GlassBroken
from domain.errors import InvalidState, NotFound, NotPermitted, PurposeRequired
from tests.usecases.front import Front
from tests.usecases.salon import at

ELSEWHERE = frozenset({UUID(int=77)})


def far(front: Front, *roles: str, **more: object) -> Caller:
    """Someone of another location, who has a reason."""
    plain = replace(front.clerk, roles=frozenset(roles), locations=ELSEWHERE)
    return replace(plain, break_glass="emergency", **more)  # type: ignore[arg-type]


def reasons(front: Front) -> list[str]:
    """Why it was denied, as far as it is on record."""
    return [cast(AccessDenied, one.decision).reason for one in front.events(AccessDenied)]


@pytest.mark.parametrize("role", ["owner", "manager", "staff", "privacy_officer"])
def test_who_opens_data_may_go_beyond_their_locations(front: Front, role: str):
    front.allow_glass(8)
    front.look(far(front, role))
    (granted,), (broken,) = front.events(AccessGranted), front.events(GlassBroken)
    found = cast(GlassBroken, broken.decision)
    assert found.reason == "emergency"
    assert found.beyond == ("role" if role == "privacy_officer" else "location")
    assert found.review_due_at == at(8) + timedelta(hours=8)
    assert broken.cause == granted.event_id
    log = front.salon.world.state.log[granted.tenant]
    assert log.index(broken) == log.index(granted) + 1, "one append"


@pytest.mark.parametrize("role", ["booking", "engineer", "corporate", "auditor"])
def test_who_opens_nothing_breaks_nothing(front: Front, role: str):
    front.allow_glass()
    with pytest.raises(NotPermitted):
        front.look(far(front, role))
    assert reasons(front) == ["break_glass_role"]
    assert front.events(GlassBroken) == front.events(AccessGranted) == []


def test_nobody_does_where_the_tenant_has_not_allowed_it(front: Front):
    with pytest.raises(NotPermitted):
        front.look(far(front, "owner"))
    assert reasons(front) == ["break_glass_forbidden"]


def test_glass_that_need_not_be_broken_is_not(front: Front):
    front.allow_glass()
    front.look(replace(front.clerk, break_glass="emergency"))
    assert len(front.events(AccessGranted)) == 1
    assert front.events(GlassBroken) == []


def test_a_purpose_is_needed_all_the_same(front: Front):
    front.allow_glass()
    with pytest.raises(PurposeRequired):
        front.look(far(front, "owner", purpose=None))
    assert reasons(front) == ["purpose_missing"]
    assert front.events(GlassBroken) == []


def test_names_of_another_location_s_agenda_are_one_review(front: Front, here: UUID):
    front.allow_glass()
    query = AgendaQuery(here, at(0), at(0, day=7))
    page = front.salon.agenda.days(query, far(front, "manager"))
    assert [entry.name is not None for day in page.days for entry in day.entries] == [True]
    assert len(front.events(GlassBroken)) == 1


def broken(front: Front) -> UUID:
    """The event of an access for which the glass was broken."""
    front.allow_glass()
    front.look(far(front, "staff"))
    return front.events(AccessGranted)[-1].event_id


@pytest.mark.parametrize("kind", [AccessGranted, GlassBroken])
def test_a_privacy_officer_reviews_it_by_either_event(front: Front, kind: type[object]):
    broken(front)
    event = front.events(kind)[-1].event_id
    done = front.reviews.review(ReviewAccess(event, "unjustified", "case-1"), front.officer)
    (review,) = front.events(AccessReviewed)
    assert review.event_id == done.event
    (row,) = front.reviews.page(ReviewsQuery(), front.officer).rows
    assert (row.outcome, row.follow_up, row.reviewer) == ("unjustified", "case-1", "key_officer")
    with pytest.raises(InvalidState):
        front.reviews.review(ReviewAccess(event, "justified"), front.officer)


def test_nobody_reviews_what_they_opened_themselves(front: Front):
    front.allow_glass()
    front.look(far(front, "privacy_officer"))
    event = front.events(AccessGranted)[-1].event_id
    with pytest.raises(NotPermitted):
        front.reviews.review(
            ReviewAccess(event, "justified"), replace(front.officer, actor=front.clerk.actor)
        )
    front.reviews.review(ReviewAccess(event, "justified"), front.officer)


def test_only_a_privacy_officer_reviews_and_only_what_there_is(front: Front):
    event = broken(front)
    for role in ("owner", "auditor", "manager"):
        with pytest.raises(NotPermitted):
            front.reviews.review(ReviewAccess(event, "justified"), front.as_role(role))
    front.look()
    plain = front.events(AccessGranted)[-1].event_id
    for unknown in (plain, front.made.event, UUID(int=5)):
        with pytest.raises(NotFound):
            front.reviews.review(ReviewAccess(unknown, "justified"), front.officer)


def test_what_is_due_becomes_late_and_is_done_at_last(front: Front):
    event = broken(front)

    def states() -> dict[str, int]:
        pages = {
            state: front.reviews.page(ReviewsQuery(state), front.officer)
            for state in ("due", "late", "done")
        }
        return {state: len(page.rows) for state, page in pages.items() if page.rows}

    assert states() == {"due": 1}
    front.salon.world.clock.advance(hours=24)
    assert states() == {"late": 1}
    front.reviews.review(ReviewAccess(event, "justified"), front.officer)
    assert states() == {"done": 1}


def test_the_log_says_that_the_glass_was_broken_to_those_who_review(front: Front):
    broken(front)
    assert [row.glass for row in front.seen_by("officer")] == ["emergency"]
