"""The port `Book`: current state, all that listing or claiming a slot needs in one answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from application.ports import BusyReplacement, CatalogEntry, CatalogKind, Counting, Facts, Seat
from domain.location import Location, LocationTerms
from domain.schedule import Hours, Override, Schedule, WeeklyHours
from domain.service import Price, Service, ServiceTerms
from domain.staff import Staff, StaffTerms
from tests.contracts.world import HOUR, NOW, TEN, Desk

NINE, ELEVEN, NOON = TEN - HOUR, TEN + HOUR, TEN + 2 * HOUR
SCHEDULE = Schedule(
    "Australia/Lord_Howe",
    (WeeklyHours((0, 4), Hours(540, 1440)), WeeklyHours((6,), Hours(1320, 120))),
    (Override(date(2027, 3, 14), ()), Override(date(2027, 3, 15), (Hours(0, 90),))),
)


def enter(
    desk: Desk, kind: CatalogKind, state: Location | Service | Staff, created_at: datetime = NOW
) -> CatalogEntry:
    entry = CatalogEntry(kind, state.id, state.version, created_at, state)
    desk.append(catalog=(entry,))
    return entry


def a_location(desk: Desk, created_at: datetime = NOW) -> CatalogEntry:
    terms = LocationTerms("Main Street", "Europe/London", "GB", "ENG", closed_on_holidays=True)
    return enter(desk, "location", Location(uuid4(), terms, True, 1), created_at)


def a_service(desk: Desk, *at: UUID) -> CatalogEntry:
    terms = ServiceTerms(
        at, "Cut", 45, capacity=3, requires_confirmation=True, price=Price(4_500, "GBP")
    )
    return enter(desk, "service", Service(uuid4(), terms, True, 1))


def a_staff_member(desk: Desk, at: UUID, *services: UUID) -> CatalogEntry:
    terms = StaffTerms((at,), "Sam", services)
    return enter(desk, "staff", Staff(uuid4(), uuid4(), terms, True, SCHEDULE, True, 1))


# --- entries ---------------------------------------------------------------------------------------------------------


def test_a_thing_is_found_whole_by_its_kind(desk: Desk):
    here = a_location(desk)
    cut = a_service(desk, here.id)
    sam = a_staff_member(desk, here.id, cut.id)
    for entry in (here, cut, sam):
        assert desk.world.book.entry(desk.tenant, entry.kind, entry.id) == entry
    assert desk.world.book.entry(desk.tenant, "service", here.id) is None
    assert desk.world.book.entry(desk.tenant, "location", uuid4()) is None


def test_what_has_ended_is_still_found_as_of_its_version(desk: Desk):
    here = a_location(desk)
    assert isinstance(here.state, Location)
    closed = replace(here.state, active=False, version=2)
    desk.append(catalog=(replace(here, version=2, state=closed),))
    found = desk.world.book.entry(desk.tenant, "location", here.id)
    assert found == replace(here, version=2, state=closed)


def test_nothing_is_entered_by_a_refused_append(desk: Desk):
    stream = uuid4()
    desk.append(desk.event(stream))
    terms = LocationTerms("Main Street", "Europe/London", "GB")
    state = Location(uuid4(), terms, True, 1)
    desk.append(desk.event(stream), catalog=(CatalogEntry("location", state.id, 1, NOW, state),))
    assert desk.world.book.entry(desk.tenant, "location", state.id) is None


def test_those_that_exist_are_given_of_those_that_are_asked_for(desk: Desk):
    here, there = a_location(desk), a_location(desk)
    cut = a_service(desk, here.id)
    asked = [there.id, uuid4(), here.id, cut.id]
    found = desk.world.book.entries(desk.tenant, "location", asked)
    assert {entry.id for entry in found} == {here.id, there.id}
    assert desk.world.book.entries(desk.tenant, "location", []) == []


def test_things_are_listed_by_creation_page_by_page(desk: Desk):
    times = [NOW + timedelta(minutes=minute) for minute in (3, 1, 2, 1)]
    made = [a_location(desk, created_at) for created_at in times]
    a_service(desk, made[0].id)
    in_order = sorted(made, key=lambda entry: (entry.created_at, entry.id))
    page = desk.world.book.page
    first = page(desk.tenant, "location", 3, None)
    assert first == in_order[:3]
    rest = page(desk.tenant, "location", 3, (first[-1].created_at, first[-1].id))
    assert rest == in_order[3:]


def test_a_tenant_sees_nothing_of_another(desk: Desk):
    here = a_location(desk)
    cut = a_service(desk, here.id)
    other = Desk(desk.world)
    with desk.world.inside(other.tenant):
        book = desk.world.book
        assert book.entry(other.tenant, "location", here.id) is None
        assert book.entries(other.tenant, "location", [here.id]) == []
        assert book.page(other.tenant, "location", 10, None) == []
        assert book.facts(other.tenant, cut.id, 0, 2 * TEN).service is None


# --- facts -----------------------------------------------------------------------------------------------------------


def test_facts_are_of_the_service_its_locations_and_who_offers_it(desk: Desk):
    here, there, other = a_location(desk), a_location(desk), a_location(desk)
    cut, shave = a_service(desk, here.id, there.id), a_service(desk, other.id)
    sam, kim = (
        a_staff_member(desk, here.id, cut.id),
        a_staff_member(desk, there.id, cut.id, shave.id),
    )
    a_staff_member(desk, here.id, shave.id)
    facts = desk.world.book.facts(desk.tenant, cut.id, TEN, ELEVEN)
    assert facts.service == cut
    assert {entry.id for entry in facts.locations} == {here.id, there.id}
    assert sorted(facts.staff, key=lambda entry: entry.id) == sorted(
        (sam, kim), key=lambda entry: entry.id
    )
    named = desk.world.book.facts(desk.tenant, cut.id, TEN, ELEVEN, kim.id)
    assert named.staff == (kim,)
    assert named.service == cut


def test_what_is_on_offer_is_never_stale_however_often_it_was_asked(desk: Desk):
    here = a_location(desk)
    cut = a_service(desk, here.id)
    sam = a_staff_member(desk, here.id, cut.id)
    assert isinstance(sam.state, Staff) and isinstance(cut.state, Service)

    def facts() -> Facts:
        return desk.world.book.facts(desk.tenant, cut.id, TEN, ELEVEN)

    assert facts() == facts()
    kim = a_staff_member(desk, here.id, cut.id)
    assert {entry.id for entry in facts().staff} == {sam.id, kim.id}
    away = replace(sam, version=2, state=replace(sam.state, active=False, version=2))
    desk.append(catalog=(away,))
    assert away in facts().staff
    dearer = replace(cut, version=2, state=replace(cut.state, active=False, version=2))
    desk.append(catalog=(dearer,))
    assert facts().service == dearer


def test_who_stops_offering_a_service_is_not_among_its_facts(desk: Desk):
    here = a_location(desk)
    cut = a_service(desk, here.id)
    sam = a_staff_member(desk, here.id, cut.id)
    assert isinstance(sam.state, Staff)
    terms = replace(sam.state.terms, service_ids=())
    desk.append(catalog=(replace(sam, version=2, state=replace(sam.state, terms=terms)),))
    assert desk.world.book.facts(desk.tenant, cut.id, TEN, ELEVEN).staff == ()


@pytest.mark.parametrize("kind", ["location", "staff", None])
def test_what_is_no_service_is_not_found_as_one(desk: Desk, kind: str | None):
    here = a_location(desk)
    cut = a_service(desk, here.id)
    id = {"location": here.id, "staff": a_staff_member(desk, here.id, cut.id).id}.get(
        str(kind), uuid4()
    )
    facts = desk.world.book.facts(desk.tenant, id, 0, 2 * TEN)
    assert facts.service is None


def test_facts_have_what_overlaps_the_range_of_whoever_offers_it(desk: Desk):
    desk.opens()
    for start in (NINE, TEN, ELEVEN):
        desk.take(desk.claim(start=start))
    desk.take(desk.claim(staff=uuid4()))

    def starts(from_: int, to: int) -> list[int]:
        facts = desk.world.book.facts(desk.tenant, desk.service, from_, to)
        return sorted(one.start for one in facts.occupied)

    assert starts(TEN, ELEVEN) == [TEN]
    assert starts(TEN - 1, ELEVEN + 1) == [NINE, TEN, ELEVEN]
    assert starts(NOON, NOON + HOUR) == []


def test_a_reservation_says_all_that_a_slot_depends_on(desk: Desk):
    desk.opens()
    booked = desk.claim(from_=TEN - 300, to=ELEVEN + 600)
    held = desk.claim(start=NOON, kind="hold", expires_at=NINE)
    desk.take(booked)
    desk.take(held)
    facts = desk.world.book.facts(desk.tenant, desk.service, 0, 2 * TEN)
    one, two = sorted(facts.occupied, key=lambda each: each.start)
    assert (one.staff, one.service, one.capacity) == (desk.staff, desk.service, 1)
    assert (one.start, one.end, one.from_, one.to) == (TEN, ELEVEN, TEN - 300, ELEVEN + 600)
    assert one.seats == (Seat(booked.owner, "booking", None),)
    # Expired ones too: whoever asks judges by a clock of their own.
    assert two.seats == (Seat(held.owner, "hold", NINE),)


def test_a_class_says_who_has_its_seats(desk: Desk):
    desk.opens()
    claims = [
        desk.claim(capacity=3),
        desk.claim(capacity=3, kind="hold", expires_at=NINE),
        desk.claim(capacity=3, expires_at=TEN),
    ]
    for claim in claims:
        desk.take(claim)
    (session,) = desk.world.book.facts(desk.tenant, desk.service, TEN, ELEVEN).occupied
    assert (session.capacity, session.service, session.start) == (3, desk.service, TEN)
    assert set(session.seats) == {
        Seat(claim.owner, claim.kind, claim.expires_at) for claim in claims
    }


def test_a_reservation_that_reaches_far_out_of_the_range_is_among_the_facts(desk: Desk):
    desk.opens()
    day = 24 * HOUR
    long = desk.claim(start=TEN, hours=24, from_=TEN - day, to=TEN + 3 * day)
    later = desk.claim(start=TEN + 3 * day)
    desk.take(long, later)

    def seen(from_: int, to: int) -> list[UUID]:
        facts = desk.world.book.facts(desk.tenant, desk.service, from_, to)
        return [seat.owner for one in facts.occupied for seat in one.seats]

    assert seen(NOON, NOON + 1) == [long.owner]
    assert seen(TEN - day - HOUR, TEN - day) == []
    assert seen(TEN - day - HOUR, TEN - day + 1) == [long.owner]
    assert seen(TEN + 3 * day - 1, TEN + 3 * day) == [long.owner]
    assert seen(TEN + 3 * day, TEN + 3 * day + 1) == [later.owner]
    assert seen(0, 2 * TEN) == [long.owner, later.owner]


def booked(desk: Desk, counting: Counting) -> dict[UUID, int]:
    return dict(
        desk.world.book.facts(desk.tenant, desk.service, NOON, NOON, counting=counting).booked
    )


def test_bookings_are_counted_where_they_start_wherever_one_looks(desk: Desk):
    desk.opens()
    early = desk.claim(start=NINE, from_=NINE - HOUR)
    for claim in (early, desk.claim(start=TEN), desk.claim(start=ELEVEN)):
        desk.take(claim)
    assert booked(desk, Counting(NINE, ELEVEN, 0)) == {desk.staff: 2}
    assert booked(desk, Counting(NINE + 1, ELEVEN + 1, 0)) == {desk.staff: 2}
    assert booked(desk, Counting(NINE - HOUR, NINE, 0)) == {desk.staff: 0}
    assert booked(desk, Counting(NINE, NINE + 1, 0, early.owner)) == {desk.staff: 0}
    assert desk.world.book.facts(desk.tenant, desk.service, NINE, NOON).booked == {}


def test_holds_and_what_has_expired_are_not_counted(desk: Desk):
    desk.opens()
    desk.take(desk.claim(start=NINE, kind="hold", expires_at=NOON))
    desk.take(desk.claim(start=TEN, expires_at=NOON))
    assert booked(desk, Counting(NINE, NOON, NOON - 1)) == {desk.staff: 1}
    assert booked(desk, Counting(NINE, NOON, NOON)) == {desk.staff: 0}


def test_those_whose_time_is_over_are_told_oldest_first(desk: Desk):
    late = desk.claim(start=NINE, kind="hold", expires_at=NOON)
    early = desk.claim(start=TEN, expires_at=ELEVEN)
    seat = desk.claim(start=NOON, capacity=5, kind="hold", expires_at=TEN)
    for claim in (late, early, seat, desk.claim(start=ELEVEN)):
        desk.take(claim)
    told = [Seat(one.owner, one.kind, one.expires_at) for one in (seat, early, late)]
    expired = desk.world.book.expired
    assert expired(desk.tenant, NOON, 10) == told
    assert expired(desk.tenant, NOON, 2) == told[:2]
    assert expired(desk.tenant, NOON - 1, 10) == told[:2]
    assert expired(desk.tenant, TEN - 1, 10) == []
    assert expired(uuid4(), NOON, 10) == []


def test_every_seat_of_a_class_counts(desk: Desk):
    desk.opens()
    claims = [
        desk.claim(capacity=5),
        desk.claim(capacity=5),
        desk.claim(capacity=5, kind="hold", expires_at=NOON),
        desk.claim(capacity=5, expires_at=TEN),
    ]
    for claim in claims:
        desk.take(claim)
    assert booked(desk, Counting(TEN, ELEVEN, NINE)) == {desk.staff: 3}
    assert booked(desk, Counting(TEN, ELEVEN, TEN, claims[0].owner)) == {desk.staff: 1}


def busy(desk: Desk, from_: int, to: int) -> list[tuple[UUID, int, int]]:
    return sorted(desk.world.book.facts(desk.tenant, desk.service, from_, to).busy)


def test_busy_time_replaces_what_was_said_of_its_window_and_no_more(desk: Desk):
    desk.opens()
    whole = BusyReplacement(desk.staff, NINE, NOON, ((NINE, TEN + 60), (ELEVEN - 60, NOON)))
    desk.append(busy=whole)
    assert busy(desk, 0, 2 * TEN) == [
        (desk.staff, NINE, TEN + 60),
        (desk.staff, ELEVEN - 60, NOON),
    ]
    desk.append(busy=BusyReplacement(desk.staff, TEN, ELEVEN, ((TEN + 600, TEN + 900),)))
    assert busy(desk, 0, 2 * TEN) == [
        (desk.staff, NINE, TEN),
        (desk.staff, TEN + 600, TEN + 900),
        (desk.staff, ELEVEN, NOON),
    ]
    assert busy(desk, TEN, TEN + 600) == []
    assert busy(desk, TEN + 899, ELEVEN) == [(desk.staff, TEN + 600, TEN + 900)]
    desk.append(busy=BusyReplacement(desk.staff, 0, 2 * TEN, ()))
    assert busy(desk, 0, 2 * TEN) == []


def test_a_block_around_the_whole_window_keeps_both_its_ends(desk: Desk):
    desk.opens()
    desk.append(busy=BusyReplacement(desk.staff, NINE, NOON, ((NINE, NOON),)))
    desk.append(busy=BusyReplacement(desk.staff, TEN, ELEVEN, ()))
    assert busy(desk, 0, 2 * TEN) == [(desk.staff, NINE, TEN), (desk.staff, ELEVEN, NOON)]
