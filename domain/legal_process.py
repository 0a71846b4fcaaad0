"""A legal process: an authority demands personal data, and the business answers for what it makes of it.

1. Nothing is disclosed under a process before it was reviewed; under a rejected one nothing ever is.
2. An emergency takes two persons: whoever reviewed it does not approve it. It is reviewed again after the fact,
   within 24 hours of its approval; found unjustified, it discloses nothing more.
3. A gag hides from the person until its date, and lies after the service. An oral one lasts at most 30 days from
   then; only a paper prolongs it, while it runs.
4. What the demand says may name people, so it is sealed under a key of the process's own.

*Not here*: the disclosure and its refusals (`disclosure`), what a gag hides and when it opens
(`application/orders/openings.py`).
*Source*: rows 85 to 89 of the policy's matrix; 45 CFR 164.528(a)(2), 164.512(f); GDPR Art. 6(1)(c), (d); README D6, D7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, assert_never
from uuid import UUID

from domain import fields
from domain.errors import GagRunning, InvalidState, NoGag, SecondPersonRequired
from domain.fields import FINE, fault
from domain.legal_paper import (
    Demand,
    GagStep,
    Narrowing,
    Number,
    ProcessTerms,
    ReviewOutcome,
    narrowing_faults,
    number_faults,
    received_faults,
    until_faults,
)
from domain.sealing import Envelope, Sealed
from domain.values import Personal

AFTER_REVIEW_WITHIN: Final = timedelta(hours=24)
NOT_NARROWED: Final = Narrowing()

AfterOutcome = Literal["justified", "unjustified"]
Status = Literal["received", "reviewed", "approved", "rejected"]
AfterState = Literal["due", "overdue", "met", "late"]


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProcessReceived:
    """An authority served it on the business."""

    TYPE: ClassVar[str] = "legal_process.received.v1"

    process: UUID
    terms: ProcessTerms
    demand: Annotated[Demand | Envelope, Sealed("evidence", "process")]


@dataclass(frozen=True, slots=True)
class ProcessReviewed:
    """It was found valid as it is, valid when narrowed, or not valid."""

    TYPE: ClassVar[str] = "legal_process.reviewed.v1"

    outcome: ReviewOutcome
    narrowed_to: Narrowing


@dataclass(frozen=True, slots=True)
class ProcessApproved:
    """A second person approved an emergency. `after_review_due_at` is by when it is reviewed again."""

    TYPE: ClassVar[str] = "legal_process.approved.v1"

    after_review_due_at: datetime


@dataclass(frozen=True, slots=True)
class ProcessAfterReviewed:
    """Looked at after the fact, an emergency was one or was none. `late` says that it was past due."""

    TYPE: ClassVar[str] = "legal_process.after_reviewed.v1"

    outcome: AfterOutcome
    late: bool


@dataclass(frozen=True, slots=True)
class GagChanged:
    """The gag ends at `until` from now on; where it was lifted, at this instant. `number` is its paper's."""

    TYPE: ClassVar[str] = "legal_process.gag_changed.v1"

    step: GagStep
    until: datetime
    number: Number


Decision: TypeAlias = (
    ProcessReceived | ProcessReviewed | ProcessApproved | ProcessAfterReviewed | GagChanged
)
DECISIONS: Final = (
    ProcessReceived,
    ProcessReviewed,
    ProcessApproved,
    ProcessAfterReviewed,
    GagChanged,
)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LegalProcess:
    """A process as it stands; its sealed scope is not part of it. `gag_until` may have passed."""

    id: UUID
    terms: ProcessTerms
    gag_until: datetime | None
    version: int
    outcome: ReviewOutcome | None = None
    narrowed_to: Narrowing = NOT_NARROWED
    after_review_due_at: datetime | None = None
    after_outcome: AfterOutcome | None = None
    after_late: bool = False

    @property
    def is_emergency(self) -> bool:
        """True when it takes two persons."""
        return self.terms.kind == "emergency"

    @property
    def status(self) -> Status:
        """How far it has come."""
        if self.outcome is None:
            return "received"
        if self.outcome == "rejected":
            return "rejected"
        return "reviewed" if self.after_review_due_at is None else "approved"

    @property
    def may_disclose(self) -> bool:
        """True when data may be disclosed under it."""
        if self.outcome not in ("narrowed", "accepted") or self.after_outcome == "unjustified":
            return False
        return not self.is_emergency or self.after_review_due_at is not None

    def gagged_at(self, now: datetime) -> bool:
        """True when the person may not learn of it at the instant `now`."""
        return self.gag_until is not None and now < self.gag_until

    def after_review_at(self, now: datetime) -> AfterState | None:
        """Where the review after the fact stands at `now`; None where none is due."""
        if self.after_review_due_at is None:
            return None
        if self.after_outcome is not None:
            return "late" if self.after_late else "met"
        return "overdue" if now >= self.after_review_due_at else "due"


