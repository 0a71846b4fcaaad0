"""From entries to busy blocks: each occurrence put on its wall clock, then on the time line.

*Source*: API "Rules of time and slots"; RFC 5545 section 3.8.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Final

from domain.errors import CalendarTooDense
from infrastructure.calendars.calendar_entries import FAR_AWAY, FIRST_YEAR, Entry
from infrastructure.calendars.calendar_expansion import Effort, occurrences
from infrastructure.calendars.calendar_lines import Place
from infrastructure.calendars.calendar_rules import Rule
from infrastructure.calendars.calendar_values import UTC_NAME, Length, Period, When
from infrastructure.calendars.calendar_zones import LocalClock, Zones

MAX_OCCURRENCES: Final = 100_000

Block = tuple[int, int]

_EPOCH: Final = datetime(1970, 1, 1)
_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)
# More than any offset from UTC plus any gap, so that the window in wall time is never too narrow.
_MARGIN: Final = 3 * _DAY
_END_OF_DAY: Final = _DAY - _SECOND


class Window:
    """The half-open range of instants that is asked for, and walls that surely enclose it."""

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.last_wall = _moved(_EPOCH, timedelta(seconds=end) + _MARGIN)

    def first_wall(self, span: Span) -> datetime:
        """Nothing of that span that starts before this wall reaches into the window."""
        reach = span.wall + timedelta(seconds=span.seconds) + _MARGIN
        return _moved(_EPOCH, timedelta(seconds=self.start) - reach)


@dataclass(frozen=True, slots=True)
class Span:
    """How long each occurrence is: on the wall clock first, then in elapsed seconds."""

    wall: timedelta
    seconds: int


@dataclass(slots=True)
class Exceptions:
    """Occurrences that are not to be: by instant, or by local date."""

    instants: set[int] = field(default_factory=set)
    dates: set[date] = field(default_factory=set)
    dates_of_instants: set[date] = field(default_factory=set)

    def add(self, when: When, clock: LocalClock) -> None:
        """Except one more."""
        if when.is_date:
            self.dates.add(when.wall.date())
        else:
            self.instants.add(clock.start(when.wall))
            self.dates_of_instants.add(when.wall.date())

    def cover(self, wall: datetime, start: int, is_date: bool) -> bool:
        """True when the occurrence is excepted; dates and times are compared by what both know."""
        day = wall.date()
        if is_date:
            return day in self.dates or day in self.dates_of_instants
        return start in self.instants or day in self.dates


def clock_of(zones: Zones, when: When, place: Place) -> LocalClock:
    """The clock that `when` is told by. Refuses: CalendarInvalid."""
    clock = zones.clock(when.zone)
    if clock is None:
        raise place.refuse(
            "its time zone is neither an IANA name, nor a Windows name, nor defined in the file"
        )
    return clock


class Blocks:
    """Collects what is busy in `window`, unsorted, in `found`."""

    def __init__(self, window: Window, zones: Zones, effort: Effort) -> None:
        self.found: list[Block] = []
        self._window = window
        self._zones = zones
        self._effort = effort

    def add(self, entry: Entry, overridden: Exceptions) -> None:
        """Add an entry less its exceptions. Refuses: CalendarInvalid, CalendarTooDense."""
        clock = clock_of(self._zones, entry.start, entry.place)
        span = self._span(entry, clock)
        excepted = Exceptions()
        for when in entry.exceptions:
            excepted.add(when, clock_of(self._zones, when, entry.place))
        extra = [self._extra(entry, value, span) for value in entry.extra]
        if not entry.takes_time:
            return
        is_date = entry.start.is_date
        by_rule = (
            (wall, self._placed(wall, clock, span, is_date))
            for wall in self._walls(entry, clock, span)
        )
        for wall, block in chain(by_rule, extra):
            exceptions = wall, block[0], is_date
            if not (excepted.cover(*exceptions) or overridden.cover(*exceptions)):
                self._keep(block)

    def add_period(self, place: Place, period: Period) -> None:
        """Add a period as it stands. Refuses: CalendarInvalid, CalendarTooDense."""
        self._keep(self._of_period(place, period))

    def _keep(self, block: Block) -> None:
        start, end = max(block[0], self._window.start), min(block[1], self._window.end)
        if start < end:
            self.found.append((start, end))
            if len(self.found) > MAX_OCCURRENCES:
                raise CalendarTooDense(
                    f"more than {MAX_OCCURRENCES} occurrences", limit=MAX_OCCURRENCES
                )

    def _walls(self, entry: Entry, clock: LocalClock, span: Span) -> Iterator[datetime]:
        start = entry.start.wall
        first = self._window.first_wall(span)
        excepted = {
            wall
            for rule in entry.exception_rules
            for wall in self._repeated(rule, entry, clock, first)
        }
        if start not in excepted:
            yield start
        for rule in entry.rules:
            for wall in self._repeated(rule, entry, clock, first):
                if wall != start and wall not in excepted:
                    yield wall

    def _repeated(
        self, rule: Rule, entry: Entry, clock: LocalClock, first: datetime
    ) -> Iterator[datetime]:
        last = min(self._window.last_wall, _last_wall(rule, entry.start, clock))
        return occurrences(rule, entry.start.wall, first, last, self._effort)

    def _span(self, entry: Entry, clock: LocalClock) -> Span:
        start, end = entry.start, entry.end
        if start.is_date:
            return _days_span(entry)
        if entry.length is not None:
            return Span(timedelta(days=entry.length.days), entry.length.seconds)
        if end is None:
            return Span(timedelta(), 0)
        elapsed = clock_of(self._zones, end, entry.place).end(end.wall) - clock.start(start.wall)
        if elapsed < 0 and not (end.zone == start.zone and end.wall >= start.wall):
            raise entry.place.refuse("DTEND is before DTSTART")
        if end.zone != start.zone or end.wall < start.wall:
            return Span(timedelta(), elapsed)
        return Span(end.wall - start.wall, 0)

    def _placed(self, wall: datetime, clock: LocalClock, span: Span, is_date: bool) -> Block:
        until = _moved(wall, span.wall)
        if is_date:
            midnight = self._zones.schedule.midnight
            return midnight(wall.date()), midnight(until.date()) + span.seconds
        start = clock.start(wall)
        if not span.wall:
            return start, start + span.seconds
        end = clock.end(until)
        if end <= start:
            # The start was moved out of a gap, past its end: it still takes as long as it says.
            end = start + span.wall // _SECOND
        return start, end + span.seconds

    def _extra(self, entry: Entry, value: When | Period, span: Span) -> tuple[datetime, Block]:
        if isinstance(value, Period):
            return value.start.wall, self._of_period(entry.place, value)
        clock = clock_of(self._zones, value, entry.place)
        return value.wall, self._placed(value.wall, clock, span, value.is_date)

    def _of_period(self, place: Place, period: Period) -> Block:
        clock = clock_of(self._zones, period.start, place)
        if isinstance(period.end, Length):
            span = Span(timedelta(days=period.end.days), period.end.seconds)
            return self._placed(period.start.wall, clock, span, False)
        start = clock.start(period.start.wall)
        end = clock_of(self._zones, period.end, place).end(period.end.wall)
        if end < start:
            raise place.refuse("a period ends before it starts")
        return start, end


def _days_span(entry: Entry) -> Span:
    """An all-day entry that says nothing, or that ends on the day it starts, is one day."""
    if entry.length is not None:
        span = Span(timedelta(days=entry.length.days), entry.length.seconds)
        return Span(_DAY, 0) if span == Span(timedelta(), 0) else span
    if entry.end is None or entry.end.wall == entry.start.wall:
        return Span(_DAY, 0)
    if entry.end.wall < entry.start.wall:
        raise entry.place.refuse("DTEND is before DTSTART")
    return Span(entry.end.wall - entry.start.wall, 0)


def _last_wall(rule: Rule, start: When, clock: LocalClock) -> datetime:
    """The last wall time that UNTIL allows, on the entry's own clock; a date is a whole day."""
    until = rule.until
    if until is None or until.wall >= FAR_AWAY:
        return datetime.max
    if until.wall.year < FIRST_YEAR:
        return datetime.min
    if until.is_date:
        return until.wall + _END_OF_DAY
    wall = until.wall
    if until.zone == UTC_NAME:
        wall = clock.wall((until.wall - _EPOCH) // _SECOND)
    if start.is_date:
        # Writers mean the date they write as often as the local date of that instant.
        day = max(wall, until.wall).replace(hour=0, minute=0, second=0)
        return day + _END_OF_DAY
    return wall


def _moved(wall: datetime, by: timedelta) -> datetime:
    """`wall + by`, kept inside what can be converted."""
    try:
        return min(max(wall + by, datetime(2, 1, 1)), FAR_AWAY)
    except OverflowError:
        return FAR_AWAY if by > timedelta() else datetime(2, 1, 1)
