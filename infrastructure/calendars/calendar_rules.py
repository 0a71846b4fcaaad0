"""Recurrence rules as a file states them, read strictly.

*Source*: RFC 5545 section 3.3.10. *Not here*: finding the occurrences (`calendar_expansion`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from infrastructure.calendars.calendar_lines import Place
from infrastructure.calendars.calendar_values import When, read_when

_WEEKDAYS: Final = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}
_BY_DAY: Final = re.compile(r"([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_DAY_FREQUENCIES: Final = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
UNIT_SECONDS: Final = {"HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}
# Per BYxxx part: its largest number, and whether it counts from the end as well (0 is then none).
_NUMBERS: Final = {
    "BYSECOND": (60, False),
    "BYMINUTE": (59, False),
    "BYHOUR": (23, False),
    "BYMONTHDAY": (31, True),
    "BYYEARDAY": (366, True),
    "BYWEEKNO": (53, True),
    "BYMONTH": (12, False),
    "BYSETPOS": (366, True),
}
_KNOWN: Final = {*_NUMBERS, "FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One RRULE. Empty sets say nothing; `by_day` holds (ordinal or 0, weekday from Monday 0)."""

    frequency: str
    interval: int = 1
    count: int | None = None
    until: When | None = None
    week_start: int = 0
    by_month: frozenset[int] = frozenset()
    by_week: frozenset[int] = frozenset()
    by_year_day: frozenset[int] = frozenset()
    by_month_day: frozenset[int] = frozenset()
    by_day: frozenset[tuple[int, int]] = frozenset()
    by_hour: frozenset[int] = frozenset()
    by_minute: frozenset[int] = frozenset()
    by_second: frozenset[int] = frozenset()
    by_position: frozenset[int] = frozenset()

    @property
    def repeats_within_days(self) -> bool:
        """True for hourly, minutely and secondly rules."""
        return self.frequency in UNIT_SECONDS


def read_rule(text: str, place: Place) -> Rule:
    """Read a rule. Refuses: CalendarInvalid for what is unknown, out of range or contradictory."""
    parts = _parts(text, place)
    frequency = parts.get("FREQ", "")
    if frequency not in _DAY_FREQUENCIES and frequency not in UNIT_SECONDS:
        raise place.refuse("a recurrence rule without a known FREQ")
    numbers = {name: _numbers(name, parts[name], place) for name in _NUMBERS if name in parts}
    until = read_when(parts["UNTIL"], None, place, "UNTIL") if "UNTIL" in parts else None
    rule = Rule(
        frequency=frequency,
        interval=_positive("INTERVAL", parts, place) or 1,
        count=_positive("COUNT", parts, place),
        until=until,
        week_start=_weekday(parts.get("WKST", "MO"), place),
        by_month=numbers.get("BYMONTH", frozenset()),
        by_week=numbers.get("BYWEEKNO", frozenset()),
        by_year_day=numbers.get("BYYEARDAY", frozenset()),
        by_month_day=numbers.get("BYMONTHDAY", frozenset()),
        by_day=_by_day(parts["BYDAY"], place) if "BYDAY" in parts else frozenset(),
        by_hour=numbers.get("BYHOUR", frozenset()),
        by_minute=numbers.get("BYMINUTE", frozenset()),
        # A leap second is read as the second before it, as everywhere.
        by_second=frozenset(min(second, 59) for second in numbers.get("BYSECOND", ())),
        by_position=numbers.get("BYSETPOS", frozenset()),
    )
    _refuse_contradictions(rule, place)
    return rule


def _parts(text: str, place: Place) -> dict[str, str]:
    parts: dict[str, str] = {}
    for item in text.upper().strip().rstrip(";").split(";"):
        name, equals, value = item.partition("=")
        if not equals or not value or name in parts:
            raise place.refuse("a recurrence rule cannot be read")
        if name not in _KNOWN:
            raise place.refuse("a recurrence rule has a part that is not supported")
        parts[name] = value
    return parts


def _positive(name: str, parts: dict[str, str], place: Place) -> int | None:
    if name not in parts:
        return None
    if not _NUMBER.fullmatch(parts[name]) or int(parts[name]) < 1:
        raise place.refuse(f"{name} must be a number from 1 to 999999999")
    return int(parts[name])


def _numbers(name: str, text: str, place: Place) -> frozenset[int]:
    largest, from_end = _NUMBERS[name]
    found = set()
    for item in text.split(","):
        number = int(item) if _NUMBER.fullmatch(item) else largest + 1
        if abs(number) > largest or (number < 0 and not from_end) or (from_end and not number):
            raise place.refuse(f"{name} is out of range")
        found.add(number)
    if name == "BYMONTH" and 0 in found:
        raise place.refuse(f"{name} is out of range")
    return frozenset(found)


def _by_day(text: str, place: Place) -> frozenset[tuple[int, int]]:
    found = set()
    for item in text.split(","):
        match = _BY_DAY.fullmatch(item)
        if match is None or abs(int(match[1] or 0)) > 53:
            raise place.refuse("BYDAY is out of range")
        found.add((int(match[1] or 0), _WEEKDAYS[match[2]]))
    return frozenset(found)


def _weekday(text: str, place: Place) -> int:
    if text not in _WEEKDAYS:
        raise place.refuse("WKST is not a weekday")
    return _WEEKDAYS[text]


def _refuse_contradictions(rule: Rule, place: Place) -> None:
    """Refuse what RFC 5545 says must not be combined, and positions within an hour."""
    if rule.count is not None and rule.until is not None:
        raise place.refuse("COUNT and UNTIL exclude each other")
    if rule.by_week and rule.frequency != "YEARLY":
        raise place.refuse("BYWEEKNO is for yearly rules only")
    if rule.by_year_day and rule.frequency in ("MONTHLY", "WEEKLY", "DAILY"):
        raise place.refuse("BYYEARDAY is not for monthly, weekly or daily rules")
    if rule.by_month_day and rule.frequency == "WEEKLY":
        raise place.refuse("BYMONTHDAY is not for weekly rules")
    numbered = any(ordinal for ordinal, _ in rule.by_day)
    if numbered and (rule.frequency not in ("YEARLY", "MONTHLY") or rule.by_week):
        raise place.refuse("BYDAY has numbers where it cannot have any")
    if rule.by_position and rule.repeats_within_days:
        raise place.refuse("BYSETPOS is supported for daily to yearly rules only")
