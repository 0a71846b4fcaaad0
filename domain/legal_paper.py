"""What the papers of a legal process say, and what may stand in them.

Each check gives the faults that it found, with pointers into the request's body.

*Not here*: what becomes of the process (`legal_process`).
*Source*: 45 CFR 164.528(a)(2); rows 85 to 89 of the policy's matrix.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from domain import fields
from domain.fields import FINE, Faults, fault
from domain.personal_text import flaws
from domain.sealing import Plain
from domain.values import Personal

AUTHORITY_CHARACTERS_MAX: Final = 200
SCOPE_CHARACTERS_MAX: Final = 4_000
FIELDS_MAX: Final = 50
ORAL_GAG_MAX: Final = timedelta(days=30)
_NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_/-]{0,63}")
_NUMBER_WORDS: Final = "It is an id of at most 64 of A-Z a-z 0-9 . : _ / -"
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")

Kind = Literal[
    "subpoena", "court_order", "warrant", "summons", "civil_demand", "emergency", "other"
]
ReviewOutcome = Literal["narrowed", "accepted", "rejected"]
GagStep = Literal["ordered", "extended", "lifted"]
Number = Annotated[str, Plain("an id by pattern, as the paper has it")]


@dataclass(frozen=True, slots=True)
class ProcessTerms:
    """What the paper says, its scope apart. `oral` says that the gag was only spoken. Instants are UTC."""

    kind: Kind
    authority: Annotated[str, Plain("the name of an organisation")]
    number: Number
    served_at: datetime
    gag_until: datetime | None = None
    oral: bool = False


@dataclass(frozen=True, slots=True)
class Demand:
    """What is demanded, in the words of the paper."""

    scope: Personal


@dataclass(frozen=True, slots=True)
class Narrowing:
    """To what a demand was cut: these fields (none named: any), visits that start in [`from_`, `to`); None is open."""

    fields: tuple[Annotated[str, Plain("a code of the registry of personal fields")], ...] = ()
    from_: datetime | None = None
    to: datetime | None = None


def received_faults(terms: ProcessTerms, scope: Personal, at: datetime) -> Faults:
    """What is wrong with a process that was served, known at the instant `at`."""
    return (
        *fields.line("/authority", terms.authority, AUTHORITY_CHARACTERS_MAX),
        *number_faults(terms.number),
        *flaws(scope, "/scope", SCOPE_CHARACTERS_MAX, lines=True),
        *_served_faults(terms, at),
    )


def number_faults(number: str) -> Faults:
    """What is wrong with the number of a paper."""
    return fields.shaped("/number", number, _NUMBER, _NUMBER_WORDS)


def narrowing_faults(outcome: ReviewOutcome, to: Narrowing) -> Faults:
    """What is wrong with the bounds that a review with this outcome sets."""
    if outcome != "narrowed":
        words = "Only what is narrowed has bounds."
        return fault("/outcome", "not_wanted", words) if to != Narrowing() else FINE
    if to == Narrowing():
        return fault("/outcome", "missing", "Say to which fields or time it is narrowed.")
    found = fields.distinct("/fields", to.fields, 0, FIELDS_MAX)
    for index, code in enumerate(to.fields):
        found += fields.shaped(f"/fields/{index}", code, _FIELD, "It is no code of a field.")
    if to.from_ is not None and to.to is not None and to.to <= to.from_:
        found += fault("/to", "not_after_from", "It is not after `from`.")
    return found


def until_faults(step: GagStep, until: datetime | None, at: datetime) -> Faults:
    """What is wrong with the end of a gag that changes at the instant `at`."""
    if step == "lifted":
        words = "A gag that is lifted ends now."
        return fault("/until", "not_wanted", words) if until is not None else FINE
    if until is None:
        return fault("/until", "missing", "Say until when.")
    return fault("/until", "past", "It lies in the past.") if until <= at else FINE


def _served_faults(terms: ProcessTerms, at: datetime) -> Faults:
    found = FINE
    if terms.served_at > at:
        found += fault("/served_at", "in_the_future", "It cannot have been served yet.")
    if terms.gag_until is None:
        return found
    if terms.gag_until <= terms.served_at:
        words = "A gag ends after the service."
        return found + fault("/gag_until", "out_of_order", words)
    if terms.oral and terms.gag_until > terms.served_at + ORAL_GAG_MAX:
        words = "An oral gag lasts at most 30 days from the service (45 CFR 164.528(a)(2))."
        return found + fault("/gag_until", "oral_gag_too_long", words)
    return found