def evolve(process: LegalProcess | None, decision: Decision) -> LegalProcess:
    """The process after `decision`."""
    if isinstance(decision, ProcessReceived):
        return LegalProcess(decision.process, decision.terms, decision.terms.gag_until, version=1)
    assert process is not None, "a process is received first"
    following = replace(process, version=process.version + 1)
    match decision:
        case ProcessReviewed():
            return replace(following, outcome=decision.outcome, narrowed_to=decision.narrowed_to)
        case ProcessApproved():
            return replace(following, after_review_due_at=decision.after_review_due_at)
        case ProcessAfterReviewed():
            return replace(following, after_outcome=decision.outcome, after_late=decision.late)
        case GagChanged():
            return replace(following, gag_until=decision.until)
        case _ as unreachable:
            assert_never(unreachable)


# --- deciding --------------------------------------------------------------------------------------------------------


def receive(
    process: UUID, terms: ProcessTerms, scope: Personal, at: datetime
) -> tuple[ProcessReceived, ...]:
    """Enter a process that was served, known at the instant `at`.

    Refuses: Unacceptable (any field; served in the future; a gag that ends before the service; an oral gag over 30
    days).
    """
    fields.accept(received_faults(terms, scope, at))
    return (ProcessReceived(process, terms, Demand(scope)),)


def review(
    process: LegalProcess, outcome: ReviewOutcome, narrowed_to: Narrowing = NOT_NARROWED
) -> tuple[ProcessReviewed, ...]:
    """Review it, once.

    Refuses: InvalidState (reviewed already), Unacceptable (narrowed to nothing less, or not narrowed and yet a bound
    is given; a field that is no code; a range that ends before it starts).
    """
    if process.outcome is not None:
        raise InvalidState("It has been reviewed")
    fields.accept(narrowing_faults(outcome, narrowed_to))
    return (ProcessReviewed(outcome, narrowed_to),)


def approve(process: LegalProcess, at: datetime, *, own: bool) -> tuple[ProcessApproved, ...]:
    """Approve an emergency; `own` says that its reviewer asks.

    Refuses: InvalidState (no emergency, not reviewed, rejected, approved already), SecondPersonRequired (own).
    """
    if not process.is_emergency:
        raise InvalidState("Only an emergency takes a second approval")
    if process.status != "reviewed":
        raise InvalidState(f"It is {process.status}")
    if own:
        raise SecondPersonRequired()
    return (ProcessApproved(at + AFTER_REVIEW_WITHIN),)


def review_after(
    process: LegalProcess, outcome: AfterOutcome, at: datetime
) -> tuple[ProcessAfterReviewed, ...]:
    """Review an emergency after the fact, once. A late one is recorded as late.

    Refuses: InvalidState (no approved emergency, done already).
    """
    due_at = process.after_review_due_at
    if due_at is None:
        raise InvalidState("Only an approved emergency is reviewed after the fact")
    if process.after_outcome is not None:
        raise InvalidState("It has been reviewed after the fact")
    return (ProcessAfterReviewed(outcome, late=at >= due_at),)


def change_gag(
    process: LegalProcess, step: GagStep, until: datetime | None, number: str, at: datetime
) -> tuple[GagChanged, ...]:
    """Order a gag where none runs, or extend or lift the one that runs, by the paper `number`, at the instant `at`.

    Refuses: Unacceptable (number; until missing, not wanted, past, or not later than it was), InvalidState (rejected),
    NoGag (none runs to be extended or lifted), GagRunning (one runs where another is ordered).
    """
    fields.accept(number_faults(number), until_faults(step, until, at))
    if process.status == "rejected":
        raise InvalidState("It was rejected")
    if step == "ordered":
        if process.gagged_at(at):
            raise GagRunning()
    elif not process.gagged_at(at):
        raise NoGag()
    if step == "extended" and until is not None and process.gag_until is not None:
        earlier = until <= process.gag_until
        words = "An extension ends later than the gag did."
        fields.accept(fault("/until", "out_of_order", words) if earlier else FINE)
    return (GagChanged(step, until or at, number),)
