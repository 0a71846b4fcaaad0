"""Answers about the privacy policy."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.http.schemas_common import Output
from application.policy.policy_matrix import ROWS, Capability, Section

Lines = Annotated[list[int], Field(description="Lines of the policy's text, from 1.")]


class PolicyRow(Output):
    """One promise of the policy: held by tests, or waiting for what will hold it."""

    number: Annotated[int, Field(ge=1, le=ROWS, description="Permanent.")]
    section: Section
    lines: Lines
    promise: str
    purposes: Annotated[list[str], Field(description="The purposes that it is about.")]
    events: Annotated[
        list[str], Field(description="What is recorded about it; of a pending row, what will be.")
    ]
    invariants: list[str]
    tests: Annotated[list[str], Field(description="The tests that hold it, as pytest node ids.")]
    pending: Annotated[
        Capability | None, Field(description="What it waits for; null where tests hold it.")
    ]


class Contradiction(Output):
    """Where the policy contradicts itself, the law or the facts."""

    number: int
    lines: Lines
    contradiction: str
    treatment: Annotated[str, Field(description="What is done about it here.")]


class PolicyCounts(Output):
    """How much of the policy is held."""

    rows: int
    held: int
    pending: Annotated[
        dict[str, int], Field(description="How many rows wait, by what they wait for.")
    ]


class PolicyMatrix(Output):
    """The privacy policy as data: all of it, in one part."""

    data: list[PolicyRow]
    next_cursor: Annotated[None, Field(description="There is no other part.")] = None
    contradictions: list[Contradiction]
    counts: PolicyCounts
