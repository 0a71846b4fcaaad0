"""Keeping a slot for a short while, and booking what is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from application.booking.claims import NOTHING_CLEARED, clear
from application.execute import Scribe
from application.ports import Seat
from domain.errors import (
    HoldExpired,
    HoldMismatch,
    NotASlot,
    NotFound,
    NotPermitted,
    SlotUnavailable,
    Unacceptable,
    UnknownReference,
)
from tests.usecases.salon import TENANT, Salon, at, customer

TEN = at(10)


def test_a_hold_keeps_its_slot_from_everyone_else(salon: Salon, cut: UUID, sam: UUID):
    placed = salon.hold(cut, TEN)
    assert placed.state.expires_at == at(8, 5)
    assert (placed.state.visit.staff, placed.state.visit.end) == (sam, at(11))
    assert salon.types(placed.state.id) == ["hold.placed.v1"]
    assert salon.holds.hold(placed.state.id, salon.by) == placed
    assert TEN not in salon.free(cut, at(9), at(12))
    with pytest.raises(SlotUnavailable):
        salon.book(cut, at(10, 30))
    with pytest.raises(SlotUnavailable):
        salon.hold(cut, TEN)


def test_a_booking_takes_the_slot_that_its_hold_keeps(salon: Salon, cut: UUID, sam: UUID):
    placed = salon.hold(cut, TEN)
    made = salon.book(cut, TEN, hold=placed.state.id)
    assert made.state.visit == placed.state.visit
    assert salon.types(placed.state.id) == ["hold.placed.v1", "hold.consumed.v1"]
    salon.world.clock.advance(hours=1)  # the hold would have expired: the booking has not
    with pytest.raises(SlotUnavailable):
        salon.book(cut, TEN)
    with pytest.raises(NotFound):
        salon.holds.hold(placed.state.id, salon.by)


def test_a_hold_is_consumed_once(salon: Salon, cut: UUID, sam: UUID):
    placed = salon.hold(cut, TEN)
    salon.book(cut, TEN, hold=placed.state.id)
    with pytest.raises(HoldExpired):
        salon.book(cut, TEN, hold=placed.state.id)


def test_a_hold_that_is_over_cannot_be_booked(salon: Salon, cut: UUID, sam: UUID):
    placed = salon.hold(cut, TEN, ttl_seconds=1)
    salon.world.clock.advance(seconds=1)
    with pytest.raises(HoldExpired):
        salon.book(cut, TEN, hold=placed.state.id)
    released = salon.hold(cut, TEN)
    salon.holds.release(released.state.id, salon.by)
    with pytest.raises(HoldExpired):
        salon.book(cut, TEN, hold=released.state.id)


def test_a_booking_names_the_same_service_start_place_and_staff_as_its_hold(
    salon: Salon, here: UUID, cut: UUID, sam: UUID
):
    kim = salon.a_staff_member([here], [cut])
    there = salon.a_location()
    other = salon.a_service(here)
    salon.a_staff_member([here], [other])
    placed = salon.hold(cut, TEN, staff=sam)
    id = placed.state.id
    with pytest.raises(HoldMismatch):
        salon.book(other, TEN, hold=id)
    with pytest.raises(HoldMismatch):
        salon.book(cut, at(12), hold=id)
    with pytest.raises(HoldMismatch):
        salon.book(cut, TEN, hold=id, staff=kim)
    with pytest.raises(HoldMismatch):
        salon.book(cut, TEN, hold=id, location=there)
    salon.book(cut, TEN, hold=id, staff=sam, location=here)


def test_a_hold_stands_on_the_terms_it_was_placed_on(salon: Salon, cut: UUID, sam: UUID):
    placed = salon.hold(cut, TEN, ttl_seconds=3_600)
    salon.revises(cut, duration_minutes=30, minimum_notice_minutes=600, requires_confirmation=True)
    salon.is_busy(sam, TEN, at(11))
    made = salon.book(cut, TEN, hold=placed.state.id)
    assert made.state.visit.end == at(11)
    assert made.state.status == "pending"


def test_a_hold_is_no_way_into_the_past(salon: Salon, cut: UUID, sam: UUID):
    salon.world.clock.set(at(9, 45))
    placed = salon.hold(cut, TEN, ttl_seconds=3_600)
    salon.world.clock.set(at(10, 0) + timedelta(seconds=1))
    with pytest.raises(NotASlot):
        salon.book(cut, TEN, hold=placed.state.id)


def test_a_hold_cannot_sell_what_has_ended(salon: Salon, here: UUID, cut: UUID, sam: UUID):
    salon.a_staff_member([here], [cut])  # who could take it, but is not who was kept
    for ended in (sam, cut, here):
        placed = salon.hold(cut, TEN, staff=sam)
        salon.ends(ended)
        with pytest.raises(NotASlot):
            salon.book(cut, TEN, hold=placed.state.id)
        salon.holds.release(placed.state.id, salon.by)
        salon.begins(ended)


def test_a_released_hold_frees_its_slot_at_once(salon: Salon, cut: UUID, sam: UUID):
    placed = salon.hold(cut, TEN)
    salon.holds.release(placed.state.id, salon.by)
    assert salon.types(placed.state.id) == ["hold.placed.v1", "hold.released.v1"]
    with pytest.raises(NotFound):
        salon.holds.release(placed.state.id, salon.by)
    with pytest.raises(NotFound):
        salon.holds.hold(placed.state.id, salon.by)
    salon.book(cut, TEN)


def test_an_expired_hold_blocks_nobody_and_its_end_is_recorded(salon: Salon, cut: UUID, sam: UUID):
    placed = salon.hold(cut, TEN, ttl_seconds=60)
    other = salon.hold(cut, at(14), ttl_seconds=60)
    salon.world.clock.advance(seconds=60)
    assert TEN in salon.free(cut, TEN, at(11))
    with pytest.raises(NotFound):
        salon.holds.hold(placed.state.id, salon.by)
    with pytest.raises(NotFound):
        salon.holds.release(placed.state.id, salon.by)
    salon.book(cut, at(10, 30))
    assert salon.types(placed.state.id) == ["hold.placed.v1", "hold.expired.v1"]
    # Only what stands in the way is cleared.
    assert salon.types(other.state.id) == ["hold.placed.v1"]


def test_an_expired_hold_makes_room_for_a_hold_and_for_a_move(salon: Salon, cut: UUID, sam: UUID):
    first = salon.hold(cut, TEN, ttl_seconds=1)
    second = salon.hold(cut, at(12), ttl_seconds=1)
    salon.world.clock.advance(seconds=1)
    salon.hold(cut, TEN)
    made = salon.book(cut, at(14))
    salon.course.reschedule(salon.target(made), at(12), None, salon.by)
    for expired in (first, second):
        assert salon.types(expired.state.id) == ["hold.placed.v1", "hold.expired.v1"]


def test_several_expired_holds_make_room_at_once(salon: Salon, here: UUID, sam: UUID, cut: UUID):
    short = salon.a_service(here, minutes=30)
    salon.revises(sam, service_ids=(cut, short))
    expired = [salon.hold(short, start, ttl_seconds=1) for start in (TEN, at(10, 30))]
    salon.world.clock.advance(seconds=1)
    salon.book(cut, TEN)
    assert {len(salon.types(one.state.id)) for one in expired} == {2}


@pytest.mark.parametrize("microsecond", [0, 400_000])
def test_a_hold_ends_on_a_whole_second(salon: Salon, cut: UUID, sam: UUID, microsecond: int):
    salon.world.clock.set(at(8).replace(microsecond=microsecond))
    assert salon.hold(cut, TEN, ttl_seconds=1).state.expires_at == at(8) + timedelta(seconds=1)


@pytest.mark.parametrize("seconds", [0, 3_601])
def test_a_hold_lives_for_a_second_to_an_hour(salon: Salon, cut: UUID, sam: UUID, seconds: int):
    with pytest.raises(Unacceptable):
        salon.hold(cut, TEN, ttl_seconds=seconds)


def test_what_is_no_slot_cannot_be_held(salon: Salon, cut: UUID, sam: UUID):
    with pytest.raises(NotASlot):
        salon.hold(cut, at(10, 5))
    with pytest.raises(UnknownReference):
        salon.hold(UUID(int=1), TEN)
    with pytest.raises(NotPermitted):
        salon.hold(cut, TEN, by=replace(salon.by, roles=frozenset({"auditor"})))


def test_a_hold_of_another_location_does_not_exist(salon: Salon, cut: UUID, sam: UUID):
    there = salon.a_location()
    both = salon.a_service(there)
    salon.a_staff_member([there], [both])
    placed = salon.hold(cut, TEN)
    bound = replace(salon.by, locations=frozenset({there}))
    with pytest.raises(NotFound):
        salon.holds.hold(placed.state.id, bound)
    with pytest.raises(NotFound):
        salon.holds.release(placed.state.id, bound)
    with pytest.raises(UnknownReference) as refusal:
        salon.book(both, TEN, by=bound, hold=placed.state.id)
    assert [fault.pointer for fault in refusal.value.errors] == ["/hold_id"]


def test_a_booking_is_no_hold(salon: Salon, cut: UUID, sam: UUID):
    made = salon.book(cut, TEN)
    with pytest.raises(NotFound):
        salon.holds.hold(made.state.id, salon.by)
    with pytest.raises(UnknownReference):
        salon.book(cut, at(12), customer(), hold=made.state.id)


def test_nothing_is_left_reserved_when_all_is_given_up(salon: Salon, cut: UUID, sam: UUID):
    placed, made = salon.hold(cut, TEN), salon.book(cut, at(12))
    salon.holds.release(placed.state.id, salon.by)
    salon.course.cancel(salon.target(made), "other", salon.by)
    assert salon.world.state.reservations[TENANT].by_staff == {sam: ()}
    assert salon.world.state.reservations[TENANT].staff_of == {}


def test_what_someone_else_has_ended_meanwhile_is_not_ended_again(
    salon: Salon, here: UUID, cut: UUID, sam: UUID
):
    asking = salon.a_service(here, requires_confirmation=True)
    salon.revises(sam, service_ids=(cut, asking))
    placed, made = salon.hold(cut, TEN, ttl_seconds=1), salon.book(asking, at(12))
    scribe = Scribe.begin(salon.by, salon.world.clock, salon.world.ids)
    salon.holds.release(placed.state.id, salon.by)
    salon.course.decline(salon.target(made), "other", salon.by)
    salon.world.clock.advance(hours=6)
    late = replace(scribe, at=salon.world.clock.now())
    seats = [Seat(placed.state.id, "hold", 0), Seat(made.state.id, "booking", 0)]
    unknown = [Seat(made.state.id, "hold", 0), Seat(placed.state.id, "booking", 0)]
    assert clear(salon.world.store, late, [*seats, *unknown]) == NOTHING_CLEARED
