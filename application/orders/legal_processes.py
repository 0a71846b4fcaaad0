"""Receive, review and approve legal processes, and keep their gags.

Whether something may be disclosed under one is asked at each sending, and read from the catalog: always current.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from application.access.reveal import Reveal, Sight, Wish
from application.execute import Plan, Scribe, carry_out
from application.holding.hold_log import LEGAL_HOLDS
from application.orders.openings import WithheldDisclosures, case_key, prolonged
from application.permissions import require
from application.ports import Book, Clock, EventStore, Ids, People
from application.recorded import Caller
from application.setup.holders import same_holder
from application.setup.register import CreationKey, Listing, Receipt, Register, every, planned
from domain import legal_process
from domain.access import Field
from domain.access_key import Role
from domain.disclosure_rules import ProcessStanding
from domain.errors import Erased, VersionMismatch
from domain.legal_hold import LegalHold
from domain.legal_paper import GagStep, Narrowing, ProcessTerms, ReviewOutcome
from domain.legal_process import (
    NOT_NARROWED,
    AfterOutcome,
    Decision,
    LegalProcess,
    ProcessReceived,
    ProcessReviewed,
)
from domain.sealing import Envelope
from domain.values import Personal, parse_id, public_id

LEGAL_PROCESSES: Final = Register("legal_process", LegalProcess, legal_process.evolve)
WRITERS: Final[tuple[Role, ...]] = ("privacy_officer", "owner")
READERS: Final[tuple[Role, ...]] = (*WRITERS, "auditor")


@dataclass(frozen=True, slots=True)
class ReceiveProcess:
    """Enter a process that was served; `scope` is what it demands, and sealed."""

    terms: ProcessTerms
    scope: Personal


@dataclass(frozen=True, slots=True)
class ReviewProcess:
    """Find a process valid, valid when narrowed, or not valid."""

    process: UUID
    outcome: ReviewOutcome
    narrowed_to: Narrowing = NOT_NARROWED
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class ApproveProcess:
    """Approve an emergency as the second person."""

    process: UUID
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class ReviewAfter:
    """Review an emergency after the fact."""

    process: UUID
    outcome: AfterOutcome
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class ChangeGag:
    """Order, extend or lift a gag by the paper `number`; `until` is UTC, None where it is lifted."""

    process: UUID
    step: GagStep
    until: datetime | None
    number: str
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class WithScope:
    """A process, and what it demands."""

    process: LegalProcess
    scope: Personal


@dataclass(frozen=True, slots=True)
class LegalProcesses:
    """The legal processes that were served on a business."""

    store: EventStore
    book: Book
    people: People
    reveal: Reveal
    withheld: WithheldDisclosures
    clock: Clock
    ids: Ids

    def receive(self, command: ReceiveProcess, by: Caller) -> Receipt[LegalProcess]:
        """Receive a process; its scope is sealed under a key of its own.

        Refuses: NotPermitted, Unacceptable (fields; served in the future; a gag that ends before the service; an oral
        gag over 30 days).
        """
        require(by, *WRITERS)
        id = self.ids.uuid()

        def decide() -> tuple[Decision, ...]:
            at = self.clock.now()
            decisions = legal_process.receive(id, command.terms, command.scope, at)
            self.people.prepare(by.tenant, id, ("evidence",))
            return decisions

        return LEGAL_PROCESSES.enter(self, by, id, decide)

    def review(self, command: ReviewProcess, by: Caller) -> Receipt[LegalProcess]:
        """Review a process, once.

        Refuses: NotPermitted, NotFound, VersionMismatch, InvalidState (reviewed), Unacceptable (bounds).
        """
        require(by, *WRITERS)

        def decide(standing: LegalProcess) -> tuple[Decision, ...]:
            return legal_process.review(standing, command.outcome, command.narrowed_to)

        return LEGAL_PROCESSES.change(
            self, by, command.process, _permitted, decide, command.if_match
        )

    def approve(self, command: ApproveProcess, by: Caller) -> Receipt[LegalProcess]:
        """Approve an emergency; another key of its reviewer is its reviewer still.

        Refuses: NotPermitted, NotFound, VersionMismatch, InvalidState (no emergency that waits for it),
        SecondPersonRequired.
        """
        require(by, *WRITERS)

        def decide(standing: LegalProcess) -> tuple[Decision, ...]:
            own = self._reviewed(standing.id, by)
            return legal_process.approve(standing, self.clock.now(), own=own)

        return LEGAL_PROCESSES.change(
            self, by, command.process, _permitted, decide, command.if_match
        )

    def review_after(self, command: ReviewAfter, by: Caller) -> Receipt[LegalProcess]:
        """Review an emergency after the fact, once; found unjustified, it discloses nothing more.

        Refuses: NotPermitted, NotFound, VersionMismatch, InvalidState (no approved emergency; done).
        """
        require(by, *WRITERS)

        def decide(standing: LegalProcess) -> tuple[Decision, ...]:
            return legal_process.review_after(standing, command.outcome, self.clock.now())

        return LEGAL_PROCESSES.change(
            self, by, command.process, _permitted, decide, command.if_match
        )

    def change_gag(self, command: ChangeGag, by: Caller) -> Receipt[LegalProcess]:
        """Order, extend or lift a gag. What it withholds is withheld until its new date in the same instant.

        Refuses: NotPermitted, NotFound, VersionMismatch, Unacceptable (number, until), InvalidState (rejected), NoGag,
        GagRunning, Behind, Stale.
        """
        require(by, *WRITERS)

        def attempt() -> Plan[Receipt[LegalProcess]]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            entry, standing = LEGAL_PROCESSES.find(self.book, by.tenant, command.process)
            if command.if_match not in (None, standing.version):
                raise VersionMismatch()
            decisions = legal_process.change_gag(
                standing, command.step, command.until, command.number, scribe.at
            )
            plan = planned(scribe, LEGAL_PROCESSES.write(scribe, standing.id, decisions, entry))
            until, cases = command.until or scribe.at, StandingOrders(self.book)
            told = scribe, self.store, self.withheld, standing.id, until, cases
            # Those known by their case are told of a lifted gag too: the sweeper finds the others by their process.
            held = prolonged(*told, case_key(by.tenant, standing.terms.number))
            if command.until is not None:
                held += prolonged(*told)
            return replace(plan, append=replace(plan.append, events=plan.append.events + held))

        return carry_out(self.store, attempt)

    def process(self, id: UUID, by: Caller) -> LegalProcess:
        """One process, its sealed scope apart.

        Refuses: NotPermitted, NotFound.
        """
        require(by, *READERS)
        return LEGAL_PROCESSES.find(self.book, by.tenant, id)[1]

    def with_scope(self, id: UUID, by: Caller) -> WithScope:
        """One process and what it demands, opened on the record.

        Refuses: NotFound. Refuses, on the record: NotPermitted, PurposeRequired. Refuses: Erased, Unreadable.
        """
        fields: tuple[Field, ...] = ("scope",)
        glass = self.reveal.admit(by, Wish(fields, id), WRITERS)
        standing = LEGAL_PROCESSES.find(self.book, by.tenant, id)[1]
        received = self.store.read(by.tenant, id)[0].decision
        assert isinstance(received, ProcessReceived), "a process is received first"
        assert isinstance(received.demand, Envelope), "what was read is sealed"
        (opened,) = self.reveal.open(by, [Sight(id, received.demand)], fields, glass)
        scope = None if opened is None else opened["scope"]
        if not isinstance(scope, Personal):
            raise Erased()
        return WithScope(standing, scope)

    def page(self, limit: int, after: CreationKey | None, by: Caller) -> Listing[LegalProcess]:
        """The processes by creation.

        Refuses: NotPermitted.
        """
        require(by, *READERS)
        return LEGAL_PROCESSES.page(self.book, by.tenant, limit, after, lambda _: True)

    def _reviewed(self, process: UUID, by: Caller) -> bool:
        """True when the holder of the caller's key is who reviewed it."""
        return any(
            same_holder(self.book, by.tenant, event.actor, by.actor)
            for event in self.store.read(by.tenant, process)
            if isinstance(event.decision, ProcessReviewed)
        )


