"""What a TZID of a calendar file stands for: an IANA name, a Windows name, or a VTIMEZONE in it.

A `LocalClock` turns wall times into instants by Daybook's one rule: a time in a gap moves forward
by the gap, an ambiguous one is the earlier for a start and the later for an end.

*Source*: API "Rules of time and slots"; RFC 5545 section 3.6.5; Unicode CLDR for the Windows names.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final, Protocol

from domain import local_time
from domain.errors import UnknownTimeZone
from infrastructure.calendars.calendar_expansion import Effort, occurrences
from infrastructure.calendars.calendar_lines import Component, Property
from infrastructure.calendars.calendar_rules import Rule, read_rule
from infrastructure.calendars.calendar_values import (
    UTC_NAME,
    Period,
    many_whens,
    one_when,
    read_offset,
)

_EPOCH: Final = datetime(1970, 1, 1)
_RULES_FROM: Final = datetime(1970, 1, 1)
_SECOND: Final = timedelta(seconds=1)


class LocalClock(Protocol):
    """The wall clock of one zone. Instants are epoch seconds, walls are naive."""

    def start(self, wall: datetime) -> int:
        """When something starts: gaps forward, the earlier of two."""
        ...

    def end(self, wall: datetime) -> int:
        """When something ends: gaps forward, the later of two."""
        ...

    def wall(self, instant: int) -> datetime:
        """What the clock shows."""
        ...


@dataclass(frozen=True, slots=True)
class IanaClock:
    """The clock of an IANA zone, `name`."""

    name: str

    def start(self, wall: datetime) -> int:
        """See `LocalClock`."""
        minute = wall.hour * 60 + wall.minute
        return local_time.start_instant(self.name, wall.toordinal(), minute) + wall.second

    def end(self, wall: datetime) -> int:
        """See `LocalClock`."""
        minute = wall.hour * 60 + wall.minute
        return local_time.end_instant(self.name, wall.toordinal(), minute) + wall.second

    def wall(self, instant: int) -> datetime:
        """See `LocalClock`."""
        return local_time.local_datetime(self.name, instant).replace(tzinfo=None)

    def midnight(self, day: date) -> int:
        """When a local day begins."""
        return local_time.midnight(self.name, day.toordinal())


class FileClock:
    """The clock of a VTIMEZONE, from changes (instant, seconds east before it, and after it)."""

    def __init__(self, changes: Iterable[tuple[int, int, int]]) -> None:
        ordered = sorted(changes)
        self._instants = [instant for instant, _, _ in ordered]
        self._offsets = [ordered[0][1], *(after for _, _, after in ordered)]
        steps = list(pairwise(self._offsets))
        # A wall time shown twice, or not at all, is read with the old offset, then with the new.
        self._first = [i + max(step) for i, step in zip(self._instants, steps, strict=True)]
        self._second = [i + min(step) for i, step in zip(self._instants, steps, strict=True)]

    def start(self, wall: datetime) -> int:
        """See `LocalClock`."""
        seconds = (wall - _EPOCH) // _SECOND
        return seconds - self._offsets[bisect_right(self._first, seconds)]

    def end(self, wall: datetime) -> int:
        """See `LocalClock`."""
        seconds = (wall - _EPOCH) // _SECOND
        return max(self.start(wall), seconds - self._offsets[bisect_right(self._second, seconds)])

    def wall(self, instant: int) -> datetime:
        """See `LocalClock`."""
        offset = self._offsets[bisect_right(self._instants, instant)]
        return _EPOCH + timedelta(seconds=instant + offset)


class Zones:
    """The clocks of one file. Floating and all-day entries are in the schedule's zone."""

    def __init__(
        self, schedule_zone: str, defined: Iterable[Component], until: datetime, effort: Effort
    ) -> None:
        self.schedule = IanaClock(local_time.zone(schedule_zone).key)
        self._defined = {
            _unescaped(name.value): component
            for component in defined
            if (name := component.one("TZID"))
        }
        self._until = until
        self._effort = effort
        self._known: dict[str, LocalClock] = {UTC_NAME: IanaClock(UTC_NAME)}

    def clock(self, name: str | None) -> LocalClock | None:
        """The clock of a TZID (None: the schedule's); None when nobody defines it.

        Refuses: CalendarInvalid, CalendarTooDense when the file defines it wrongly.
        """
        if name is None:
            return self.schedule
        if name not in self._known:
            found = _well_known(name) or self._from_file(name)
            if found is None:
                return None
            self._known[name] = found
        return self._known[name]

    def _from_file(self, name: str) -> FileClock | None:
        definition = self._defined.get(_unescaped(name))
        if definition is None:
            return None
        changes = [
            change
            for observance in definition.children
            for change in _changes(observance, self._until, self._effort)
        ]
        if not changes:
            raise definition.place.refuse("it has neither STANDARD nor DAYLIGHT")
        return FileClock(changes)


def _unescaped(name: str) -> str:
    return name.replace("\\,", ",").replace("\\;", ";")


def _well_known(name: str) -> IanaClock | None:
    # Imported late: 10 MB that a process without calendars need not carry.
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    for candidate in (name, WINDOWS_TO_OLSON.get(name, "")):
        try:
            return IanaClock(local_time.zone(candidate).key)
        except UnknownTimeZone:
            continue
    return None


def _changes(observance: Component, until: datetime, effort: Effort) -> list[tuple[int, int, int]]:
    """When the observance begins, each time up to `until`: instant, offset before, offset after."""
    start = one_when(_needed(observance, "DTSTART")).wall
    before = _offset(_needed(observance, "TZOFFSETFROM"))
    after = _offset(_needed(observance, "TZOFFSETTO"))
    walls = {start}
    for prop in observance.all("RDATE"):
        for value in many_whens(prop):
            if isinstance(value, Period):
                raise prop.place.refuse("RDATE of a time zone cannot be a period")
            walls.add(value.wall)
    for prop in observance.all("RRULE"):
        rule = read_rule(prop.value, prop.place)
        last = min(until, _last_wall(rule, before))
        walls.update(occurrences(rule, start, max(start, _RULES_FROM), last, effort))
    return [
        ((wall - _EPOCH - before) // _SECOND, before // _SECOND, after // _SECOND) for wall in walls
    ]


def _last_wall(rule: Rule, before: timedelta) -> datetime:
    until = rule.until
    if until is None or not datetime.min.year < until.wall.year < datetime.max.year:
        return until.wall if until else datetime.max
    if until.is_date:
        return until.wall + timedelta(days=1)
    return until.wall + before if until.zone == UTC_NAME else until.wall


def _needed(component: Component, name: str) -> Property:
    found = component.one(name)
    if found is None:
        raise component.place.refuse(f"{name} is missing")
    return found


def _offset(prop: Property) -> timedelta:
    return read_offset(prop.value, prop.place, prop.name)
