"""Values of iCalendar properties that tell time, read strictly.

*Source*: RFC 5545 sections 3.3.4 to 3.3.6, 3.3.9 and 3.3.14.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from infrastructure.calendars.calendar_lines import Place, Property

UTC_NAME: Final = "UTC"

_DATE_TIME: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.ASCII)
_DURATION: Final = re.compile(
    r"([+-]?)P(?:(\d{1,6})W|(?:(\d{1,6})D)?(?:(T)(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?)",
    re.ASCII,
)
_OFFSET: Final = re.compile(r"([+-])([01]\d|2[0-3])([0-5]\d)([0-5]\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class When:
    """A date (midnight in `wall`) or a wall time; `zone` is a TZID, `UTC`, or None: floating."""

    wall: datetime
    zone: str | None = None
    is_date: bool = False


@dataclass(frozen=True, slots=True)
class Length:
    """A duration: whole days of the wall calendar, then elapsed seconds."""

    days: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Period:
    """A start with an end or a length."""

    start: When
    end: When | Length


def read_when(text: str, zone: str | None, place: Place, name: str, value_type: str = "") -> When:
    """Read a DATE or DATE-TIME. A leap second is read as the second before it.

    Refuses: CalendarInvalid.

    >>> read_when("20270314T140000Z", None, Place(1), "DTSTART")
    When(wall=datetime.datetime(2027, 3, 14, 14, 0), zone='UTC', is_date=False)
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise place.refuse(f"{name} is not a date or a date with a time")
    year, month, day, hour, minute, second, utc = match.groups()
    is_date = hour is None
    if value_type and (value_type == "DATE") != is_date:
        raise place.refuse(f"{name} does not have the type that its VALUE says")
    try:
        if is_date:
            return When(datetime(int(year), int(month), int(day)), None, True)
        clock = int(hour), int(minute), 59 if second == "60" else int(second)
        wall = datetime(int(year), int(month), int(day), *clock)
    except ValueError:
        raise place.refuse(f"{name} is not a day or time that exists") from None
    return When(wall, UTC_NAME if utc else zone)


def one_when(prop: Property) -> When:
    """The single date or time of a property. Refuses: CalendarInvalid."""
    value_type = _value_type(prop, ("DATE", "DATE-TIME"))
    return read_when(prop.value, prop.parameters.get("TZID"), prop.place, prop.name, value_type)


def many_whens(prop: Property) -> list[When | Period]:
    """The listed dates, times or periods of a property. Refuses: CalendarInvalid."""
    value_type = _value_type(prop, ("DATE", "DATE-TIME", "PERIOD"))
    zone, found = prop.parameters.get("TZID"), list[When | Period]()
    for text in prop.value.split(","):
        text = text.strip()
        if "/" in text or value_type == "PERIOD":
            found.append(_period(text, zone, prop))
        else:
            found.append(read_when(text, zone, prop.place, prop.name, value_type))
    return found


def read_length(text: str, place: Place, name: str) -> Length:
    """Read a DURATION that is not negative. Refuses: CalendarInvalid.

    >>> read_length("P1DT36H", Place(1), "DURATION")
    Length(days=1, seconds=129600)
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise place.refuse(f"{name} is not a duration")
    sign, weeks, days, clock, hours, minutes, seconds = match.groups()
    if not (weeks or days or hours or minutes or seconds) or (
        clock and not (hours or minutes or seconds)
    ):
        raise place.refuse(f"{name} is not a duration")
    length = Length(
        int(weeks or 0) * 7 + int(days or 0),
        int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0),
    )
    if sign == "-" and length != Length(0, 0):
        raise place.refuse(f"{name} is negative")
    return length


def read_offset(text: str, place: Place, name: str) -> timedelta:
    """Read a UTC offset such as `+0530`, positive east of UTC. Refuses: CalendarInvalid."""
    match = _OFFSET.fullmatch(text)
    if match is None:
        raise place.refuse(f"{name} is not an offset from UTC")
    sign, hours, minutes, seconds = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0))
    return -offset if sign == "-" else offset


def _period(text: str, zone: str | None, prop: Property) -> Period:
    first, _, second = text.partition("/")
    start = read_when(first, zone, prop.place, prop.name, "DATE-TIME")
    if second[:1] in ("P", "+", "-"):
        return Period(start, read_length(second, prop.place, prop.name))
    return Period(start, read_when(second, zone, prop.place, prop.name, "DATE-TIME"))


def _value_type(prop: Property, allowed: tuple[str, ...]) -> str:
    value_type = prop.parameters.get("VALUE", "").upper()
    if value_type and value_type not in allowed:
        raise prop.place.refuse(f"{prop.name} has a VALUE type that it cannot have")
    return value_type
