"""The privacy policy as data: a hundred promises, each with the tests that hold it or the capability that will.

1. The rows are numbered 1 to 100, each once and in order; numbers are permanent.
2. A row has tests, or waits for one capability of the closed list; never both, never neither.
3. What the policy contradicts, itself or the law, is listed beside the rows, with what Daybook does about it.

*Not here*: whether the tests exist and hold (`tools/policy_matrix.py` and the test suite see to that).
Source: the privacy policy that this product was asked to keep; the contract's "People and consent".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from application.event_types import NAME
from application.permissions import TENANT_ROLES, require
from application.recorded import Caller
from domain.purposes import PURPOSES

Section = Literal["A", "B", "C", "D", "E", "F", "G", "H"]
# What is built later; the list of rows that wait for it may only shrink.
Capability = Literal[
    "cookies_and_trackers",
    "breach",
    "payments",
    "calendars_and_crm_links",
    "identity_and_fraud_checks",
    "device_data",
    "surveys_and_support",
]

SECTIONS: Final[tuple[Section, ...]] = get_args(Section)
CAPABILITIES: Final[tuple[Capability, ...]] = get_args(Capability)
ROWS: Final = 100
CONTRADICTIONS: Final = 14
POLICY_LINES: Final = 72
_NODE_ID: Final = re.compile(r"tests/[a-z_/]+\.py::test_[a-z0-9_]+")


class MatrixFlawed(ValueError):
    """The policy matrix is not what it has to be. Its message has one flaw a line."""


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One promise of the policy.

    `lines` are those of its text. `events` are what is recorded about it, and expected to be for a pending row.
    `purposes` are those of the closed list that it is about. `tests` are pytest node ids.
    """

    number: int
    section: Section
    lines: tuple[int, ...]
    promise: str
    events: tuple[str, ...]
    invariants: tuple[str, ...]
    purposes: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    pending: Capability | None = None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What the policy says that its own text, the law or the facts contradict."""

    number: int
    lines: tuple[int, ...]
    contradiction: str
    treatment: str


@dataclass(frozen=True, slots=True)
class PolicyMatrix:
    """The whole policy: its rows, and its contradictions.

    Refuses: MatrixFlawed.
    """

    rows: tuple[PolicyRow, ...]
    contradictions: tuple[Contradiction, ...]

    def __post_init__(self) -> None:
        """Hold what the top of this file says."""
        if flaws := tuple(_flaws(self)):
            raise MatrixFlawed("\n".join(flaws))

    @property
    def held(self) -> tuple[int, ...]:
        """The numbers of the rows that tests hold."""
        return tuple(row.number for row in self.rows if row.pending is None)

    @property
    def pending(self) -> Mapping[Capability, tuple[int, ...]]:
        """The numbers of the rows that wait, by the capability that they wait for, in the order of the list."""
        waits = {
            capability: tuple(row.number for row in self.rows if row.pending == capability)
            for capability in CAPABILITIES
        }
        return {capability: numbers for capability, numbers in waits.items() if numbers}


@dataclass(frozen=True, slots=True)
class PolicyReads:
    """What may be asked about the policy."""

    policy: PolicyMatrix

    def matrix(self, by: Caller) -> PolicyMatrix:
        """The policy as it is kept.

        Refuses: NotPermitted (a person's own key).
        """
        require(by, *TENANT_ROLES)
        return self.policy


def _flaws(matrix: PolicyMatrix) -> Iterator[str]:
    numbers = [row.number for row in matrix.rows]
    yield from _misnumbered("row", numbers, ROWS)
    told = [one.number for one in matrix.contradictions]
    yield from _misnumbered("contradiction", told, CONTRADICTIONS)
    if [row.section for row in matrix.rows] != sorted(row.section for row in matrix.rows):
        yield "sections are not in order"
    for row in matrix.rows:
        yield from (f"row {row.number}: {flaw}" for flaw in _row_flaws(row))
    for one in matrix.contradictions:
        words = (one.contradiction, one.treatment)
        if not all(text.strip() for text in words) or not _are_lines(one.lines):
            yield f"contradiction {one.number}: it needs lines, what contradicts, and a treatment"


def _misnumbered(kind: str, numbers: Sequence[int], count: int) -> Iterator[str]:
    wanted = range(1, count + 1)
    yield from (f"{kind} {number} is missing" for number in wanted if number not in numbers)
    for number, times in Counter(numbers).items():
        if number not in wanted:
            yield f"{kind} {number} is none of 1 to {count}"
        elif times > 1:
            yield f"{kind} {number} is there {times} times"
    if numbers != sorted(numbers):
        yield f"{kind}s are not in order"


def _row_flaws(row: PolicyRow) -> Iterator[str]:
    if row.section not in SECTIONS:
        yield f"there is no section {row.section}"
    if not _are_lines(row.lines):
        yield f"lines are one or more of 1 to {POLICY_LINES}, in order"
    if not row.promise.strip():
        yield "it promises nothing"
    if not row.invariants or not all(text.strip() for text in row.invariants):
        yield "it needs an invariant"
    yield from (f"{name} is no event type" for name in row.events if not NAME.fullmatch(name))
    yield from (f"{code} is no purpose" for code in row.purposes if code not in PURPOSES)
    yield from (f"{id} is no test's id" for id in row.tests if not _NODE_ID.fullmatch(id))
    if len(set(row.tests)) < len(row.tests):
        yield "a test is named twice"
    if row.pending is not None and row.pending not in CAPABILITIES:
        yield f"{row.pending} is none of the capabilities that a row may wait for"
    if row.tests and row.pending:
        yield "it has tests, so it waits for nothing"
    if not row.tests and not row.pending:
        yield "it has neither tests nor a capability that it waits for"


def _are_lines(lines: Sequence[int]) -> bool:
    known = all(1 <= line <= POLICY_LINES for line in lines)
    return bool(lines) and known and list(lines) == sorted(set(lines))
