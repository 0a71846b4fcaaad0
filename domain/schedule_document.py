"""A schedule as callers write it, and back: `{time_zone, weekly, overrides}` with times as `HH:MM`.

What is written is kept as written, apart from order: `24:00` and overlaps stay, days and dates are
sorted. Every fault is told at once, each with the JSON pointer of its field.

*Source*: API "Set up a business" (`PUT /v1/staff/{id}/schedule`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from domain.errors import FieldError, Unacceptable
from domain.local_time import DAY_MINUTES, checked_zone
from domain.schedule import Hours, Override, Schedule, WeeklyHours

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_WEEKLY: Final = 100
MAX_OVERRIDES: Final = 1_000
MAX_INTERVALS: Final = 48

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_schedule(document: Mapping[str, object]) -> Schedule:
    """Read a schedule; `weekly` and `overrides` may be absent.

    Refuses, in this order: UnknownTimeZone; Unacceptable with a field error for every other fault.

    >>> late = {"days": ["fri"], "from": "22:00", "to": "02:00"}
    >>> parse_schedule({"time_zone": "UTC", "weekly": [late]}).weekly
    (WeeklyHours(days=(4,), hours=Hours(from_minute=1320, to_minute=120)),)
    """
    time_zone = checked_zone(document.get("time_zone"), "/time_zone")
    faults: list[FieldError] = []
    _only_known(document, "", {"time_zone", "weekly", "overrides"}, faults)
    weekly = _weekly(document.get("weekly", ()), faults)
    overrides = _overrides(document.get("overrides", ()), faults)
    if faults:
        raise Unacceptable("The schedule cannot be used as it stands", errors=tuple(faults))
    return Schedule(time_zone, weekly, overrides)


def schedule_document(schedule: Schedule) -> dict[str, object]:
    """Write a schedule so that `parse_schedule` reads the same one.

    >>> schedule_document(Schedule("UTC", (), (Override(date(2027, 12, 24), ()),)))
    {'time_zone': 'UTC', 'weekly': [], 'overrides': [{'date': '2027-12-24', 'intervals': []}]}
    """
    weekly = [
        {"days": [DAYS[day] for day in rule.days], **_hours_document(rule.hours)}
        for rule in schedule.weekly
    ]
    overrides = [
        {
            "date": override.on.isoformat(),
            "intervals": [_hours_document(hours) for hours in override.intervals],
        }
        for override in schedule.overrides
    ]
    return {"time_zone": schedule.time_zone, "weekly": weekly, "overrides": overrides}


def _hours_document(hours: Hours) -> dict[str, str]:
    return {"from": _clock(hours.from_minute), "to": _clock(hours.to_minute)}


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _weekly(value: object, faults: list[FieldError]) -> tuple[WeeklyHours, ...]:
    found = []
    for pointer, rule in _objects(value, "/weekly", MAX_WEEKLY, faults):
        _only_known(rule, pointer, {"days", "from", "to"}, faults)
        days = _days(rule.get("days"), f"{pointer}/days", faults)
        hours = _hours(rule, pointer, faults)
        if days and hours is not None:
            found.append(WeeklyHours(days, hours))
    return tuple(found)


def _overrides(value: object, faults: list[FieldError]) -> tuple[Override, ...]:
    found: dict[date, Override] = {}
    for pointer, override in _objects(value, "/overrides", MAX_OVERRIDES, faults):
        _only_known(override, pointer, {"date", "intervals"}, faults)
        on = _date(override.get("date"), f"{pointer}/date", faults)
        intervals = [
            _interval(interval, at, faults)
            for at, interval in _objects(
                override.get("intervals"), f"{pointer}/intervals", MAX_INTERVALS, faults
            )
        ]
        if on is None:
            continue
        if on in found:
            faults.append(_fault(f"{pointer}/date", "duplicate", "This date has an override above"))
        found[on] = Override(on, tuple(hours for hours in intervals if hours is not None))
    return tuple(found[on] for on in sorted(found))


def _interval(
    interval: Mapping[str, object], pointer: str, faults: list[FieldError]
) -> Hours | None:
    _only_known(interval, pointer, {"from", "to"}, faults)
    return _hours(interval, pointer, faults)


def _hours(interval: Mapping[str, object], pointer: str, faults: list[FieldError]) -> Hours | None:
    start = _minute(interval.get("from"), f"{pointer}/from", faults)
    end = _minute(interval.get("to"), f"{pointer}/to", faults)
    if start == DAY_MINUTES:
        faults.append(
            _fault(f"{pointer}/from", "invalid_time", "24:00 ends a day; a start there is 00:00")
        )
    return None if start is None or end is None else Hours(start, end)


def _minute(value: object, pointer: str, faults: list[FieldError]) -> int | None:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return int(value[:2]) * 60 + int(value[3:])
    faults.append(_fault(pointer, "invalid_time", "Write a time as HH:MM, from 00:00 to 24:00"))
    return None


def _days(value: object, pointer: str, faults: list[FieldError]) -> tuple[int, ...]:
    known = {DAYS.index(day) for day in _array(value) if isinstance(day, str) and day in DAYS}
    # A day named twice or a name that is none leaves fewer days than entries.
    if not known or len(known) != len(_array(value)):
        faults.append(
            _fault(pointer, "invalid_days", f"Name each day once, from {', '.join(DAYS)}")
        )
    return tuple(sorted(known))


def _date(value: object, pointer: str, faults: list[FieldError]) -> date | None:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    faults.append(_fault(pointer, "invalid_date", "Write a date of the calendar as YYYY-MM-DD"))
    return None


def _objects(
    value: object, pointer: str, most: int, faults: list[FieldError]
) -> list[tuple[str, Mapping[str, object]]]:
    """The objects of an array, each with its pointer."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        faults.append(_fault(pointer, "invalid_type", "This is an array"))
    elif len(value) > most:
        faults.append(_fault(pointer, "too_many", f"At most {most} entries"))
    else:
        return [
            (f"{pointer}/{index}", _object(item, f"{pointer}/{index}", faults))
            for index, item in enumerate(value)
        ]
    return []


def _object(value: object, pointer: str, faults: list[FieldError]) -> Mapping[str, object]:
    if isinstance(value, Mapping):
        return value
    faults.append(_fault(pointer, "invalid_type", "This is an object"))
    return {}


def _array(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _only_known(
    value: Mapping[str, object], pointer: str, known: set[str], faults: list[FieldError]
) -> None:
    # The name of an unknown field is the caller's text and is not repeated.
    if not known.issuperset(value):
        names = ", ".join(sorted(known))
        faults.append(_fault(pointer, "unknown_field", f"The fields here are {names}"))


def _fault(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer, code, detail)
