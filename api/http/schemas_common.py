"""What the bodies and queries of all parts share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from api.http.fields import AtLeast, Cursor, QueryNumber
from application.setup.register import UNSET, Unset

T = TypeVar("T")
R = TypeVar("R")


def absent() -> Any:
    """The default of a field that a change may leave out: it then reads `UNSET`, and is described without a default."""
    return Field(default_factory=lambda: UNSET)


def given(value: T | Unset, read: Callable[[T], R]) -> R | Unset:
    """What `read` makes of a field that was given; `UNSET` of one that was left out."""
    return UNSET if isinstance(value, Unset) else read(value)


class Input(BaseModel):
    """A body or query: strict, and nothing beyond what is named."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Output(BaseModel):
    """An answer. Callers ignore fields and codes that they do not know."""


class Paging(Input):
    """A part of a list."""

    limit: Annotated[QueryNumber, Field(ge=1, le=200, description="At most so many things.")] = 50
    cursor: Annotated[Cursor | None, Field(description="`next_cursor` of the part before.")] = None


class Following(Paging):
    """A part of a list that follows the events."""

    at_least: Annotated[
        AtLeast | None,
        Field(
            description="Wait (at most 5 seconds) until the list includes this event or position."
        ),
    ] = None


class FieldProblem(Output):
    """One thing wrong with one field."""

    pointer: Annotated[str, Field(description="JSON pointer (RFC 6901) into the body or query.")]
    code: str
    detail: str


class Problem(Output):
    """A refusal (RFC 9457). `code` is stable; more fields may say more."""

    type: Annotated[str, Field(examples=["/problems/slot_unavailable"])]
    title: str
    status: int
    detail: str
    code: Annotated[str, Field(examples=["slot_unavailable"])]
    instance: str
    errors: list[FieldProblem] | None = None
