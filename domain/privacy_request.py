"""A privacy request: a person asks for what the law gives them, and what becomes of it is on record.

1. Each right that is asked for has its own outcome: fulfilled, fulfilled in part, or denied with statutory codes.
2. Nothing is fulfilled before it is known who asks, except where asking for that is forbidden or pointless.
3. What was compared to know who asks is named, never told; what was handed in for it is destroyed on time.
4. No deadline is an input: what is due follows from these events and from the rules of time.
5. A denial can be appealed once; a record of a request is kept for 24 months after it was closed.
6. What is refused is on record too.

*Not here*: how long it may take (the clocks); how a right is carried out (`custody`, `erasure`, `consent`).
*Source*: GDPR Art. 12, 15 to 22; 11 CCR 7021, 7060 to 7063, 7101; Cal. Civ. Code 1798.83, 1798.105; README D10.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, TypeAlias, get_args
from uuid import UUID

from domain.privacy_request_codes import (
    AppealOutcome,
    Assurance,
    Contact,
    DataPoint,
    DeniedPart,
    ExtensionReason,
    IdentityOutcome,
    PauseReason,
    RefusalCode,
    RequestTerms,
    Right,
    Step,
    VerificationMethod,
)
from domain.sealing import Envelope, Sealed

# --- decisions -------------------------------------------------------------------------------------------------------
# In each, `subject` is the person it is about; None where the business knows nobody by that name. `at` is UTC.


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """Somebody asks for rights. `contact` is where to answer them, where nobody is known by that address."""

    TYPE: ClassVar[str] = "privacy_request.received.v1"

    request: UUID
    subject: UUID | None
    terms: RequestTerms
    contact: Annotated[Contact | Envelope, Sealed("support", "request")] | None


@dataclass(frozen=True, slots=True)
class RequestAcknowledged:
    """They were told that it came in, how they are verified, and by when they may expect an answer."""

    TYPE: ClassVar[str] = "privacy_request.acknowledged.v1"

    subject: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class IdentityAsked:
    """They were asked to show who they are, by no more than `points`."""

    TYPE: ClassVar[str] = "privacy_request.identity_asked.v1"

    subject: UUID | None
    method: VerificationMethod
    points: tuple[DataPoint, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class IdentityVerified:
    """It was looked at who they are. `evidence_until` is by when what they handed in is destroyed."""

    TYPE: ClassVar[str] = "privacy_request.identity_verified.v1"

    subject: UUID | None
    method: VerificationMethod
    compared: tuple[DataPoint, ...]
    outcome: IdentityOutcome
    assurance: Assurance | None
    evidence_until: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class IdentityEvidenceDestroyed:
    """What they handed in to show who they are is gone."""

    TYPE: ClassVar[str] = "privacy_request.identity_evidence_destroyed.v1"

    subject: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestPaused:
    """The answer waits for something that only they can give."""

    TYPE: ClassVar[str] = "privacy_request.paused.v1"

    subject: UUID | None
    reason: PauseReason
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestResumed:
    """They gave it."""

    TYPE: ClassVar[str] = "privacy_request.resumed.v1"

    subject: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestExtended:
    """They were told at `told_at` that it takes longer, and why."""

    TYPE: ClassVar[str] = "privacy_request.extended.v1"

    subject: UUID | None
    reason: ExtensionReason
    told_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestForwarded:
    """It is not ours to answer: `recipient`, for whom the data is processed, has it now."""

    TYPE: ClassVar[str] = "privacy_request.forwarded.v1"

    subject: UUID | None
    recipient: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestFulfilled:
    """What `right` gives was done, but for parts that were denied, and those that are `left`.

    `erasure` carries it out where it erases, and `left` is what it keeps under an exception, or a legal hold of which
    they may know. `evidence` are the events that show it: reports, corrections, choices.
    """

    TYPE: ClassVar[str] = "privacy_request.fulfilled.v1"

    subject: UUID | None
    right: Right
    erasure: UUID | None
    left: tuple[DeniedPart, ...]
    evidence: tuple[UUID, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestDenied:
    """Parts of a right are denied, each for its reason."""

    TYPE: ClassVar[str] = "privacy_request.denied.v1"

    subject: UUID | None
    right: Right
    parts: tuple[DeniedPart, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestWithdrawn:
    """They no longer ask for what is not decided yet."""

    TYPE: ClassVar[str] = "privacy_request.withdrawn.v1"

    subject: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestMarkedDuplicate:
    """The same was asked before, in the request `original`."""

    TYPE: ClassVar[str] = "privacy_request.marked_duplicate.v1"

    subject: UUID | None
    original: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestAppealed:
    """They do not accept the denial."""

    TYPE: ClassVar[str] = "privacy_request.appealed.v1"

    subject: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class AppealDecided:
    """The denial was looked at again: upheld, what was denied is open again."""

    TYPE: ClassVar[str] = "privacy_request.appeal_decided.v1"

    subject: UUID | None
    outcome: AppealOutcome
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestClosed:
    """Nothing more can come of it. From `at` its record is kept for 24 months."""

    TYPE: ClassVar[str] = "privacy_request.closed.v1"

    subject: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestRecipientsTold:
    """Everybody who was given the data has been told of what the closed request led to, the last at `told_at`."""

    TYPE: ClassVar[str] = "privacy_request.recipients_told.v1"

    subject: UUID | None
    told_at: datetime


@dataclass(frozen=True, slots=True)
class RequestRecordExpired:
    """The record has been kept as long as it must be."""

    TYPE: ClassVar[str] = "privacy_request.record_expired.v1"

    at: datetime


@dataclass(frozen=True, slots=True)
class RequestStepRefused:
    """Somebody meant to do `step`, and a rule said no. Nothing has come of it."""

    TYPE: ClassVar[str] = "privacy_request.step_refused.v1"

    step: Step
    code: RefusalCode
    at: datetime


Decision: TypeAlias = (
    RequestReceived
    | RequestAcknowledged
    | IdentityAsked
    | IdentityVerified
    | IdentityEvidenceDestroyed
    | RequestPaused
    | RequestResumed
    | RequestExtended
    | RequestForwarded
    | RequestFulfilled
    | RequestDenied
    | RequestWithdrawn
    | RequestMarkedDuplicate
    | RequestAppealed
    | AppealDecided
    | RequestClosed
    | RequestRecipientsTold
    | RequestRecordExpired
    | RequestStepRefused
)
DECISIONS: Final[tuple[type[Any], ...]] = get_args(Decision)
