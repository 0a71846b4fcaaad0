"""What may be decided about a booking, and what is refused.

The numbered rules stand in `booking`. Each function takes the booking as it is and returns the one decision to record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.booking import (
    Booking,
    BookingCancelled,
    BookingCompleted,
    BookingConfirmed,
    BookingDeclined,
    BookingLapsed,
    BookingMissed,
    BookingRequested,
    BookingRescheduled,
    ReasonCode,
    Status,
)
from domain.booking_given import PersonGiven
from domain.errors import InvalidState, TooEarly
from domain.visit import Visit


@dataclass(frozen=True, slots=True)
class Making:
    """What a new booking is made of. Its visit was judged to be a slot, or comes from a hold."""

    booking: UUID
    subject: UUID
    visit: Visit
    person: PersonGiven
    hold: UUID | None = None
    external_ref: str | None = None


def make(making: Making, *, requires_confirmation: bool) -> BookingRequested | BookingConfirmed:
    """Begin a booking: as a request where the business wants to confirm each, else as agreed."""
    begun = BookingRequested if requires_confirmation else BookingConfirmed
    return begun(
        booking=making.booking,
        subject=making.subject,
        visit=making.visit,
        hold=making.hold,
        external_ref=making.external_ref,
        person=making.person,
    )


def confirm(booking: Booking, now: datetime) -> BookingConfirmed:
    """Agree to a request. Refuses: InvalidState (not pending, or its start has passed)."""
    _require(booking, Status.PENDING)
    _require_not_lapsed(booking, now)
    return BookingConfirmed(
        booking=booking.id,
        subject=booking.subject,
        visit=booking.visit,
        hold=None,
        external_ref=booking.external_ref,
        person=None,
    )


def decline(booking: Booking, reason_code: ReasonCode) -> BookingDeclined:
    """Say no to a request. Refuses: InvalidState (not pending)."""
    _require(booking, Status.PENDING)
    return BookingDeclined(booking.id, booking.subject, reason_code)


def lapse(booking: Booking, now: datetime) -> BookingLapsed:
    """Let go of a request whose start has passed. Refuses: InvalidState (not pending), TooEarly."""
    _require(booking, Status.PENDING)
    _require_started(booking, now)
    return BookingLapsed(booking.id, booking.subject)


def reschedule(booking: Booking, visit: Visit, now: datetime) -> BookingRescheduled:
    """Move to `visit`, which was judged to be a slot. Refuses: InvalidState (over, or a lapsed request)."""
    require_movable(booking, now)
    return BookingRescheduled(booking.id, booking.subject, visit)


def require_movable(booking: Booking, now: datetime) -> None:
    """Refuse a move that no slot could allow. Refuses: InvalidState (over, or a lapsed request)."""
    _require(booking, Status.PENDING, Status.CONFIRMED)
    if booking.status is Status.PENDING:
        _require_not_lapsed(booking, now)


def cancel(booking: Booking, reason_code: ReasonCode) -> BookingCancelled:
    """Call the visit off. Refuses: InvalidState (neither pending nor confirmed)."""
    _require(booking, Status.PENDING, Status.CONFIRMED)
    return BookingCancelled(booking.id, booking.subject, reason_code)


def complete(booking: Booking, now: datetime) -> BookingCompleted:
    """State that the visit took place. Refuses: InvalidState (not confirmed), TooEarly (not started)."""
    _require(booking, Status.CONFIRMED)
    _require_started(booking, now)
    return BookingCompleted(booking.id, booking.subject)


def miss(booking: Booking, now: datetime) -> BookingMissed:
    """State that the customer did not come. Refuses: InvalidState (not confirmed), TooEarly (not started)."""
    _require(booking, Status.CONFIRMED)
    _require_started(booking, now)
    return BookingMissed(booking.id, booking.subject)


def _require(booking: Booking, *allowed: Status) -> None:
    if booking.status not in allowed:
        raise InvalidState(f"The booking is {booking.status}.", status=booking.status.value)


def _require_not_lapsed(booking: Booking, now: datetime) -> None:
    if booking.visit.start <= now:
        raise InvalidState("The request has lapsed: its start has passed.", status="pending")


def _require_started(booking: Booking, now: datetime) -> None:
    if now < booking.visit.start:
        raise TooEarly()
