"""What becomes of a booking: confirmed, declined, called off, kept, missed, moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from application.booking.booking_course import BookingCourse, Target
from application.recorded import Caller
from application.setup.register import Receipt
from domain.booking import Booking, Status
from domain.errors import (
    DomainError,
    InvalidState,
    NotASlot,
    NotFound,
    NotPermitted,
    SlotUnavailable,
    TooEarly,
    UnknownReference,
    VersionMismatch,
)
from domain.schedule import Hours
from tests.usecases.salon import TENANT, Salon, at, customer

TEN = at(10)
ADA = customer()
NOWHERE = UUID(int=0xDEAD)
WHOLE_DAY = Hours(0, 1_440)


def pointers(refusal: pytest.ExceptionInfo[DomainError]) -> list[str]:
    return [fault.pointer for fault in refusal.value.errors]


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
