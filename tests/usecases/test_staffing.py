"""Engaging staff, their schedules and busy time, and releasing them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from application.setup.locations import CloseLocation
from application.setup.services import WithdrawService
from application.setup.staffing import (
    BusyImport,
    EngageStaff,
    ImportBusy,
    ReleaseStaff,
    ReviseStaff,
    SetSchedule,
)
from domain.errors import (
    CalendarInvalid,
    InvalidState,
    NotFound,
    NotPermitted,
    RangeTooLong,
    Unacceptable,
    UnknownReference,
    VersionMismatch,
)
from domain.schedule import Hours, Schedule, WeeklyHours
from domain.sealing import Envelope
from domain.staff import StaffEngaged, StaffRevised, StaffTerms
from domain.values import Personal, epoch_seconds
from infrastructure.twin.memory import MemoryWorld
from tests.usecases.shop import Shop, open_shop

FROM = datetime(2027, 3, 1, tzinfo=UTC)
TO = datetime(2027, 4, 1, tzinfo=UTC)
KOLKATA = Schedule("Asia/Kolkata", (WeeklyHours((0, 1, 2), Hours(540, 1020)),))


@pytest.fixture
def shop() -> Shop:
    return open_shop(MemoryWorld())


def calendar(*entries: str) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//EN"]
    for number, entry in enumerate(entries):
        lines += ["BEGIN:VEVENT", f"UID:{number}", "DTSTAMP:20270101T000000Z"]
        lines += [*entry.split("|"), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


TUESDAY_NOON = calendar("DTSTART:20270302T120000Z|DTEND:20270302T130000Z|SUMMARY:Dentist Canary")
FLOATING_NOON = calendar("DTSTART:20270302T120000|DTEND:20270302T130000")


def busy(shop: Shop, service: UUID) -> list[tuple[UUID, datetime, datetime]]:
    """What is busy in the window among those who offer the service."""
    tenant = shop.founded.tenant.id
    facts = shop.world.book.facts(tenant, service, epoch_seconds(FROM), epoch_seconds(TO))
    return [
        (staff, datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
        for staff, start, end in facts.busy
    ]


def test_an_engaged_staff_member_is_there_at_once(shop: Shop):
    here = shop.location()
    terms = StaffTerms((here,), "Sam", (shop.service(here),))
    engaged = shop.staffing.engage(EngageStaff(terms), shop.owner)
    assert engaged.state.terms == terms
    assert (engaged.state.named, engaged.state.schedule) == (False, None)
    assert shop.staffing.staff_member(engaged.state.id, shop.owner) == engaged.state


def test_a_sealed_name_is_of_a_subject_of_its_own(shop: Shop):
    terms = StaffTerms((shop.location(),), "Sam")
    sam = shop.staffing.engage(EngageStaff(terms, Personal("Sam Example")), shop.owner).state
    pat = shop.staffing.engage(EngageStaff(terms, Personal("Pat Example")), shop.owner).state
    assert sam.named
    assert len({sam.subject, pat.subject, sam.id, pat.id}) == 4


def test_a_name_is_stored_sealed_only(shop: Shop):
    terms = StaffTerms((shop.location(),), "Sam")
    id = shop.staffing.engage(EngageStaff(terms, Personal("Canary Example")), shop.owner).state.id
    shop.staffing.revise(ReviseStaff(id, name=Personal("Canary Other")), shop.owner)
    for event in shop.world.store.read(shop.founded.tenant.id, id):
        assert isinstance(event.decision, StaffEngaged | StaffRevised)
        assert isinstance(event.decision.name, Envelope)
        assert "Canary" not in event.decision.name.text


def test_each_reference_that_is_not_there_is_named(shop: Shop):
    here = shop.location()
    gone, offered = shop.service(here), shop.service(here)
    shop.services.withdraw(WithdrawService(gone), shop.owner)
    bad_services = StaffTerms((here,), "Sam", (gone, offered, UUID(int=1)))
    with pytest.raises(UnknownReference) as refusal:
        shop.staffing.engage(EngageStaff(bad_services), shop.owner)
    pointers = [fault.pointer for fault in refusal.value.errors]
    assert pointers == ["/service_ids/0", "/service_ids/2"]
    with pytest.raises(UnknownReference) as refusal:
        shop.staffing.engage(EngageStaff(StaffTerms((UUID(int=1),), "Sam")), shop.owner)
    assert [fault.pointer for fault in refusal.value.errors] == ["/location_ids/0"]
    assert shop.staffing.page(200, None, shop.owner).items == ()


def test_every_field_of_a_staff_member_can_be_revised(shop: Shop):
    here, there = shop.location(), shop.location()
    service = shop.service(there)
    id = shop.staff(here)
    command = ReviseStaff(id, (here, there), "Sami", (service,), Personal("Sam Example"))
    revised = shop.staffing.revise(command, shop.owner).state
    assert revised.terms == StaffTerms((here, there), "Sami", (service,))
    assert revised.named
    shorter = shop.staffing.revise(ReviseStaff(id, display_name="S."), shop.owner).state
    assert shorter.terms == StaffTerms((here, there), "S.", (service,))
    assert shop.types_of(id) == ["StaffEngaged", "StaffRevised", "StaffRevised"]


def test_what_is_given_is_looked_up_and_what_stands_is_not(shop: Shop):
    here = shop.location()
    service = shop.service(here)
    id = shop.staff(here, services=(service,))
    shop.services.withdraw(WithdrawService(service), shop.owner)
    shop.locations.close(CloseLocation(here), shop.owner)
    assert shop.staffing.revise(ReviseStaff(id, display_name="S."), shop.owner).state.version == 2
    for command in (ReviseStaff(id, location_ids=(here,)), ReviseStaff(id, service_ids=(service,))):
        with pytest.raises(UnknownReference):
            shop.staffing.revise(command, shop.owner)


def test_a_schedule_is_set_once_however_often_it_is_sent(shop: Shop):
    id = shop.staff(shop.location())
    first = shop.staffing.set_schedule(SetSchedule(id, KOLKATA), shop.owner)
    again = shop.staffing.set_schedule(SetSchedule(id, KOLKATA), shop.owner)
    assert first == again
    assert first.state.schedule == KOLKATA
    assert shop.types_of(id) == ["StaffEngaged", "StaffScheduleSet"]


def test_an_import_makes_the_staff_member_busy(shop: Shop):
    here = shop.location()
    service = shop.service(here)
    id = shop.staff(here, services=(service,))
    receipt = shop.staffing.import_busy(ImportBusy(id, TUESDAY_NOON, FROM, TO), shop.owner)
    assert receipt.state == BusyImport(id, 1, FROM, TO, version=2)
    noon = datetime(2027, 3, 2, 12, tzinfo=UTC)
    assert busy(shop, service) == [(id, noon, noon + timedelta(hours=1))]
    assert shop.last_event(id) == receipt.event


def test_an_import_keeps_no_title(shop: Shop):
    id = shop.staff(shop.location())
    shop.staffing.import_busy(ImportBusy(id, TUESDAY_NOON, FROM, TO), shop.owner)
    events = shop.world.store.read(shop.founded.tenant.id, id)
    assert "Canary" not in repr(events)


def test_an_import_replaces_what_earlier_ones_said_of_its_window(shop: Shop):
    here = shop.location()
    service = shop.service(here)
    id = shop.staff(here, services=(service,))
    shop.staffing.import_busy(ImportBusy(id, TUESDAY_NOON, FROM, TO), shop.owner)
    later = FROM + timedelta(days=7)
    shop.staffing.import_busy(ImportBusy(id, calendar(), later, TO), shop.owner)
    assert len(busy(shop, service)) == 1
    shop.staffing.import_busy(ImportBusy(id, calendar(), FROM, later), shop.owner)
    assert busy(shop, service) == []


def test_floating_time_is_in_the_zone_of_the_schedule(shop: Shop):
    here = shop.location()
    service = shop.service(here)
    id = shop.staff(here, services=(service,))
    shop.staffing.set_schedule(SetSchedule(id, KOLKATA), shop.owner)
    shop.staffing.import_busy(ImportBusy(id, FLOATING_NOON, FROM, TO), shop.owner)
    noon = datetime(2027, 3, 2, 6, 30, tzinfo=UTC)
    assert busy(shop, service) == [(id, noon, noon + timedelta(hours=1))]


def test_without_a_schedule_floating_time_is_in_the_zone_of_the_location(shop: Shop):
    here = shop.location()
    service = shop.service(here)
    id = shop.staff(here, services=(service,))
    shop.staffing.import_busy(ImportBusy(id, FLOATING_NOON, FROM, TO), shop.owner)
    noon = datetime(2027, 3, 2, 12, tzinfo=UTC)
    assert busy(shop, service) == [(id, noon, noon + timedelta(hours=1))]


def test_fractions_of_a_second_are_dropped_from_a_window(shop: Shop):
    id = shop.staff(shop.location())
    off = timedelta(microseconds=900_000)
    command = ImportBusy(id, calendar(), FROM + off, TO + off)
    done = shop.staffing.import_busy(command, shop.owner).state
    assert (done.from_, done.to) == (FROM, TO)


@pytest.mark.parametrize("to", [FROM, FROM - timedelta(days=1), FROM + timedelta(microseconds=1)])
def test_a_window_ends_after_it_starts(shop: Shop, to: datetime):
    id = shop.staff(shop.location())
    with pytest.raises(Unacceptable) as refusal:
        shop.staffing.import_busy(ImportBusy(id, calendar(), FROM, to), shop.owner)
    assert [fault.pointer for fault in refusal.value.errors] == ["/to"]


def test_a_window_has_at_most_730_days(shop: Shop):
    id = shop.staff(shop.location())
    longest = FROM + timedelta(days=730)
    shop.staffing.import_busy(ImportBusy(id, calendar(), FROM, longest), shop.owner)
    command = ImportBusy(id, calendar(), FROM, longest + timedelta(seconds=1))
    with pytest.raises(RangeTooLong):
        shop.staffing.import_busy(command, shop.owner)


def test_a_broken_calendar_leaves_things_as_they_were(shop: Shop):
    here = shop.location()
    service = shop.service(here)
    id = shop.staff(here, services=(service,))
    shop.staffing.import_busy(ImportBusy(id, TUESDAY_NOON, FROM, TO), shop.owner)
    with pytest.raises(CalendarInvalid):
        shop.staffing.import_busy(ImportBusy(id, b"BEGIN:VEVENT", FROM, TO), shop.owner)
    assert len(busy(shop, service)) == 1
    assert shop.types_of(id) == ["StaffEngaged", "StaffBusyImported"]


def test_a_staff_member_who_was_released_stays_released(shop: Shop):
    id = shop.staff(shop.location())
    first = shop.staffing.release(ReleaseStaff(id), shop.owner)
    assert shop.staffing.release(ReleaseStaff(id), shop.owner) == first
    assert not shop.staffing.staff_member(id, shop.owner).active
    for ask in (
        lambda: shop.staffing.revise(ReviseStaff(id, display_name="S."), shop.owner),
        lambda: shop.staffing.set_schedule(SetSchedule(id, KOLKATA), shop.owner),
        lambda: shop.staffing.import_busy(ImportBusy(id, b"broken", FROM, TO), shop.owner),
    ):
        with pytest.raises(InvalidState):
            ask()
    assert shop.types_of(id) == ["StaffEngaged", "StaffReleased"]


def test_a_change_to_another_version_than_named_is_refused(shop: Shop):
    id = shop.staff(shop.location())
    for ask in (
        lambda: shop.staffing.revise(ReviseStaff(id, display_name="S.", if_match=2), shop.owner),
        lambda: shop.staffing.set_schedule(SetSchedule(id, KOLKATA, if_match=2), shop.owner),
        lambda: shop.staffing.release(ReleaseStaff(id, if_match=2), shop.owner),
    ):
        with pytest.raises(VersionMismatch):
            ask()


def test_a_manager_looks_after_staff_of_own_locations_only(shop: Shop):
    mine, other = shop.location(), shop.location()
    shared, foreign = shop.staff(mine, other), shop.staff(other)
    elsewhere = shop.service(other)
    by = shop.caller("manager", mine)
    own = shop.staffing.engage(EngageStaff(StaffTerms((mine,), "Sam")), by).state.id
    for bad in (
        ReviseStaff(own, service_ids=(elsewhere,)),
        ReviseStaff(own, location_ids=(other,)),
    ):
        with pytest.raises(UnknownReference):
            shop.staffing.revise(bad, by)
    for id, refusal in ((shared, NotPermitted), (foreign, NotFound)):
        for ask in (
            lambda id=id: shop.staffing.revise(ReviseStaff(id, display_name="S."), by),
            lambda id=id: shop.staffing.set_schedule(SetSchedule(id, KOLKATA), by),
            lambda id=id: shop.staffing.import_busy(ImportBusy(id, calendar(), FROM, TO), by),
            lambda id=id: shop.staffing.release(ReleaseStaff(id), by),
        ):
            with pytest.raises(refusal):
                ask()
    assert shop.staffing.staff_member(shared, by).id == shared
    with pytest.raises(NotFound):
        shop.staffing.staff_member(foreign, by)
    assert {member.id for member in shop.staffing.page(200, None, by).items} == {shared, own}


def test_only_owners_and_managers_look_after_staff(shop: Shop):
    here = shop.location()
    id = shop.staff(here)
    by = shop.caller("staff")
    for ask in (
        lambda: shop.staffing.engage(EngageStaff(StaffTerms((here,), "Sam")), by),
        lambda: shop.staffing.revise(ReviseStaff(id, display_name="S."), by),
        lambda: shop.staffing.set_schedule(SetSchedule(id, KOLKATA), by),
        lambda: shop.staffing.import_busy(ImportBusy(id, calendar(), FROM, TO), by),
        lambda: shop.staffing.release(ReleaseStaff(id), by),
        lambda: shop.staffing.staff_member(id, shop.caller("subject")),
        lambda: shop.staffing.page(1, None, shop.caller("subject")),
    ):
        with pytest.raises(NotPermitted):
            ask()
