"""Finding the occurrences of a recurrence rule inside a window, within a stated effort.

A rule can be endless, or never match at all (the 30th of February, looked for second by second), so
an iterator that searches for the next match cannot be trusted with a stranger's file. Here periods
are enumerated only between two walls, every candidate is paid for from an `Effort`, and a rule
without COUNT is entered near the window, never walked from its first day.

Everything is wall time: zones are applied to the occurrences afterwards.
*Source*: RFC 5545 section 3.3.10 (its table of BYxxx parts).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import product
from math import prod
from typing import Final

from domain.errors import CalendarTooDense
from infrastructure.calendars.calendar_rules import UNIT_SECONDS, Rule

MAX_STEPS: Final = 1_000_000

_DAY_SECONDS: Final = 86_400


class Effort:
    """What expanding one file may cost, in candidates looked at; about a microsecond each."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        """Pay for work before doing it. Refuses: CalendarTooDense when nothing is left."""
        self._left -= steps
        if self._left < 0:
            raise CalendarTooDense("its recurrences repeat too often to be expanded")


def occurrences(
    rule: Rule, start: datetime, first: datetime, last: datetime, effort: Effort
) -> Iterator[datetime]:
    """Wall times of `rule` from `start` on that lie in [first, last], ascending.

    COUNT counts from `start`, which appears only if it matches. UNTIL is the caller's to apply (it
    may be UTC).
    Refuses: CalendarTooDense.

    >>> last_fridays = Rule("MONTHLY", by_day=frozenset({(-1, 4)}))
    >>> window = datetime(2027, 1, 1), datetime(2027, 2, 1)
    >>> list(occurrences(last_fridays, datetime(1601, 1, 1, 9), *window, Effort()))
    [datetime.datetime(2027, 1, 29, 9, 0)]
    """
    full = _completed(rule, start)
    entered, made = (first if rule.count is None else start), 0
    periods = _within_days if rule.repeats_within_days else _whole_days
    for period in periods(full, start, max(entered, start), last, effort):
        for at in period:
            if at < start:
                continue
            if at > last:
                return
            if at >= first:
                yield at
            made += 1
            if made == rule.count:
                return


def _completed(rule: Rule, start: datetime) -> Rule:
    """The rule with what it leaves open taken from its first occurrence."""
    if not (rule.by_week or rule.by_year_day or rule.by_month_day or rule.by_day):
        if rule.frequency in ("YEARLY", "MONTHLY"):
            rule = replace(rule, by_month_day=frozenset({start.day}))
        if rule.frequency == "YEARLY":
            rule = replace(rule, by_month=rule.by_month or frozenset({start.month}))
    on_weekday = rule.frequency == "WEEKLY" or (
        rule.by_week and not (rule.by_year_day or rule.by_month_day)
    )
    if on_weekday and not rule.by_day:
        rule = replace(rule, by_day=frozenset({(0, start.weekday())}))
    shorter = UNIT_SECONDS.get(rule.frequency, _DAY_SECONDS)
    return replace(
        rule,
        by_hour=rule.by_hour or _every_or(shorter < _DAY_SECONDS, 24, start.hour),
        by_minute=rule.by_minute or _every_or(shorter < 3600, 60, start.minute),
        by_second=rule.by_second or _every_or(shorter < 60, 60, start.second),
    )


def _every_or(every: bool, size: int, one: int) -> frozenset[int]:
    return frozenset(range(size)) if every else frozenset({one})


def _whole_days(
    rule: Rule, start: datetime, entered: datetime, last: datetime, effort: Effort
) -> Iterator[list[datetime]]:
    """Occurrences of a daily to yearly rule, one list per period, in order."""
    clocks = [
        time(hour, minute, second)
        for hour, minute, second in product(
            sorted(rule.by_hour), sorted(rule.by_minute), sorted(rule.by_second)
        )
    ]
    days_of = _DAYS_OF[rule.frequency]
    for days in days_of(rule, start.date(), entered.date(), last.date()):
        candidates = list(days)
        effort.spend(1 + len(candidates))
        fitting = [day for day in candidates if _fits(rule, day)]
        effort.spend(len(fitting) * len(clocks))
        found = [datetime.combine(day, clock) for day in fitting for clock in clocks]
        if rule.by_position:
            size = len(found)
            found = [
                at
                for index, at in enumerate(found)
                if index + 1 in rule.by_position or index - size in rule.by_position
            ]
        yield found


def _within_days(
    rule: Rule, start: datetime, entered: datetime, last: datetime, effort: Effort
) -> Iterator[list[datetime]]:
    """Occurrences of an hourly to secondly rule, one list per day, in order."""
    unit, (coarse, fine) = UNIT_SECONDS[rule.frequency], _clock_parts(rule)
    per_day = _DAY_SECONDS // unit
    listed = prod(map(len, coarse))
    origin = start.toordinal() * per_day + _second_of_day(start) // unit
    inside = [sum(parts) for parts in product(*fine)]
    for ordinal in range(entered.toordinal(), last.toordinal() + 1):
        effort.spend(1)
        day = datetime.fromordinal(ordinal)
        if not _fits(rule, day):
            continue
        steps = range((origin - ordinal * per_day) % rule.interval, per_day, rule.interval)
        # Either walk the interval's steps or the listed times, whichever are fewer.
        effort.spend(min(len(steps), listed))
        if len(steps) < listed:
            seconds = [step * unit for step in steps if _listed(rule, step * unit)]
        else:
            times = (sum(parts) for parts in product(*coarse))
            seconds = [second for second in times if second // unit in steps]
        effort.spend(len(seconds) * len(inside))
        yield [day + timedelta(seconds=second + more) for second in seconds for more in inside]


def _clock_parts(rule: Rule) -> tuple[list[list[int]], list[list[int]]]:
    """The listed hours, minutes, seconds, all in seconds: down to the rule's unit, and below."""
    parts = [
        [hour * 3600 for hour in sorted(rule.by_hour)],
        [minute * 60 for minute in sorted(rule.by_minute)],
        sorted(rule.by_second),
    ]
    coarse = list(UNIT_SECONDS).index(rule.frequency) + 1
    return parts[:coarse], parts[coarse:]


