"""Bodies and answers of people's requests and of duties. What a value may be is for the domain to say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.http.fields import Instant, PrivacyRequestRef, RecipientRef, SubjectRef
from api.http.schemas_common import Input, Output, Paging
from application.requests.duties import DutyKind
from application.requests.letters import LetterKind
from domain import privacy_request_answers
from domain import privacy_request_codes as codes
from domain import privacy_request_state as states
from domain.clock import State as ClockState
from domain.follow_up import FollowUpOutcome
from domain.purposes import Jurisdiction
from domain.sealing import RetentionClass

Points = Annotated[list[codes.DataPoint], Field(max_length=7)]


class NewRequest(Input):
    """What somebody asks for; `also` are further rights in the same letter. No deadline is ever given.

    One of `subject_id` and `email` says who they are. `cause` is `under_13` where it was found here that the person
    is a child. `forwarded_by` is the processor that they turned to first.
    """

    type: codes.Right
    also: Annotated[list[codes.Right], Field(max_length=9)] = Field(default_factory=list)
    jurisdiction: Jurisdiction
    subject_id: SubjectRef | None = None
    email: Annotated[
        str | None, Field(min_length=1, max_length=254, examples=["ada@example.test"])
    ] = None
    received_at: Instant
    channel: codes.RequestChannel
    cause: codes.RequestCause = "person"
    forwarded_by: RecipientRef | None = None


class AskedIdentity(Input):
    """How they are to show who they are, and by which data points: never more than a match needs."""

    method: codes.VerificationMethod
    points: Points = Field(default_factory=list)


class IdentityLook(Input):
    """What was compared, by name alone, and what came of it."""

    method: codes.VerificationMethod
    compared: Points
    outcome: codes.IdentityOutcome


class Pause(Input):
    """What is waited for."""

    reason_code: codes.PauseReason


class Extension(Input):
    """Why it takes longer, and when they were told so."""

    reason_code: codes.ExtensionReason
    told_at: Instant


class Forwarding(Input):
    """For whom the data is processed, and who answers."""

    recipient_id: RecipientRef


class Fulfilment(Input):
    """Which right is carried out: all that are open where none is named."""

    right: codes.Right | None = None


class DenialPart(Input):
    """What is denied, and the statutory reason. Without a retention class, the right as a whole."""

    retention_class: RetentionClass | None = None
    reason_code: codes.DenialCode


class Denial(Input):
    """What is denied of a right; `right` need be named only where several are open."""

    parts: Annotated[list[DenialPart], Field(max_length=privacy_request_answers.PARTS_MAX)]
    right: codes.Right | None = None


class Duplicate(Input):
    """The request that asked for the same before."""

    request_id: PrivacyRequestRef


class AppealDecision(Input):
    """What came of looking at the denial again."""

    outcome: codes.AppealOutcome


class RequestFilter(Paging):
    """Which requests."""

    status: Annotated[states.Status | None, Field(description="Only those that stand so.")] = None
    type: Annotated[codes.Right | None, Field(description="Only those for this right.")] = None


class LetterAsked(Input):
    """Which letter, and as what; without a kind, that of the last step."""

    kind: Annotated[LetterKind | None, Field(description="Which letter.")] = None
    format: Annotated[Literal["txt", "pdf"], Field(description="As what.")] = "txt"


class ClockShown(Output):
    """One rule of time: `due_on` is the last day that is on time, `due_at` its end in `zone`."""

    right: codes.Right
    rule: str
    due_on: str
    due_at: str
    zone: str
    state: ClockState
    source: str
    rules_version: str
    calendar: str | None
    stopped_at: str | None


class DeniedPart(Output):
    """What is denied and why."""

    retention_class: RetentionClass | None
    reason_code: codes.DenialCode


class RightShown(Output):
    """What became of one right. `evidence` are the events that show that it was done, once it is known who asks."""

    right: codes.Right
    outcome: states.Outcome
    denied: list[DeniedPart]
    erasure_id: str | None
    evidence: list[str]
    decided_at: str | None


class IdentityShown(Output):
    """How far it is known who asks. `evidence_until` is by when what they handed in must be gone."""

    method: codes.VerificationMethod | None
    outcome: codes.IdentityOutcome | None
    assurance: codes.Assurance | None
    agent: bool
    evidence_until: str | None


class RecipientTold(Output):
    """A recipient of the data, and whether it has been told."""

    follow_up_id: str
    recipient_id: str
    outcome: FollowUpOutcome


class RequestListed(Output):
    """A request as it stands. `subject_id` shows only once it is known who asks, and there is such a person."""

    id: str
    type: codes.Right
    types: list[codes.Right]
    status: states.Status
    jurisdiction: Jurisdiction
    channel: codes.RequestChannel
    cause: codes.RequestCause
    forwarded_by: str | None
    received_at: str
    subject_id: str | None
    erasure_id: str | None
    rights: list[RightShown]
    identity: IdentityShown
    paused: bool
    extended: bool
    appeal: Literal["open", "upheld", "denied"] | None
    duplicate_of: str | None
    forwarded_to: str | None
    closed_at: str | None
    record_until: str | None


class Request(RequestListed):
    """A request with its clocks, and how far its recipients have been told.

    `restriction_stands` is there when the request is asked for, and null in the answers to steps.
    """

    clocks: list[ClockShown]
    recipients: list[RecipientTold]
    restriction_stands: bool | None


class RequestList(Output):
    """Part of the list of requests."""

    data: list[RequestListed]
    next_cursor: str | None


class DutiesAsked(Paging):
    """Up to when; all where it is left open."""

    before: Annotated[Instant | None, Field(description="Only what is due before it.")] = None


class Duty(Output):
    """One thing that is due: which kind of clock, by which rule, for what."""

    id: str
    clock: DutyKind
    about: str
    right: codes.Right | None
    rule: str
    source: str
    due_on: str
    due_at: str
    zone: str
    state: Literal["running", "paused", "late"]


class DutyList(Output):
    """Part of what is due, the earliest first."""

    data: list[Duty]
    next_cursor: str | None
