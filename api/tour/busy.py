"""Step: import a busy calendar, see slots vanish, and come back when it is empty."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from api.tour.step import SOON, Told, Walk, insist
from domain.values import instant_text

DAYS: Final = 7
WEEK: Final = timedelta(days=DAYS)
SECRET: Final = "Dentist with Aunt Nobody"
EMPTY: Final = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Daybook//tour//EN\r\nEND:VCALENDAR\r\n"


def import_a_busy_calendar(walk: Walk) -> Told:
    """Import a week in which every day but the second is busy from 11 to 15, wall time there."""
    begins_on = walk.now.astimezone(walk.zone).date() + SOON
    first = datetime.combine(begins_on, time(), walk.zone).astimezone(UTC)
    last = datetime.combine(begins_on + WEEK, time(), walk.zone).astimezone(UTC)
    path = f"/v1/staff/{walk.staff_id}/busy-imports"
    window = {"from": instant_text(first), "to": instant_text(last)}

    before = len(walk.slots(first, last, walk.staff_id))
    calendar = busy_week(begins_on, str(walk.zone))
    imported = walk.api.send_calendar("owner", path, calendar, window)
    walk.noted("busy time imported", imported)
    during = len(walk.slots(first, last, walk.staff_id))
    insist(imported.body["blocks"] == DAYS - 1, "another number of blocks was kept")
    insist(SECRET not in imported.text, "a title came back")
    insist(during < before, "no slot has vanished")

    walk.noted("busy time imported", walk.api.send_calendar("owner", path, EMPTY, window))
    after = len(walk.slots(first, last, walk.staff_id))
    insist(after == before, "the slots did not come back")
    kept = f"{imported.body['blocks']} blocks were kept: when, and nothing else."
    return Told(
        (f"Free slots in that week: {before}, then {during}, and {after} again.", kept),
    )


def busy_week(begins_on: date, zone: str) -> str:
    """An iCalendar file: each day of a week from 11 to 15, except the second."""
    first = f"{begins_on:%Y%m%d}"
    second = f"{begins_on + timedelta(days=1):%Y%m%d}"
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Daybook//tour//EN",
        "BEGIN:VEVENT",
        "UID:tour@example.org",
        "DTSTAMP:20260101T000000Z",
        f"DTSTART;TZID={zone}:{first}T110000",
        f"DTEND;TZID={zone}:{first}T150000",
        f"RRULE:FREQ=DAILY;COUNT={DAYS}",
        f"EXDATE;TZID={zone}:{second}T110000",
        f"SUMMARY:{SECRET}",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return "\r\n".join(lines) + "\r\n"