@dataclass(frozen=True, slots=True)
class StandingOrders:
    """What the processes of a business allow and forbid in this instant."""

    book: Book

    def process(self, tenant: UUID, id: UUID) -> ProcessStanding | None:
        """Whether data may be disclosed under a process, and within which bounds; None where there is none."""
        standing = self._standing(tenant, id)
        if standing is None:
            return None
        bounds = standing.narrowed_to
        return ProcessStanding(
            may_disclose=standing.may_disclose,
            gag_until=standing.gag_until,
            case=public_id("process", id),
            fields=frozenset(bounds.fields) if bounds.fields else None,
            from_=bounds.from_,
            to=bounds.to,
            emergency=standing.is_emergency,
        )

    def until(self, tenant: UUID, case: str) -> datetime | None:
        """When the last gag on the case `case` ends; None where nothing that it names was ever under one."""
        ends = [one.gag_until for one in self._processes(tenant, case)]
        ends += [one.terms.gag_until for one in self._holds(tenant, case)]
        return max((at for at in ends if at is not None), default=None)

    def behind(self, tenant: UUID, case: str) -> list[UUID]:
        """See the port `GagsOfCases`."""
        found = [one.id for one in self._processes(tenant, case)]
        return found + [one.id for one in self._holds(tenant, case)]

    def _processes(self, tenant: UUID, case: str) -> Iterator[LegalProcess]:
        """Those that `case` names. A number may be that of several."""
        if (id := parse_id("process", case)) is not None:
            found = self._standing(tenant, id)
            yield from () if found is None else (found,)
            return
        for one in every(LEGAL_PROCESSES, self.book, tenant):
            if one.terms.number.casefold() == case.casefold():
                yield one

    def _holds(self, tenant: UUID, case: str) -> Iterator[LegalHold]:
        id = parse_id("legal_hold", case)
        for one in every(LEGAL_HOLDS, self.book, tenant):
            if one.id == id or one.terms.matter.casefold() == case.casefold():
                yield one

    def _standing(self, tenant: UUID, id: UUID) -> LegalProcess | None:
        entry = self.book.entry(tenant, LEGAL_PROCESSES.kind, id)
        return None if entry is None else LEGAL_PROCESSES.state_of(entry)


def _permitted(_: LegalProcess) -> None:
    """Who may act on a process is known from the role alone."""
