"""What the brand's office asks for about its locations, and how it is answered.

    cut what is asked to the time in which each location belongs to the asker's tree
    hand over what remains                       a rule says no: recorded there, and the request stays open
    record the approval, with what was handed over

Each part that is handed over is on record, under the approver's name and with this request as its ground, before it
leaves. A crash before the approval is recorded leaves the request open: it can be approved again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from application.disclosing.disclose import Disclose, Disclosed, HandOver
from application.disclosing.facts import Wish
from application.disclosing.recipients import RECIPIENTS
from application.execute import Plan, Scribe, carry_out
from application.permissions import require, require_all_locations, sees
from application.ports import Book, Clock, EventStore, Ids
from application.recorded import Caller
from application.setup.holders import holder_of
from application.setup.register import (
    PAGE_ROWS_MAX,
    SCANNED_PAGES_MAX,
    CreationKey,
    Listing,
    Receipt,
    Register,
    append_of,
)
from domain import franchise_request
from domain.access_key import Role
from domain.disclosure import SUBJECTS_MAX, Ground, LawfulBasis, Scope
from domain.disclosure_rules import refusal
from domain.errors import FieldError, NotFound, RangeTooLong, UnknownReference, VersionMismatch
from domain.franchise_request import (
    Decision,
    FranchiseRequest,
    Piece,
    RefusalReason,
    RequestTerms,
    cut,
    require_open,
)
from domain.purposes import NEEDS_CASE
from domain.recipient import Recipient
from domain.values import public_id

FRANCHISE_REQUESTS: Final = Register(
    "franchise_request", FranchiseRequest, franchise_request.evolve
)
ASKERS: Final[tuple[Role, ...]] = ("corporate",)
ANSWERERS: Final[tuple[Role, ...]] = ("privacy_officer",)
READERS: Final[tuple[Role, ...]] = ("privacy_officer", "owner", "auditor")


class Visitors(Protocol):
    """Who has visits where."""

    def at(
        self, tenant: UUID, locations: Sequence[UUID], from_: datetime, to: datetime, limit: int
    ) -> list[UUID]:
        """At most `limit` persons with a booking at `locations` that starts in [from_, to), by id.

        Whatever became of the booking. MUST include every booking whose append has returned. Refuses: Behind.
        """
        ...


@dataclass(frozen=True, slots=True)
class AskForData:
    """Ask as the office `recipient`; None is the business's only one."""

    terms: RequestTerms
    recipient: UUID | None = None


@dataclass(frozen=True, slots=True)
class ApproveRequest:
    """Approve, on this basis."""

    request: UUID
    lawful_basis: LawfulBasis = "legitimate_interests"
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class RefuseRequest:
    """Refuse, for this reason."""

    request: UUID
    reason: RefusalReason
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class Approved:
    """An approved request, and what was handed over: one disclosure for each interval of the tree, none for nobody."""

    request: FranchiseRequest
    event: UUID
    disclosed: tuple[Disclosed, ...]


