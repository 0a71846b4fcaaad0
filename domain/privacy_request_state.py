"""A privacy request as it stands, and how it follows from what was decided on it. See `privacy_request`.

*Source*: the states are those of DPV's `RequestStatus`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, assert_never
from uuid import UUID

from domain.privacy_request import (
    AppealDecided,
    Decision,
    IdentityAsked,
    IdentityEvidenceDestroyed,
    IdentityVerified,
    RequestAcknowledged,
    RequestAppealed,
    RequestClosed,
    RequestDenied,
    RequestExtended,
    RequestForwarded,
    RequestFulfilled,
    RequestMarkedDuplicate,
    RequestPaused,
    RequestReceived,
    RequestRecordExpired,
    RequestResumed,
    RequestStepRefused,
    RequestWithdrawn,
)
from domain.privacy_request_codes import (
    NEVER_VERIFIED,
    UNVERIFIED,
    AppealOutcome,
    Assurance,
    DeniedPart,
    IdentityOutcome,
    Right,
    VerificationMethod,
)

RECORD_YEARS: Final = 2
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

    received: RequestReceived
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
    expired: bool = False
    refusals: int = 0

    @property
    def id(self) -> UUID:
        """Its id."""
        return self.received.request

    @property
    def is_over(self) -> bool:
        """True when nothing of it is open any more."""
        return self.ended is not None or all(one.is_decided for one in self.rights)

    @property
    def is_denied(self) -> bool:
        """True when anything of it is denied."""
        return any(one.denied for one in self.rights)

    @property
    def needs_no_identity(self) -> bool:
        """True when nobody may be asked who they are: they only opt out."""
        return all(one.right in NEVER_VERIFIED for one in self.rights)

    @property
    def is_verified(self) -> bool:
        """True when it is known who asks, and of an agent also for whom."""
        agent_is_fine = self.received.channel != "agent" or self.identity.agent
        return self.identity.outcome == "verified" and agent_is_fine

    @property
    def knows(self) -> UUID | None:
        """The person it is about, once it is known that they ask; None before, and where there is none."""
        return self.received.subject if self.is_verified else None

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
        child = self.received.cause == "under_13"
        return child or right in UNVERIFIED or self.is_verified

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
        return "acknowledged" if self.moments[-1:] and self._is_acknowledged() else "received"

    def _is_acknowledged(self) -> bool:
        return any(one.kind == "acknowledged" for one in self.moments)


def two_years_after(at: datetime) -> datetime:
    """The same instant 24 months later; of 29 February, on 1 March.

    >>> from datetime import UTC
    >>> two_years_after(datetime(2028, 2, 29, tzinfo=UTC)).isoformat()
    '2030-03-01T00:00:00+00:00'
    """
    if (at.month, at.day) == (2, 29):
        at += timedelta(days=1)
    return at.replace(year=at.year + RECORD_YEARS)


# --- evolve ----------------------------------------------------------------------------------------------------------


def evolve(state: PrivacyRequest | None, decision: Decision) -> PrivacyRequest:
    """The request after one more decision; None before the first."""
    if isinstance(decision, RequestReceived):
        confirmed = Moment("child_confirmed", decision.received_at)
        moments = (confirmed,) if decision.cause == "under_13" else ()
        rights = tuple(RightAsked(one) for one in decision.rights)
        return PrivacyRequest(decision, 1, rights, moments)
    assert state is not None, "a request is received first"
    state = replace(state, version=state.version + 1)
    match decision:
        case RequestFulfilled() | RequestDenied() | RequestAppealed() | AppealDecided():
            return _after_answer(state, decision)
        case IdentityAsked() | IdentityVerified() | IdentityEvidenceDestroyed():
            return replace(state, identity=_after_look(state.identity, decision))
        case RequestAcknowledged():
            return _marked(state, Moment("acknowledged", decision.at))
        case RequestPaused():
            return _marked(replace(state, paused=True), Moment("paused", decision.at))
        case RequestResumed():
            return _marked(replace(state, paused=False), Moment("resumed", decision.at))
        case RequestExtended():
            return _marked(replace(state, extended=True), Moment("extended", decision.told_at))
        case RequestForwarded():
            state = replace(state, ended="forwarded", other=decision.recipient)
            return _marked(state, Moment("answered", decision.at))
        case RequestWithdrawn():
            return _marked(replace(state, ended="withdrawn"), Moment("withdrawn", decision.at))
        case RequestMarkedDuplicate():
            state = replace(state, ended="duplicate", other=decision.original)
            return _marked(state, Moment("answered", decision.at))
        case RequestClosed():
            return replace(state, closed_at=decision.at)
        case RequestRecordExpired():
            return replace(state, expired=True)
        case RequestStepRefused():
            return replace(state, refusals=state.refusals + 1)
        case _ as unreachable:
            assert_never(unreachable)


Answer = RequestFulfilled | RequestDenied | RequestAppealed | AppealDecided
