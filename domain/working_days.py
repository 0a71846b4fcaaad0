"""Counting days as statutes count them: months, business days, and the next working day.

1. A month later is the same date of the month after; where that month has no such date, its last day.
2. The day of the event is never counted; a business day is one that is neither a weekend nor a holiday.
3. A calendar is a value that names its own edition; what it does not cover is never guessed.

*Source*: Regulation (EEC, Euratom) 1182/71 Art. 3(1), (2)(c), (4); README D10.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

SATURDAY: Final = 5
SUNDAY: Final = 6
WEEKEND: Final = frozenset({SATURDAY, SUNDAY})
YEAR_MONTHS: Final = 12

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """The working days of one place in the years `first_year` to `last_year`, both included.

    `id` is the place (`US`, `DE-BY`), `version` the edition of the data that `holidays` were read from. `weekend` are
    days of the week, Monday 0.
    """

    id: str
    version: str
    first_year: int
    last_year: int
    holidays: frozenset[date]
    weekend: frozenset[int] = WEEKEND

    def is_working_day(self, day: date) -> bool:
        """True when it is neither a weekend nor a holiday. The calendar must cover its year.

        >>> WorkingCalendar("US", "1", 2026, 2026, frozenset({date(2026, 11, 26)})).is_working_day(date(2026, 11, 26))
        False
        """
        assert self.first_year <= day.year <= self.last_year, (
            f"{self.id} says nothing of {day.year}"
        )
        return day.weekday() not in self.weekend and day not in self.holidays


def place_name(country: str, subdivision: str | None) -> str:
    """How a calendar names its place.

    >>> place_name("DE", "BY"), place_name("US", None)
    ('DE-BY', 'US')
    """
    return f"{country}-{subdivision}" if subdivision else country


def add_months(day: date, months: int) -> date:
    """The same date so many months later, or the last of that month where it has no such date.

    >>> add_months(date(2028, 1, 30), 1), add_months(date(2026, 11, 30), 3)
    (datetime.date(2028, 2, 29), datetime.date(2027, 2, 28))
    """
    years, month = divmod(day.month - 1 + months, YEAR_MONTHS)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def add_business_days(day: date, count: int, calendar: WorkingCalendar) -> date:
    """The last of `count` business days after `day`, which is not counted itself; `day` where `count` is 0."""
    found = day
    for _ in range(count):
        found = roll_forward(found + _DAY, calendar)
    return found


def roll_forward(day: date, calendar: WorkingCalendar) -> date:
    """`day`, or the first working day after it where it is none."""
    found = day
    while not calendar.is_working_day(found):
        found += _DAY
    return found
