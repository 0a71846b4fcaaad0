"""The choice of a slot: judge one start, find who takes it, and what has to make room.

It stands on the same offer, the same time and the same `availability` as the list of slots.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from application.booking.offer import Asked, Offer, offer
from application.booking.staff_time import Timekeeper, closed_dates
from application.ports import Book, Counting, Facts, Holidays, Seat
from application.recorded import Caller
from domain import availability
from domain.availability import Verdict
from domain.errors import FieldError, NotASlot, SlotUnavailable
from domain.intervals import Interval
from domain.local_time import DAY_SECONDS, local_date, midnight
from domain.service import WINDOW_DAYS_MAX
from domain.staff import Staff
from domain.values import epoch_seconds, from_epoch
from domain.visit import Visit

# A first look around a start that nearly always holds the visit with its buffers.
_LOOK_SECONDS: Final = 6 * 3_600
_ZONES_KEPT: Final = 10_000
# From here on a caller who keeps losing races picks any free staff member, so that callers part ways.
_SCATTER_FROM_ROUND: Final = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """A start that a caller wants, in round `round` (from 0) of trying, for the hold or booking `owner`.

    With `moving` the time that `owner` has is free to it.
    """

    asked: Asked
    start: datetime
    owner: UUID
    round: int = 0
    moving: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The visit that can be had, the service's offer, and what has expired in its way."""

    visit: Visit
    offer: Offer
    expired: tuple[Seat, ...]


Zones = dict[tuple[UUID, UUID | None], str]
"""The zones in which offers were last found. They say which day to look at first, and may be wrong or missing."""


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses slots, from current state."""

    book: Book
    holidays: Holidays
    zones: Zones = field(default_factory=dict)

    def choose(self, by: Caller, wanted: Wanted, at: datetime) -> Choice:
        """Judge the start at the instant `at`, and choose who takes the visit.

        Every free staff member may; fewest bookings on the start's local day first, then id.
        Refuses: UnknownReference, LocationRequired, NotASlot, SlotUnavailable.
        """
        start, now = epoch_seconds(wanted.start), epoch_seconds(at)
        if wanted.start.microsecond or not now <= start <= now + WINDOW_DAYS_MAX * DAY_SECONDS:
            # No slot wherever it is; yet what does not exist is said first.
            offer(self.book, by, wanted.asked, self._facts(by, wanted.asked, (now, now + 1)))
            raise not_a_slot()
        ignoring = wanted.owner if wanted.moving else None
        seen = start - _LOOK_SECONDS, start + _LOOK_SECONDS
        day = self._likely_day(wanted.asked, start)
        facts = self._facts(by, wanted.asked, seen, day and Counting(*day, now, ignoring))
        on_offer = offer(self.book, by, wanted.asked, facts)
        within = availability.relevant_range(on_offer.rules, start, start + 1, now)
        if within is None or not on_offer.staff:
            raise not_a_slot()
        day_there = self._day(wanted.asked, on_offer, start)
        if day_there != day or _spanning(seen, within) != seen:
            counting = day_there and Counting(*day_there, now, ignoring)
            facts = self._facts(by, wanted.asked, within, counting)
            on_offer = offer(self.book, by, wanted.asked, facts)
        closed = closed_dates(self.holidays, on_offer.location, within)
        keeper = Timekeeper(on_offer, within, closed, now, ignoring)
        staff = _pick(keeper, wanted, start)
        visit = _visit(on_offer, staff, start)
        reserved = (epoch_seconds(visit.occupied_from), epoch_seconds(visit.occupied_to))
        return Choice(visit, on_offer, keeper.expired_within(staff, reserved))

    def look(self, by: Caller, asked: Asked, at: datetime) -> Offer:
        """The offer alone, for a slot that is kept by a hold. Refuses: UnknownReference, LocationRequired."""
        now = epoch_seconds(at)
        return offer(self.book, by, asked, self._facts(by, asked, (now, now + 1)))

    def _likely_day(self, asked: Asked, start: int) -> Interval | None:
        """The start's local day as far as is known; None where the day does not matter, or the zone is not known."""
        zone = self.zones.get((asked.service, asked.location))
        return _local_day(zone, start) if zone and asked.staff is None else None

    def _day(self, asked: Asked, on_offer: Offer, start: int) -> Interval | None:
        """The start's local day; None where it does not matter: there is nobody to choose among."""
        zone = on_offer.location.terms.time_zone
        if len(self.zones) >= _ZONES_KEPT:
            self.zones.clear()
        self.zones[(asked.service, asked.location)] = zone
        return _local_day(zone, start) if asked.staff is None else None

    def _facts(
        self, by: Caller, asked: Asked, seen: Interval, counting: Counting | None = None
    ) -> Facts:
        return self.book.facts(by.tenant, asked.service, seen[0], seen[1], asked.staff, counting)


def not_a_slot() -> NotASlot:
    """The refusal of a start that is no slot of the service."""
    return NotASlot(errors=(FieldError("/start", NotASlot.code, NotASlot.title() + "."),))


def _pick(keeper: Timekeeper, wanted: Wanted, start: int) -> UUID:
    """Who takes the visit. Refuses: NotASlot, SlotUnavailable."""
    rules = keeper.offer.rules
    staff: dict[UUID, Staff] = {one.id: one for one in keeper.offer.staff}
    scatter = wanted.round >= _SCATTER_FROM_ROUND
    free: list[UUID] = []
    taken = False
    for id in availability.staff_order(staff, keeper.offer.facts.booked):
        verdict = availability.judge(rules, keeper.time_of(staff[id]), start, keeper.now)
        taken = taken or verdict is Verdict.TAKEN
        if verdict is Verdict.FREE:
            free.append(id)
            if not scatter:
                break
    if free:
        return free[wanted.owner.int % len(free)]
    raise SlotUnavailable() if taken else not_a_slot()


def _visit(on_offer: Offer, staff: UUID, start: int) -> Visit:
    terms = on_offer.service.terms
    begins = from_epoch(start)
    ends = begins + timedelta(minutes=terms.duration_minutes)
    return Visit(
        service=on_offer.service.id,
        location=on_offer.location.id,
        staff=staff,
        start=begins,
        end=ends,
        occupied_from=begins - timedelta(minutes=terms.buffer_before_minutes),
        occupied_to=ends + timedelta(minutes=terms.buffer_after_minutes),
        capacity=terms.capacity,
    )


def _spanning(one: Interval, other: Interval) -> Interval:
    """The smallest range that holds both."""
    return min(one[0], other[0]), max(one[1], other[1])


def _local_day(zone_name: str, start: int) -> Interval:
    """The local day of `start`, as half-open epoch seconds."""
    ordinal = local_date(zone_name, start).toordinal()
    return midnight(zone_name, ordinal), midnight(zone_name, ordinal + 1)
