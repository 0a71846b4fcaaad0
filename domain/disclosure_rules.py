"""What must be true in the instant in which personal data leaves. All of it is looked at again before each attempt.

1. The checks run in one order, and the first that does not hold is the reason.
2. Marketing to a third party is refused whatever else is true.
3. Facts come in as values: nothing here reads a clock, a register or a stream.

*Not here*: gathering the facts (`application/disclosing/facts.py`), what is recorded (`disclosure`).
*Source*: GDPR Art. 6, 7, 18, 28, 44-49; rows 67, 68 and 83 to 93 of the policy's matrix; README D6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from domain import personal_fields
from domain.adequacy import ADEQUATE_IN_PART, needs_mechanism
from domain.disclosure import ConsentSeen, Ground, Reason, Scope
from domain.purposes import NEEDS_CASE, PURPOSES
from domain.recipient_terms import RecipientTerms, in_contract, in_tree, in_tree_at, is_third_party

FIELDS: Final = frozenset(personal_fields.FIELDS)
MARKETING: Final = frozenset({"marketing_first_party"})
NEEDS_CITATION: Final = frozenset({"legal_requirement", "report"})
CASE_TRIGGERS: Final = frozenset({"enforcement", "other_law"})
NEEDS_PROCESS: Final = frozenset({"compelled", "emergency"})
TRANSFER_CONSENT: Final = "cross_border_transfer"


@dataclass(frozen=True, slots=True)
class VisitSeen:
    """A visit that a person has booked: where (with the location's country), and when it starts."""

    location: UUID
    country: str
    start: datetime


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """What bears on one person. `consent` is to the purpose; `transfer_consent` to leaving for another country.

    `opted_out` says that they opted out of this very vendor.
    """

    subject: UUID
    consent: UUID | None = None
    consent_at_send: ConsentSeen = "none"
    consent_valid: bool = False
    transfer_consent: bool = False
    restricted: bool = False
    opted_out: bool = False
    visits: tuple[VisitSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class ProcessStanding:
    """What a legal process allows: `may_disclose` once it was reviewed, and approved twice where that is demanded.

    `gag_until` is until when the person may not learn of it; None where they may. It may have been narrowed to `fields`
    (None: any), and to visits that start in [`from_`, `to`). `emergency` says that two persons approved it as one.
    """

    may_disclose: bool
    gag_until: datetime | None = None
    case: str | None = None
    fields: frozenset[str] | None = None
    from_: datetime | None = None
    to: datetime | None = None
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class SendingFacts:
    """All that bears on one disclosure at the instant `at`; `on` is the local date then."""

    terms: RecipientTerms
    at: datetime
    on: date
    purpose: str
    case: str | None
    ground: Ground
    scope: Scope
    subjects: tuple[SubjectFacts, ...]
    process: ProcessStanding | None = None


def refusal(facts: SendingFacts) -> Reason | None:
    """Why it must not leave; None when nothing speaks against it."""
    for check in _CHECKS:
        if (reason := check(facts)) is not None:
            return reason
    return None


def is_given(terms: RecipientTerms, scope: Scope, visit: VisitSeen) -> bool:
    """True when `visit` is among what is handed over: in the scope and, for a franchise, in its tree when it starts.

    A visit on the first day of an interval belongs to whoever had the location at that instant.
    """
    if scope.from_ is not None and visit.start < scope.from_:
        return False
    if scope.to is not None and visit.start >= scope.to:
        return False
    if scope.locations and visit.location not in scope.locations:
        return False
    if terms.kind != "franchise":
        return True
    return in_tree_at(terms, visit.location, visit.start)


# --- the checks, in their order --------------------------------------------------------------------------------------


def _fields(facts: SendingFacts) -> Reason | None:
    known = FIELDS.issuperset(facts.scope.fields) and facts.scope.fields
    return None if known else "unknown_field"


def _listed(facts: SendingFacts) -> Reason | None:
    return None if facts.purpose in PURPOSES else "unknown_purpose"


def _contract(facts: SendingFacts) -> Reason | None:
    return None if in_contract(facts.terms, facts.on) else "contract_expired"


def _permitted(facts: SendingFacts) -> Reason | None:
    if facts.purpose in MARKETING and is_third_party(facts.terms):
        return "purpose_not_permitted"
    return None if facts.purpose in facts.terms.permitted_purposes else "purpose_not_permitted"


def _ground(facts: SendingFacts) -> Reason | None:
    ground = facts.ground
    if ground.lawful_basis is None and ground.legal_trigger is None:
        return "no_ground"
    if ground.legal_trigger in NEEDS_CITATION and ground.citation is None:
        return "no_ground"
    reports = ground.legal_trigger == "report"
    return "no_ground" if reports and facts.terms.kind != "authority" else None


def _case(facts: SendingFacts) -> Reason | None:
    demanded = facts.purpose in NEEDS_CASE or facts.ground.legal_trigger in CASE_TRIGGERS
    return "case_missing" if demanded and facts.case is None else None


def _consent(facts: SendingFacts) -> Reason | None:
    ground = facts.ground
    if ground.consent is not None and ground.consent not in [it.consent for it in facts.subjects]:
        return "no_consent"
    asks = (
        ground.lawful_basis == "consent"
        or ground.legal_trigger == "direction"
        or facts.terms.kind == "subject_directed"
    )
    return None if not asks or all(it.consent_valid for it in facts.subjects) else "no_consent"


def _restriction(facts: SendingFacts) -> Reason | None:
    return "restricted" if any(it.restricted for it in facts.subjects) else None


def _opted_out(facts: SendingFacts) -> Reason | None:
    return "opted_out" if any(it.opted_out for it in facts.subjects) else None


def _transfer(facts: SendingFacts) -> Reason | None:
    terms = facts.terms
    leaving = [
        it
        for it in facts.subjects
        if any(needs_mechanism(visit.country, terms.country) for visit in it.visits)
    ]
    if not leaving:
        return None
    ends_on = terms.transfer_mechanism_to
    if ends_on is not None and ends_on < facts.on:
        return "no_transfer_mechanism"  # as Privacy Shield's end was, on 16 July 2020
    match terms.transfer_mechanism:
        case None:
            return "no_transfer_mechanism"
        case "A45-3" if terms.country not in ADEQUATE_IN_PART:
            return "no_transfer_mechanism"
        case "A49-1-a" if not all(it.transfer_consent for it in leaving):
            return "no_transfer_mechanism"
        case _:
            return None


def _tree(facts: SendingFacts) -> Reason | None:
    terms, scope = facts.terms, facts.scope
    if terms.kind != "franchise":
        return None
    from_, to = scope.from_ or facts.at, scope.to or facts.at
    if not all(in_tree(terms, one, min(from_, to), max(from_, to)) for one in scope.locations):
        return "outside_tree"
    theirs = all(any(is_given(terms, scope, visit) for visit in it.visits) for it in facts.subjects)
    return None if theirs else "outside_tree"


def _process(facts: SendingFacts) -> Reason | None:
    ground = facts.ground
    if ground.legal_process is None and ground.legal_trigger not in NEEDS_PROCESS:
        return None
    process, scope = facts.process, facts.scope
    if process is None or not process.may_disclose:
        return "process_not_reviewed"
    if ground.legal_trigger == "emergency" and not process.emergency:
        return "process_not_reviewed"  # nobody has approved it as a second person
    if process.fields is not None and not process.fields.issuperset(scope.fields):
        return "beyond_process"
    early = process.from_ is not None and (scope.from_ is None or scope.from_ < process.from_)
    late = process.to is not None and (scope.to is None or scope.to > process.to)
    return "beyond_process" if early or late else None


_CHECKS: Final[tuple[Callable[[SendingFacts], Reason | None], ...]] = (
    _fields,
    _listed,
    _contract,
    _permitted,
    _ground,
    _case,
    _consent,
    _restriction,
    _opted_out,
    _transfer,
    _tree,
    _process,
)
