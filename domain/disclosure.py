"""A disclosure: personal data was handed to a named outsider, and everything that bears on it was true at that instant.

1. It is recorded before anything leaves; an outcome that nobody knows counts as shared.
2. Every attempt and every outcome is an event; all attempts carry one id.
3. What was refused is recorded with its reason, and nothing was sent.
4. Under a gag it speaks of the person by a tag of its own until the gag's date; then an event opens it.

*Not here*: what must be true before (`disclosure_rules`); who is given it (`recipient`).
*Source*: GDPR Art. 15(1)(c), 19, 30(1)(d); Cal. Civ. Code 1798.83; 45 CFR 164.528(b)(2); README D6, D7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, assert_never
from uuid import UUID

from domain.recipient_terms import TransferMechanism
from domain.sealing import Plain, WithheldUnderGag

SUBJECTS_MAX: Final = 5_000
ATTEMPTS_MAX: Final = 8

LawfulBasis = Literal[
    "consent",
    "contract",
    "legal_obligation",
    "vital_interests",
    "public_task",
    "legitimate_interests",
]
# fmt: off
LegalTrigger = Literal[
    "compelled", "legal_requirement", "emergency", "report", "enforcement", "other_law", "direction"
]
# fmt: on
ConsentSeen = Literal["given", "refused", "withdrawn", "expired", "none"]
Reason = Literal[
    "no_consent",
    "contract_expired",
    "purpose_not_permitted",
    "restricted", "opted_out",
    "no_transfer_mechanism",
    "outside_tree",
    "unknown_purpose",
    "unknown_field",
    "no_ground", "case_missing",
    "process_not_reviewed", "beyond_process",
    "forged_ticket",
    "erased",
    "address_refused",
]  # fmt: skip
FailureReason = Literal[
    "timeout", "unreachable", "status", "address_refused", "tls", "redirect", "lost", "stopped"
]
About = Literal["disclosure", "correction", "withdrawal", "erasure"]
Outcome = Literal["queued", "delivered", "unknown", "failed", "refused"]
FieldCode = Annotated[str, Plain("a code of the registry of personal fields")]


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SubjectShared:
    """One person among those whose data was handed over; `salt` (hexadecimal) blinds it in the root of many.

    Under a gag `subject` is a tag drawn for this disclosure. `consent_at_send` is what their consent to the purpose
    said at that instant; `consent` is its id, where there is one.
    """

    subject: UUID
    salt: Annotated[str, Plain("random bytes in hexadecimal")]
    consent: UUID | None
    consent_at_send: ConsentSeen


@dataclass(frozen=True, slots=True)
class Ground:
    """On what it rests: a lawful basis (GDPR Art. 6), or what compelled or triggered it, with its papers."""

    lawful_basis: LawfulBasis | None = None
    legal_trigger: LegalTrigger | None = None
    consent: UUID | None = None
    legal_process: UUID | None = None
    franchise_request: UUID | None = None
    citation: Annotated[str, Plain("the statute, by its usual reference")] | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Of what: the fields; for visits those that start in [`from_`, `to`) at `locations` (none: everywhere)."""

    fields: tuple[FieldCode, ...]
    from_: datetime | None = None
    to: datetime | None = None
    locations: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class DisclosureRecorded:
    """Data of `count` persons is about to be handed to a recipient. Its purpose and case stand in the header.

    `recipient_version` is the version of the recipient's terms it was checked against. `our_role` is ours towards the
    persons. `channel` is how it leaves.
    """

    TYPE: ClassVar[str] = "disclosure.recorded.v1"

    disclosure: UUID
    recipient: UUID
    recipient_version: int
    purpose: Annotated[str, Plain("a code of the closed list of purposes")]
    ground: Ground
    scope: Scope
    our_role: Literal["controller", "processor"]
    transfer: TransferMechanism | None
    channel: Literal["response", "https"]
    withheld_until: datetime | None
    count: int
    subjects: tuple[SubjectShared, ...]


@dataclass(frozen=True, slots=True)
class DisclosureAttempted:
    """The next attempt to hand it over begins; every check held again."""

    TYPE: ClassVar[str] = "disclosure.attempted.v1"

    attempt: int


@dataclass(frozen=True, slots=True)
class DisclosureDelivered:
    """The recipient has it. `status` is the HTTP status it answered; None for what went out in a response."""

    TYPE: ClassVar[str] = "disclosure.delivered.v1"

    attempt: int
    status: int | None


