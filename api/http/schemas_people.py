"""Bodies and answers about people: what they said, what is held about them, and how it is corrected."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from api.http.fields import AtLeast, Instant
from api.http.schemas_common import Input, Output, absent
from api.http.schemas_erasures import KeptClass
from api.http.schemas_policies import Named
from domain import consent_rules, subject
from domain.consent import Channel, Method, RejectionReason, Saying, Standing
from domain.subject import ProfileField

ChoiceCode = Annotated[
    str,
    Field(
        pattern="^[A-Za-z0-9_.:-]{1,80}$",
        examples=["marketing_first_party"],
        description=(
            "A purpose; or `analytics:<vendor>`, `cookies:<category>`, `electronic_notice`,"
            " `cross_border_transfer`, `sale_share`."
        ),
    ),
]
EvidenceKey = Annotated[str, Field(pattern="^[A-Za-z0-9_.-]{1,40}$")]


# --- consents --------------------------------------------------------------------------------------------------------


class NewConsent(Input):
    """What a person says to a purpose or a choice. `policy_version` is the text shown; needed for `given`."""

    purpose: ChoiceCode
    decision: Saying
    policy_version: Named | None = None
    method: Method
    channel: Channel = "api"
    evidence: Annotated[
        dict[EvidenceKey, Any] | None,
        Field(
            max_length=consent_rules.EVIDENCE_KEYS_MAX,
            description="What shows it, as text or any JSON; sealed.",
            examples=[{"form": "newsletter-2"}],
        ),
    ] = None
    given_at: Annotated[
        Instant | None,
        Field(
            description="When the person said so; now where left out. Over a day ago: backdated."
        ),
    ] = None
    expires_at: Instant | None = None


class MadeConsent(Output):
    """The record, and the receipt for the person (ISO/IEC TS 27560, DPV 2.3 JSON-LD, signed by the log's key)."""

    id: str
    receipt: dict[str, Any]


class ConsentsAsked(Input):
    """As of which event time (`as_of`), and as far as the ledger knew by `known_at`; now where left out."""

    as_of: Instant | None = None
    known_at: Instant | None = None
    at_least: Annotated[
        AtLeast | None,
        Field(description="Wait (at most 5 seconds) until it includes this event or position."),
    ] = None


class ConsentRecord(Output):
    """One record of what a person said. `at` is when they did, `recorded_at` when the ledger knew."""

    id: str
    event_id: str
    decision: Standing
    at: str
    recorded_at: str
    position: int
    method: Method | None
    channel: Channel | None
    policy_version: str | None
    notice_sha256: str | None
    expires_at: str | None
    replaces: str | None
    actor: str


class Consent(Output):
    """One record of what a person said; `evidence` is there under a purpose."""

    id: str
    event_id: str
    purpose: str
    decision: Saying
    at: str
    method: Method
    channel: Channel
    policy_version: str | None
    notice_sha256: str | None
    expires_at: str | None
    replaces: str | None
    has_evidence: bool
    actor: str
    evidence: dict[str, str] | None = None


class ConsentState(Output):
    """What stood for a purpose, since when, and all that was said, oldest first."""

    purpose: str
    decision: Standing
    valid: bool
    since: str
    id: str
    event_id: str
    history: list[ConsentRecord]


class RejectedConsent(Output):
    """What came in and was not accepted."""

    id: str
    event_id: str
    purpose: str | None
    reason: RejectionReason
    recorded_at: str
    method: Method
    channel: Channel


class Consents(Output):
    """All that a person had said, by purpose."""

    subject_id: str
    as_of: str
    known_at: str | None
    data: list[ConsentState]
    rejected: list[RejectedConsent]


# --- people ----------------------------------------------------------------------------------------------------------


class Search(Input):
    """Whom to look for: by an e-mail address, or by a phone number; one of the two."""

    email: Annotated[
        str | None, Field(min_length=3, max_length=254, examples=["ada@example.test"])
    ] = None
    phone: Annotated[str | None, Field(min_length=5, max_length=40)] = None


class FoundSubject(Output):
    """Somebody who was found."""

    subject_id: str


class FoundSubjects(Output):
    """Who was found."""

    data: list[FoundSubject]


class Given(Output):
    """Whether a value was given freely or had to be given, and what follows without it (GDPR Art. 13(2)(e))."""

    field: str
    voluntary: bool
    without_it: str


class Held(Output):
    """What is held of one kind, from one source: which data it may be, under which retention class, since when."""

    source: str
    event_type: str
    retention_class: str
    categories: list[str]
    fields: list[str]
    given: list[Given]
    count: int
    first_at: str
    last_at: str


class HeldValues(Output):
    """The values of the profile, opened on the record."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    address: str | None = None


class Subject(Output):
    """What is held about a person. `erased_at` is there once they are erased, and `values` then never.

    `kept` is what an erasure left, under which exception.
    """

    id: str
    as_of: str
    registered_at: str
    corrected_at: str | None
    erased_at: str | None
    held: list[Held]
    kept: list[KeptClass]
    values: HeldValues | None = None


class SubjectCorrection(Input):
    """The fields given stand from now on, the others stay; null takes a phone number or an address away."""

    name: Annotated[
        str, Field(min_length=1, max_length=subject.NAME_LENGTH_MAX, examples=["Ada Example"])
    ] = absent()
    email: Annotated[
        str, Field(min_length=3, max_length=subject.EMAIL_LENGTH_MAX, examples=["ada@example.test"])
    ] = absent()
    phone: Annotated[str, Field(min_length=1, max_length=subject.PHONE_LENGTH_MAX)] | None = (
        absent()
    )
    address: Annotated[str, Field(min_length=1, max_length=subject.ADDRESS_LENGTH_MAX)] | None = (
        absent()
    )


class Corrected(Output):
    """Which fields were corrected."""

    id: str
    event_id: str
    fields: list[ProfileField]
