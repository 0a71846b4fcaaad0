"""The list of bookings."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from application.booking.agenda import BookingsQuery
from application.recorded import Caller
from domain.errors import (
    NotPermitted,
    Unacceptable,
    UnknownReference,
)
from domain.schedule import Hours
from tests.usecases.salon import Salon, at, customer

TEN = at(10)
ADA = customer()
NOWHERE = UUID(int=0xDEAD)
WHOLE_DAY = Hours(0, 1_440)


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
