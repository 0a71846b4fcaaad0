"""Book visits for the demo franchise: a few weeks of them, some moved, some called off, some not yet confirmed.

The plan (who books what, on which day after the first) is drawn from its own words, the same for everybody. Bookings of
one place follow one another, each taking a slot that is listed as free; so an attempt that goes on where another
ended finds the same slots as one that was never interrupted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeVar
from uuid import UUID

from api.demo.business import Franchise, staff_at
from api.demo.data import FAMILY_NAMES, GIVEN_NAMES, NOTES, PLACES, SERVICES, DemoService
from application.booking.booking_course import Target
from application.booking.placing import BookVisit
from application.booking.slots import SlotQuery
from application.recorded import Caller
from domain.availability import Slot
from domain.booking import Booking, Status
from domain.booking_given import References
from domain.errors import NotFound
from domain.local_time import local_date, midnight
from domain.subject import Profile
from domain.values import Personal, epoch_seconds, from_epoch

BOOKINGS_A_PLACE: Final = 52
CUSTOMERS_A_PLACE: Final = 40
DAYS: Final = 21
DAYS_TRIED: Final = 8
# Far enough from the first day that neither its hour nor a service's notice decides what is free.
FIRST_AFTER_DAYS: Final = 2
LONG_NOTICE_MINUTES: Final = 600
PHONES: Final = {"portland": "+1 207 555 01{:02}", "leeds": "+44 113 496 00{:02}"}

T = TypeVar("T")


class Draw:
    """Choices that look random and are the same for the same name.

    >>> [Draw("leeds/7").below(100) == Draw("leeds/7").below(100), Draw("leeds/7").of("a")]
    [True, 'a']
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._drawn = 0

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        self._drawn += 1
        digest = hashlib.sha256(f"{self._name}\n{self._drawn}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % limit

    def of(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[self.below(len(choices))]


@dataclass(frozen=True, slots=True)
class Diary:
    """The bookings of one place. `owner` decides about them, `desk` makes them."""

    franchise: Franchise
    place: str
    owner: Caller
    desk: Caller

    def free(self, service: UUID, after: int, staff: UUID | None = None) -> tuple[Slot[UUID], ...]:
        """What is free on the first day from `after` days after the first on that has anything; () after a week."""
        zone = PLACES[self.place].time_zone
        first = (self.franchise.first_day + timedelta(days=after)).toordinal()
        for ordinal in range(first, first + DAYS_TRIED):
            query = SlotQuery(
                service=service,
                from_=from_epoch(midnight(zone, ordinal)),
                to=from_epoch(midnight(zone, ordinal + 1)),
                location=self.franchise.id("location", self.place),
                staff=staff,
            )
            if found := self.franchise.platform.slots.free(query, self.desk):
                return found
        return ()


def take_bookings(franchise: Franchise, place: str, owner: Caller, desk: Caller) -> None:
    """Take the bookings of a place, as far as they are missing, and decide what becomes of them."""
    diary = Diary(franchise, place, owner, desk)
    for number in range(BOOKINGS_A_PLACE):
        id = franchise.id("booking", place, number)
        try:
            found = franchise.platform.booking_reads.booking(id, desk).state
        except NotFound:
            found = book(diary, number)
        if found.version == 1:
            decide(diary, number, found)


def book(diary: Diary, number: int) -> Booking:
    """Take one booking."""
    franchise, draw = diary.franchise, Draw(f"{diary.place}/{number}")
    service = draw.of(offered_at(diary.place))
    soonest = FIRST_AFTER_DAYS + (service.notice_minutes >= LONG_NOTICE_MINUTES)
    # Of two days the earlier: a diary is fuller at the front.
    after = soonest + min(draw.below(DAYS), draw.below(DAYS))
    slots = diary.free(franchise.id("service", service.slug), after)
    assert slots, "a place is never booked out for a week"
    slot = draw.of(slots)
    command = BookVisit(
        service=franchise.id("service", service.slug),
        start=from_epoch(slot.start),
        customer=customer(diary.place, draw.below(CUSTOMERS_A_PLACE)),
        location=franchise.id("location", diary.place),
        staff=draw.of(in_our_order(diary, slot.staff_ids)),
        references=References(external_ref=f"demo-{diary.place}-{number:03}"),
        note=Personal(draw.of(NOTES)) if draw.below(6) == 0 else None,
    )
    bookings = replace(
        franchise.platform.bookings, ids=franchise.ids("booking", diary.place, number)
    )
    return bookings.make(command, diary.desk).state


def offered_at(place: str) -> list[DemoService]:
    """What a place offers, each as often as it is wanted."""
    return [one for one in SERVICES if place in one.places for _ in range(one.weight)]


def in_our_order(diary: Diary, staff: Sequence[UUID]) -> list[UUID]:
    """Those staff, not by their ids, which differ from demo to demo."""
    named = (one.display_name for one in staff_at(diary.place))
    ours = (diary.franchise.id("staff", diary.place, name) for name in named)
    return [id for id in ours if id in staff]


def customer(place: str, number: int) -> Profile:
    """A customer of a place. Nobody is called so, and the addresses reach nobody."""
    draw = Draw(f"customer/{place}/{number}")
    given, family = draw.of(GIVEN_NAMES.split()), draw.of(FAMILY_NAMES.split())
    phone = PHONES.get(place) if draw.below(2) else None
    return Profile(
        name=Personal(f"{given} {family}"),
        email=Personal(f"{given}.{family}.{place}{number}@example.org".lower()),
        phone=None if phone is None else Personal(phone.format(number)),
        address=None,
    )


def decide(diary: Diary, number: int, found: Booking) -> None:
    """Let a new booking take its course: most stand as they are."""
    ids = diary.franchise.ids("course", diary.place, number)
    course = replace(diary.franchise.platform.booking_course, ids=ids)
    target = Target(found.id, found.version)
    if found.status is Status.PENDING:
        if number % 3 == 0:
            course.confirm(target, diary.owner)
        elif number % 5 == 0:
            course.decline(target, "staff_unavailable", diary.owner)
    elif number % 10 == 3:
        course.cancel(target, "customer_request", diary.desk)
    elif number % 10 == 7:
        zone = PLACES[diary.place].time_zone
        on = local_date(zone, epoch_seconds(found.visit.start))
        after = (on - diary.franchise.first_day).days + 1
        slots = diary.free(found.visit.service, after, found.visit.staff)
        if slots:
            to = Draw(f"moved/{diary.place}/{number}").of(slots)
            course.reschedule(target, from_epoch(to.start), found.visit.staff, diary.desk)
