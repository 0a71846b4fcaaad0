"""Steps: what is on offer, and what is free when the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from api.tour.step import Told, Walk, insist, parsed
from api.tour.talking import Json
from domain.local_time import zone

DAYS_AHEAD: Final = 360
DAYS_SHOWN: Final = 3
ALL: Final = {"limit": "200"}


def see_the_offer(walk: Walk) -> Told:
    """Read locations, services and staff, and choose where the tour goes on."""
    locations = walk.api.get("owner", "/v1/locations", ALL).body["data"]
    services = walk.api.get("owner", "/v1/services", ALL).body["data"]
    staff = walk.api.get("owner", "/v1/staff", ALL).body["data"]
    insist(len(locations) > 0 and len(services) > 0, "there is no location or no service")
    walk.staff_names = {one["id"]: one["display_name"] for one in staff}
    rows = [("location", "time zone", "there it is", "staff", "services")]
    for one in locations:
        here = walk.now.astimezone(zone(one["time_zone"]))
        people = sum(one["id"] in member["location_ids"] for member in staff)
        offered = [it["name"] for it in services if one["id"] in it["location_ids"]]
        shown = here.strftime("%a %H:%M %z")
        rows.append((one["name"], one["time_zone"], shown, str(people), ", ".join(offered)))
    _choose(walk, locations, services)
    return Told(table=tuple(rows))


def _choose(walk: Walk, locations: list[Json], services: list[Json]) -> None:
    """The location whose clocks change next, and the service that can be booked furthest ahead there."""
    dated = [(on, one) for one in locations if (on := next_change(one["time_zone"], walk.now))]
    insist(len(dated) > 0, "no location has clocks that change")
    walk.location = min(dated, key=lambda found: found[0])[1]
    plain = [
        one
        for one in services
        if walk.location["id"] in one["location_ids"]
        and one["capacity"] == 1
        and not one["requires_confirmation"]
    ]
    insist(len(plain) > 0, "no service there can be booked at once")
    walk.service = max(plain, key=lambda one: int(one["booking_window_days"]))


def next_change(zone_name: str, now: datetime) -> date | None:
    """The next local date on which the clocks change, in the year ahead."""
    there = zone(zone_name)
    first = now.astimezone(there).date() + timedelta(days=1)
    for days in range(DAYS_AHEAD):
        on = first + timedelta(days=days)
        if _offset(there, on) != _offset(there, on + timedelta(days=1)):
            return on
    return None


def _offset(there: ZoneInfo, on: date) -> timedelta | None:
    return datetime.combine(on, time(), there).utcoffset()


def see_the_clocks_change(walk: Walk) -> Told:
    """List slots from the day before the change to the day after."""
    changes_on = next_change(str(walk.location["time_zone"]), walk.now)
    assert changes_on is not None, "the location was chosen for it"
    first = datetime.combine(changes_on - timedelta(days=1), time(), walk.zone).astimezone(UTC)
    last = datetime.combine(
        changes_on + timedelta(days=DAYS_SHOWN - 1), time(), walk.zone
    ).astimezone(UTC)
    slots = walk.slots(first, last)
    insist(len(slots) > 0, "nothing is free around the change")
    starts = [parsed(one["start"]) for one in slots]
    insist(starts == sorted(set(starts)), "starts are not in order, or twice there")
    for one in slots:
        insist(
            parsed(one["start"]) == parsed(one["local_start"]), "a local time is another instant"
        )
    rows = [("day there", "first slot there", "offset", "the same in UTC", "free slots")]
    offsets = set()
    for day, of_day in groupby(slots, key=lambda one: str(one["local_start"])[:10]):
        listed = list(of_day)
        local = datetime.fromisoformat(listed[0]["local_start"])
        offset = local.strftime("%z")
        offsets.add(offset)
        named = f"{date.fromisoformat(day):%a %d %b %Y}"
        rows.append((named, f"{local:%H:%M}", offset, listed[0]["start"], str(len(listed))))
    insist(len(offsets) > 1, "the offset is the same before and after the change")
    line = f"{walk.location['name']} ({walk.location['time_zone']}): {walk.service['name']}"
    return Told(lines=(line,), table=tuple(rows))
