"""Read models, as their engineers see them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.http.fields import QueryNumber
from api.http.schemas_common import Input, Output
from application.read_models import ModelName, ModelState

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
