"""Queries, bodies and answers of follow-ups."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.http.schemas_common import Following, Input, Output
from api.http.schemas_disclosing import Base64
from application.disclosing.replies import Reply
from domain import follow_up


class FollowUpQuery(Following):
    """Which follow-ups."""

    state: Annotated[
        Literal["open", "answered"] | None,
        Field(description="`open`: those whose recipient has not answered."),
    ] = None


class FollowUpAcknowledgement(Input):
    """The recipient's answer."""

    outcome: Reply
    signature: Base64 | None = None


class FollowUpReplyShown(Output):
    """What the recipient answered."""

    event_id: str
    at: str
    outcome: Reply
    signature: str | None
    verified: bool


class FollowUp(Output):
    """A recipient that has to be told something of data that it has."""

    id: str
    event_id: str
    at: str
    cause_event_id: str | None
    about: follow_up.FollowUpAbout
    disclosure_id: str
    recipient_id: str
    subject_id: str
    purpose: str
    fields: list[str]
    consent_id: str | None
    channel: Literal["response", "https"]
    outcome: follow_up.FollowUpOutcome
    attempts: int
    retry_at: str | None
    acknowledgements: list[FollowUpReplyShown]


class FollowUpList(Output):
    """Part of a list."""

    data: list[FollowUp]
    next_cursor: str | None
