"""Steps: who may see names, and where everything stands on the record."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from api.tour.booking import CUSTOMER
from api.tour.step import Told, Walk, insist, parsed
from api.tour.talking import Exchange, Json
from domain.values import instant_text

ENTRIES_SHOWN: Final = 8
AROUND: Final = timedelta(hours=14)


def see_names_under_a_purpose(walk: Walk) -> Told:
    """Ask for a customer without a purpose, for the agenda without names, and for the agenda with them."""
    path = f"/v1/bookings/{walk.booking['id']}"
    refused = walk.api.get("owner", path, {"include": "customer"}, expect=403).body
    insist(refused["code"] == "purpose_required", f"it was refused as {refused['code']}")
    nameless = _entries(_agenda(walk, "booking"))
    insist(all("customer" not in one for one in nameless), "names came without a purpose")
    page = _agenda(walk, "owner", purpose="service")
    entries = _entries(page)
    ours = [one for one in entries if one["booking_id"] == walk.booking["id"]]
    insist(len(ours) == 1, "the booking is not on the agenda")
    insist(ours[0]["customer"]["name"] == CUSTOMER["name"], "it shows another name")
    insist(ours[0]["status"] == "cancelled", f"it shows as {ours[0]['status']}")
    walk.position = int(page.headers["daybook-position"])
    rows: list[tuple[str, ...]] = [("start there", "with", "status", "customer")]
    for one in _near(entries, ours[0]):
        staff = walk.staff_names[str(one["staff_id"])]
        rows.append((walk.wall(one["start"]), staff, one["status"], one["customer"]["name"]))
    lines = (f"Without a purpose: {refused['code']}. With one:",)
    return Told(lines, tuple(rows))


def _agenda(walk: Walk, role: str, purpose: str | None = None) -> Exchange:
    """The agenda of the days around the booking, once it includes what the tour did last."""
    at = parsed(walk.start)
    query = {
        "location_id": walk.location["id"],
        "from": instant_text(at - AROUND),
        "to": instant_text(at + AROUND),
        "at_least": walk.events[-1][1],
    }
    return walk.api.get(role, "/v1/agenda", query, purpose=purpose)


def _entries(page: Exchange) -> list[Json]:
    return [entry for day in page.body["days"] for entry in day["entries"]]


def _near(entries: list[Json], ours: Json) -> list[Json]:
    """Some entries, ours among them."""
    first = max(0, entries.index(ours) - ENTRIES_SHOWN + 2)
    return entries[first : first + ENTRIES_SHOWN]


def see_the_record(walk: Walk) -> Told:
    """Wait until the record has gone past the page of names: opening them was an event too."""
    later = walk.position + 1
    listed = walk.api.get("owner", "/v1/bookings", {"limit": "1", "at_least": str(later)})
    position = int(listed.headers["daybook-position"])
    insist(position >= later, "the record does not hold that names were opened")
    rows = [("what was done", "event")]
    rows += [(what, event) for what, event in walk.events]
    rows.append(("names opened, one access for the page", "recorded before they were shown"))
    line = (
        f"Position {position}: this tenant's events from 0 to {position} stand in one dense order."
    )
    return Told((line,), tuple(rows))
