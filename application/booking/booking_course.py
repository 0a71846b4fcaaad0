"""The course of a booking after its making: confirmed or declined, moved, called off, kept or missed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from uuid import UUID

from application.booking.choice import Choice, Chooser, Wanted, Zones, not_a_slot
from application.booking.claims import NOTHING_CLEARED, Cleared, claim_of_booking, clear
from application.booking.offer import Asked
from application.booking.slots import BOOKING_ROLES
from application.booking.streams import booking_as_recorded
from application.execute import Plan, Scribe, carry_out
from application.permissions import require
from application.ports import Append, Book, Clock, EventStore, Holidays, Ids, Release
from application.recorded import Caller
from application.setup.register import Receipt
from domain import booking, booking_rules
from domain.booking import Booking, ReasonCode
from domain.errors import NotFound, UnknownReference, VersionMismatch


@dataclass(frozen=True, slots=True)
class Target:
    """The booking that a command is about; `version` is the caller's If-Match, None for any."""

    booking: UUID
    version: int | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """A decision about a booking, and what becomes of its time: kept as it is, given up, or claimed anew."""

    decision: booking.Decision
    gives_up: bool = False
    claims_anew: bool = False
    cleared: Cleared = NOTHING_CLEARED


_Decide = Callable[[Booking, Scribe], _Step]


@dataclass(frozen=True, slots=True)
class BookingCourse:
    """Decides what becomes of bookings.

    Every method refuses NotPermitted, NotFound (no such booking, or not at the caller's locations) and VersionMismatch,
    in this order, before the rules of `booking_rules`.
    """

    store: EventStore
    book: Book
    clock: Clock
    ids: Ids
    holidays: Holidays
    zones: Zones = field(default_factory=dict, repr=False, compare=False)

    def confirm(self, target: Target, by: Caller) -> Receipt[Booking]:
        """Agree to a request: its time is kept for good. Refuses: InvalidState."""
        return self._carry_out(
            target, by, lambda it, scribe: _anew(booking_rules.confirm(it, scribe.at))
        )

    def decline(self, target: Target, reason: ReasonCode, by: Caller) -> Receipt[Booking]:
        """Say no to a request: its time is free at once. Refuses: InvalidState."""
        return self._carry_out(
            target, by, lambda it, _: _Step(booking_rules.decline(it, reason), gives_up=True)
        )

    def cancel(self, target: Target, reason: ReasonCode, by: Caller) -> Receipt[Booking]:
        """Call a visit off: its time is free at once. Refuses: InvalidState."""
        return self._carry_out(
            target, by, lambda it, _: _Step(booking_rules.cancel(it, reason), gives_up=True)
        )

    def complete(self, target: Target, by: Caller) -> Receipt[Booking]:
        """State that the visit took place. Refuses: InvalidState, TooEarly."""
        return self._carry_out(
            target, by, lambda it, scribe: _Step(booking_rules.complete(it, scribe.at))
        )

    def miss(self, target: Target, by: Caller) -> Receipt[Booking]:
        """State that the customer did not come. Refuses: InvalidState, TooEarly."""
        return self._carry_out(
            target, by, lambda it, scribe: _Step(booking_rules.miss(it, scribe.at))
        )

    def reschedule(
        self, target: Target, start: datetime, staff: UUID | None, by: Caller
    ) -> Receipt[Booking]:
        """Move a visit within its location; its own old time is free to it.

        Without `staff` it keeps its staff member. Its length and buffers are those of the service now.
        Refuses: InvalidState, UnknownReference (staff), NotASlot, SlotUnavailable.
        """
        rounds = count()

        def decide(it: Booking, scribe: Scribe) -> _Step:
            booking_rules.require_movable(it, scribe.at)
            asked = Asked(it.visit.service, it.visit.location, staff or it.visit.staff)
            wanted = Wanted(asked, start, it.id, next(rounds), moving=True)
            choice = self._choose(by, wanted, scribe.at, staff_is_named=staff is not None)
            cleared = clear(self.store, scribe, choice.expired)
            return _anew(booking_rules.reschedule(it, choice.visit, scribe.at), cleared)

        return self._carry_out(target, by, decide)

    def _choose(self, by: Caller, wanted: Wanted, at: datetime, *, staff_is_named: bool) -> Choice:
        try:
            return Chooser(self.book, self.holidays, self.zones).choose(by, wanted, at)
        except UnknownReference as unknown:
            # What the caller did not name, but the booking has, may have moved out of the key's sight.
            if staff_is_named and unknown.errors[0].pointer == "/staff_id":
                raise
            raise not_a_slot() from None

    def _carry_out(self, target: Target, by: Caller, decide: _Decide) -> Receipt[Booking]:
        require(by, *BOOKING_ROLES)

        def attempt() -> Plan[Receipt[Booking]]:
            before = standing(self.store, target, by)
            scribe = Scribe.begin(by, self.clock, self.ids)
            step = decide(before, scribe)
            event = scribe.record(before.id, before.version + 1, step.decision)
            after = booking.evolve(before, step.decision)
            result = Receipt(after, event.event_id)
            own = (Release(before.id),) if step.gives_up or step.claims_anew else ()
            append = Append(
                tenant=by.tenant,
                at=scribe.at,
                events=(event, *step.cleared.events),
                releases=(*own, *step.cleared.releases),
                claims=(claim_of_booking(after),) if step.claims_anew else (),
                ticket=by.ticket,
                answer=scribe.answer(result),
            )
            return Plan(append, result)

        return carry_out(self.store, attempt)


def standing(store: EventStore, target: Target, by: Caller) -> Booking:
    """The booking as it stands. Refuses: NotPermitted, NotFound, VersionMismatch."""
    found = booking_as_recorded(store, by.tenant, target.booking)
    if found is None:
        raise NotFound()
    require(by, *BOOKING_ROLES, at=(found.state.visit.location,))
    if target.version not in (None, found.state.version):
        raise VersionMismatch(version=found.state.version)
    return found.state


def _anew(decision: booking.Decision, cleared: Cleared = NOTHING_CLEARED) -> _Step:
    return _Step(decision, claims_anew=True, cleared=cleared)
