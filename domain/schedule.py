"""A schedule: when a staff member works, as wall times in one zone, and the instants they become.

1. A working interval belongs to the local day on which it starts; `to` at or before `from` is on
   the next day. A day that the clocks skip whole has none.
2. A start and an end become instants by the rules of `local_time`. What ends no later than it
   starts (both beside a gap) is nothing.
3. An override replaces its whole day, closures included; one without intervals closes the day.
   Intervals that started the day before run on.
4. A closed date (a public holiday) has no intervals, unless an override says otherwise.
5. Intervals that touch or overlap as instants are one *stretch*; the grid of slots starts where
   the stretch starts.
6. A stretch may be endless (24 hours, 7 days). Its grid starts anew at each local Monday 00:00
   before which it has lasted a whole ISO week; the time itself goes on. So the grid never depends
   on the window that was asked for, and no more than `LOOKBACK_DAYS` before it matter.

*Not here*: what takes time away (`availability`), which dates are holidays.
*Source*: API "Rules of time and slots".
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated, Final

from domain.intervals import Interval, merged
from domain.local_time import (
    DAY_SECONDS,
    FIRST_ORDINAL,
    LAST_ORDINAL,
    end_instant,
    exists,
    local_date,
    midnight,
    start_instant,
)
from domain.sealing import Plain

WEEK_DAYS: Final = 7
# An interval reaches into the day after its own, and a skipped day makes that two.
REACH_DAYS: Final = 3
# Back to this week's Monday and the one before it, and what reaches into that.
LOOKBACK_DAYS: Final = 2 * WEEK_DAYS + REACH_DAYS + 1
_SHORTER_THAN_A_WEEK: Final = 6 * DAY_SECONDS
_STRETCHES_KEPT: Final = 1_024

NOTHING_CLOSED: Final[frozenset[date]] = frozenset()


@dataclass(frozen=True, slots=True)
class Hours:
    """Wall time within a day: `from_minute` 0..1439, `to_minute` 0..1440, both since 00:00."""

    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """The same hours on several days of the week; Monday is 0, in order, each once."""

    days: tuple[int, ...]
    hours: Hours


@dataclass(frozen=True, slots=True)
class Override:
    """What one local date has instead of its weekly hours; no intervals: closed."""

    on: date
    intervals: tuple[Hours, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Weekly hours and overrides (each date once) in the zone named."""

    time_zone: Annotated[str, Plain("an IANA zone name")]
    weekly: tuple[WeeklyHours, ...] = ()
    overrides: tuple[Override, ...] = ()


def working_intervals(
    schedule: Schedule,
    start: int,
    end: int,
    closed_dates: AbstractSet[date] = NOTHING_CLOSED,
) -> list[Interval]:
    """Convert the working time that meets `[start, end)` to half-open ranges of epoch seconds.

    Sorted and disjoint. Each begins where its grid begins, which may be before `start`. An end at
    or before `end` is exact, a later one may be cut anywhere after `end`. Two that touch are one
    stretch of time with a grid each (rule 6).
    `closed_dates` are local dates of the schedule's zone, from `LOOKBACK_DAYS` before `start` on.
    """
    if start >= end:
        return []
    zone_name, closed = schedule.time_zone, frozenset(closed_dates)
    first = local_date(zone_name, start).toordinal()
    # A start on the next local day can come before `end` where the clocks go back over midnight.
    last = local_date(zone_name, end).toordinal() + 1
    stretches = _stretches(schedule, first - REACH_DAYS, last, closed)
    if any(_began_out_of_sight(zone_name, first, stretch, start) for stretch in stretches):
        stretches = _stretches(schedule, first - LOOKBACK_DAYS, last, closed)
    return [
        piece
        for stretch in stretches
        for piece in _pieces(zone_name, stretch)
        if piece[0] < end and start < piece[1]
    ]


def _began_out_of_sight(zone_name: str, first: int, stretch: Interval, start: int) -> bool:
    """True when days before the reach could lengthen the stretch in progress at `start`."""
    return stretch[0] < start < stretch[1] and stretch[0] <= midnight(zone_name, first - 1)


@lru_cache(maxsize=_STRETCHES_KEPT)
def _stretches(
    schedule: Schedule, first: int, last: int, closed_dates: frozenset[date]
) -> tuple[Interval, ...]:
    """The intervals that start on the days `first` to `last` (both included), merged."""
    weekly: list[list[Hours]] = [[] for _ in range(WEEK_DAYS)]
    for rule in schedule.weekly:
        for weekday in rule.days:
            weekly[weekday].append(rule.hours)
    overrides = {override.on: override.intervals for override in schedule.overrides}
    intervals: list[Interval] = []
    for ordinal in range(max(first, FIRST_ORDINAL), min(last, LAST_ORDINAL) + 1):
        day = date.fromordinal(ordinal)
        hours: Iterable[Hours] | None = overrides.get(day)
        if hours is None:
            # Ordinal 1 is a Monday.
            hours = () if day in closed_dates else weekly[(ordinal - 1) % WEEK_DAYS]
        if hours:
            intervals.extend(_intervals_of_day(schedule.time_zone, ordinal, hours))
    return tuple(merged(intervals))


def _intervals_of_day(zone_name: str, ordinal: int, hours: Iterable[Hours]) -> list[Interval]:
    if not exists(zone_name, ordinal):
        return []
    return [
        (
            start_instant(zone_name, ordinal, one.from_minute),
            end_instant(zone_name, ordinal + (one.to_minute <= one.from_minute), one.to_minute),
        )
        for one in hours
    ]


def _pieces(zone_name: str, stretch: Interval) -> list[Interval]:
    """A stretch cut where its grid starts anew: rule 6."""
    start, end = stretch
    if end - start < _SHORTER_THAN_A_WEEK:
        return [stretch]
    monday = local_date(zone_name, start).toordinal()
    monday += (1 - monday) % WEEK_DAYS
    if midnight(zone_name, monday) < start:
        monday += WEEK_DAYS
    pieces = []
    monday += WEEK_DAYS
    while (cut := midnight(zone_name, monday)) < end:
        pieces.append((start, cut))
        start = cut
        monday += WEEK_DAYS
    pieces.append((start, end))
    return pieces
