"""Rows of the read model `figures`: what a booking counts as, and when somebody worked where. No personal data.

A booking keeps its one row, whatever becomes of it: it counts as what it is now. Both say instants, never local days:
which day an instant lies on is told by the location's zone when somebody asks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias
from uuid import UUID

from application.recorded import Recorded
from domain.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingConfirmed,
    BookingDeclined,
    BookingLapsed,
    BookingMissed,
    BookingRequested,
    BookingRescheduled,
    Status,
)
from domain.local_time import MINUTE_SECONDS
from domain.schedule import Schedule
from domain.staff import StaffEngaged, StaffReleased, StaffRevised, StaffScheduleSet
from domain.values import epoch_seconds
from domain.visit import Visit

Made: TypeAlias = BookingRequested | BookingConfirmed
Ended: TypeAlias = (
    BookingDeclined | BookingLapsed | BookingCancelled | BookingCompleted | BookingMissed
)
Course: TypeAlias = Made | BookingRescheduled | Ended
Work: TypeAlias = StaffEngaged | StaffRevised | StaffScheduleSet | StaffReleased

BOOKING_EVENTS: Final = (
    BookingRequested,
    BookingConfirmed,
    BookingRescheduled,
    BookingDeclined,
    BookingLapsed,
    BookingCancelled,
    BookingCompleted,
    BookingMissed,
)
WORK_EVENTS: Final = (StaffEngaged, StaffRevised, StaffScheduleSet, StaffReleased)
# What keeps the staff member's time: see `Booking.occupies`.
KEEPS_TIME: Final = (Status.PENDING, Status.CONFIRMED, Status.COMPLETED, Status.NO_SHOW)


@dataclass(frozen=True, slots=True)
class CountedBooking:
    """One booking; instants in epoch seconds. `source` is the key through which it was made, or `system:<part>`."""

    booking: UUID
    location: UUID
    service: UUID
    staff: UUID
    source: str
    made_at: int
    start: int
    minutes: int
    status: Status


@dataclass(frozen=True, slots=True)
class Working:
    """Where a staff member worked and by which schedule, since the event `version` of theirs and until the next.

    Epoch seconds; `until` None: still. Nowhere: released. No schedule: none was set yet.
    """

    staff: UUID
    version: int
    since: int
    until: int | None
    locations: tuple[UUID, ...]
    schedule: Schedule | None


def booking_after(row: CountedBooking | None, event: Recorded[object]) -> CountedBooking:
    """A booking's row after one more of its events."""
    it = event.decision
    if row is None:
        assert isinstance(it, Made), "a booking begins once"
        status = Status.PENDING if isinstance(it, BookingRequested) else Status.CONFIRMED
        made_at = epoch_seconds(event.occurred_at)
        return _placed(
            CountedBooking(
                booking=it.booking,
                location=it.visit.location,
                service=it.visit.service,
                staff=it.visit.staff,
                source=event.actor,
                made_at=made_at,
                start=made_at,
                minutes=0,
                status=status,
            ),
            it.visit,
        )
    match it:
        case BookingConfirmed():
            return replace(row, status=Status.CONFIRMED)
        case BookingRescheduled():
            return _placed(row, it.visit)
        case BookingDeclined() | BookingLapsed():
            return replace(row, status=Status.DECLINED)
        case BookingCancelled():
            return replace(row, status=Status.CANCELLED)
        case BookingCompleted():
            return replace(row, status=Status.COMPLETED)
        case BookingMissed():
            return replace(row, status=Status.NO_SHOW)
        case _:
            raise AssertionError("a booking has no other course")


def _placed(row: CountedBooking, visit: Visit) -> CountedBooking:
    start = epoch_seconds(visit.start)
    minutes = (epoch_seconds(visit.end) - start) // MINUTE_SECONDS
    return replace(row, location=visit.location, staff=visit.staff, start=start, minutes=minutes)


def working_after(row: Working | None, event: Recorded[object]) -> Working:
    """Where and when somebody works after one more of their events, `row` being what stood before it."""
    it, at = event.decision, epoch_seconds(event.occurred_at)
    if isinstance(it, StaffEngaged):
        return Working(it.staff, event.version, at, None, it.terms.location_ids, None)
    assert row is not None, "a staff member is engaged first"
    following = replace(row, version=event.version, since=at, until=None)
    match it:
        case StaffRevised():
            return replace(following, locations=it.terms.location_ids)
        case StaffScheduleSet():
            return replace(following, schedule=it.schedule)
        case StaffReleased():
            return replace(following, locations=(), schedule=None)
        case _:
            raise AssertionError("nothing else changes where somebody works")
