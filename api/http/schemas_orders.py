"""Bodies and answers of legal processes and franchise requests. What a value may be is for the domain to say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.http.fields import End, Instant, LocationRef, RecipientRef
from api.http.schemas_common import Input, Output
from api.http.schemas_disclosing import Disclosed
from domain import franchise_request, legal_paper, legal_process
from domain.disclosure import LawfulBasis

PaperNumber = Annotated[
    str,
    Field(
        pattern="^[A-Za-z0-9][A-Za-z0-9.:_/-]{0,63}$",
        examples=["1:27-cv-00123"],
        description="As the paper has it: an id, never a name.",
    ),
]
FieldCodes = Annotated[
    list[Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,63}$", examples=["booking_times"])]],
    Field(max_length=legal_paper.FIELDS_MAX),
]


class NewProcess(Input):
    """A process that was served. `scope` is what it demands; it is sealed, and no answer has it."""

    type: legal_paper.Kind
    authority: Annotated[
        str,
        Field(
            min_length=1,
            max_length=legal_paper.AUTHORITY_CHARACTERS_MAX,
            examples=["Example County Court"],
            description="The name of an organisation; it is not sealed.",
        ),
    ]
    number: PaperNumber
    served_at: Instant
    scope: Annotated[str, Field(min_length=1, max_length=legal_paper.SCOPE_CHARACTERS_MAX)]
    gag_until: Instant | None = None
    oral: bool = False


class ProcessReview(Input):
    """What was found. One that is narrowed says to which `fields`, or to visits that start in [from, to)."""

    outcome: legal_paper.ReviewOutcome
    fields: FieldCodes = Field(default_factory=list)
    from_: Annotated[Instant | None, Field(alias="from")] = None
    to: Instant | None = None


class AfterReview(Input):
    """What was found after the fact."""

    outcome: legal_process.AfterOutcome


class GagStep(Input):
    """A gag is ordered where none runs, or the one that runs is extended or lifted; `number` is its paper's."""

    change: legal_paper.GagStep
    until: Instant | None = None
    number: PaperNumber


class Narrowing(Output):
    """To what a demand was cut; no fields means any."""

    fields: list[str]
    from_: Annotated[str | None, Field(alias="from")]
    to: str | None


class AfterReviewState(Output):
    """The review after the fact: by when, and how it stands now."""

    due_at: str
    state: legal_process.AfterState
    outcome: legal_process.AfterOutcome | None


class Process(Output):
    """A legal process, without its sealed scope.

    `may_disclose` says whether data may be disclosed under it now, `gag_running` whether those concerned may not
    learn of it. `after_review` is there for an approved emergency.
    """

    id: str
    type: legal_paper.Kind
    authority: str
    number: str
    served_at: str
    oral: bool
    gag_until: str | None
    gag_running: bool
    status: legal_process.Status
    outcome: legal_paper.ReviewOutcome | None
    narrowed_to: Narrowing | None
    may_disclose: bool
    after_review: AfterReviewState | None


class ShownProcess(Process):
    """A legal process; with `include=scope`, what it demands."""

    scope: str | None = None


class ScopeInclusion(Input):
    """What is shown beside the process."""

    include: Annotated[
        Literal["scope"] | None,
        Field(description="What it demands, opened under a purpose; that is recorded."),
    ] = None


class ProcessList(Output):
    """Part of the list of legal processes."""

    data: list[Process]
    next_cursor: str | None


# --- franchise requests ----------------------------------------------------------------------------------------------


class NewFranchiseRequest(Input):
    """What the brand's office asks for: of those who have visits there that start in [from, to).

    `authority` is the clause or paper that lets it ask; it is not sealed, and names nobody. `recipient_id` is the
    office, where the business knows several.
    """

    location_ids: Annotated[
        list[LocationRef], Field(min_length=1, max_length=franchise_request.LOCATIONS_MAX)
    ]
    from_: Annotated[Instant, Field(alias="from")]
    to: End
    fields: Annotated[FieldCodes, Field(min_length=1)]
    purpose: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$", examples=["service"])]
    authority: Annotated[
        str,
        Field(
            min_length=1,
            max_length=franchise_request.AUTHORITY_CHARACTERS_MAX,
            examples=["Franchise agreement, clause 12.3"],
        ),
    ]
    recipient_id: RecipientRef | None = None


class FranchiseApproval(Input):
    """On what the approval rests."""

    lawful_basis: LawfulBasis = "legitimate_interests"


class FranchiseRefusal(Input):
    """Why it is refused."""

    reason_code: franchise_request.RefusalReason


class FranchiseRequest(Output):
    """A franchise request. `count` says of how many persons data was handed over."""

    id: str
    recipient_id: str
    office: str
    location_ids: list[str]
    from_: Annotated[str, Field(alias="from")]
    to: str
    fields: list[str]
    purpose: str
    authority: str
    status: franchise_request.Status
    reason_code: franchise_request.RefusalReason | None
    disclosure_ids: list[str]
    count: int


class ApprovedFranchiseRequest(FranchiseRequest):
    """An approved request, with what was handed over: one disclosure for each interval of the tree."""

    disclosures: list[Disclosed]


class FranchiseRequestList(Output):
    """Part of the list of franchise requests."""

    data: list[FranchiseRequest]
    next_cursor: str | None
