"""How many minutes staff worked at a location, day by day, by the schedules that stood then."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from itertools import groupby
from uuid import UUID

from application.figures.rows import Working
from domain.local_time import MINUTE_SECONDS
from domain.schedule import working_intervals


def open_minutes(
    rows: Iterable[Working], location: UUID, days: Sequence[int], closed: AbstractSet[date]
) -> dict[UUID, list[int]]:
    """Working minutes of each staff member, for each day.

    `days` are the instants at which days begin, and at which the last one ends; sorted. On each day that counts which
    stood when the day ended. Somebody who works at two locations is open at both. `closed` are the public holidays
    that close the location.
    """
    by_staff: dict[UUID, list[Working]] = {}
    for row in rows:
        by_staff.setdefault(row.staff, []).append(row)
    found: dict[UUID, list[int]] = {}
    for staff, theirs in by_staff.items():
        minutes = [0] * (len(days) - 1)
        for row, first, end in _runs(theirs, days):
            if row.schedule is not None and location in row.locations:
                inside = days[first : end + 1]
                worked = working_intervals(row.schedule, inside[0], inside[-1], closed)
                for day, seconds in _spread(worked, inside):
                    minutes[first + day] += seconds // MINUTE_SECONDS
        found[staff] = minutes
    return found


def _runs(rows: Sequence[Working], days: Sequence[int]) -> Iterator[tuple[Working, int, int]]:
    """What stood, from one day on and up to another (not included)."""
    stood = [_standing(rows, end) for end in days[1:]]
    for row, run in groupby(range(len(stood)), key=lambda day: stood[day]):
        of = list(run)
        if row is not None:
            yield row, of[0], of[-1] + 1


def _standing(rows: Sequence[Working], end: int) -> Working | None:
    """What stood just before `end`."""
    stood = (one for one in rows if one.since < end and (one.until is None or end <= one.until))
    return max(stood, key=lambda one: one.version, default=None)


def _spread(intervals: Iterable[tuple[int, int]], days: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Seconds of the intervals by day; a skipped day, which ends where it begins, has none."""
    for start, end in intervals:
        at, last = max(start, days[0]), min(end, days[-1])
        while at < last:
            day = bisect_right(days, at) - 1
            until = min(last, days[day + 1])
            yield day, until - at
            at = until
