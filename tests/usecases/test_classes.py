"""Classes: many seats on one session of a staff member."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from application.booking.slots import SlotQuery
from domain.errors import DomainError, SlotUnavailable
from tests.usecases.salon import TENANT, Salon, at, customer

TEN = at(10)


@pytest.fixture
def yoga(salon: Salon, here: UUID) -> UUID:
    return salon.a_service(here, capacity=3, requires_confirmation=False)


@pytest.fixture
def cut(salon: Salon, here: UUID) -> UUID:
    return salon.a_service(here)


@pytest.fixture
def kim(salon: Salon, here: UUID, yoga: UUID, cut: UUID) -> UUID:
    return salon.a_staff_member([here], [yoga, cut])


def seats_left(salon: Salon, service: UUID) -> int:
    """The seats that the list offers at ten."""
    found = salon.slots.free(SlotQuery(service, TEN, at(10, 1)), salon.by)
    return found[0].seats_left if found else 0


def test_a_class_takes_as_many_as_it_has_seats(salon: Salon, yoga: UUID, kim: UUID):
    assert seats_left(salon, yoga) == 3
    for left in (2, 1, 0):
        salon.book(yoga, TEN)
        assert seats_left(salon, yoga) == left
    with pytest.raises(SlotUnavailable):
        salon.book(yoga, TEN)
    with pytest.raises(SlotUnavailable):
        salon.hold(yoga, TEN)


def test_a_half_full_class_makes_its_teacher_busy_for_everything_else(
    salon: Salon, yoga: UUID, cut: UUID, kim: UUID
):
    salon.book(yoga, TEN)
    with pytest.raises(SlotUnavailable):
        salon.book(cut, TEN)
    with pytest.raises(SlotUnavailable):
        salon.book(cut, at(10, 30))
    with pytest.raises(SlotUnavailable):
        salon.book(yoga, at(10, 30))
    assert salon.free(cut, TEN, at(11, 30)) == [at(11)]
    assert salon.free(yoga, TEN, at(11, 30)) == [TEN, at(11)]


def test_whatever_else_is_there_leaves_no_room_for_a_class(
    salon: Salon, yoga: UUID, cut: UUID, kim: UUID
):
    salon.book(cut, TEN)
    for start in (at(9, 30), TEN, at(10, 30)):
        with pytest.raises(SlotUnavailable):
            salon.book(yoga, start)


def test_a_class_leaves_no_seat_for_another_class_of_its_teacher(
    salon: Salon, here: UUID, yoga: UUID, kim: UUID
):
    pilates = salon.a_service(here, capacity=5)
    salon.revises(kim, service_ids=(yoga, pilates))
    salon.book(yoga, TEN)
    assert seats_left(salon, pilates) == 0
    with pytest.raises(SlotUnavailable):
        salon.book(pilates, TEN)


def test_the_last_seat_that_is_given_up_frees_the_teacher(
    salon: Salon, yoga: UUID, cut: UUID, kim: UUID
):
    first, second = salon.book(yoga, TEN), salon.book(yoga, TEN)
    salon.course.cancel(salon.target(first), "other", salon.by)
    with pytest.raises(SlotUnavailable):
        salon.book(cut, TEN)
    salon.course.cancel(salon.target(second), "other", salon.by)
    salon.book(cut, TEN)


def test_a_seat_can_be_held_and_the_hold_becomes_a_booking(salon: Salon, yoga: UUID, kim: UUID):
    salon.book(yoga, TEN)
    placed = salon.hold(yoga, TEN)
    assert seats_left(salon, yoga) == 1
    salon.book(yoga, TEN, hold=placed.state.id)
    assert seats_left(salon, yoga) == 1
    salon.book(yoga, TEN)
    assert seats_left(salon, yoga) == 0


def test_an_expired_seat_is_free_again_and_its_end_recorded(salon: Salon, yoga: UUID, kim: UUID):
    placed = [salon.hold(yoga, TEN, ttl_seconds=1) for _ in range(3)]
    with pytest.raises(SlotUnavailable):
        salon.book(yoga, TEN)
    salon.world.clock.advance(seconds=1)
    assert seats_left(salon, yoga) == 3
    salon.book(yoga, TEN)
    assert seats_left(salon, yoga) == 2
    for one in placed:
        assert salon.types(one.state.id) == ["hold.placed.v1", "hold.expired.v1"]


def test_expired_seats_free_the_teacher_for_something_else(
    salon: Salon, yoga: UUID, cut: UUID, kim: UUID
):
    for _ in range(2):
        salon.hold(yoga, TEN, ttl_seconds=1)
    salon.world.clock.advance(seconds=1)
    salon.book(cut, at(10, 30))


def test_a_seat_moves_within_its_own_old_time_only_when_it_was_alone(
    salon: Salon, yoga: UUID, kim: UUID
):
    first = salon.book(yoga, TEN)
    salon.course.reschedule(salon.target(first), at(10, 30), None, salon.by)
    salon.book(yoga, at(10, 30))
    with pytest.raises(SlotUnavailable):
        salon.course.reschedule(salon.target(first), TEN, None, salon.by)
    moved = salon.course.reschedule(salon.target(first), at(12), None, salon.by)
    assert moved.state.visit.start == at(12)


def test_a_requested_seat_is_confirmed_in_a_full_class(salon: Salon, here: UUID):
    yoga = salon.a_service(here, capacity=2, requires_confirmation=True)
    salon.a_staff_member([here], [yoga])
    asked = [salon.book(yoga, TEN) for _ in range(2)]
    for one in asked:
        assert salon.course.confirm(salon.target(one), salon.by).state.status == "confirmed"
    with pytest.raises(SlotUnavailable):
        salon.book(yoga, TEN)


def test_several_teachers_have_a_session_each(salon: Salon, here: UUID, yoga: UUID, kim: UUID):
    other = salon.a_staff_member([here], [yoga])
    assert seats_left(salon, yoga) == 6
    taught = [salon.book(yoga, TEN).state.visit.staff for _ in range(6)]
    assert {taught.count(kim), taught.count(other)} == {3}
    with pytest.raises(SlotUnavailable):
        salon.book(yoga, TEN)


def test_of_sixty_four_who_race_as_many_win_as_there_are_seats(salon: Salon, here: UUID):
    yoga = salon.a_service(here, capacity=10)
    kim = salon.a_staff_member([here], [yoga])

    def book(number: int) -> bool:
        try:
            salon.book(yoga, TEN, customer(email=f"c{number}@example.test"))
        except DomainError as refusal:
            assert isinstance(refusal, SlotUnavailable)
            return False
        return True

    with ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(book, range(64))) == 10
    (session,) = salon.world.state.reservations[TENANT].by_staff[kim]
    assert len(session.seats) == 10
