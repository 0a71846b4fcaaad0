"""Bodies and answers of recipients and disclosures. What a value may be is for the domain to say."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.http.fields import (
    ConsentRef,
    End,
    FranchiseRequestRef,
    Instant,
    LocationRef,
    ProcessRef,
    RecipientRef,
    SubjectRef,
)
from api.http.schemas_business import Country
from api.http.schemas_common import Input, Output, absent
from application.disclosing.replies import Reply
from domain import delivery_terms, disclosure, recipient_terms
from domain.disclosure import About, FailureReason, LawfulBasis, LegalTrigger, Outcome
from domain.recipient_terms import TransferMechanism


def read_date(value: object) -> date:
    """A local date, like 2027-03-14."""
    if not isinstance(value, str) or len(value) != 10:
        raise PydanticCustomError("wrong_type", "Write a date like 2027-03-14.")
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("wrong_type", "There is no such date.") from None
    if not 1970 <= found.year <= 2200:
        raise PydanticCustomError("out_of_range", "Dates lie in the years 1970 to 2200.")
    return found


LocalDate: TypeAlias = Annotated[
    date,
    BeforeValidator(read_date),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2027-03-14"]}),
]
LegalName = Annotated[
    str,
    Field(
        min_length=1, max_length=recipient_terms.NAME_CHARACTERS_MAX, examples=["Example CRM Ltd"]
    ),
]
OrganisationAddress = Annotated[
    str,
    Field(
        min_length=1, max_length=recipient_terms.ADDRESS_CHARACTERS_MAX, examples=["1 High Street"]
    ),
]
Words = Annotated[str, Field(min_length=1, max_length=recipient_terms.NAME_CHARACTERS_MAX)]
Reference = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$", examples=["C-2027-01"])
]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
PurposeCode = Annotated[Code, Field(examples=["service"])]
Purposes = Annotated[list[PurposeCode], Field(min_length=1, max_length=50)]
Case = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", examples=["T-1"])]
Citation = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9 ().,:;/§-]{1,200}$", examples=["18 U.S.C. 2703(d)"])
]
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=delivery_terms.URL_CHARACTERS_MAX,
        examples=["https://crm.example.org/inbox"],
    ),
]
Vendor = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$",
        description="Of an analytics vendor: who said no to the choice `analytics:<vendor>` is never spoken of to it.",
        examples=["google"],
    ),
]
Base64 = Annotated[str, Field(min_length=1, max_length=200)]


# --- recipients ------------------------------------------------------------------------------------------------------


class NewDelivery(Input):
    """How it gets what it is given."""

    kind: Literal["response", "https"] = "response"
    url: Url | None = None
    secret: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            description="`whsec_` and base64 (Standard Webhooks); made, and shown once, where it is left out.",
        ),
    ] = None
    public_key: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=64,
            description="The recipient's Ed25519 key in base64, if it signs.",
        ),
    ] = None


class NewRecipient(Input):
    """A recipient to register."""

    legal_name: LegalName
    address: OrganisationAddress
    country: Country
    kind: recipient_terms.Kind
    role: recipient_terms.Role
    permitted_purposes: Purposes
    contract_ref: Reference
    contract_from: LocalDate
    contract_to: LocalDate | None = None
    transfer_mechanism: TransferMechanism | None = None
    transfer_mechanism_to: LocalDate | None = None
    business_nature: Words | None = None
    own_use: bool = False
    vendor: Vendor | None = None
    location_ids: Annotated[
        list[LocationRef],
        Field(
            max_length=recipient_terms.BRANCHES_MAX,
            default_factory=list,
            description="A franchise's locations, from the first day of its contract on.",
        ),
    ]
    delivery: NewDelivery = NewDelivery()


class RecipientChange(Input):
    """The fields of a recipient to revise; null takes an optional one away."""

    legal_name: LegalName = absent()
    address: OrganisationAddress = absent()
    country: Country = absent()
    kind: recipient_terms.Kind = absent()
    role: recipient_terms.Role = absent()
    permitted_purposes: Purposes = absent()
    contract_ref: Reference = absent()
    contract_from: LocalDate = absent()
    contract_to: LocalDate | None = absent()
    transfer_mechanism: TransferMechanism | None = absent()
    transfer_mechanism_to: LocalDate | None = absent()
    business_nature: Words | None = absent()
    own_use: bool = absent()
    vendor: Vendor | None = absent()
    delivery: NewDelivery = absent()


class ContractEnd(Input):
    """The last day of a contract; today (UTC) where it is left out."""

    on: LocalDate | None = None


class NewBranch(Input):
    """A location that belongs to a franchise's tree from `from` (now, where it is left out) until `to`."""

    location_id: LocationRef
    from_: Annotated[Instant | None, Field(alias="from")] = None
    to: End | None = None