def _listed(rule: Rule, second: int) -> bool:
    """True when a second of the day is among the listed times, as far as the rule's unit goes."""
    return (
        second // 3600 in rule.by_hour
        and (rule.frequency == "HOURLY" or second // 60 % 60 in rule.by_minute)
        and (rule.frequency != "SECONDLY" or second % 60 in rule.by_second)
    )


def _second_of_day(at: datetime) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


def _years(rule: Rule, start: date, entered: date, last: date) -> Iterator[Iterable[date]]:
    months = sorted(rule.by_month) or range(1, 13)
    skipped = max(0, entered.year - start.year) // rule.interval * rule.interval
    for year in range(start.year + skipped, last.year + 1, rule.interval):
        yield (day for month in months for day in _month(rule, year, month))


def _months(rule: Rule, start: date, entered: date, last: date) -> Iterator[Iterable[date]]:
    origin = start.year * 12 + start.month - 1
    skipped = max(0, entered.year * 12 + entered.month - 1 - origin)
    skipped = skipped // rule.interval * rule.interval
    for index in range(origin + skipped, last.year * 12 + last.month, rule.interval):
        year, month = index // 12, index % 12 + 1
        yield _month(rule, year, month) if _among(month, rule.by_month) else ()


def _weeks(rule: Rule, start: date, entered: date, last: date) -> Iterator[Iterable[date]]:
    origin = start.toordinal() - (start.weekday() - rule.week_start) % 7
    offsets = sorted((weekday - rule.week_start) % 7 for _, weekday in rule.by_day)
    step = 7 * rule.interval
    skipped = (entered.toordinal() - origin) // step * step
    for week in range(origin + skipped, last.toordinal() + 1, step):
        yield (date.fromordinal(week + offset) for offset in offsets)


def _days(rule: Rule, start: date, entered: date, last: date) -> Iterator[Iterable[date]]:
    origin = start.toordinal()
    skipped = (entered.toordinal() - origin) // rule.interval * rule.interval
    for ordinal in range(origin + skipped, last.toordinal() + 1, rule.interval):
        yield (date.fromordinal(ordinal),)


_DAYS_OF: Final[dict[str, Callable[[Rule, date, date, date], Iterator[Iterable[date]]]]] = {
    "YEARLY": _years,
    "MONTHLY": _months,
    "WEEKLY": _weeks,
    "DAILY": _days,
}


def _month(rule: Rule, year: int, month: int) -> Iterator[date]:
    size = _month_size(year, month)
    numbers: Iterable[int] = range(1, size + 1)
    if rule.by_month_day:
        numbers = sorted({n if n > 0 else size + 1 + n for n in rule.by_month_day})
    return (date(year, month, number) for number in numbers if 1 <= number <= size)


def _fits(rule: Rule, day: date) -> bool:
    """True when the day passes every BYxxx part that speaks of days."""
    if not _among(day.month, rule.by_month):
        return False
    if rule.by_month_day:
        size = _month_size(day.year, day.month)
        if not {day.day, day.day - size - 1} & rule.by_month_day:
            return False
    if rule.by_year_day and not {*_from_both_ends(day)} & rule.by_year_day:
        return False
    if rule.by_week and not {*_week_numbers(day, rule.week_start)} & rule.by_week:
        return False
    return not rule.by_day or _fits_weekday(rule, day)


def _among(number: int, allowed: frozenset[int]) -> bool:
    return not allowed or number in allowed


def _fits_weekday(rule: Rule, day: date) -> bool:
    weekday = day.weekday()
    if (0, weekday) in rule.by_day:
        return True
    if rule.frequency == "YEARLY" and not rule.by_month:
        from_start, from_end = _from_both_ends(day)
    else:
        from_start = day.day
        from_end = day.day - _month_size(day.year, day.month) - 1
    nth, nth_last = (from_start + 6) // 7, -((6 - from_end) // 7)
    return (nth, weekday) in rule.by_day or (nth_last, weekday) in rule.by_day


def _from_both_ends(day: date) -> tuple[int, int]:
    """The number of a day in its year, from 1, and from the end, from -1."""
    first = date(day.year, 1, 1).toordinal()
    return day.toordinal() - first + 1, day.toordinal() - first - _year_size(day.year)


def _week_numbers(day: date, week_start: int) -> tuple[int, int]:
    """The number of a day's week, from both ends of the year that holds the week's fourth day."""
    fourth = date.fromordinal(day.toordinal() - (day.weekday() - week_start) % 7 + 3)
    from_start, from_end = _from_both_ends(fourth)
    return (from_start + 6) // 7, -((6 - from_end) // 7)


def _month_size(year: int, month: int) -> int:
    if month == 2:
        return 29 if _year_size(year) == 366 else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _year_size(year: int) -> int:
    return 366 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 365
