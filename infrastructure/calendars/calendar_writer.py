"""One booking as an iCalendar file that any calendar can keep up to date.

The UID never changes and SEQUENCE counts the changes of time and place, so a file fetched again
moves the entry that the first one made. The same input gives the same bytes.

*Source*: RFC 5545 sections 3.1, 3.3.11 and 3.6.1; RFC 5546 section 3.2.1, by which a published
entry names no attendee: a customer, where one may be shown, stands in the description.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

PRODUCT: Final = "-//Daybook//Daybook//EN"
UID_HOST: Final = "daybook"

_STATUSES: Final = {
    "pending": "TENTATIVE",
    "confirmed": "CONFIRMED",
    "completed": "CONFIRMED",
    "no_show": "CONFIRMED",
    "cancelled": "CANCELLED",
    "declined": "CANCELLED",
}


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """What the file says. Instants are aware; `status` is a booking's, in lower case.

    `sequence` counts changes of time and place from 0; `changed_at` is when the booking last
    changed. `location` is one line of text. `customer` lines (name, address) are personal data that
    the caller may show; without a purpose leave them out.
    """

    booking_id: str
    sequence: int
    changed_at: datetime
    start: datetime
    end: datetime
    status: str
    service: str
    location: str
    customer: tuple[str, ...] = ()


def booking_ics(entry: CalendarEntry) -> bytes:
    """The entry as a VCALENDAR with one VEVENT: UTF-8, CRLF, lines of at most 75 octets.

    Raises KeyError for a status that bookings do not have.
    """
    # Imported late: 10 MB that a process which writes no calendars need not carry.
    from icalendar import Calendar, Event

    event = Event()
    event.add("uid", f"{entry.booking_id}@{UID_HOST}")
    event.add("sequence", entry.sequence)
    event.add("dtstamp", _utc(entry.changed_at))
    event.add("dtstart", _utc(entry.start))
    event.add("dtend", _utc(entry.end))
    event.add("summary", _text(entry.service))
    event.add("status", _STATUSES[entry.status])
    event.add("transp", "OPAQUE")
    if entry.location:
        event.add("location", _text(entry.location))
    if entry.customer:
        event.add("description", "\n".join(_text(line) for line in entry.customer))
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _text(text: str) -> str:
    """One line: whatever could break a content line is a space."""
    return "".join(
        " " if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") else sign for sign in text
    ).strip()
