"""Many who want one slot, one customer twice at once, one call twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest

from application.booking.choice import Chooser, Wanted
from application.booking.offer import Asked
from application.recorded import Answer, Ticket
from application.setup.register import Receipt
from domain.errors import (
    DomainError,
    IdempotencyInFlight,
    SlotUnavailable,
)
from domain.schedule import Hours
from tests.usecases.salon import TENANT, Salon, at, customer

TEN = at(10)
ADA = customer()
NOWHERE = UUID(int=0xDEAD)
WHOLE_DAY = Hours(0, 1_440)


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
