"""A follow-up: a recipient that has a person's data is told that a consent was withdrawn, it was corrected, or erased.

1. It is about one person and one disclosure, and is ordered once for each change.
2. It names what changed by codes and ids; the data itself is handed over by a disclosure alone.
3. Attempts, outcomes and the recipient's answer are events, as those of a disclosure are.

*Not here*: which recipients are to be told (`application/disclosing/follow_ups.py`).
*Source*: GDPR Art. 7(3), 19; 11 CCR 7022(b); rows 93 and 6 of the policy's matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, assert_never
from uuid import UUID

from domain.disclosure import FailureReason, FieldCode
from domain.sealing import Plain

FollowUpAbout = Literal["correction", "withdrawal", "erasure"]
FollowUpOutcome = Literal["due", "delivered", "failed", "acknowledged"]
FollowUpReply = Literal["received", "done", "rejected", "impossible"]


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FollowUpOrdered:
    """The recipient has to be told. `fields` are those it has; `consent` is the one that was withdrawn."""

    TYPE: ClassVar[str] = "follow_up.ordered.v1"

    follow_up: UUID
    disclosure: UUID
    recipient: UUID
    subject: UUID
    about: FollowUpAbout
    purpose: Annotated[str, Plain("a code of the closed list of purposes")]
    fields: tuple[FieldCode, ...]
    consent: UUID | None
    channel: Literal["response", "https"]


@dataclass(frozen=True, slots=True)
class FollowUpAttempted:
    """The next attempt to tell it begins."""

    TYPE: ClassVar[str] = "follow_up.attempted.v1"

    attempt: int


@dataclass(frozen=True, slots=True)
class FollowUpDelivered:
    """It was told. `status` is the HTTP status it answered."""

    TYPE: ClassVar[str] = "follow_up.delivered.v1"

    attempt: int
    status: int | None


@dataclass(frozen=True, slots=True)
class FollowUpFailed:
    """An attempt did not end well. `retry_at` is when the next one is due; None when there is none."""

    TYPE: ClassVar[str] = "follow_up.failed.v1"

    attempt: int
    reason: FailureReason
    status: int | None
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class FollowUpAcknowledged:
    """The recipient answered. `signature` is its own, where it can sign."""

    TYPE: ClassVar[str] = "follow_up.acknowledged.v1"

    outcome: FollowUpReply
    signature: Annotated[str, Plain("the recipient's signature, base64")] | None
    verified: bool


Decision: TypeAlias = (
    FollowUpOrdered | FollowUpAttempted | FollowUpDelivered | FollowUpFailed | FollowUpAcknowledged
)
DECISIONS: Final = (
    FollowUpOrdered,
    FollowUpAttempted,
    FollowUpDelivered,
    FollowUpFailed,
    FollowUpAcknowledged,
)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FollowUp:
    """How it stands. `running` is the attempt that has begun and not ended."""

    ordered: FollowUpOrdered
    version: int
    outcome: FollowUpOutcome = "due"
    attempts: int = 0
    running: int | None = None
    retry_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """True when nothing more is tried: it was told, it answered, or it was tried often enough."""
        tried = self.outcome == "failed" and self.retry_at is None
        return self.running is None and (tried or self.outcome in ("delivered", "acknowledged"))


def evolve(state: FollowUp | None, decision: Decision) -> FollowUp:
    """The follow-up after `decision`."""
    if isinstance(decision, FollowUpOrdered):
        return FollowUp(decision, version=1)
    assert state is not None, "a follow-up is ordered first"
    following = replace(state, version=state.version + 1)
    answered = state.outcome == "acknowledged"
    match decision:
        case FollowUpAttempted():
            return replace(following, attempts=decision.attempt, running=decision.attempt)
        case FollowUpDelivered():
            outcome: FollowUpOutcome = "acknowledged" if answered else "delivered"
            return replace(following, outcome=outcome, running=None, retry_at=None)
        case FollowUpFailed():
            outcome = "acknowledged" if answered else "failed"
            return replace(following, outcome=outcome, running=None, retry_at=decision.retry_at)
        case FollowUpAcknowledged():
            return replace(following, outcome="acknowledged", retry_at=None)
        case _ as unreachable:
            assert_never(unreachable)
