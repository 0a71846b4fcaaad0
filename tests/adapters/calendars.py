"""Small calendars for tests, and what they make busy."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from domain.errors import CalendarInvalid
from infrastructure.calendars.calendar_reader import read_busy

NEW_YORK = "America/New_York"

# A zone of nobody's: 20 minutes off the hour; the clocks change on the days of New York.
OWN_ZONE = """BEGIN:VTIMEZONE
TZID:Head Office
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:-0340
TZOFFSETTO:-0440
RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:-0440
TZOFFSETTO:-0340
RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE"""


def event(lines: str, uid: str = "one") -> str:
    return f"BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20270101T000000Z\n{lines}\nEND:VEVENT"


def calendar(*parts: str) -> bytes:
    text = "\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Test//EN", *parts, "END:VCALENDAR", ""]
    )
    return text.replace("\n", "\r\n").encode()


def busy(
    body: bytes, first: str = "2027-03-01", last: str = "2027-04-01", zone: str = NEW_YORK
) -> list[str]:
    """Blocks in the window as `start/end` in UTC, to the minute; the day only once."""
    window = [datetime.fromisoformat(at).replace(tzinfo=UTC) for at in (first, last)]
    blocks = read_busy(body, zone=zone, window_start=window[0], window_end=window[1])
    assert all(start < end for start, end in blocks)
    assert all(one[1] < other[0] for one, other in pairwise(blocks))
    return [f"{_minute(start)}/{_minute(end)}" for start, end in blocks]


def _minute(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%m-%dT%H:%M")


def busy_event(lines: str, **window: str) -> list[str]:
    return busy(calendar(event(lines)), **window)


def refused(body: bytes) -> str:
    with pytest.raises(CalendarInvalid) as refusal:
        busy(body)
    return refusal.value.detail


WEEKLY = f"DTSTART;TZID={NEW_YORK}:20270301T090000\nDTEND;TZID={NEW_YORK}:20270301T100000\nRRULE:"
