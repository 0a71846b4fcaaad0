"""Busy time out of an iCalendar file: starts and ends, nothing else.

1. A title, a person or a place is never stored, logged or returned, nor part of any error.
2. What cannot be understood refuses the whole file: a block silently lost sells a slot twice.
3. Repeating entries are expanded in wall time, inside the window only, within a stated effort.
4. Entries that are transparent, cancelled or free take no time; an override of one occurrence that
   is so removes the occurrence. Every other version of an entry that the file holds counts.
5. An end given as DTEND is a wall time for each occurrence; a DURATION is whole days on the wall
   calendar, then elapsed time. Without either an all-day entry is one day, a timed one no time.
6. A first occurrence that its own rule does not match counts all the same.

*Not supported*, and refused: RECURRENCE-ID with RANGE, RSCALE, BYSETPOS within an hour.
*Source*: API "Rules of time and slots"; RFC 5545 sections 3.6.1, 3.6.4 and 3.8.2 to 3.8.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from domain.errors import CalendarTooDense
from domain.values import epoch_seconds
from infrastructure.calendars.calendar_blocks import Block, Blocks, Exceptions, Window, clock_of
from infrastructure.calendars.calendar_entries import Entry, read_entry
from infrastructure.calendars.calendar_expansion import Effort
from infrastructure.calendars.calendar_lines import Component, Place, components
from infrastructure.calendars.calendar_values import Period, many_whens
from infrastructure.calendars.calendar_zones import Zones

MAX_BLOCKS: Final = 10_000


class ICalendarReader:
    """Reads free/busy time out of iCalendar files; keeps nothing between two files."""

    def busy(self, body: bytes, zone: str, from_: datetime, to: datetime) -> tuple[Block, ...]:
        """See `read_busy`."""
        return read_busy(body, zone=zone, window_start=from_, window_end=to)


def read_busy(
    body: bytes, *, zone: str, window_start: datetime, window_end: datetime
) -> tuple[Block, ...]:
    """Busy blocks in [window_start, window_end): sorted, neither overlapping nor touching, clipped.

    A block is a pair of epoch seconds. `zone` is the IANA name of the schedule's zone; floating and
    all-day entries are in it.
    Refuses: TooLarge; CalendarInvalid; CalendarTooDense (over 10,000 blocks, or over 100,000
    occurrences before merging, or recurrences that take more than 1,000,000 steps).
    """
    entries, periods, definitions = list[Entry](), list[tuple[Place, Period]](), list[Component]()
    for component in components(body):
        if component.name == "VEVENT":
            entries.append(read_entry(component))
        elif component.name == "VFREEBUSY":
            periods.extend(_busy_periods(component))
        else:
            definitions.append(component)
    effort = Effort()
    window = Window(epoch_seconds(window_start), epoch_seconds(window_end))
    zones = Zones(zone, definitions, window.last_wall, effort)
    blocks = Blocks(window, zones, effort)
    overridden = _overridden(entries, zones)
    for entry in entries:
        overrides = overridden.get(entry.uid) if entry.original is None else None
        blocks.add(entry, overrides or Exceptions())
    for place, period in periods:
        blocks.add_period(place, period)
    return _merged(blocks.found)


def _busy_periods(component: Component) -> Iterator[tuple[Place, Period]]:
    for prop in component.all("FREEBUSY"):
        if prop.parameters.get("FBTYPE", "BUSY").upper() == "FREE":
            continue
        for value in many_whens(prop):
            if not isinstance(value, Period):
                raise prop.place.refuse("FREEBUSY needs periods")
            yield prop.place, value


def _overridden(entries: Iterable[Entry], zones: Zones) -> dict[str, Exceptions]:
    """Per UID the occurrences that have an entry of their own."""
    found: dict[str, Exceptions] = {}
    for entry in entries:
        if entry.original is not None and entry.uid:
            exceptions = found.setdefault(entry.uid, Exceptions())
            exceptions.add(entry.original, clock_of(zones, entry.original, entry.place))
    return found


def _merged(blocks: list[Block]) -> tuple[Block, ...]:
    """The union of blocks: sorted, neither overlapping nor touching. Refuses: CalendarTooDense.

    >>> _merged([(5, 9), (1, 2), (2, 3), (6, 7)])
    ((1, 3), (5, 9))
    """
    merged: list[Block] = []
    for start, end in sorted(blocks):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    if len(merged) > MAX_BLOCKS:
        raise CalendarTooDense(f"more than {MAX_BLOCKS} busy blocks", limit=MAX_BLOCKS)
    return tuple(merged)
