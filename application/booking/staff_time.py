"""The time of those who are on offer: working time, less what is taken at a given instant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Final
from uuid import UUID

from application.booking.offer import Offer
from application.ports import Holidays, Occupied, Seat
from domain.availability import Session, StaffTime
from domain.intervals import Interval
from domain.location import Location
from domain.schedule import LOOKBACK_DAYS, NOTHING_CLOSED, working_intervals
from domain.staff import Staff
from domain.values import from_epoch

# Two days more on either side than a schedule looks at hold the local dates of every zone.
_MARGIN: Final = timedelta(days=LOOKBACK_DAYS + 2)


def has_expired(seat: Seat, now: int) -> bool:
    """True when a hold, or a request still pending, keeps nothing any more at `now` (epoch seconds)."""
    return seat.expires_at is not None and seat.expires_at <= now


def closed_dates(holidays: Holidays, location: Location, within: Interval) -> frozenset[date]:
    """The public holidays that close `location`, all that matter for working time in `within`."""
    terms = location.terms
    if not terms.closed_on_holidays:
        return NOTHING_CLOSED
    first, last = from_epoch(within[0]).date(), from_epoch(within[1]).date()
    return holidays.closed_dates(terms.country, terms.subdivision, first - _MARGIN, last + _MARGIN)


@dataclass(frozen=True)
class Timekeeper:
    """Says what time a staff member has in the range `within`, at `now`; both in epoch seconds.

    What `ignoring` owns does not count: a booking that moves may overlap its own old time.
    """

    offer: Offer
    within: Interval
    closed: frozenset[date]
    now: int
    ignoring: UUID | None = None

    def time_of(self, staff: Staff) -> StaffTime:
        """Working time, what occupies it, and the sessions of this service."""
        assert staff.schedule is not None, "who is on offer has a schedule"
        occupied: list[Interval] = [*self.offer.facts.taken.get(staff.id, ())]
        sessions: list[Session] = []
        is_class = self.offer.service.terms.capacity > 1
        for one in self._occupied_of(staff.id):
            if not (seats := self._seats_that_count(one)):
                continue
            reserved = (one.from_, one.to)
            if is_class and one.capacity > 1 and one.service == self.offer.service.id:
                sessions.append(Session(one.start, len(seats), reserved))
            else:
                occupied.append(reserved)
        occupied += self._busy_by_staff.get(staff.id, ())
        working = working_intervals(staff.schedule, *self.within, self.closed)
        return StaffTime(working, occupied, sessions)

    def expired_within(self, staff: UUID, reserved: Interval) -> tuple[Seat, ...]:
        """What has expired and still stands in the way of reserving that time."""
        return tuple(
            seat
            for one in self._occupied_of(staff)
            if one.from_ < reserved[1] and reserved[0] < one.to
            for seat in one.seats
            if has_expired(seat, self.now)
        )

    def _occupied_of(self, staff: UUID) -> Iterable[Occupied]:
        return self._occupied_by_staff.get(staff, ())

    @cached_property
    def _occupied_by_staff(self) -> dict[UUID, list[Occupied]]:
        found: dict[UUID, list[Occupied]] = {}
        for one in self.offer.facts.occupied:
            found.setdefault(one.staff, []).append(one)
        return found

    @cached_property
    def _busy_by_staff(self) -> dict[UUID, list[Interval]]:
        found: dict[UUID, list[Interval]] = {}
        for staff, start, end in self.offer.facts.busy:
            found.setdefault(staff, []).append((start, end))
        return found

    def _seats_that_count(self, one: Occupied) -> list[Seat]:
        return [
            seat
            for seat in one.seats
            if not has_expired(seat, self.now) and seat.owner != self.ignoring
        ]
