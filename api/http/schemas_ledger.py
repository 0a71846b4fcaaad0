"""Bodies and answers of the ledger: events, proofs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.http.fields import AtLeast, QueryNumber, SubjectRef
from api.http.schemas_common import Input, Output
from application.ledger.reading import PAGE_EVENTS_DEFAULT, PAGE_EVENTS_MAX

Position = Annotated[int, Field(ge=0, le=2**53, description="An index in the tenant's ledger.")]
Base64 = Annotated[str, Field(examples=["tgekH9EIMYjsSfaiSzHhFnonwNqkFo9wmDriv/2o/gQ="])]


class CheckpointAsked(Input):
    """Which checkpoint."""

    witnessed: Annotated[
        Literal["true", "false"],
        Field(description="Whether it is to be one that a quorum of witnesses cosigned."),
    ] = "false"


class WitnessedSize(Output):
    """The last checkpoint that a quorum cosigned, and when the last of them did."""

    size: Position
    at: str


class WitnessSeen(Output):
    """A witness, what it last cosigned (0: nothing), and what went wrong when it was last asked."""

    name: str
    key: Annotated[str, Field(description="Name and id of its key.")]
    size: Position
    seen_at: str | None
    problem: Annotated[str | None, Field(description="A code; null when it cosigned.")]
    problem_at: str | None


class Standing(Output):
    """How a ledger stands with its witnesses."""

    configured: Annotated[bool, Field(description="Whether there is a policy at all.")]
    quorum_met: Annotated[bool, Field(description="A quorum has cosigned the newest checkpoint.")]
    overdue: Annotated[bool, Field(description="Nothing official is said until one has.")]
    newest_size: Position
    witnessed: WitnessedSize | None
    data: list[WitnessSeen]


class EventsAsked(Input):
    """Which events: those after a position, of one type or about one subject."""

    after: Annotated[
        QueryNumber | None, Field(le=2**53, description="The position before the first wanted.")
    ] = None
    cursor: Annotated[
        QueryNumber | None, Field(le=2**53, description="`next_cursor` of the part before.")
    ] = None
    limit: Annotated[QueryNumber, Field(ge=1, le=PAGE_EVENTS_MAX)] = PAGE_EVENTS_DEFAULT
    type: Annotated[
        str | None,
        Field(
            pattern=r"^[a-z][a-z_]*(\.[a-z][a-z_]*)*(\.v[0-9]{1,4})?$",
            max_length=128,
            description="A whole type, or its beginning up to a dot.",
            examples=["booking"],
        ),
    ] = None
    subject_id: SubjectRef | None = None
    at_least: Annotated[
        AtLeast | None,
        Field(description="Wait (at most 5 seconds) until this event or position is there."),
    ] = None


class EvidenceAsked(Input):
    """What to give where nothing is about the subject."""

    absent: Annotated[
        Literal["proof"] | None,
        Field(description="`proof`: the proof that nothing is about them. By default it is 404."),
    ] = None


class Event(Output):
    """An event's place and header. `leaf` are the exact bytes that are hashed, base64."""

    position: Position
    id: str
    type: str
    recorded_at: str
    header: Annotated[dict[str, Any], Field(description="The leaf's second line, for reading.")]
    leaf: Base64
    leaf_hash: Base64


class EventList(Output):
    """A part of the ledger, in its order."""

    data: list[Event]
    next_cursor: str | None


class WholeEvent(Event):
    """An event with its payload: the plain part, then one envelope for each seal, a line each (base64)."""

    payload: Base64
    plain: Annotated[dict[str, Any], Field(description="The payload's first line, for reading.")]


class ExportAsked(Input):
    """Which events: positions from `from` on, below `to`; all that are signed for, unless it is said."""

    from_: Annotated[
        QueryNumber, Field(alias="from", le=2**53, description="The first position wanted.")
    ] = 0
    to: Annotated[
        QueryNumber | None,
        Field(le=2**53, description="The position after the last wanted, at most the signed size."),
    ] = None


class InclusionAsked(Input):
    """Which leaf, in the tree of which size."""

    index: Position
    size: Position


class ConsistencyAsked(Input):
    """Between which sizes."""

    from_: Annotated[int, Field(alias="from", ge=0, le=2**53)]
    to: Position


class InclusionProof(Output):
    """An audit path (RFC 6962), the leaf's sibling first."""

    index: Position
    size: Position
    hashes: list[Base64]


class ConsistencyProof(Output):
    """A proof that a larger tree extends a smaller one (RFC 6962)."""

    index: Annotated[Position, Field(description="The smaller size.")]
    size: Position
    hashes: list[Base64]
