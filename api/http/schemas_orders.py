"""Bodies and answers of legal processes. What a value may be is for the domain to say."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.http.fields import Instant
from api.http.schemas_common import Input, Output
from domain import legal_paper, legal_process

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


class ProcessList(Output):
    """Part of the list of legal processes."""

    data: list[Process]
    next_cursor: str | None
