"""Place legal holds, look at them again, extend them to further persons, and release them.

A hold and the pins in its persons' custody are one append, at the versions that were read: an order to erase that comes
at the same moment appends to the same custody streams, so one of the two is first, and the other sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Protocol
from uuid import UUID, uuid5

from application.custody.custody_log import custody_stream, read_custody
from application.erasing.deferrals import deferrals_opened
from application.execute import Plan, Scribe, carry_out
from application.holding.hold_log import LEGAL_HOLDS, persons_of
from application.people_known import require_person
from application.permissions import require
from application.ports import Append, Book, CatalogEntry, Clock, EventStore, Ids
from application.recorded import Caller, Recorded
from application.setup.holders import same_holder
from application.setup.register import (
    CreationKey,
    Listing,
    Receipt,
    Written,
    append_of,
    planned,
)
from domain import legal_hold
from domain.access_key import Role
from domain.custody import Custody, CustodyFreed, CustodyPinned
from domain.errors import (
    FieldError,
    NotFound,
    NotYourHold,
    Stale,
    UnknownReference,
    VersionMismatch,
)
from domain.legal_hold import (
    HeldPerson,
    HoldTerms,
    LegalHold,
    LegalHoldOpened,
    LegalHoldReleased,
    LegalHoldUngagged,
)

WRITERS: Final[tuple[Role, ...]] = ("privacy_officer", "owner")
READERS: Final[tuple[Role, ...]] = (*WRITERS, "auditor")
SWEEPER: Final = "system:sweeper"


class Resuming(Protocol):
    """Takes up erasures that waited for a hold."""

    def resume(self, tenant: UUID, subject: UUID, legal_hold: UUID) -> int:
        """Take what nothing pins any more; how many classes. Refuses: Stale."""
        ...


@dataclass(frozen=True, slots=True)
class PlaceHold:
    """Keep these classes of these persons from being erased."""

    terms: HoldTerms
    persons: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class ReviewHold:
    """Find that a hold is still needed, until it is looked at again on a day."""

    hold: UUID
    review_on: date
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class ExtendHold:
    """Let a hold be on further persons too."""

    hold: UUID
    persons: tuple[UUID, ...]
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """Let go of everything that a hold pins."""

    hold: UUID
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class ShownHold:
    """A hold, and whom it is about."""

    hold: LegalHold
    persons: tuple[HeldPerson, ...]


@dataclass(frozen=True, slots=True)
class HeldReceipt:
    """A hold after a command, all whom it is about then, and the event that last had a part in it."""

    state: LegalHold
    persons: tuple[HeldPerson, ...]
    event: UUID


@dataclass(frozen=True, slots=True)
class LegalHolds:
    """The legal holds of a business."""

    store: EventStore
    book: Book
    erasures: Resuming
    clock: Clock
    ids: Ids

    def place(self, command: PlaceHold, by: Caller) -> HeldReceipt:
        """Place a hold; whoever places it is its custodian. Durable on return, with every pin.

        A class that an erasure took before is gone, and named as such. Refuses: NotPermitted, Unacceptable (fields),
        UnknownReference (persons), Stale.
        """
        require(by, *WRITERS)
        legal_hold.check_terms(command.terms, command.persons, self.clock.now())
        self._require_persons(by.tenant, command.persons)
        id = self.ids.uuid()

        def attempt() -> Plan[HeldReceipt]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            custody = self._custody(by.tenant, command.persons)
            held = legal_hold.held(command.persons, command.terms.classes, custody)
            decisions = legal_hold.place(id, command.terms, by.actor, held)
            written = LEGAL_HOLDS.write(scribe, id, decisions, None)
            return _holding(scribe, written, (), held, custody)

        return carry_out(self.store, attempt)

    def review(self, command: ReviewHold, by: Caller) -> Receipt[LegalHold]:
        """Keep a hold that is still needed.

        Refuses: NotPermitted, NotFound, VersionMismatch, InvalidState (released), Unacceptable (a day in the past).
        """
        require(by, *WRITERS)
        return LEGAL_HOLDS.change(
            self,
            by,
            command.hold,
            lambda _: None,
            lambda hold: legal_hold.review(hold, command.review_on, self.clock.now()),
            command.if_match,
        )

    def extend(self, command: ExtendHold, by: Caller) -> HeldReceipt:
        """Extend a hold to further persons; those who are under it already are left as they are.

        Refuses: NotPermitted, NotFound, VersionMismatch, InvalidState (released), Unacceptable (over 1,000 in all),
        UnknownReference (persons), Stale.
        """
        require(by, *WRITERS)

        def attempt() -> Plan[HeldReceipt]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            entry, hold = self._find(by, command.hold, command.if_match)
            known = persons_of(self.store, by.tenant, hold.id)
            under = {one.person for one in known}
            further = legal_hold.check_extension(hold, under, command.persons)
            self._require_persons(by.tenant, command.persons)
            custody = self._custody(by.tenant, further)
            held = legal_hold.held(further, hold.terms.classes, custody)
            decisions = legal_hold.extend(held)
            if not decisions:
                last = self.store.read(by.tenant, hold.id)[-1].event_id
                return Plan(Append(by.tenant, scribe.at, ()), HeldReceipt(hold, known, last))
            written = LEGAL_HOLDS.write(scribe, hold.id, decisions, entry)
            return _holding(scribe, written, known, held, custody)

        return carry_out(self.store, attempt)

    def release(self, command: ReleaseHold, by: Caller) -> Receipt[LegalHold]:
        """Release a hold, and take up the erasures that waited for it.

        Durable on return: the release, and that nothing is pinned by it any more. Erasures that could not be taken up
        at once are taken up by the eraser. Refuses: NotPermitted, NotFound, VersionMismatch, InvalidState (released).
        Refuses, on the record: NotYourHold (neither its custodian nor an owner). Refuses: Stale.
        """
        require(by, *WRITERS)
        waiting: list[UUID] = []

        def attempt() -> Plan[Receipt[LegalHold] | None]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            entry, hold = self._find(by, command.hold, command.if_match)
            decisions = legal_hold.release(hold, own=self._own(hold, by))
            if not isinstance(decisions[0], LegalHoldReleased):
                silent = replace(scribe, caller=replace(by, ticket=None))
                written = LEGAL_HOLDS.write(silent, hold.id, decisions, entry)
                return Plan(planned(silent, written).append, None)
            plan = planned(scribe, LEGAL_HOLDS.write(scribe, hold.id, decisions, entry))
            freed, erased = self._freed(scribe, hold, plan.result.event)
            waiting[:] = erased
            append = replace(plan.append, events=plan.append.events + freed)
            return Plan(append, plan.result)

        receipt = carry_out(self.store, attempt)
        if receipt is None:
            raise NotYourHold()
        for person in waiting:
            with suppress(Stale):  # The eraser looks again.
                self.erasures.resume(by.tenant, person, command.hold)
        return receipt

    def hold(self, id: UUID, by: Caller) -> ShownHold:
        """One hold, and whom it is about.

        Refuses: NotPermitted, NotFound.
        """
        require(by, *READERS)
        hold = LEGAL_HOLDS.find(self.book, by.tenant, id)[1]
        return ShownHold(hold, persons_of(self.store, by.tenant, id))

    def page(self, limit: int, after: CreationKey | None, by: Caller) -> Listing[LegalHold]:
        """The holds by creation, released ones included.

        Refuses: NotPermitted.
        """
        require(by, *READERS)
        return LEGAL_HOLDS.page(self.book, by.tenant, limit, after, lambda _: True)

    def _find(self, by: Caller, id: UUID, if_match: int | None) -> tuple[CatalogEntry, LegalHold]:
        entry, hold = LEGAL_HOLDS.find(self.book, by.tenant, id)
        if if_match not in (None, hold.version):
            raise VersionMismatch()
        return entry, hold

    def _own(self, hold: LegalHold, by: Caller) -> bool:
        return "owner" in by.roles or same_holder(self.book, by.tenant, hold.custodian, by.actor)

    def _require_persons(self, tenant: UUID, persons: Sequence[UUID]) -> None:
        unknown: list[FieldError] = []
        for index, person in enumerate(persons):
            try:
                require_person(self.store, tenant, person)
            except NotFound:
                pointer = f"/subject_ids/{index}"
                unknown.append(FieldError(pointer, "unknown_reference", "There is no such person."))
        if unknown:
            raise UnknownReference(errors=tuple(unknown))

    def _custody(self, tenant: UUID, persons: Iterable[UUID]) -> Mapping[UUID, Custody]:
        return {person: read_custody(self.store, tenant, person) for person in persons}

    def _freed(
        self, scribe: Scribe, hold: LegalHold, cause: UUID
    ) -> tuple[tuple[Recorded[object], ...], list[UUID]]:
        """What frees each person, and who of them has an erasure that may have waited."""
        tenant, silent = scribe.caller.tenant, hold.gagged_at(scribe.at)
        events: list[Recorded[object]] = []
        erased: list[UUID] = []
        for one in persons_of(self.store, tenant, hold.id):
            custody = read_custody(self.store, tenant, one.person)
            if hold.id not in custody.pins:
                continue
            freed = CustodyFreed(one.person, None if silent else one.person, hold.id)
            stream = custody_stream(one.person)
            events.append(scribe.record(stream, custody.version + 1, freed, cause=cause))
            if custody.erasures:
                erased.append(one.person)
        return tuple(events), erased


@dataclass(frozen=True, slots=True)
class HoldOpenings:
    """Tells persons of the holds that were under a gag, and of the erasures that waited, once its date has passed."""

    store: EventStore
    book: Book
    clock: Clock
    ids: Ids

    def sweep(self, tenant: UUID) -> int:
        """Open what is due, one append for each hold; how many holds. Each is opened once, wherever this is killed.

        Refuses: Stale.
        """
        now, opened = self.clock.now(), 0
        after: CreationKey | None = None
        while True:
            listing = LEGAL_HOLDS.page(
                self.book, tenant, 200, after, lambda one: one.waits_to_open_at(now)
            )
            opened += sum(self._open(tenant, one.id) for one in listing.items)
            after = listing.next
            if after is None:
                return opened

    def _open(self, tenant: UUID, id: UUID) -> bool:
        by = Caller(tenant, SWEEPER, frozenset())

        def attempt() -> Plan[bool]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            entry, hold = LEGAL_HOLDS.find(self.book, tenant, id)
            if not hold.waits_to_open_at(scribe.at):
                return Plan(Append(tenant, scribe.at, ()), False)
            openings = tuple(
                scribe.record(
                    opening_stream(id, one.person), 1, one_opened, cause=one_opened.pinned
                )
                for one in persons_of(self.store, tenant, id)
                if (one_opened := self._opened(tenant, id, one.person)) is not None
            )
            told = tuple(
                event
                for one in persons_of(self.store, tenant, id)
                for event in deferrals_opened(scribe, self.store, one.person, id)
            )
            written = LEGAL_HOLDS.write(scribe, id, (LegalHoldUngagged(len(openings)),), entry)
            plan = planned(scribe, written)
            return Plan(replace(plan.append, events=plan.append.events + openings + told), True)

        return carry_out(self.store, attempt)

    def _opened(self, tenant: UUID, hold: UUID, person: UUID) -> LegalHoldOpened | None:
        for event in self.store.read(tenant, custody_stream(person)):
            it = event.decision
            if isinstance(it, CustodyPinned) and it.legal_hold == hold and it.subject is None:
                return LegalHoldOpened(person, hold, event.event_id)
        return None


def opening_stream(hold: UUID, person: UUID) -> UUID:
    """The stream of the one opening of a hold to a person."""
    return uuid5(hold, f"daybook/legal_hold/opened/{person.hex}")


def _pins(
    scribe: Scribe,
    hold: LegalHold,
    held: Sequence[HeldPerson],
    custody: Mapping[UUID, Custody],
    cause: UUID,
) -> tuple[Recorded[object], ...]:
    """What pins the living classes of each person; nothing where all are gone."""
    silent = hold.gagged_at(scribe.at)
    return tuple(
        scribe.record(
            custody_stream(one.person),
            custody[one.person].version + 1,
            CustodyPinned(one.person, None if silent else one.person, hold.id, one.pinned),
            cause=cause,
        )
        for one in held
        if one.pinned
    )


def _holding(
    scribe: Scribe,
    written: Written[LegalHold],
    known: tuple[HeldPerson, ...],
    held: tuple[HeldPerson, ...],
    custody: Mapping[UUID, Custody],
) -> Plan[HeldReceipt]:
    """The plan to store what was decided and its pins; `known` were under the hold before, `held` come under it."""
    event = written.events[-1].event_id
    receipt = HeldReceipt(written.state, (*known, *held), event)
    append = append_of(scribe, (written,), receipt)
    pins = _pins(scribe, written.state, held, custody, event)
    return Plan(replace(append, events=append.events + pins), receipt)
