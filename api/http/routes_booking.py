"""Bookings: made, shown, listed, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from api.http import schemas_booking as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import BookingId, read_cursor, write_cursor
from api.http.rendering import booking_json, list_json, opened_json, row_json
from application.booking.agenda import BookingsQuery
from application.booking.booking_course import Target
from application.booking.placing import BookVisit
from application.recorded import Answer, Caller
from application.setup.register import Receipt
from domain import errors
from domain.booking import Booking
from domain.booking_given import References
from domain.subject import Profile
from domain.values import Personal, epoch_seconds, from_epoch

routes = Routes("Book")

CHANGED: Final = ("Daybook-Event", "ETag")
OPENING: Final = (errors.PurposeRequired, errors.Erased, errors.Unreadable)


@routes.add(
    "POST",
    "/v1/bookings",
    schemas.Booking,
    errors.SlotUnavailable,
    errors.HoldExpired,
    errors.HoldMismatch,
    errors.NotASlot,
    errors.UnknownReference,
    errors.LocationRequired,
    errors.Erased,
    status=201,
    headers=(*CHANGED, "Location"),
)
def make_booking(call: Call, body: schemas.NewBooking) -> Answer:
    """Book a slot for a customer.

    Without `staff_id` whoever is free takes it. With `hold_id` it takes the slot that the hold keeps. Of many who
    want one slot exactly one gets it; the others get 409 `slot_unavailable`.
    """
    command = BookVisit(
        service=body.service_id,
        start=body.start,
        customer=_profile(body.customer),
        location=body.location_id,
        staff=body.staff_id,
        hold=body.hold_id,
        references=References(external_ref=body.external_ref, policy_version=body.policy_version),
        note=_personal(body.note),
        metadata={name: Personal(value) for name, value in (body.metadata or {}).items()},
    )
    return call.write(lambda by: call.platform.bookings.make(command, by), _made)


@routes.add("GET", "/v1/bookings", schemas.BookingList, headers=("Daybook-Position",))
def list_bookings(call: Call, query: schemas.BookingsAsked) -> Answer:
    """List bookings at the locations of this key, by start and id. No personal data."""
    after = read_cursor("bookings", query.cursor)
    asked = BookingsQuery(
        from_=query.from_,
        to=query.to,
        staff=query.staff_id,
        location=query.location_id,
        status=query.status,
        limit=query.limit,
        after=None if after is None else (epoch_seconds(after[0]), after[1]),
        at_least=query.at_least,
    )
    page = call.platform.agenda.bookings(asked, call.by)
    following = page.next and write_cursor("bookings", from_epoch(page.next[0]), page.next[1])
    return answered(
        list_json([row_json(row) for row in page.rows], following),
        headers=(("daybook-position", str(page.position)),),
    )


@routes.add("GET", "/v1/bookings/{id}", schemas.Booking, *OPENING, headers=("ETag",), opens=True)
def show_booking(call: Call, id: BookingId, query: schemas.Inclusion) -> Answer:
    """Show a booking; with `include=customer` and a purpose, who it is for. That is recorded."""
    reads = call.platform.booking_reads
    if query.include is None:
        found = reads.booking(id, call.by)
        return answered(booking_json(found), version=found.state.version)
    opened = reads.with_customer(id, call.by)
    shown = booking_json(opened.receipt) | {"customer": opened_json(opened.customer)}
    return answered(shown, version=opened.receipt.state.version)


@routes.add("GET", "/v1/bookings/{id}/calendar.ics", "text/calendar", *OPENING, opens=True)
def show_calendar(call: Call, id: BookingId, query: schemas.Inclusion) -> Answer:
    """Give a booking as an iCalendar file (RFC 5545).

    Fetched again, it moves the entry that the first one made. `include=customer` adds name and address under a
    purpose.
    """
    entry = call.platform.booking_reads.calendar(
        id, call.by, include_customer=query.include is not None
    )
    kind = ("content-type", "text/calendar; charset=utf-8")
    named = ("content-disposition", 'attachment; filename="booking.ics"')
    return Answer(200, (kind, named), call.platform.booking_calendar(entry))


# --- what becomes of it ----------------------------------------------------------------------------------------------


@routes.add(
    "POST",
    "/v1/bookings/{id}/confirm",
    schemas.Booking,
    errors.InvalidState,
    errors.SlotUnavailable,
    headers=CHANGED,
    changes=True,
)
def confirm_booking(call: Call, id: BookingId) -> Answer:
    """Confirm a pending booking, before its start."""
    course = call.platform.booking_course
    return _step(call, id, course.confirm)


@routes.add(
    "POST",
    "/v1/bookings/{id}/decline",
    schemas.Booking,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def decline_booking(call: Call, id: BookingId, body: schemas.Reason) -> Answer:
    """Decline a pending booking: its time is free at once."""
    course = call.platform.booking_course
    return _step(call, id, lambda target, by: course.decline(target, body.reason_code, by))


@routes.add(
    "POST",
    "/v1/bookings/{id}/reschedule",
    schemas.Booking,
    errors.InvalidState,
    errors.SlotUnavailable,
    errors.NotASlot,
    errors.UnknownReference,
    headers=CHANGED,
    changes=True,
)
def reschedule_booking(call: Call, id: BookingId, body: schemas.NewTime) -> Answer:
    """Move a booking to another slot. It keeps its staff member unless told, and may overlap its own old time."""
    course = call.platform.booking_course
    return _step(
        call, id, lambda target, by: course.reschedule(target, body.start, body.staff_id, by)
    )


@routes.add(
    "POST",
    "/v1/bookings/{id}/cancel",
    schemas.Booking,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def cancel_booking(call: Call, id: BookingId, body: schemas.Reason) -> Answer:
    """Cancel a booking: its time is free at once."""
    course = call.platform.booking_course
    return _step(call, id, lambda target, by: course.cancel(target, body.reason_code, by))


@routes.add(
    "POST",
    "/v1/bookings/{id}/complete",
    schemas.Booking,
    errors.InvalidState,
    errors.TooEarly,
    headers=CHANGED,
    changes=True,
)
def complete_booking(call: Call, id: BookingId) -> Answer:
    """State that the visit took place, from its start on."""
    course = call.platform.booking_course
    return _step(call, id, course.complete)


@routes.add(
    "POST",
    "/v1/bookings/{id}/no-show",
    schemas.Booking,
    errors.InvalidState,
    errors.TooEarly,
    headers=CHANGED,
    changes=True,
)
def miss_booking(call: Call, id: BookingId) -> Answer:
    """State that the customer did not come, from the start on."""
    course = call.platform.booking_course
    return _step(call, id, course.miss)


def _step(call: Call, id: UUID, act: Callable[[Target, Caller], Receipt[Booking]]) -> Answer:
    reads = call.platform.booking_reads
    target = Target(id, call.if_match(lambda: reads.booking(id, call.by).state.version))
    return call.write(lambda by: act(target, by), _booking)


def _made(receipt: Receipt[Booking]) -> Answer:
    shown = booking_json(receipt)
    return answered(
        shown,
        status=201,
        event=receipt.event,
        version=receipt.state.version,
        location=f"/v1/bookings/{shown['id']}",
    )


def _booking(receipt: Receipt[Booking]) -> Answer:
    return answered(booking_json(receipt), event=receipt.event, version=receipt.state.version)


def _profile(customer: schemas.Customer) -> Profile:
    return Profile(
        name=Personal(customer.name),
        email=Personal(customer.email),
        phone=_personal(customer.phone),
        address=_personal(customer.address),
    )


def _personal(text: str | None) -> Personal | None:
    return None if text is None else Personal(text)
