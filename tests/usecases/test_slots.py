"""Which starts can be booked: the list, and that it says what booking does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from application.booking.slots import SlotQuery
from domain.errors import (
    DomainError,
    LocationRequired,
    NotASlot,
    NotPermitted,
    RangeTooLong,
    SlotUnavailable,
    Unacceptable,
    UnknownReference,
)
from domain.schedule import Hours, Override, Schedule, WeeklyHours
from infrastructure.twin.memory import ListedHolidays, MemoryWorld
from tests.usecases.salon import EVERY_DAY, Salon, at, customer, nine_to_five

TEN = at(10)


def test_a_slot_says_who_is_free_and_how_many_seats_are_left(
    salon: Salon, here: UUID, cut: UUID, sam: UUID
):
    kim = salon.a_staff_member([here], [cut])
    salon.book(cut, TEN, staff=sam)
    query = SlotQuery(cut, at(9), at(11, 30))
    slots = {slot.start: slot for slot in salon.slots.free(query, salon.by)}
    at_ten = slots[int(TEN.timestamp())]
    assert (at_ten.staff_ids, at_ten.seats_left) == ((kim,), 1)
    assert at_ten.end - at_ten.start == 3_600
    at_eleven = slots[int(at(11).timestamp())]
    assert (at_eleven.staff_ids, at_eleven.seats_left) == (tuple(sorted([sam, kim])), 2)


def test_a_slot_belongs_to_a_query_when_it_starts_in_it(salon: Salon, cut: UUID, sam: UUID):
    assert salon.free(cut, TEN, at(11)) == [TEN, at(10, 30)]
    almost = TEN + timedelta(microseconds=1)
    assert salon.free(cut, almost, at(11)) == [at(10, 30)]
    assert salon.free(cut, TEN, almost) == [TEN]


def test_what_lies_beside_the_range_counts_as_far_as_buffers_and_visits_reach(
    salon: Salon, here: UUID
):
    cut = salon.a_service(here, buffer_before_minutes=30, buffer_after_minutes=30)
    sam = salon.a_staff_member([here], [cut])
    salon.is_busy(sam, at(9, 15), at(9, 45))
    salon.is_busy(sam, at(14, 15), at(14, 45))
    found = salon.free(cut, at(10), at(13, 30))
    assert (found[0], found[-1]) == (at(10, 30), at(12, 30))


def test_nothing_is_listed_that_is_past_too_soon_or_too_far(salon: Salon, here: UUID):
    cut = salon.a_service(here, minimum_notice_minutes=120, booking_window_days=2)
    salon.a_staff_member([here], [cut])
    found = salon.free(cut, at(0, day=-10), at(0, day=20))
    assert found[0] == TEN
    assert found[-1] == at(16, day=1)
    assert salon.free(cut, at(0, day=-10), at(0, day=-5)) == []
    assert salon.free(cut, at(0, day=30), at(0, day=40)) == []
    assert salon.free(cut, at(0, day=3_000), at(0, day=3_001)) == []


def test_a_member_who_is_named_is_the_only_one_listed(
    salon: Salon, here: UUID, cut: UUID, sam: UUID
):
    kim = salon.a_staff_member([here], [cut], replace(nine_to_five(), overrides=CLOSED_MONDAY))
    assert salon.free(cut, at(9), at(12), staff=kim) == []
    assert len(salon.free(cut, at(9), at(12), staff=sam)) == 6


CLOSED_MONDAY = (Override(date(2027, 1, 4), ()),)


def test_holidays_close_a_location_that_wants_it_unless_a_schedule_says_otherwise():
    tuesday = date(2027, 1, 5)
    holidays = ListedHolidays({("GB", None): frozenset({tuesday})})
    salon = Salon(MemoryWorld(holidays=holidays))
    closed, open_ = salon.a_location(closed_on_holidays=True), salon.a_location()
    cut = salon.a_service(closed, open_)
    salon.a_staff_member([closed, open_], [cut])
    week = (at(0), at(0, day=2))
    assert {start.day for start in salon.free(cut, *week, location=closed)} == {4}
    assert {start.day for start in salon.free(cut, *week, location=open_)} == {4, 5}
    with pytest.raises(NotASlot):
        salon.book(cut, at(10, day=1), location=closed)
    works = Override(tuesday, (Hours(600, 720),))
    salon.a_staff_member([closed], [cut], replace(nine_to_five(), overrides=(works,)))
    tuesdays = salon.free(cut, at(0, day=1), at(0, day=2), location=closed)
    assert tuesdays == [at(10, day=1), at(10, 30, day=1), at(11, day=1)]


def test_several_locations_want_one_named(salon: Salon, here: UUID):
    there = salon.a_location()
    cut = salon.a_service(here, there)
    salon.a_staff_member([here], [cut])
    with pytest.raises(LocationRequired):
        salon.free(cut, at(9), at(12))
    assert len(salon.free(cut, at(9), at(12), location=here)) == 6
    assert salon.free(cut, at(9), at(12), location=there) == []
    bound = Salon(salon.world, replace(salon.by, locations=frozenset({here})))
    assert len(bound.free(cut, at(9), at(12))) == 6


def test_nothing_is_listed_of_what_has_ended_or_is_not_offered(
    salon: Salon, here: UUID, cut: UUID, sam: UUID
):
    idle = salon.a_staff_member([here], [cut], scheduled=False)
    assert salon.free(cut, at(9), at(12), staff=idle) == []
    assert salon.free(cut, at(9), at(12), location=salon.a_location()) == []
    for ended in (sam, here, cut):
        salon.ends(ended)
        assert salon.free(cut, at(9), at(12)) == []
        salon.begins(ended)
    assert len(salon.free(cut, at(9), at(12))) == 6


def test_a_range_has_an_order_and_a_bound(salon: Salon, cut: UUID, sam: UUID):
    salon.free(cut, TEN, TEN + timedelta(days=92))
    with pytest.raises(RangeTooLong) as refusal:
        salon.free(cut, TEN, TEN + timedelta(days=92, seconds=1))
    assert [fault.pointer for fault in refusal.value.errors] == ["/to"]
    for to in (TEN, at(9)):
        with pytest.raises(Unacceptable):
            salon.free(cut, TEN, to)


def test_what_does_not_exist_is_told_by_its_place(salon: Salon, here: UUID, cut: UUID, sam: UUID):
    nowhere = UUID(int=1)
    for service, asked, pointer in (
        (nowhere, {}, "/service_id"),
        (here, {}, "/service_id"),
        (cut, {"location": nowhere}, "/location_id"),
        (cut, {"staff": nowhere}, "/staff_id"),
        (cut, {"staff": here}, "/staff_id"),
    ):
        with pytest.raises(UnknownReference) as refusal:
            salon.free(service, at(9), at(12), **asked)
        assert [fault.pointer for fault in refusal.value.errors] == [pointer]


def test_roles_that_do_not_book_do_not_look(salon: Salon, cut: UUID, sam: UUID):
    auditor = Salon(salon.world, replace(salon.by, roles=frozenset({"auditor"})))
    with pytest.raises(NotPermitted):
        auditor.free(cut, at(9), at(12))


def test_every_listed_start_books_and_every_other_minute_is_refused():
    """Minute by minute over a day with a break, busy time, a class, a hold, buffers and a clock change."""
    salon = Salon()
    zone = "America/New_York"
    salon.world.clock.set(at(0, day=67))  # 12 March; the clocks go forward on the 14th
    here = salon.a_location(zone)
    cut = salon.a_service(here, minutes=45, buffer_before_minutes=5, buffer_after_minutes=10)
    yoga = salon.a_service(here, capacity=2)
    hours = (Hours(60, 150), Hours(180, 240), Hours(540, 720))
    week = Schedule(zone, tuple(WeeklyHours(EVERY_DAY, each) for each in hours))
    sam = salon.a_staff_member([here], [cut, yoga], week)
    day = 69  # Sunday, 14 March
    salon.is_busy(sam, at(13, 10, day=day), at(13, 20, day=day))
    salon.book(yoga, at(15, day=day))
    salon.hold(yoga, at(6, day=day))
    for service in (cut, yoga):
        start, end = at(4, day=day), at(4, day=day + 1)
        listed = set(salon.free(service, start, end))
        assert listed
        taken = 0
        for minute in range(24 * 60):
            wish = start + timedelta(minutes=minute)
            try:
                made = salon.book(service, wish, customer())
            except DomainError as refusal:
                assert wish not in listed
                assert isinstance(refusal, NotASlot | SlotUnavailable)
                taken += isinstance(refusal, SlotUnavailable)
            else:
                assert wish in listed
                salon.course.cancel(salon.target(made), "other", salon.by)
        assert taken