@dataclass(frozen=True, slots=True)
class DisclosureFailed:
    """An attempt did not end well. `shared` says whether the recipient may have it all the same.

    `retry_at` is when the next attempt is due; None when there is none.
    """

    TYPE: ClassVar[str] = "disclosure.failed.v1"

    attempt: int
    reason: FailureReason
    status: int | None
    shared: Literal["no", "unknown"]
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class DisclosureRefused:
    """A rule said no, and nothing was sent. `recipient` is None where it was not known.

    With `attempt` it is about a disclosure that was recorded, and stopped before that attempt.
    """

    TYPE: ClassVar[str] = "disclosure.refused.v1"

    disclosure: UUID
    recipient: UUID | None
    purpose: Annotated[str, Plain("a code of the closed list of purposes")] | None
    fields: tuple[FieldCode, ...]
    reason: Reason
    attempt: int | None
    count: int
    subjects: tuple[SubjectShared, ...]


@dataclass(frozen=True, slots=True)
class DisclosureAcknowledged:
    """The recipient answered, for what `about` says. `signature` is its own, where it can sign."""

    TYPE: ClassVar[str] = "disclosure.acknowledged.v1"

    about: About
    outcome: Literal["received", "done", "rejected", "impossible"]
    signature: Annotated[str, Plain("the recipient's signature, base64")] | None
    verified: bool


@dataclass(frozen=True, slots=True)
class DisclosureSharedOnward:
    """The recipient says that it handed it on, and to whom."""

    TYPE: ClassVar[str] = "disclosure.shared_onward.v1"

    legal_name: Annotated[str, Plain("the name of an organisation")]
    country: Annotated[str, Plain("an ISO 3166-1 code")]
    purpose: Annotated[str, Plain("a code of the closed list of purposes")]


@dataclass(frozen=True, slots=True)
class TagOf:
    """A tag, and the person it stands for. The field is not called subject: nothing leads to them from here."""

    tag: UUID
    stands_for: Annotated[UUID, WithheldUnderGag()]


@dataclass(frozen=True, slots=True)
class DisclosureWithheld:
    """The tags of a disclosure under a gag, for those who may know; `process` is what it was asked for under."""

    TYPE: ClassVar[str] = "disclosure.withheld.v1"

    disclosure: UUID
    until: datetime
    tags: tuple[TagOf, ...]
    process: UUID | None = None


@dataclass(frozen=True, slots=True)
class DisclosureOpened:
    """The gag is over: what was recorded under `tag` is about `subject`."""

    TYPE: ClassVar[str] = "disclosure.opened.v1"

    disclosure: UUID
    subject: UUID
    tag: UUID


Decision: TypeAlias = (
    DisclosureRecorded
    | DisclosureAttempted
    | DisclosureDelivered
    | DisclosureFailed
    | DisclosureRefused
    | DisclosureAcknowledged
    | DisclosureSharedOnward
    | DisclosureWithheld
)
DECISIONS: Final = (
    DisclosureRecorded,
    DisclosureAttempted,
    DisclosureDelivered,
    DisclosureFailed,
    DisclosureRefused,
    DisclosureAcknowledged,
    DisclosureSharedOnward,
    DisclosureWithheld,
    DisclosureOpened,
)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Disclosure:
    """How it stands. `running` is the attempt that has begun and not ended; `stands_for` maps tags to persons."""

    recorded: DisclosureRecorded
    version: int
    outcome: Outcome = "queued"
    attempts: int = 0
    running: int | None = None
    retry_at: datetime | None = None
    stands_for: tuple[TagOf, ...] = ()

    @property
    def is_over(self) -> bool:
        """True when nothing more is tried."""
        return self.outcome != "queued" and self.running is None and self.retry_at is None


def evolve(state: Disclosure | None, decision: Decision) -> Disclosure:
    """The disclosure after `decision`. A refusal of something never recorded has a stream of its own and no state."""
    if isinstance(decision, DisclosureRecorded):
        return Disclosure(decision, version=1)
    assert state is not None, "a disclosure is recorded first"
    following = replace(state, version=state.version + 1)
    match decision:
        case DisclosureAttempted():
            return replace(following, attempts=decision.attempt, running=decision.attempt)
        case DisclosureDelivered():
            return replace(following, outcome="delivered", running=None, retry_at=None)
        case DisclosureFailed():
            doubt = decision.shared == "unknown" or state.outcome == "unknown"
            outcome: Outcome = "unknown" if doubt else "failed"
            return replace(following, outcome=outcome, running=None, retry_at=decision.retry_at)
        case DisclosureRefused():
            stopped: Outcome = "unknown" if state.outcome == "unknown" else "refused"
            return replace(following, outcome=stopped, running=None, retry_at=None)
        case DisclosureWithheld():
            return replace(following, stands_for=decision.tags)
        case DisclosureAcknowledged() | DisclosureSharedOnward():
            return following
        case _ as unreachable:
            assert_never(unreachable)
