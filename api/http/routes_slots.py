"""What can be booked: slots, and holds that keep one for a while."""

from __future__ import annotations

from uuid import UUID

from api.http import schemas_booking as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import HoldId
from api.http.rendering import Json, hold_json
from application.booking.holds import PlaceHold
from application.booking.slots import SlotQuery
from application.recorded import Answer
from application.setup.register import Receipt
from domain import errors
from domain.hold import Hold
from domain.local_time import checked_zone, zone
from domain.values import from_epoch, public_id

routes = Routes("Book")

ON_OFFER = (errors.UnknownReference, errors.LocationRequired)


@routes.add(
    "GET",
    "/v1/slots",
    schemas.SlotList,
    *ON_OFFER,
    errors.RangeTooLong,
    errors.UnknownTimeZone,
)
def list_slots(call: Call, query: schemas.SlotsAsked) -> Answer:
    """List the slots of a service that are free now.

    A slot belongs to the answer when its start lies in [from, to), at most 92 days. `location_id` is needed when
    the service is offered at several. Every slot that is listed books; no other start does.
    """
    named = None if query.time_zone is None else zone(checked_zone(query.time_zone, "/time_zone"))
    asked = SlotQuery(query.service_id, query.from_, query.to, query.location_id, query.staff_id)
    found = call.platform.slots.free(asked, call.by)
    written = _StaffIds()
    slots: list[Json] = []
    for slot in found:
        start = from_epoch(slot.start)
        shown: Json = {
            "start": start,
            "end": from_epoch(slot.end),
            "staff_ids": [written[id] for id in slot.staff_ids],
            "seats_left": slot.seats_left,
        }
        if named is not None:
            shown["local_start"] = start.astimezone(named).isoformat()
        slots.append(shown)
    return answered({"slots": slots})


@routes.add(
    "POST",
    "/v1/holds",
    schemas.Hold,
    errors.SlotUnavailable,
    errors.NotASlot,
    *ON_OFFER,
    status=201,
    headers=("Daybook-Event", "ETag", "Location"),
)
def place_hold(call: Call, body: schemas.NewHold) -> Answer:
    """Hold a slot for up to an hour, so that a customer can finish booking it."""
    command = PlaceHold(
        body.service_id, body.start, body.location_id, body.staff_id, body.ttl_seconds
    )
    return call.write(lambda by: call.platform.holds.place(command, by), _placed)


@routes.add("GET", "/v1/holds/{id}", schemas.Hold, headers=("ETag",))
def show_hold(call: Call, id: HoldId) -> Answer:
    """Show a hold; 404 once it is over."""
    found = call.platform.holds.hold(id, call.by)
    return answered(hold_json(found.state), version=found.state.version)


@routes.add("DELETE", "/v1/holds/{id}", schemas.Hold, headers=("Daybook-Event",))
def release_hold(call: Call, id: HoldId) -> Answer:
    """Release a hold: its slot is free at once. The answer is the hold as it was."""
    released = call.platform.holds.release(id, call.by)
    return answered(hold_json(released.state), event=released.event)


class _StaffIds(dict[UUID, str]):
    """Public ids of staff: a page may hold thousands of slots of the same few people, and each is written once."""

    def __missing__(self, id: UUID) -> str:
        text = self[id] = public_id("staff", id)
        return text


def _placed(receipt: Receipt[Hold]) -> Answer:
    shown = hold_json(receipt.state)
    return answered(
        shown,
        status=201,
        event=receipt.event,
        version=receipt.state.version,
        location=f"/v1/holds/{shown['id']}",
    )
