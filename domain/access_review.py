"""Breaking the glass: someone inside opened what was not theirs to open, said why, and answers for it.

1. The glass is broken for a reason of the closed list, and a review is due at a known instant.
2. It is reviewed once, and never by whoever broke it.

*Not here*: whether a tenant allows it (`tenant`); what was opened (`access`).
Source: README D6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, assert_never, get_args
from uuid import UUID

from domain.errors import InvalidState, NotPermitted
from domain.sealing import Plain

GlassReason = Literal[
    "emergency", "safety", "service_outage", "legal_deadline", "other_manager_absent"
]
GLASS_REASONS: Final[tuple[GlassReason, ...]] = get_args(GlassReason)
Beyond = Literal["role", "location"]
Outcome = Literal["justified", "unjustified"]
State = Literal["due", "late", "done"]


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GlassBroken:
    """The access `access` went beyond the role or the locations of whoever looked."""

    TYPE: ClassVar[str] = "access.glass_broken.v1"

    access: UUID
    reason: GlassReason
    beyond: Beyond
    review_due_at: datetime


@dataclass(frozen=True, slots=True)
class AccessReviewed:
    """A privacy officer found it justified or not; `follow_up` is the case in which more is done."""

    TYPE: ClassVar[str] = "access.reviewed.v1"

    access: UUID
    outcome: Outcome
    follow_up: Annotated[str, Plain("an id by pattern, never free text")] | None


Decision: TypeAlias = GlassBroken | AccessReviewed
DECISIONS: Final = (GlassBroken, AccessReviewed)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Review:
    """A review as it stands; `outcome` is None until it is done."""

    access: UUID
    due_at: datetime
    outcome: Outcome | None
    version: int

    def state_at(self, now: datetime) -> State:
        """Whether it is due, late or done at the instant `now`."""
        if self.outcome is not None:
            return "done"
        return "late" if now >= self.due_at else "due"


def evolve(review: Review | None, decision: Decision) -> Review:
    """The review after `decision`."""
    match decision:
        case GlassBroken():
            assert review is None, "the glass of one access is broken once"
            return Review(decision.access, decision.review_due_at, None, 1)
        case AccessReviewed():
            assert review is not None, "a review follows what it is about"
            return replace(review, outcome=decision.outcome, version=review.version + 1)
        case _ as unreachable:
            assert_never(unreachable)


# --- deciding --------------------------------------------------------------------------------------------------------


def break_glass(
    access: UUID, reason: GlassReason, beyond: Beyond, at: datetime, review_hours: int
) -> GlassBroken:
    """Record that the glass is broken at `at`; the review is due `review_hours` later."""
    return GlassBroken(access, reason, beyond, at + timedelta(hours=review_hours))


def review(
    standing: Review, outcome: Outcome, follow_up: str | None, *, own: bool
) -> tuple[AccessReviewed, ...]:
    """Review it; `own` says that the reviewer is whoever broke the glass.

    Refuses: NotPermitted (own), InvalidState (done already).
    """
    if own:
        raise NotPermitted("Nobody reviews what they opened themselves")
    if standing.outcome is not None:
        raise InvalidState("It has been reviewed")
    return (AccessReviewed(standing.access, outcome, follow_up),)
