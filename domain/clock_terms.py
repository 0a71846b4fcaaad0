"""The terms in which a statutory rule of time is written down: lengths, starts, extensions, and what meets it.

*Not here*: the rules (`clock_rules`), what comes of them for a case (`clock`).
*Source*: README D10.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Unit = Literal["months", "calendar_days", "business_days", "hours"]
RequestType = Literal[
    "access",
    "portability",
    "correction",
    "erasure",
    "restriction",
    "objection",
    "opt_out",
    "account_cancellation",
    "shine_the_light",
    "accounting",
]
Jurisdiction = Literal[
    "gdpr",
    "uk_gdpr",
    "us_ca",
    "us_va",
    "us_co",
    "us_ct",
    "us_tx",
    "us_or",
    "us_hipaa",
    "other",
]
StartEvent = Literal[
    "received",
    "appealed",
    "child_confirmed",
    "answered",
    "closed",
    "data_obtained",
    "breach_known",
    "residents_told",
]
FactKind = Literal[
    "acknowledged",
    "paused",
    "resumed",
    "extended",
    "answered",
    "refused",
    "withdrawn",
    "recipients_told",
    "appealed",
    "appeal_answered",
    "child_confirmed",
]
Bound = Literal["at_most", "at_least"]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a request, at an instant, and that its clocks depend on.

    `paused` is that the person was asked to prove who they are or what they mean, `resumed` that they did; `extended`
    that they were told of the delay and its reasons; `answered` that what they asked for was done, in whole or in
    part; `child_confirmed` that a parent confirmed that the person is under 13.
    """

    kind: FactKind
    at: datetime


@dataclass(frozen=True, slots=True)
class Length:
    """So many of a unit. The day of the start is not counted; 0 days is that same day."""

    amount: int
    unit: Unit


@dataclass(frozen=True, slots=True)
class Extension:
    """`by` more of the rule's own unit, once, if the person is told of it within `told_within` of the start."""

    by: int
    told_within: Length


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of time, and for which requests it runs.

    `source` is the statute. `rolls` says that a last day which is no working day becomes the next one that is;
    `pausable` that it stands still while the person is asked who they are; `until_first_use` that the first use of the
    data ends it early. Any of `met_by` stops it, the earliest counts; where `decided_by` happened, that alone counts.
    `unchecked` are the parts of `source` that were not held against a source of their own.
    `at_least` is a time to keep something rather than a time to do something. `notes` say what a reader may miss.
    """

    id: str
    source: str
    start: StartEvent
    length: Length
    rolls: bool = False
    extension: Extension | None = None
    pausable: bool = False
    until_first_use: bool = False
    bound: Bound = "at_most"
    request_types: frozenset[RequestType] = frozenset()
    jurisdictions: frozenset[Jurisdiction] = frozenset()
    met_by: frozenset[FactKind] = frozenset()
    decided_by: FactKind | None = None
    unchecked: tuple[str, ...] = ()
    notes: str = ""

    @property
    def needs_calendar(self) -> bool:
        """True when it depends on working days."""
        return self.rolls or self.length.unit == "business_days"
