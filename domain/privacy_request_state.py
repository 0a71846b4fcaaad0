"""A privacy request as it stands. See `privacy_request`; how it follows from decisions is in `privacy_request_course`.

*Source*: the states are those of DPV's `RequestStatus`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from domain.privacy_request_codes import (
    LIMITING,
    NEVER_VERIFIED,
    UNVERIFIED,
    AppealOutcome,
    Assurance,
    DeniedPart,
    IdentityOutcome,
    RequestTerms,
    Right,
    VerificationMethod,
)

RECORD_YEARS: Final = 2
SAYING: Final = frozenset({"answered", "refused", "withdrawn", "appeal_answered"})
TOLD_OF: Final = frozenset[Right]({"correction", "erasure", "restriction", "account_cancellation"})
APPEAL_WINDOW: Final = timedelta(days=90)

Outcome = Literal["open", "partially_denied", "fulfilled", "partially_fulfilled", "denied"]
End = Literal["withdrawn", "duplicate", "forwarded"]
Status = Literal[
    "received",
    "acknowledged",
    "identity_pending",
    "accepted",
    "paused",
    "extended",
    "in_progress",
    "fulfilled",
    "partially_fulfilled",
    "denied",
    "withdrawn",
    "duplicate",
    "forwarded",
    "appealed",
    "appeal_upheld",
    "appeal_denied",
    "record_expired",
]
MomentKind = Literal[
    "acknowledged",
    "paused",
    "resumed",
    "extended",
    "answered",
    "refused",
    "withdrawn",
    "appealed",
    "appeal_answered",
    "child_confirmed",
    "recipients_told",
]


@dataclass(frozen=True, slots=True)
class Moment:
    """What happened when, as far as time limits depend on it; of one right, where `right` names it."""

    kind: MomentKind
    at: datetime
    right: Right | None = None


@dataclass(frozen=True, slots=True)
class RightAsked:
    """One right, and what became of it."""

    right: Right
    outcome: Outcome = "open"
    denied: tuple[DeniedPart, ...] = ()
    erasure: UUID | None = None
    evidence: tuple[UUID, ...] = ()
    decided_at: datetime | None = None

    @property
    def is_decided(self) -> bool:
        """True when nothing of it is open."""
        return self.outcome in ("fulfilled", "partially_fulfilled", "denied")


@dataclass(frozen=True, slots=True)
class Identity:
    """How far it is known who asks. `agent` says that an agent has shown on whose behalf it acts."""

    asked: bool = False
    method: VerificationMethod | None = None
    outcome: IdentityOutcome | None = None
    assurance: Assurance | None = None
    agent: bool = False
    failed: bool = False
    evidence_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """A request as it stands; an address to answer to, which is sealed, is not part of it."""

    id: UUID
    subject: UUID | None
    terms: RequestTerms
    version: int
    rights: tuple[RightAsked, ...]
    moments: tuple[Moment, ...]
    identity: Identity = Identity()
    paused: bool = False
    extended: bool = False
    ended: End | None = None
    other: UUID | None = None
    appealed: bool = False
    appeal: AppealOutcome | None = None
    closed_at: datetime | None = None
    told_at: datetime | None = None
    expired: bool = False
    refusals: int = 0

    @property
    def is_over(self) -> bool:
        """True when nothing of it is open any more."""
        return self.ended is not None or all(one.is_decided for one in self.rights)

    @property
    def is_denied(self) -> bool:
        """True when anything of it is denied."""
        return any(one.denied for one in self.rights)

    @property
    def is_acknowledged(self) -> bool:
        """True when they were told that it came in."""
        return any(one.kind == "acknowledged" for one in self.moments)

    @property
    def needs_no_identity(self) -> bool:
        """True when nobody may be asked who they are: they only opt out."""
        return all(one.right in NEVER_VERIFIED for one in self.rights)

    @property
    def last_decided_at(self) -> datetime | None:
        """When it was last said what becomes of anything in it."""
        return max((one.at for one in self.moments if one.kind in SAYING), default=None)

    @property
    def is_verified(self) -> bool:
        """True when it is known who asks, and of an agent also for whom."""
        agent_is_fine = self.terms.channel != "agent" or self.identity.agent
        return self.identity.outcome == "verified" and agent_is_fine

    @property
    def knows(self) -> UUID | None:
        """The person it is about, once it is known that they ask; None before, and where there is none."""
        return self.subject if self.is_verified else None

    @property
    def tells(self) -> bool:
        """True when something was done of which those who were given the data are to be told."""
        done = ("fulfilled", "partially_fulfilled")
        return any(one.right in TOLD_OF and one.outcome in done for one in self.rights)

    @property
    def record_until(self) -> datetime | None:
        """Until when its record is kept; None while it is not closed."""
        if self.closed_at is None:
            return None
        return two_years_after(self.closed_at)

    @property
    def status(self) -> Status:
        """Where it stands."""
        if self.expired:
            return "record_expired"
        if self.ended is not None:
            return self.ended
        if self.appealed and self.appeal != "upheld":
            return "appeal_denied" if self.appeal else "appealed"
        if self.is_over:
            return self._outcome()
        return self._course()

    def may_fulfil(self, right: Right) -> bool:
        """True when it is known well enough who asks to give them `right`."""
        child = self.terms.cause == "under_13"
        limits = self.terms.jurisdiction == "us_ca" and right in LIMITING
        return child or limits or right in UNVERIFIED or self.is_verified

    def _outcome(self) -> Status:
        outcomes = {one.outcome for one in self.rights}
        if outcomes == {"fulfilled"}:
            return "fulfilled"
        return "denied" if outcomes == {"denied"} else "partially_fulfilled"

    def _course(self) -> Status:
        if self.paused:
            return "paused"
        if any(one.outcome != "open" for one in self.rights):
            return "in_progress"
        if self.appeal == "upheld":
            return "appeal_upheld"
        if self.extended:
            return "extended"
        if self.is_verified:
            return "accepted"
        if self.identity.asked or self.identity.outcome is not None:
            return "identity_pending"
        return "acknowledged" if self.is_acknowledged else "received"


def two_years_after(at: datetime) -> datetime:
    """The same instant 24 months later; of 29 February, on 1 March.

    >>> from datetime import UTC
    >>> two_years_after(datetime(2028, 2, 29, tzinfo=UTC)).isoformat()
    '2030-03-01T00:00:00+00:00'
    """
    if (at.month, at.day) == (2, 29):
        at += timedelta(days=1)
    return at.replace(year=at.year + RECORD_YEARS)
