"""Bodies and answers of accesses: the log, broken glass and its reviews."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.http.fields import Instant
from api.http.schemas_common import Following, Input, Output
from domain.access_review import Outcome, State
from domain.tenant import REVIEW_HOURS_DEFAULT, REVIEW_HOURS_MAX

CasePattern = Annotated[str, Field(pattern="^[A-Za-z0-9._-]{1,64}$", examples=["case-1"])]


class SubjectLogAsked(Following):
    """Which accesses to one person's data, and in whose view."""

    as_of: Annotated[Instant | None, Field(description="As it was then; by default now.")] = None
    view: Annotated[
        Literal["person", "officer", "auditor"] | None,
        Field(description="By default the auditor's for an auditor, else the officer's."),
    ] = None


class LogAsked(Following):
    """Which accesses: those of a time, an actor, a purpose."""

    from_: Annotated[Instant | None, Field(alias="from", description="The first instant.")] = None
    to: Annotated[Instant | None, Field(description="The first instant after them.")] = None
    actor: Annotated[
        str | None,
        Field(
            pattern="^[A-Za-z0-9][A-Za-z0-9:._-]{0,63}$",
            description="The id of a key, as the log names it.",
            examples=["key_5f0c6b2e9d3a4c1b8e7f60112233aabb"],
        ),
    ] = None
    purpose: Annotated[
        str | None, Field(pattern="^[a-z_]{1,64}$", description="A purpose's code.")
    ] = None


class ReviewsAsked(Following):
    """Which reviews."""

    state: Annotated[State | None, Field(description="By default all of them.")] = None


class Access(Output):
    """Somebody looked, was refused, or took a copy. The person's view has only the first six fields."""

    event_id: str
    at: str
    outcome: Annotated[
        Literal["granted", "denied", "exported", "evidence_issued", "replayed"],
        Field(description="What became of it; the last three are what was taken of the ledger."),
    ]
    purpose: str | None
    roles: Annotated[list[str], Field(description="Those of the actor's key at that time.")]
    fields: list[str]
    case: str | None = None
    actor: Annotated[str | None, Field(description="The id of a key, or a part of ours.")] = None
    holder: Annotated[str | None, Field(description="Whose key it is, an id of yours.")] = None
    reason: Annotated[str | None, Field(description="Why it was refused, a code.")] = None
    count: Annotated[
        int | None,
        Field(description="Of how many people; of refusals, how often since the one before."),
    ] = None
    break_glass: Annotated[
        str | None, Field(description="The reason for which the glass was broken, a code.")
    ] = None
    withheld_until: Annotated[
        str | None, Field(description="Until when the person does not learn of it.")
    ] = None
    opened_at: Annotated[str | None, Field(description="Since when they do.")] = None
    tag: Annotated[str | None, Field(description="What stands for the person in the event.")] = None


class AccessList(Output):
    """Part of a log, by time."""

    data: list[Access]
    next_cursor: str | None


class ReviewGiven(Input):
    """What a review found; `follow_up` is the case in which more is done."""

    outcome: Outcome
    follow_up: CasePattern | None = None


class ReviewDone(Output):
    """A review that is done."""

    outcome: Outcome
    follow_up: str | None
    due_at: str
    event_id: str


class Review(Output):
    """One time that the glass was broken, and its review."""

    event_id: Annotated[str, Field(description="The event that says that it was broken.")]
    access_event_id: Annotated[str, Field(description="The event that says what was opened.")]
    at: str
    actor: str
    holder: str | None
    roles: list[str]
    reason: str
    beyond: Literal["role", "location"]
    state: State
    due_at: str
    outcome: Outcome | None
    follow_up: str | None
    reviewed_at: str | None
    reviewer: str | None


class ReviewList(Output):
    """Part of the reviews, by the time at which the glass was broken."""

    data: list[Review]
    next_cursor: str | None


class BreakGlassGiven(Input):
    """Whether the glass may be broken, and within how many hours that is reviewed."""

    allowed: bool
    review_within_hours: Annotated[int, Field(ge=1, le=REVIEW_HOURS_MAX)] = REVIEW_HOURS_DEFAULT


class BreakGlassRule(Output):
    """The tenant's rule."""

    allowed: bool
    review_within_hours: int | None