@dataclass(frozen=True, slots=True)
class FranchiseRequests:
    """The requests of the brand's office."""

    store: EventStore
    book: Book
    visitors: Visitors
    disclose: Disclose
    clock: Clock
    ids: Ids

    def ask(self, command: AskForData, by: Caller) -> Receipt[FranchiseRequest]:
        """Enter a request. Whether its locations are in the tree is looked at when it is approved.

        Refuses: NotPermitted, Unacceptable (fields), UnknownReference (locations; recipient: none, or several).
        """
        require(by, *ASKERS)
        id = self.ids.uuid()

        def decide() -> tuple[Decision, ...]:
            office = holder_of(self.book, by.tenant, by.actor)
            asker = self._asker(by.tenant, command.recipient)
            decisions = franchise_request.receive(id, asker.id, office, command.terms)
            self._require_locations(by, command.terms.location_ids)
            return decisions

        return FRANCHISE_REQUESTS.enter(self, by, id, decide)

    def approve(self, command: ApproveRequest, by: Caller) -> Approved:
        """Approve a request, and hand over what it asks for.

        Refuses: NotPermitted, NotFound, VersionMismatch, InvalidState (answered), RangeTooLong (over 5,000 persons),
        DisclosureRefused (recorded; the request stays open), Behind, Erased, Unreadable, Unavailable, Stale.
        """
        require(by, *ANSWERERS)
        require_all_locations(by)
        standing = self._open(command.request, command.if_match, by)
        asker = RECIPIENTS.find(self.book, by.tenant, standing.recipient)[1]
        branches = [(one.location, one.from_, one.to) for one in asker.terms.branches]
        whole = Piece(standing.terms.location_ids, standing.terms.from_, standing.terms.to)
        pieces = cut(standing.terms, branches)
        wishes = []
        for piece in pieces or (whole,):
            persons = self._persons(by.tenant, piece)
            # Outside of the tree, it is the rules of disclosing that say no, and say so on record.
            if persons or pieces is None:
                wishes.append(_wish(standing, piece, persons, command.lawful_basis))
        self._refuse_any(wishes, by)
        disclosed = [self._hand_over(wish, by) for wish in wishes]
        return self._approved(standing.id, tuple(disclosed), by)

    def refuse(self, command: RefuseRequest, by: Caller) -> Receipt[FranchiseRequest]:
        """Refuse a request.

        Refuses: NotPermitted, NotFound, VersionMismatch, InvalidState (answered).
        """
        require(by, *ANSWERERS)

        def decide(standing: FranchiseRequest) -> tuple[Decision, ...]:
            return franchise_request.refuse(standing, command.reason)

        return FRANCHISE_REQUESTS.change(
            self, by, command.request, lambda _: None, decide, command.if_match
        )

    def request(self, id: UUID, by: Caller) -> FranchiseRequest:
        """One request.

        Refuses: NotPermitted, NotFound (also: another office's).
        """
        require(by, *READERS, *ASKERS)
        standing = FRANCHISE_REQUESTS.find(self.book, by.tenant, id)[1]
        if not self._sees(by, standing):
            raise NotFound()
        return standing

    def page(self, limit: int, after: CreationKey | None, by: Caller) -> Listing[FranchiseRequest]:
        """The requests by creation; an office sees its own.

        Refuses: NotPermitted.
        """
        require(by, *READERS, *ASKERS)
        return FRANCHISE_REQUESTS.page(
            self.book, by.tenant, limit, after, lambda one: self._sees(by, one)
        )

    def _open(self, id: UUID, if_match: int | None, by: Caller) -> FranchiseRequest:
        standing = FRANCHISE_REQUESTS.find(self.book, by.tenant, id)[1]
        if if_match is not None and if_match != standing.version:
            raise VersionMismatch()
        require_open(standing)
        return standing

    def _persons(self, tenant: UUID, piece: Piece) -> tuple[UUID, ...]:
        found = self.visitors.at(tenant, piece.locations, piece.from_, piece.to, SUBJECTS_MAX + 1)
        if len(found) > SUBJECTS_MAX:
            raise RangeTooLong(f"It is about more than {SUBJECTS_MAX} persons; ask for less time")
        return tuple(found)

    def _refuse_any(self, wishes: Sequence[Wish], by: Caller) -> None:
        """Have the first of several parts refused that a rule forbids, before any of the others is handed over."""
        for wish in wishes if len(wishes) > 1 else ():
            if refusal(self.disclose.facts.gather(by.tenant, wish).facts) is not None:
                self._hand_over(wish, by)

    def _hand_over(self, wish: Wish, by: Caller) -> Disclosed:
        return self.disclose.disclose(HandOver(wish), replace(by, ticket=None))

    def _approved(self, id: UUID, disclosed: tuple[Disclosed, ...], by: Caller) -> Approved:
        count = len({one.subject for it in disclosed for one in it.state.recorded.subjects})

        def attempt() -> Plan[Approved]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            entry, standing = FRANCHISE_REQUESTS.find(self.book, by.tenant, id)
            decisions = franchise_request.approve(
                standing, tuple(one.id for one in disclosed), count
            )
            written = FRANCHISE_REQUESTS.write(scribe, id, decisions, entry)
            result = Approved(written.state, written.events[-1].event_id, disclosed)
            return Plan(append_of(scribe, (written,), result), result)

        return carry_out(self.store, attempt)

    def _asker(self, tenant: UUID, named: UUID | None) -> Recipient:
        """The office that asks. Refuses: UnknownReference."""
        offices = [one for one in self._offices(tenant) if named in (None, one.id)]
        if len(offices) != 1:
            words = "There is no such office." if named else "Say which office asks: recipient_id."
            error = FieldError("/recipient_id", UnknownReference.code, words)
            raise UnknownReference(errors=(error,))
        return offices[0]

    def _offices(self, tenant: UUID) -> list[Recipient]:
        """Every recipient of kind franchise whose contract was not ended."""
        found: list[Recipient] = []
        after: CreationKey | None = None
        for _ in range(SCANNED_PAGES_MAX):
            rows = self.book.page(tenant, RECIPIENTS.kind, PAGE_ROWS_MAX, after)
            states = [RECIPIENTS.state_of(row) for row in rows]
            found += [one for one in states if one.active and one.terms.kind == "franchise"]
            if len(rows) < PAGE_ROWS_MAX:
                break
            after = rows[-1].created_at, rows[-1].id
        return found

    def _require_locations(self, by: Caller, ids: Sequence[UUID]) -> None:
        """Locations that were closed meanwhile still have visits: they may be asked for all the same."""
        known = {entry.id for entry in self.book.entries(by.tenant, "location", ids)}
        errors = tuple(
            FieldError(
                f"/location_ids/{index}", UnknownReference.code, "There is no such location."
            )
            for index, one in enumerate(ids)
            if one not in known or not sees(by, (one,))
        )
        if errors:
            raise UnknownReference(errors=errors)

    def _sees(self, by: Caller, standing: FranchiseRequest) -> bool:
        if not by.roles.isdisjoint(READERS):
            return True
        return standing.office == holder_of(self.book, by.tenant, by.actor)


def _wish(
    request: FranchiseRequest, piece: Piece, persons: tuple[UUID, ...], basis: LawfulBasis
) -> Wish:
    terms = request.terms
    case = public_id("franchise_request", request.id) if terms.purpose in NEEDS_CASE else None
    return Wish(
        recipient=request.recipient,
        subjects=persons,
        purpose=terms.purpose,
        case=case,
        ground=Ground(lawful_basis=basis, franchise_request=request.id),
        scope=Scope(terms.fields, piece.from_, piece.to, piece.locations),
    )
