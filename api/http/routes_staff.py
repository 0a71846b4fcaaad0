"""Set up a business: the people who offer services, their working time, and when they are busy elsewhere."""

from __future__ import annotations

from api.http import schemas_business as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import StaffId, read_cursor, write_cursor
from api.http.rendering import Json, list_json, staff_json
from api.http.routes_business import CHANGED, LISTED, MADE
from api.http.schemas_common import Following, given
from application.recorded import Answer
from application.setup.register import Receipt
from application.setup.staffing import (
    BusyImport,
    EngageStaff,
    ImportBusy,
    ReleaseStaff,
    ReviseStaff,
    SetSchedule,
)
from domain import errors
from domain.schedule import Schedule
from domain.schedule_document import parse_schedule, schedule_document
from domain.staff import Staff, StaffTerms
from domain.values import Personal, instant_text

routes = Routes("Set up a business")


@routes.add("POST", "/v1/staff", schemas.Staff, errors.UnknownReference, status=201, headers=MADE)
def engage_staff(call: Call, body: schemas.NewStaff) -> Answer:
    """Engage a staff member.

    `display_name` is what customers see; `name` is sealed. A person who works at two locations is one staff
    member, and busy at both. Roles: owner; manager for own locations.
    """
    terms = StaffTerms(
        location_ids=tuple(body.location_ids),
        display_name=body.display_name,
        service_ids=tuple(body.service_ids),
    )
    name = None if body.name is None else Personal(body.name)
    return call.write(
        lambda by: call.platform.staffing.engage(EngageStaff(terms, name), by), _engaged
    )


@routes.add("GET", "/v1/staff", schemas.StaffList, headers=LISTED)
def list_staff(call: Call, query: Following) -> Answer:
    """List the staff at the locations of this key, by creation, released ones included."""
    reached = call.reached(query.at_least)
    after = read_cursor("staff", query.cursor)
    listing = call.platform.staffing.page(query.limit, after, call.by)
    following = listing.next and write_cursor("staff", *listing.next)
    shown = [staff_json(one) for one in listing.items]
    return answered(list_json(shown, following), headers=(reached,))


@routes.add("GET", "/v1/staff/{id}", schemas.Staff, headers=("ETag",))
def show_staff(call: Call, id: StaffId) -> Answer:
    """Show a staff member, without the sealed name."""
    found = call.platform.staffing.staff_member(id, call.by)
    return answered(staff_json(found), version=found.version)


@routes.add(
    "PATCH",
    "/v1/staff/{id}",
    schemas.Staff,
    errors.InvalidState,
    errors.UnknownReference,
    headers=CHANGED,
    changes=True,
)
def revise_staff(call: Call, id: StaffId, body: schemas.StaffChange) -> Answer:
    """Revise a staff member: the fields given stand from now on, the others stay."""
    staffing = call.platform.staffing
    command = ReviseStaff(
        id,
        location_ids=given(body.location_ids, tuple),
        display_name=body.display_name,
        service_ids=given(body.service_ids, tuple),
        name=given(body.name, Personal),
        if_match=call.if_match(lambda: staffing.staff_member(id, call.by).version),
    )
    return call.write(lambda by: staffing.revise(command, by), _staff)


@routes.add("POST", "/v1/staff/{id}/deactivate", schemas.Staff, headers=CHANGED, changes=True)
def release_staff(call: Call, id: StaffId) -> Answer:
    """Release a staff member for good. What is booked stands."""
    staffing = call.platform.staffing
    if_match = call.if_match(lambda: staffing.staff_member(id, call.by).version)
    return call.write(lambda by: staffing.release(ReleaseStaff(id, if_match), by), _staff)


@routes.add(
    "PUT",
    "/v1/staff/{id}/schedule",
    schemas.Schedule,
    errors.InvalidState,
    errors.UnknownTimeZone,
    headers=CHANGED,
    changes=True,
    large=True,
)
def set_schedule(call: Call, id: StaffId, body: schemas.Schedule) -> Answer:
    """Set the schedule of a staff member, whole.

    Times are wall time in `time_zone`. `24:00` is the end of a day; `to` at or before `from` ends on the next day. An
    override replaces its whole day; without intervals it closes it.
    """
    staffing = call.platform.staffing
    schedule = parse_schedule(body.model_dump(by_alias=True))
    if_match = call.if_match(lambda: staffing.staff_member(id, call.by).version)
    command = SetSchedule(id, schedule, if_match)
    return call.write(lambda by: staffing.set_schedule(command, by), _scheduled)


@routes.add("GET", "/v1/staff/{id}/schedule", schemas.Schedule, headers=("ETag",))
def show_schedule(call: Call, id: StaffId) -> Answer:
    """Show the schedule of a staff member; 404 until one is set."""
    found = call.platform.staffing.staff_member(id, call.by)
    if found.schedule is None:
        raise errors.NotFound("No schedule has been set yet.")
    return answered(schedule_document(found.schedule), version=found.version)


@routes.add(
    "POST",
    "/v1/staff/{id}/busy-imports",
    schemas.BusyImport,
    errors.InvalidState,
    errors.RangeTooLong,
    errors.CalendarInvalid,
    errors.CalendarTooDense,
    errors.UnknownTimeZone,
    status=201,
    headers=CHANGED,
)
def import_busy(call: Call, id: StaffId, query: schemas.ImportWindow, calendar: bytes) -> Answer:
    """Import busy time from an iCalendar file.

    It replaces what earlier imports said of [from, to), at most 730 days. Only when is kept: titles, attendees and
    places are never stored, logged or returned. At most 5 MB.
    """
    command = ImportBusy(id, calendar, query.from_, query.to)
    return call.write(lambda by: call.platform.staffing.import_busy(command, by), _imported)


def _engaged(receipt: Receipt[Staff]) -> Answer:
    shown = staff_json(receipt.state)
    return answered(
        shown,
        status=201,
        event=receipt.event,
        version=receipt.state.version,
        location=f"/v1/staff/{shown['id']}",
    )


def _staff(receipt: Receipt[Staff]) -> Answer:
    return answered(staff_json(receipt.state), event=receipt.event, version=receipt.state.version)


def _scheduled(receipt: Receipt[Staff]) -> Answer:
    schedule = receipt.state.schedule
    assert isinstance(schedule, Schedule), "it has just been set"
    return answered(schedule_document(schedule), event=receipt.event, version=receipt.state.version)


def _imported(receipt: Receipt[BusyImport]) -> Answer:
    done = receipt.state
    shown: Json = {
        "blocks": done.blocks,
        "from": instant_text(done.from_),
        "to": instant_text(done.to),
    }
    return answered(shown, status=201, event=receipt.event, version=done.version)