class BranchEnd(Input):
    """When a location leaves the tree; now, where it is left out."""

    to: End | None = None


class DeliveryShown(Output):
    """How it gets what it is given; the secret is never shown again."""

    kind: Literal["response", "https"]
    url: str | None
    has_secret: bool
    public_key: str | None


class BranchShown(Output):
    """A location of its tree, with its interval."""

    location_id: str
    from_: Annotated[str, Field(alias="from")]
    to: str | None


class Recipient(Output):
    """A recipient."""

    id: str
    legal_name: str
    address: str
    country: str
    kind: recipient_terms.Kind
    role: recipient_terms.Role
    permitted_purposes: list[str]
    contract_ref: str
    contract_from: LocalDate
    contract_to: LocalDate | None
    transfer_mechanism: TransferMechanism | None
    transfer_mechanism_to: LocalDate | None
    business_nature: str | None
    own_use: bool
    vendor: str | None
    location_ids: list[str]
    locations: list[BranchShown]
    delivery: DeliveryShown
    active: bool


class RegisteredRecipient(Recipient):
    """A new recipient; `secret` is in this answer, where it was made here, and never again."""

    secret: str | None = None
    replayed: bool | None = None


class RecipientList(Output):
    """Part of a list."""

    data: list[Recipient]
    next_cursor: str | None


# --- disclosures -----------------------------------------------------------------------------------------------------


class NewDisclosure(Input):
    """Data to hand over."""

    recipient_id: RecipientRef
    subject_ids: Annotated[
        list[SubjectRef], Field(min_length=1, max_length=disclosure.SUBJECTS_MAX)
    ]
    fields: Annotated[
        list[Annotated[Code, Field(examples=["email"])]], Field(min_length=1, max_length=50)
    ]
    purpose: PurposeCode
    lawful_basis: LawfulBasis | None = None
    legal_trigger: LegalTrigger | None = None
    citation: Annotated[
        Citation | None, Field(description="The statute; `legal_requirement` and `report` need it.")
    ] = None
    case: Case | None = None
    consent_id: ConsentRef | None = None
    legal_process_id: ProcessRef | None = None
    franchise_request_id: FranchiseRequestRef | None = None
    from_: Annotated[
        Instant | None, Field(alias="from", description="Visits that start then or later.")
    ] = None
    to: Annotated[End | None, Field(description="Visits that start before.")] = None
    location_ids: Annotated[
        list[LocationRef],
        Field(default_factory=list, max_length=200, description="Visits there; none: everywhere."),
    ]
    withhold_until: Annotated[
        End | None, Field(description="Until then the persons do not learn of it.")
    ] = None


class HandedOver(Output):
    """What is handed over of one person."""

    subject_id: str
    values: dict[str, object]


class FailureShown(Output):
    """Why the latest attempt that did not end well did not; `status` is what the recipient answered, if anything."""

    reason: FailureReason
    status: int | None


class AcknowledgementShown(Output):
    """What the recipient answered."""

    event_id: str
    at: str
    about: About
    outcome: Reply
    signature: str | None
    verified: bool


class OnwardShown(Output):
    """To whom the recipient handed it on."""

    event_id: str
    at: str
    legal_name: str
    country: str
    purpose: str


class Disclosure(Output):
    """A disclosure as it stands."""

    id: str
    event_id: str
    recorded_event_id: str
    at: str
    recipient_id: str
    subject_ids: list[str]
    fields: list[str]
    purpose: str
    lawful_basis: LawfulBasis | None
    legal_trigger: LegalTrigger | None
    citation: str | None
    case: str | None
    legal_process_id: str | None
    franchise_request_id: str | None
    transfer_mechanism: TransferMechanism | None
    outcome: Outcome
    attempts: int
    retry_at: str | None
    failure: FailureShown | None
    withheld_until: str | None
    count: int
    acknowledgements: list[AcknowledgementShown]
    onward: list[OnwardShown]


class Disclosed(Output):
    """A disclosure; `records` when it is delivered in this answer, and never again."""

    id: str
    event_id: str
    outcome: Outcome
    attempts: int
    retry_at: str | None
    failure: FailureShown | None
    withheld_until: str | None
    count: int
    records: list[HandedOver] | None = None
    replayed: bool | None = None


class NewAcknowledgement(Input):
    """The recipient's answer. It signs four lines; docs say which."""

    about: About
    outcome: Reply
    signature: Base64 | None = None


class NewOnward(Input):
    """To whom the recipient handed it on."""

    legal_name: LegalName
    country: Country
    purpose: PurposeCode
