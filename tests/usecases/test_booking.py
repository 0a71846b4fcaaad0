"""Booking a visit: what is sold, to whom, by whom, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.booking import BookingConfirmed, Status
from domain.booking_given import References
from domain.errors import (
    DomainError,
    LocationRequired,
    NotASlot,
    NotFound,
    NotPermitted,
    SlotUnavailable,
    Unacceptable,
    UnknownReference,
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
