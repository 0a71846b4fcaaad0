"""One VEVENT, reduced to when it is and whether it takes time.

*Source*: RFC 5545 section 3.6.1; MS-OXCICAL for X-MICROSOFT-CDO-BUSYSTATUS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from infrastructure.calendars.calendar_lines import Component, Place, Property
from infrastructure.calendars.calendar_rules import Rule, read_rule
from infrastructure.calendars.calendar_values import (
    Length,
    Period,
    When,
    many_whens,
    one_when,
    read_length,
)

FIRST_YEAR: Final = 1000
FAR_AWAY: Final = datetime(9000, 1, 1)


@dataclass(frozen=True, slots=True)
class Entry:
    """When an event is: `end`, `length` or neither; `original` is the RECURRENCE-ID."""

    place: Place
    uid: str
    start: When
    end: When | None
    length: Length | None
    original: When | None
    rules: tuple[Rule, ...]
    exception_rules: tuple[Rule, ...]
    extra: tuple[When | Period, ...]
    exceptions: tuple[When, ...]
    takes_time: bool


def read_entry(component: Component) -> Entry:
    """Read a VEVENT. Refuses: CalendarInvalid."""
    place = component.place
    original = _original(component)
    takes_time = _takes_time(component)
    start = _start(component, original, takes_time)
    end, length = _end(component, start)
    uid = component.one("UID")
    return Entry(
        place=place,
        uid=uid.value if uid else "",
        start=start,
        end=end,
        length=length,
        original=original,
        rules=tuple(_rule(prop, start) for prop in component.all("RRULE")),
        exception_rules=tuple(_rule(prop, start) for prop in component.all("EXRULE")),
        extra=tuple(_extra(prop, value, start) for prop, value in _listed(component, "RDATE")),
        exceptions=tuple(_exception(prop, value) for prop, value in _listed(component, "EXDATE")),
        takes_time=takes_time,
    )


def _original(component: Component) -> When | None:
    prop = component.one("RECURRENCE-ID")
    if prop is None:
        return None
    if "RANGE" in prop.parameters:
        raise prop.place.refuse("RECURRENCE-ID with RANGE is not supported")
    return _within_years(prop, one_when(prop))


def _start(component: Component, original: When | None, takes_time: bool) -> When:
    prop = component.one("DTSTART")
    if prop is not None:
        return _within_years(prop, one_when(prop))
    if original is not None and not takes_time:
        return original
    raise component.place.refuse("DTSTART is missing")


def _end(component: Component, start: When) -> tuple[When | None, Length | None]:
    end, duration = component.one("DTEND"), component.one("DURATION")
    if end is not None and duration is not None:
        raise component.place.refuse("DTEND and DURATION exclude each other")
    if duration is not None:
        return None, read_length(duration.value, duration.place, "DURATION")
    if end is None:
        return None, None
    when = one_when(end)
    if when.is_date != start.is_date:
        raise end.place.refuse("DTSTART and DTEND must both be dates, or both have a time")
    if when.wall > FAR_AWAY:
        when = When(FAR_AWAY, when.zone, when.is_date)
    return when, None


def _takes_time(component: Component) -> bool:
    return (
        _word(component, "TRANSP") != "TRANSPARENT"
        and _word(component, "STATUS") != "CANCELLED"
        and _word(component, "X-MICROSOFT-CDO-BUSYSTATUS") != "FREE"
    )


def _word(component: Component, name: str) -> str:
    prop = component.one(name)
    return prop.value.upper() if prop else ""


def _rule(prop: Property, start: When) -> Rule:
    rule = read_rule(prop.value, prop.place)
    if not start.is_date:
        return rule
    if rule.repeats_within_days:
        raise prop.place.refuse("an all-day entry cannot repeat within a day")
    # RFC 5545: parts that speak of a time mean nothing for a date.
    none: frozenset[int] = frozenset()
    return replace(rule, by_hour=none, by_minute=none, by_second=none)


def _listed(component: Component, name: str) -> list[tuple[Property, When | Period]]:
    # An empty list is wrong but common, and says nothing.
    return [
        (prop, value) for prop in component.all(name) if prop.value for value in many_whens(prop)
    ]


def _extra(prop: Property, value: When | Period, start: When) -> When | Period:
    first = value.start if isinstance(value, Period) else value
    if first.is_date != start.is_date:
        raise prop.place.refuse("DTSTART and RDATE must both be dates, or both have a time")
    _within_years(prop, first)
    if isinstance(value, Period) and isinstance(value.end, When) and value.end.wall > FAR_AWAY:
        return Period(value.start, When(FAR_AWAY, value.end.zone))
    return value


def _exception(prop: Property, value: When | Period) -> When:
    if isinstance(value, Period):
        raise prop.place.refuse("EXDATE cannot be a period")
    return _within_years(prop, value)


def _within_years(prop: Property, when: When) -> When:
    if not FIRST_YEAR <= when.wall.year < FAR_AWAY.year:
        raise prop.place.refuse(f"{prop.name} is not in the years {FIRST_YEAR} to {FAR_AWAY.year}")
    return when
