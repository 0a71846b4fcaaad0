"""Queries and answers of "who did we share with?"."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.http.fields import End, Instant, ProcessRef, QueryNumber, RecipientRef, SubjectRef
from api.http.schemas_common import Following, Input, Output
from api.http.schemas_ledger import Base64, Position
from domain.purposes import PURPOSES

Purpose = Annotated[str, Field(pattern=f"^({'|'.join(sorted(PURPOSES))})$", examples=["service"])]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", examples=["US"])]


class AnswersAsked(Following):
    """As of when. Both are now, unless it is said."""

    as_of: Annotated[
        Instant | None,
        Field(description="In event time: nothing that happened later, states as they were then."),
    ] = None
    known_at: Annotated[
        Instant | None,
        Field(description="In the ledger's time: nothing that was recorded later."),
    ] = None


class PersonAsked(AnswersAsked):
    """In which view."""

    view: Annotated[
        Literal["person", "officer", "auditor"] | None,
        Field(description="By default `officer`; `auditor` for an auditor."),
    ] = None


class DisclosuresAsked(AnswersAsked):
    """Which disclosures: those recorded in [from, to), and what else they have in common."""

    from_: Annotated[Instant | None, Field(alias="from")] = None
    to: End | None = None
    purpose: Purpose | None = None
    recipient_id: RecipientRef | None = None
    country: Annotated[Country | None, Field(description="The recipient's.")] = None
    legal_process: ProcessRef | None = None


class ReportAsked(Input):
    """What a report is asked for; which of it a report takes, its description says."""

    subject_id: SubjectRef | None = None
    recipient_id: RecipientRef | None = None
    from_: Annotated[Instant | None, Field(alias="from")] = None
    to: End | None = None
    year: Annotated[
        QueryNumber | None,
        Field(ge=1971, le=2199, description="A calendar year, UTC.", examples=[2026]),
    ] = None
    as_of: Annotated[
        Instant | None,
        Field(description="In event time; by default when the checkpoint was signed."),
    ] = None
    position: Annotated[
        QueryNumber | None,
        Field(le=2**53, description="Where an earlier report was complete to: the same again."),
    ] = None
    format: Literal["json", "csv", "pdf", "jsonld"] = "json"


class CheckpointSeen(Output):
    """A checkpoint of the ledger."""

    size: Position
    root: Base64
    signed_at: str


class CompleteTo(Output):
    """Up to this position nothing is missing; the checkpoint covers it."""

    position: Annotated[int, Field(ge=-1)]
    checkpoint: CheckpointSeen | None


class Counted(Output):
    """What is so in total. An outcome that nobody knows counts as shared."""

    recipients: Annotated[int, Field(description="To how many recipients.")]
    disclosures: Annotated[int, Field(description="How many times.")]
    marketing: Annotated[int, Field(description="How many of them for marketing.")]
    withheld: Annotated[int, Field(description="Rows that are withheld; a person's view has none.")]
    complete_to: CompleteTo


class RecipientSeen(Output):
    """A recipient as it was when it was given the data."""

    id: str
    legal_name: str | None
    address: str | None
    country: str | None
    role: str | None
    kind: str | None


class ConsentSeen(Output):
    """What the person's consent to the purpose said when it was sent, and says now."""

    at_send: str
    now: str


class Refusal(Output):
    """Why nothing was sent."""

    reason: str


class Acknowledged(Output):
    """The recipient's answer."""

    about: str
    outcome: str
    signed: bool
    verified: bool
    at: str
    event_id: str


class SharedOnward(Output):
    """To whom the recipient says that it handed it on."""

    legal_name: str
    country: str
    purpose: str
    at: str
    event_id: str


class Visits(Output):
    """The visits it speaks of: those that start in [from, to) at the locations; none named is everywhere."""

    from_: Annotated[str | None, Field(alias="from")]
    to: str | None
    location_ids: list[str]


class DisclosureRow(Output):
    """A disclosure, or a refusal. Of one that is withheld an officer sees id, event, position and the date only."""

    id: str
    event_id: str
    position: Position
    withheld_until: str | None = None
    at: str | None = None
    recipient: RecipientSeen | None = None
    fields: list[str] | None = None
    purpose: str | None = None
    lawful_basis: str | None = None
    legal_trigger: str | None = None
    citation: str | None = None
    legal_process_id: str | None = None
    franchise_request_id: str | None = None
    consent: ConsentSeen | None = None
    outcome: str | None = None
    shared: Annotated[bool | None, Field(description="The recipient has it, or may have it.")] = (
        None
    )
    reason: Annotated[str | None, Field(description="Why it was refused or failed.")] = None
    attempts: int | None = None
    count: Annotated[int | None, Field(description="How many persons it is about.")] = None
    our_role: str | None = None
    transfer_mechanism: str | None = None
    channel: str | None = None
    policy_version: str | None = None
    visits: Visits | None = None
    acknowledgements: list[Acknowledged] | None = None
    shared_onward: list[SharedOnward] | None = None
    actor: Annotated[str | None, Field(description="Whose key; never in a person's view.")] = None
    case: Annotated[str | None, Field(description="Never in a person's view.")] = None
    links: Annotated[
        dict[str, str] | None, Field(description="Its event, and the receipt that proves it.")
    ] = None


class ColumnSaid(Output):
    """A column of a report, and what it says."""

    name: str
    says: str


class CheckpointNamed(Output):
    """A checkpoint, by its size and root."""

    size: Position
    root: Base64


class ReportComplete(Output):
    """The checkpoint covers exactly up to the position."""

    position: Position
    checkpoint: CheckpointNamed


class Report(Output):
    """A report. `signature` is over the canonical JSON of all the rest, as docs/ledger.md says."""

    report: str
    question: str
    source: Annotated[str, Field(description="The law that asks for it.")]
    parameters: dict[str, str | int]
    times: Annotated[str, Field(description="The zone of all times in it.")]
    as_of: str
    complete_to: ReportComplete
    columns: list[ColumnSaid]
    row_count: int
    rows_sha256: Base64
    rows: list[dict[str, str | int | None]]
    signature: str


class PersonAnswer(Output):
    """Who was given data of one person."""

    view: Literal["person", "officer", "auditor"]
    answer: Counted
    data: list[DisclosureRow]
    next_cursor: str | None


class DisclosureList(Output):
    """Part of the list of disclosures."""

    complete_to: CompleteTo
    data: list[DisclosureRow]
    next_cursor: str | None
