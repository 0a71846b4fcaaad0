"""Booking a visit, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from application.agenda import BookingsQuery
from application.booking_course import BookingCourse, Target
from application.choice import Chooser, Wanted
from application.offer import Asked
from application.recorded import Answer, Caller, Ticket
from application.register import Receipt
from domain.booking import Booking, BookingConfirmed, Status
from domain.booking_given import References
from domain.errors import (
    DomainError,
    IdempotencyInFlight,
    InvalidState,
    LocationRequired,
    NotASlot,
    NotFound,
    NotPermitted,
    SlotUnavailable,
    TooEarly,
    Unacceptable,
    UnknownReference,
    VersionMismatch,
)
from domain.schedule import Hours
from domain.sealing import Envelope
from domain.subject import Profile, SubjectRegistered
from domain.values import Personal
from tests.usecases.salon import TENANT, Salon, at, customer, nine_to_five

TEN = at(10)
ADA = customer()
NOWHERE = UUID(int=0xDEAD)
WHOLE_DAY = Hours(0, 1_440)


@pytest.fixture
def salon() -> Salon:
    return Salon()


@pytest.fixture
def here(salon: Salon) -> UUID:
    return salon.a_location()


@pytest.fixture
def cut(salon: Salon, here: UUID) -> UUID:
    return salon.a_service(here)


@pytest.fixture
def sam(salon: Salon, here: UUID, cut: UUID) -> UUID:
    return salon.a_staff_member([here], [cut])


def pointers(refusal: pytest.ExceptionInfo[DomainError]) -> list[str]:
    return [fault.pointer for fault in refusal.value.errors]


# --- making ----------------------------------------------------------------------------------------------------------


def test_a_booking_is_confirmed_and_its_slot_is_gone(
    salon: Salon, here: UUID, cut: UUID, sam: UUID
):
    made = salon.book(cut, TEN, references=References(external_ref="order-7"))
    booking = made.state
    assert (booking.status, booking.version, booking.external_ref) == (
        Status.CONFIRMED,
        1,
        "order-7",
    )
    assert (booking.visit.location, booking.visit.staff) == (here, sam)
    assert (booking.visit.start, booking.visit.end) == (TEN, at(11))
    assert salon.reads.booking(booking.id, salon.by).event == made.event
    assert salon.types(booking.id) == ["booking.confirmed.v1"]
    assert salon.free(cut, at(9, 30), at(11, 30)) == [at(11)]
    with pytest.raises(SlotUnavailable):
        salon.book(cut, at(10, 30))


def test_a_new_customer_becomes_a_subject_in_the_same_append(salon: Salon, cut: UUID, sam: UUID):
    made = salon.book(cut, TEN)
    assert salon.types(made.state.subject) == ["subject.registered.v1"]
    (registered,) = salon.events(made.state.subject)
    assert isinstance(registered.decision, SubjectRegistered)
    assert isinstance(registered.decision.profile, Envelope)
    (confirmed,) = salon.events(made.state.id)
    assert isinstance(confirmed.decision, BookingConfirmed)
    assert isinstance(confirmed.decision.person, Envelope)
    assert "Ada" not in repr(salon.world.state.streams)
    assert "ada@" not in repr(salon.world.state.streams)


def test_the_same_address_is_the_same_subject_whose_profile_stands(
    salon: Salon, cut: UUID, sam: UUID
):
    first = salon.book(cut, TEN)
    second = salon.book(cut, at(12), customer("Ada Married", " ADA@Example.TEST "))
    assert second.state.subject == first.state.subject
    assert salon.types(first.state.subject) == ["subject.registered.v1"]
    other = salon.book(cut, at(14), customer("Ben", "ben@example.test"))
    assert other.state.subject != first.state.subject


def test_after_erasure_the_same_address_is_a_new_subject(salon: Salon, cut: UUID, sam: UUID):
    first = salon.book(cut, TEN)
    salon.world.vault.erase(TENANT, first.state.subject)
    assert salon.book(cut, at(12)).state.subject != first.state.subject


def test_the_policy_that_the_customer_was_shown_is_on_the_record(
    salon: Salon, cut: UUID, sam: UUID
):
    made = salon.book(cut, TEN, references=References(policy_version="2027-01"))
    assert [event.policy_version for event in salon.events(made.state.id)] == ["2027-01"]


def test_all_that_is_wrong_with_a_body_is_told_and_nothing_is_stored(
    salon: Salon, cut: UUID, sam: UUID
):
    before = salon.total()
    with pytest.raises(Unacceptable) as refusal:
        salon.book(
            cut,
            TEN,
            Profile(Personal(""), Personal("no address"), Personal("no phone")),
            note=Personal("\x00"),
            metadata={"a b": Personal("x")},
            references=References("a b", "c d"),
        )
    assert pointers(refusal) == [
        "/customer/name",
        "/customer/email",
        "/customer/phone",
        "/note",
        "/metadata",
        "/external_ref",
        "/policy_version",
    ]
    assert salon.total() == before
    assert salon.world.vault.contacts == {}


def test_a_refused_slot_prepares_nobody(salon: Salon, cut: UUID, sam: UUID):
    with pytest.raises(NotASlot):
        salon.book(cut, at(10, 5))
    assert salon.world.vault.contacts == {}


@pytest.mark.parametrize(
    "start",
    [
        at(10, 5),  # off the grid
        at(7, 30),  # past
        at(8, 30),  # before work
        at(16, 30),  # ends after work
        at(10, day=61),  # beyond the window
        at(10, day=800),  # beyond any window
        datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        TEN + timedelta(microseconds=1),
    ],
)
def test_what_is_no_slot_cannot_be_booked(salon: Salon, cut: UUID, sam: UUID, start: datetime):
    with pytest.raises(NotASlot) as refusal:
        salon.book(cut, start)
    assert pointers(refusal) == ["/start"]


def test_what_is_no_slot_is_never_called_taken(salon: Salon, cut: UUID, sam: UUID):
    salon.book(cut, TEN)
    with pytest.raises(NotASlot):
        salon.book(cut, at(10, 5))


def test_notice_and_window_count_from_now(salon: Salon, here: UUID):
    cut = salon.a_service(here, minimum_notice_minutes=120, booking_window_days=1)
    salon.a_staff_member([here], [cut])
    with pytest.raises(NotASlot):
        salon.book(cut, at(9, 30))
    salon.book(cut, TEN)  # two hours from now, to the second
    with pytest.raises(NotASlot):
        salon.book(cut, at(9, day=1) + timedelta(hours=24))
    salon.world.clock.set(at(9))
    salon.book(cut, at(9, day=1))


def test_buffers_keep_visits_apart_but_may_lie_outside_working_time(salon: Salon, here: UUID):
    cut = salon.a_service(here, buffer_before_minutes=30, buffer_after_minutes=30)
    salon.a_staff_member([here], [cut])
    salon.book(cut, at(9))
    for start in (at(9, 30), at(10), at(10, 30)):
        with pytest.raises(SlotUnavailable):
            salon.book(cut, start)
    assert salon.book(cut, at(11)).state.visit.occupied_from == at(10, 30)
    salon.book(cut, at(16))


def test_a_long_visit_sees_what_is_far_away(salon: Salon, here: UUID):
    trip = salon.a_service(here, minutes=1_440, buffer_after_minutes=1_440)
    around = replace(nine_to_five(), weekly=(replace(nine_to_five().weekly[0], hours=WHOLE_DAY),))
    sam = salon.a_staff_member([here], [trip], around)
    salon.is_busy(sam, at(8, 30, day=2), at(9, day=2))
    with pytest.raises(SlotUnavailable):
        salon.book(trip, at(9))
    with pytest.raises(SlotUnavailable):
        salon.book(trip, at(9), staff=sam)


def test_busy_time_is_taken(salon: Salon, cut: UUID, sam: UUID):
    salon.is_busy(sam, at(10, 59), at(11, 1))
    for start in (at(10), at(10, 30), at(11)):
        with pytest.raises(SlotUnavailable):
            salon.book(cut, start)
    salon.book(cut, at(11, 30))


# --- who and where ---------------------------------------------------------------------------------------------------


def test_whoever_has_fewest_bookings_that_day_is_chosen_then_by_id(salon: Salon, here: UUID):
    cut = salon.a_service(here)
    team = sorted(salon.a_staff_member([here], [cut]) for _ in range(3))
    chosen = [salon.book(cut, start).state.visit.staff for start in (at(9), at(11), at(13))]
    assert chosen == team
    assert salon.book(cut, at(9, day=1)).state.visit.staff == team[0]
    assert salon.book(cut, at(15), staff=team[0]).state.visit.staff == team[0]
    assert salon.book(cut, at(16)).state.visit.staff == team[1]


def test_the_day_that_counts_is_the_location_s_own(salon: Salon):
    tokyo = salon.a_location("Asia/Tokyo")
    cut = salon.a_service(tokyo)
    team = sorted(
        salon.a_staff_member([tokyo], [cut], nine_to_five("Asia/Tokyo")) for _ in range(2)
    )
    tuesday_morning = at(0, day=1)  # 09:00 in Tokyo; 15:00 before it is Tuesday in London too
    assert salon.book(cut, tuesday_morning, staff=team[0]).state.visit.staff == team[0]
    assert salon.book(cut, at(7, day=1)).state.visit.staff == team[1]
    salon.book(cut, at(4, day=1), staff=team[0])
    # Tuesday's two do not count on Wednesday, for whoever looks for the first time either.
    assert Salon(salon.world).book(cut, at(0, day=2)).state.visit.staff == team[0]
    assert salon.book(cut, at(0, day=3)).state.visit.staff == team[0]


def test_a_location_that_moves_to_another_zone_has_other_days(salon: Salon):
    place = salon.a_location("Asia/Tokyo")
    cut = salon.a_service(place)
    team = sorted(salon.a_staff_member([place], [cut]) for _ in range(2))
    salon.book(cut, at(16), staff=team[0])  # Tuesday in Tokyo, Monday in London
    assert salon.book(cut, at(9)).state.visit.staff == team[0]
    salon.revises(place, time_zone="Europe/London")
    salon.book(cut, at(11), staff=team[1])
    # Monday in London: two and one. By Tokyo's days it would be one and one.
    assert salon.book(cut, at(13)).state.visit.staff == team[1]


def test_a_hold_is_no_booking_and_does_not_count(salon: Salon, here: UUID):
    cut = salon.a_service(here)
    team = sorted(salon.a_staff_member([here], [cut]) for _ in range(2))
    assert salon.hold(cut, at(9)).state.visit.staff == team[0]
    assert salon.book(cut, at(11)).state.visit.staff == team[0]


def test_every_free_member_is_tried_and_refused_only_when_none_is_left(salon: Salon, here: UUID):
    cut = salon.a_service(here)
    team = {salon.a_staff_member([here], [cut]) for _ in range(3)}
    assert {salon.book(cut, TEN).state.visit.staff for _ in range(3)} == team
    with pytest.raises(SlotUnavailable):
        salon.book(cut, TEN)


def test_a_named_member_is_the_only_one_asked(salon: Salon, here: UUID, cut: UUID, sam: UUID):
    salon.a_staff_member([here], [cut])
    salon.book(cut, TEN, staff=sam)
    with pytest.raises(SlotUnavailable):
        salon.book(cut, TEN, staff=sam)


def test_who_works_at_two_locations_is_busy_at_both(salon: Salon, here: UUID):
    there = salon.a_location()
    cut = salon.a_service(here, there)
    salon.a_staff_member([here, there], [cut])
    salon.book(cut, TEN, location=here)
    with pytest.raises(SlotUnavailable):
        salon.book(cut, TEN, location=there)


def test_who_is_not_eligible_has_no_slots(salon: Salon, here: UUID, cut: UUID, sam: UUID):
    there = salon.a_location()
    elsewhere = salon.a_staff_member([there], [cut])
    other = salon.a_staff_member([here], [salon.a_service(here)])
    idle = salon.a_staff_member([here], [cut], scheduled=False)
    gone = salon.a_staff_member([here], [cut])
    salon.ends(gone)
    for staff in (elsewhere, other, idle, gone):
        with pytest.raises(NotASlot):
            salon.book(cut, TEN, staff=staff)
    assert salon.book(cut, TEN).state.visit.staff == sam


def test_nothing_is_sold_of_what_has_ended(salon: Salon, here: UUID, cut: UUID, sam: UUID):
    salon.ends(cut)
    with pytest.raises(NotASlot):
        salon.book(cut, TEN)
    other = salon.a_service(here)
    salon.a_staff_member([here], [other])
    salon.ends(here)
    with pytest.raises(NotASlot):
        salon.book(other, TEN)


def test_several_locations_want_one_named(salon: Salon, here: UUID):
    there = salon.a_location()
    cut = salon.a_service(here, there)
    salon.a_staff_member([here], [cut])
    with pytest.raises(LocationRequired) as refusal:
        salon.book(cut, TEN)
    assert pointers(refusal) == ["/location_id"]
    assert salon.book(cut, TEN, location=here).state.visit.location == here
    with pytest.raises(NotASlot):
        salon.book(cut, TEN, location=there)
    salon.ends(there)
    assert salon.book(cut, at(12)).state.visit.location == here


def test_where_it_is_not_offered_there_is_no_slot(salon: Salon, here: UUID, cut: UUID, sam: UUID):
    there = salon.a_location()
    salon.revises(sam, location_ids=(here, there))
    with pytest.raises(NotASlot):
        salon.book(cut, TEN, location=there)


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"location": NOWHERE}, "/location_id"),
        ({"staff": NOWHERE}, "/staff_id"),
        ({"hold": NOWHERE}, "/hold_id"),
    ],
)
@pytest.mark.parametrize("start", [TEN, at(10, 5)])
def test_what_does_not_exist_is_said_first(
    salon: Salon, cut: UUID, sam: UUID, asked: dict[str, object], pointer: str, start: datetime
):
    with pytest.raises(UnknownReference) as refusal:
        salon.book(cut, start, ADA, **asked)  # type: ignore[arg-type]
    assert pointers(refusal) == [pointer]


def test_a_service_that_does_not_exist_is_said_first(salon: Salon, here: UUID, sam: UUID):
    for id in (NOWHERE, here, sam):
        with pytest.raises(UnknownReference) as refusal:
            salon.book(id, at(7))
        assert pointers(refusal) == ["/service_id"]
    with pytest.raises(UnknownReference):
        salon.book(NOWHERE, TEN, staff=here)


def test_roles_that_do_not_book_may_not(salon: Salon, cut: UUID, sam: UUID):
    for role in ("engineer", "auditor", "privacy_officer", "corporate", "subject"):
        with pytest.raises(NotPermitted):
            salon.book(cut, TEN, by=replace(salon.by, roles=frozenset({role})))
    for hour, role in enumerate(("booking", "staff", "manager", "owner"), start=9):
        salon.book(cut, at(hour), by=replace(salon.by, roles=frozenset({role})))


def test_a_key_of_one_location_sees_no_other(salon: Salon, here: UUID, cut: UUID, sam: UUID):
    there = salon.a_location()
    both = salon.a_service(here, there)
    kim = salon.a_staff_member([there], [both])
    bound = replace(salon.by, locations=frozenset({there}))
    with pytest.raises(UnknownReference) as refusal:
        salon.book(cut, TEN, by=bound)
    assert pointers(refusal) == ["/service_id"]
    with pytest.raises(UnknownReference) as refusal:
        salon.book(both, TEN, by=bound, location=here)
    assert pointers(refusal) == ["/location_id"]
    with pytest.raises(UnknownReference) as refusal:
        salon.book(both, TEN, by=bound, staff=sam)
    assert pointers(refusal) == ["/staff_id"]
    # Of the two locations it sees one: that is not several.
    made = salon.book(both, TEN, by=bound)
    assert (made.state.visit.location, made.state.visit.staff) == (there, kim)
    other = salon.book(cut, TEN)
    with pytest.raises(NotFound):
        salon.reads.booking(other.state.id, bound)
    with pytest.raises(NotFound):
        salon.course.cancel(salon.target(other), "other", bound)


def test_another_tenant_finds_nothing(salon: Salon, cut: UUID, sam: UUID):
    made = salon.book(cut, TEN)
    stranger = replace(salon.by, tenant=UUID(int=0xB))
    with pytest.raises(NotFound):
        salon.reads.booking(made.state.id, stranger)
    with pytest.raises(UnknownReference):
        salon.book(cut, at(12), by=stranger)


# --- races -----------------------------------------------------------------------------------------------------------


def race(clients: int, book: Callable[[int], object]) -> list[object]:
    def run(number: int) -> object:
        try:
            return book(number)
        except DomainError as refusal:
            return refusal

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(run, range(clients)))


def test_of_sixty_four_who_race_for_one_slot_exactly_one_wins(salon: Salon, cut: UUID, sam: UUID):
    ends = race(64, lambda n: salon.book(cut, TEN, customer(email=f"c{n}@example.test")))
    assert sum(isinstance(end, Receipt) for end in ends) == 1
    assert sum(isinstance(end, SlotUnavailable) for end in ends) == 63


def test_racers_fill_a_whole_team(salon: Salon, here: UUID):
    cut = salon.a_service(here)
    team = {salon.a_staff_member([here], [cut]) for _ in range(8)}
    ends = race(32, lambda n: salon.book(cut, TEN, customer(email=f"c{n}@example.test")))
    won = [end.state.visit.staff for end in ends if isinstance(end, Receipt)]
    assert sorted(won) == sorted(team)
    assert sum(isinstance(end, SlotUnavailable) for end in ends) == 24


def test_who_keeps_losing_races_parts_ways_with_the_others(salon: Salon, here: UUID):
    cut = salon.a_service(here)
    team = sorted(salon.a_staff_member([here], [cut]) for _ in range(4))
    chooser = Chooser(salon.world.book, salon.world.holidays)

    def chosen(round: int) -> list[UUID]:
        wishes = [Wanted(Asked(cut), TEN, UUID(int=owner), round) for owner in range(4)]
        return [chooser.choose(salon.by, wish, at(8)).visit.staff for wish in wishes]

    assert chosen(0) == chosen(1) == [team[0]] * 4
    assert chosen(2) == team


def test_a_new_customer_who_books_twice_at_once_is_one_subject(salon: Salon, here: UUID):
    cut = salon.a_service(here)
    for _ in range(8):
        salon.a_staff_member([here], [cut])
    ends = race(8, lambda n: salon.book(cut, TEN))
    subjects = {end.state.subject for end in ends if isinstance(end, Receipt)}
    assert len(subjects) == 1
    assert salon.types(subjects.pop()) == ["subject.registered.v1"]


# --- the course of a booking -----------------------------------------------------------------------------------------


@pytest.fixture
def asked(salon: Salon, here: UUID) -> Receipt[Booking]:
    """A request for Monday at ten."""
    cut = salon.a_service(here, requires_confirmation=True)
    salon.a_staff_member([here], [cut])
    return salon.book(cut, TEN)


def test_a_request_keeps_its_time_until_it_is_declined(salon: Salon, asked: Receipt[Booking]):
    service = asked.state.visit.service
    assert asked.state.status is Status.PENDING
    assert salon.types(asked.state.id) == ["booking.requested.v1"]
    with pytest.raises(SlotUnavailable):
        salon.book(service, TEN)
    declined = salon.course.decline(salon.target(asked), "staff_unavailable", salon.by)
    assert declined.state.status is Status.DECLINED
    assert salon.now(asked).status is Status.DECLINED
    salon.book(service, TEN)


def test_a_confirmed_request_keeps_its_time_for_good(salon: Salon, asked: Receipt[Booking]):
    confirmed = salon.course.confirm(salon.target(asked), salon.by)
    assert (confirmed.state.status, confirmed.state.version) == (Status.CONFIRMED, 2)
    assert salon.types(asked.state.id) == ["booking.requested.v1", "booking.confirmed.v1"]
    (reserved,) = salon.world.state.reservations[TENANT].by_staff[asked.state.visit.staff]
    assert [seat.expires_at for seat in reserved.seats] == [None]
    with pytest.raises(InvalidState):
        salon.course.confirm(salon.target(asked), salon.by)


def test_a_request_whose_start_has_passed_makes_room_and_that_is_recorded(
    salon: Salon, asked: Receipt[Booking]
):
    # A half-hour grid: the visit at 10:30 overlaps the request that began at ten.
    salon.world.clock.set(at(10, 15))
    service = asked.state.visit.service
    assert at(10, 30) in salon.free(service, at(10), at(11))
    with pytest.raises(InvalidState):
        salon.course.confirm(salon.target(asked), salon.by)
    salon.book(service, at(10, 30))
    assert salon.types(asked.state.id) == ["booking.requested.v1", "booking.lapsed.v1"]
    assert salon.now(asked).status is Status.DECLINED


def test_what_is_called_off_is_free_at_once(salon: Salon, cut: UUID, sam: UUID):
    made = salon.book(cut, TEN)
    cancelled = salon.course.cancel(salon.target(made), "customer_request", salon.by)
    assert (cancelled.state.status, cancelled.state.sequence) == (Status.CANCELLED, 1)
    salon.book(cut, TEN)
    with pytest.raises(InvalidState):
        salon.course.cancel(salon.target(made), "customer_request", salon.by)


@pytest.mark.parametrize(
    ("end", "status"),
    [(BookingCourse.complete, Status.COMPLETED), (BookingCourse.miss, Status.NO_SHOW)],
)
def test_how_a_visit_went_can_be_said_from_its_start_on(
    salon: Salon,
    cut: UUID,
    sam: UUID,
    end: Callable[[BookingCourse, Target, Caller], Receipt[Booking]],
    status: Status,
):
    made = salon.book(cut, TEN)
    with pytest.raises(TooEarly):
        end(salon.course, salon.target(made), salon.by)
    salon.world.clock.set(TEN)
    assert end(salon.course, salon.target(made), salon.by).state.status is status
    assert salon.now(made).status is status
    with pytest.raises(InvalidState):
        end(salon.course, salon.target(made), salon.by)


def test_a_command_with_another_version_is_refused_before_its_rules(
    salon: Salon, cut: UUID, sam: UUID
):
    made = salon.book(cut, TEN)
    with pytest.raises(VersionMismatch) as refusal:
        salon.course.complete(salon.target(made, version=2), salon.by)
    assert refusal.value.context == {"version": 1}
    assert salon.course.cancel(salon.target(made, version=1), "other", salon.by).state.version == 2


@pytest.mark.parametrize("id", [NOWHERE, "subject", "hold"])
def test_what_is_no_booking_is_not_found(salon: Salon, cut: UUID, sam: UUID, id: UUID | str):
    made = salon.book(cut, TEN)
    known = {"subject": made.state.subject, "hold": salon.hold(cut, at(12)).state.id}
    target = Target(known[id] if isinstance(id, str) else id)
    with pytest.raises(NotFound):
        salon.reads.booking(target.booking, salon.by)
    with pytest.raises(NotFound):
        salon.course.confirm(target, salon.by)
    with pytest.raises(NotPermitted):
        salon.course.confirm(target, replace(salon.by, roles=frozenset({"auditor"})))


# --- moving ----------------------------------------------------------------------------------------------------------


def test_a_booking_keeps_its_staff_member_and_may_overlap_its_own_old_time(
    salon: Salon, here: UUID, cut: UUID, sam: UUID
):
    salon.a_staff_member([here], [cut])
    made = salon.book(cut, TEN, staff=sam)
    moved = salon.course.reschedule(salon.target(made), at(10, 30), None, salon.by)
    assert (moved.state.visit.start, moved.state.visit.staff) == (at(10, 30), sam)
    assert (moved.state.sequence, moved.state.status) == (1, Status.CONFIRMED)
    assert salon.types(made.state.id) == ["booking.confirmed.v1", "booking.rescheduled.v1"]
    # The old time is free again, up to the new one.
    salon.book(cut, at(9, 30), staff=sam)
    with pytest.raises(SlotUnavailable):
        salon.book(cut, at(11), staff=sam)


def test_a_booking_moves_to_another_member_when_told(
    salon: Salon, here: UUID, cut: UUID, sam: UUID
):
    kim = salon.a_staff_member([here], [cut])
    made = salon.book(cut, TEN, staff=sam)
    moved = salon.course.reschedule(salon.target(made), TEN, kim, salon.by)
    assert moved.state.visit.staff == kim
    salon.book(cut, TEN, staff=sam)
    with pytest.raises(SlotUnavailable):
        salon.course.reschedule(salon.target(moved), TEN, sam, salon.by)
    with pytest.raises(UnknownReference) as refusal:
        salon.course.reschedule(salon.target(moved), TEN, NOWHERE, salon.by)
    assert pointers(refusal) == ["/staff_id"]
    with pytest.raises(NotASlot):
        salon.course.reschedule(salon.target(moved), at(10, 5), None, salon.by)
    assert salon.now(moved).visit.staff == kim


def test_a_refused_move_leaves_everything_as_it_was(salon: Salon, cut: UUID, sam: UUID):
    made = salon.book(cut, TEN)
    salon.book(cut, at(12))
    before = salon.total()
    with pytest.raises(SlotUnavailable):
        salon.course.reschedule(salon.target(made), at(11, 30), None, salon.by)
    assert salon.total() == before
    assert salon.now(made).visit.start == TEN
    with pytest.raises(SlotUnavailable):
        salon.book(cut, TEN)


def test_a_move_is_on_the_terms_of_today(salon: Salon, cut: UUID, sam: UUID):
    made = salon.book(cut, TEN)
    salon.revises(cut, duration_minutes=30)
    moved = salon.course.reschedule(salon.target(made), at(12), None, salon.by)
    assert moved.state.visit.end == at(12, 30)


def test_a_move_cannot_keep_who_does_not_offer_it_any_more(salon: Salon, cut: UUID, sam: UUID):
    made = salon.book(cut, TEN)
    there = salon.a_location()
    salon.revises(sam, location_ids=(there,))
    bound = replace(salon.by, locations=frozenset({made.state.visit.location}))
    for by in (salon.by, bound):
        with pytest.raises(NotASlot):
            salon.course.reschedule(salon.target(made), at(12), None, by)


def test_a_moved_request_waits_until_its_new_start(salon: Salon, asked: Receipt[Booking]):
    salon.course.reschedule(salon.target(asked), at(14), None, salon.by)
    salon.world.clock.set(at(12))
    assert salon.now(asked).status is Status.PENDING
    with pytest.raises(SlotUnavailable):
        salon.book(asked.state.visit.service, at(14))
    assert salon.course.confirm(salon.target(asked), salon.by).state.status is Status.CONFIRMED


def test_what_is_over_is_not_moved(salon: Salon, cut: UUID, sam: UUID):
    made = salon.book(cut, TEN)
    salon.course.cancel(salon.target(made), "other", salon.by)
    with pytest.raises(InvalidState):
        salon.course.reschedule(salon.target(made), at(10, 5), None, salon.by)


def test_two_who_swap_at_once_never_overlap(salon: Salon, cut: UUID, sam: UUID):
    made = [salon.book(cut, at(hour)) for hour in (9, 10, 11, 12)]
    targets = [at(10), at(11), at(12), at(9)]
    race(4, lambda n: salon.course.reschedule(salon.target(made[n]), targets[n], None, salon.by))
    reserved = salon.world.state.reservations[TENANT].by_staff[sam]
    times = sorted((one.from_, one.to) for one in reserved)
    assert len(times) == 4
    assert all(one[1] <= next_[0] for one, next_ in pairwise(times))


# --- repeated calls --------------------------------------------------------------------------------------------------


def test_an_answer_is_kept_with_what_it_answers(salon: Salon, cut: UUID, sam: UUID):
    row = salon.world.answers.begin(TENANT, "key_1 POST /v1/bookings", "k", b"{}")
    assert isinstance(row, UUID)
    answer = Answer(201, (), b"made")
    by = replace(salon.by, ticket=Ticket(TENANT, row, lambda _: answer))
    salon.book(cut, TEN, by=by)
    assert salon.world.answers.begin(TENANT, "key_1 POST /v1/bookings", "k", b"{}") == answer
    # Whoever was slower with the same call has booked nothing.
    with pytest.raises(IdempotencyInFlight):
        salon.book(cut, at(12), by=by)
    assert at(12) in salon.free(cut, at(12), at(13))


# --- the list --------------------------------------------------------------------------------------------------------


def test_bookings_are_listed_by_start_and_page_by_page(salon: Salon, here: UUID, cut: UUID):
    for _ in range(2):
        salon.a_staff_member([here], [cut])
    made = [salon.book(cut, at(hour)) for hour in (12, 9, 9, 15)]
    query = BookingsQuery(at(0), at(0, day=1), limit=3)
    first = salon.agenda.bookings(query, salon.by)
    assert first.next is not None
    rest = salon.agenda.bookings(replace(query, after=first.next), salon.by)
    assert rest.next is None
    listed = [row.booking for row in (*first.rows, *rest.rows)]
    in_order = sorted((one.state.visit.start, one.state.id) for one in made)
    assert listed == [id for _, id in in_order]
    assert first.position == salon.total() - 1


def test_the_list_is_narrowed(salon: Salon, here: UUID, cut: UUID, sam: UUID):
    there = salon.a_location()
    shave = salon.a_service(there)
    kim = salon.a_staff_member([there], [shave])
    one, two = salon.book(cut, TEN), salon.book(shave, TEN)
    salon.course.cancel(salon.target(two), "other", salon.by)

    def listed(by: Caller = salon.by, **asked: object) -> list[UUID]:
        query = BookingsQuery(**asked)  # type: ignore[arg-type]
        return [row.booking for row in salon.agenda.bookings(query, by).rows]

    assert set(listed()) == {one.state.id, two.state.id}
    assert listed(staff=kim) == listed(location=there) == listed(status="cancelled")
    assert listed(staff=kim) == [two.state.id]
    assert listed(from_=at(10, 1)) == listed(to=at(10)) == []
    bound = replace(salon.by, locations=frozenset({here}))
    assert listed(bound) == [one.state.id]
    for asked in ({"location": there}, {"staff": kim}, {"staff": NOWHERE}, {"location": NOWHERE}):
        with pytest.raises(UnknownReference):
            listed(bound, **asked)
    with pytest.raises(UnknownReference):
        listed(at_least=10_000)
    for limit in (0, 201):
        with pytest.raises(Unacceptable):
            listed(limit=limit)
    with pytest.raises(Unacceptable):
        listed(from_=at(10), to=at(10))
    with pytest.raises(NotPermitted):
        listed(replace(salon.by, roles=frozenset({"engineer"})))
