"""Steps: hold a slot, book it, fail to sell it twice, move it, take it to a calendar, call it off."""

from __future__ import annotations

from typing import Final

from api.tour.step import AHEAD, SOON, Told, Walk, insist
from api.tour.talking import Json

CUSTOMER: Final = {"name": "Wren Wayfarer", "email": "wren.wayfarer@example.org"}
RIVAL: Final = {"name": "Robin Rival", "email": "robin.rival@example.org"}
CALENDAR_LINES: Final = ("UID:", "SEQUENCE:", "DTSTART", "DTEND", "SUMMARY:", "STATUS:")


def hold_a_slot(walk: Walk) -> Told:
    """Keep the first slot of the coming days for five minutes."""
    slots = walk.slots(walk.now + SOON, walk.now + AHEAD)
    insist(len(slots) > 0, "nothing is free in the coming days")
    walk.start = slots[0]["start"]
    walk.staff_id = slots[0]["staff_ids"][0]
    asked: Json = {
        "service_id": walk.service["id"],
        "location_id": walk.location["id"],
        "staff_id": walk.staff_id,
        "start": walk.start,
        "ttl_seconds": 300,
    }
    walk.hold = walk.noted("hold placed", walk.api.post("booking", "/v1/holds", asked)).body
    insist(not walk.is_free(walk.start), "a held slot is still listed")
    name = walk.staff_names.get(walk.staff_id, walk.staff_id)
    return Told(
        (
            f"{name} is kept on {walk.wall(walk.start)} (there) until {walk.hold['expires_at']}.",
            "The slot is not listed any more.",
        )
    )


def _wish(walk: Walk, customer: Json) -> Json:
    return {
        "service_id": walk.service["id"],
        "location_id": walk.location["id"],
        "staff_id": walk.staff_id,
        "start": walk.start,
        "customer": customer,
    }


def book_it(walk: Walk) -> Told:
    """Book with the hold, and send the very same call again, as after a lost answer."""
    wish = _wish(walk, CUSTOMER) | {"hold_id": walk.hold["id"]}
    key = f"tour-{walk.hold['id']}"
    first = walk.api.post("booking", "/v1/bookings", wish, Idempotency_Key=key)
    again = walk.api.post("booking", "/v1/bookings", wish, Idempotency_Key=key)
    walk.noted("booking confirmed", first)
    walk.booking, walk.etag = first.body, first.headers["etag"]
    insist(again.body == first.body, "the second call got another answer")
    insist(again.event == first.event, "the second call recorded something")
    return Told(
        (
            f"{first.body['id']} is {first.body['status']}, ETag {walk.etag}.",
            "The second call got the same booking and the same event: it booked nothing more.",
        )
    )


def sell_it_twice(walk: Walk) -> Told:
    """Ask for the same start for somebody else."""
    refused = walk.api.post("booking", "/v1/bookings", _wish(walk, RIVAL), expect=409).body
    insist(refused["code"] == "slot_unavailable", f"it was refused as {refused['code']}")
    return Told((f"{refused['code']}: {refused['title']}.",))


def move_it(walk: Walk) -> Told:
    """Move the booking to the last free slot of its staff member; then again, with an outdated ETag."""
    later = walk.slots(walk.now + SOON, walk.now + AHEAD, walk.staff_id)
    insist(len(later) > 0, "the staff member has no other slot")
    old, new = walk.start, later[-1]["start"]
    path = f"/v1/bookings/{walk.booking['id']}/reschedule"
    moved = walk.api.post("booking", path, {"start": new}, 200, If_Match=walk.etag)
    walk.noted("booking rescheduled", moved)
    insist(moved.body["start"] == new, "it has another start")
    stale = walk.api.post("booking", path, {"start": old}, 412, If_Match=walk.etag).body
    insist(stale["code"] == "version_mismatch", f"it was refused as {stale['code']}")
    insist(walk.is_free(old), "the time it left is not free")
    walk.booking, walk.start, walk.etag = moved.body, new, moved.headers["etag"]
    return Told(
        (
            f"From {walk.wall(old)} to {walk.wall(new)} (there); the ETag is now {walk.etag}.",
            f"With the old ETag: {stale['code']}. The time it left is free at once.",
        )
    )


def take_it_to_a_calendar(walk: Walk) -> Told:
    """Fetch the booking as iCalendar."""
    path = f"/v1/bookings/{walk.booking['id']}/calendar.ics"
    lines = walk.api.get("booking", path).text.splitlines()
    insist("SEQUENCE:1" in lines, "the move is not counted")
    insist(any(line.startswith("UID:") for line in lines), "there is no UID")
    insist(not any(CUSTOMER["name"] in line for line in lines), "it names the customer")
    return Told(tuple(line for line in lines if line.startswith(CALENDAR_LINES)))


def call_it_off(walk: Walk) -> Told:
    """Cancel the booking."""
    path = f"/v1/bookings/{walk.booking['id']}/cancel"
    done = walk.api.post("booking", path, {"reason_code": "customer_request"}, 200)
    walk.noted("booking cancelled", done)
    insist(done.body["status"] == "cancelled", f"it is {done.body['status']}")
    insist(walk.is_free(walk.start), "its time is not free")
    again = walk.api.post("booking", path, {"reason_code": "duplicate"}, expect=409).body
    insist(again["code"] == "invalid_state", f"it was refused as {again['code']}")
    return Told(
        ("Its time is free at once.", f"Cancelling again: {again['code']}: {again['title']}.")
    )
