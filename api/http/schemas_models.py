"""Read models, as their engineers see them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.http.fields import QueryNumber
from api.http.schemas_common import Input, Output
from application.read_models import ModelName, ModelState
from domain.operating import (
    REASON_CHARACTERS_MAX,
    JobError,
    JobKind,
    JobOutcome,
    JobState,
)

Position = Annotated[
    int, Field(ge=-1, description="The last position of the log that is in it; -1 when none is.")
]


class ReadModel(Output):
    """Where a read model stands in this tenant's log."""

    name: ModelName
    version: Annotated[int, Field(ge=1, description="Of its tables.")]
    position: Position
    lag_events: Annotated[int, Field(ge=0, description="Events with a place that are not in it.")]
    lag_seconds: Annotated[
        float, Field(ge=0, description="Since when the first of those has its place.")
    ]
    state: Annotated[
        ModelState,
        Field(
            description="`paused`: by its operator; `stopped`: at an event that it cannot take in, what came before it"
            " is served; `changed`: its code is not the code that filled it."
        ),
    ]
    error: Annotated[
        str | None, Field(description="The kind of error and the event's type; never its values.")
    ]
    failed_event_id: Annotated[
        str | None, Field(description="The event at which it stopped, where it is of this tenant.")
    ]
    quarantined_streams: Annotated[
        list[str],
        Field(
            description="Streams of this tenant whose events its operator has it leave out, on record."
        ),
    ]


class ReadModelList(Output):
    """Every read model."""

    data: list[ReadModel]


class DigestAsked(Input):
    """Of what is read, or of a replay."""

    at: Annotated[
        QueryNumber | None,
        Field(le=2**53, description="Replay this tenant's events up to this position."),
    ] = None


class ModelDigest(Output):
    """A digest of this tenant's rows. Equal rows have equal digests, in whatever order they stand."""

    name: ModelName
    version: Annotated[int, Field(ge=1)]
    position: Position
    rows: Annotated[int, Field(ge=0)]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256.")]


Why = Annotated[
    str,
    Field(
        min_length=1,
        max_length=REASON_CHARACTERS_MAX,
        pattern=r"\S",
        description="Why; on record for ever: nothing personal.",
        examples=["ticket 17"],
    ),
]


class Operated(Input):
    """Why somebody does it."""

    reason: Why | None = None


class RebuildOrdered(Input):
    """A rebuild: by itself it fills and compares."""

    switch: Annotated[
        bool, Field(description="Also switch, where the rows are those that are read.")
    ] = False
    reason: Why | None = None


class SwitchOrdered(Input):
    """A switch to what a rebuild made."""

    anyway: Annotated[
        bool, Field(description="Switch even if the rows are not those that are read.")
    ] = False
    reason: Why | None = None


class StreamLeftOut(Input):
    """A stream that a read model is to leave out."""

    stream_id: Annotated[
        str,
        Field(
            max_length=40,
            description="Its id: of a booking, say, or a bare UUID.",
            examples=["bkg_00000000000000000000000000000001"],
        ),
    ]
    reason: Why


class Job(Output):
    """An order for a read model, which the worker carries out; and how it stands."""

    id: str
    read_model: ModelName
    kind: JobKind
    state: JobState
    outcome: Annotated[
        JobOutcome | None,
        Field(
            description="What came of it: `filled` can be switched to, `differs` only with `anyway`."
        ),
    ]
    done: Annotated[int, Field(ge=0, description="Events that were looked at.")]
    total: Annotated[int, Field(ge=0, description="Up to which it fills, by now.")]
    rate: Annotated[float, Field(ge=0, description="Events a second.")]
    seconds_left: Annotated[
        float | None, Field(description="How long it still fills, at its rate, while it does.")
    ]
    equal: Annotated[
        bool | None,
        Field(
            description="Whether the rows are those that are read; null where they may differ, or were not compared."
        ),
    ]
    error: Annotated[JobError | None, Field(description="Why it failed, or did not switch.")]
    asked_at: str
    started_at: str | None
    ended_at: str | None


class JobOrdered(Output):
    """A job."""

    job: Job
