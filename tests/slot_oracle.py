"""A second opinion on slots, written apart from the engine and as slow as it is plain.

It reads the documents that callers send, walks UTC minute by minute with a wall clock in hand,
marks each minute open or shut, and asks of every minute whether a visit could start there. It
shares no code with `domain/` and converts no wall time: it looks up when the clock showed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

DAY = 24 * 60
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class WallClock:
    """What a clock on the wall shows at each of some consecutive UTC minutes."""

    def __init__(self, zone_name: str, first_minute: int, minutes: int) -> None:
        zone = ZoneInfo(zone_name)
        self.first_minute = first_minute
        self.shown: list[int] = []
        self.when: dict[int, list[int]] = {}
        for index in range(minutes):
            local = datetime.fromtimestamp((first_minute + index) * 60, UTC).astimezone(zone)
            wall = local.toordinal() * DAY + local.hour * 60 + local.minute
            self.shown.append(wall)
            self.when.setdefault(wall, []).append(index)
        self.days = sorted({wall // DAY for wall in self.shown})

    def showings(self, wall: int) -> list[int]:
        """When the clock showed a wall time; what it skipped counts as much later as it skipped."""
        if wall in self.when:
            return self.when[wall]
        before = wall
        while before not in self.when:
            before -= 1
        jump = self.when[before][-1]
        skipped = self.shown[jump + 1] - before - 1
        return self.when[wall + skipped]

    @cached_property
    def mondays(self) -> list[int]:
        """The minutes at which the clock first got to a Monday, or past one that it skipped."""
        found, furthest = [], self.shown[0] // DAY
        for index, wall in enumerate(self.shown):
            day = wall // DAY
            if any(one % 7 == 1 for one in range(furthest + 1, day + 1)):
                found.append(index)
            furthest = max(furthest, day)
        return found


@lru_cache(maxsize=64)
def wall_clock(zone_name: str, first_minute: int, minutes: int) -> WallClock:
    """A clock that is walked once for all questions about the same minutes."""
    return WallClock(zone_name, first_minute, minutes)


@dataclass(frozen=True)
class Question:
    """One staff member, one service, one moment; ranges are pairs of UTC minutes."""

    schedule: dict[str, Any]
    service: dict[str, int]
    clock: WallClock
    now_seconds: int
    closed: frozenset[date]
    occupied: tuple[tuple[int, int], ...]
    sessions: tuple[tuple[int, int, tuple[int, int]], ...]  # start, seats taken, reserved

    def answer(self, minute: int) -> str:
        """`free`, `taken` or `not_a_slot` for a visit that starts at this UTC minute."""
        if not self._possible(minute):
            return "not_a_slot"
        start = minute - self.clock.first_minute - self.service["buffer_before_minutes"]
        end = minute - self.clock.first_minute
        end += self.service["duration_minutes"] + self.service["buffer_after_minutes"]
        if any(self._busy[start:end]):
            return "taken"
        for begins, seats_taken, _ in self.sessions:
            if begins == minute and seats_taken < self.service["capacity"]:
                return "free"
        return "taken" if any(self._in_class[start:end]) else "free"

    def _possible(self, minute: int) -> bool:
        index = minute - self.clock.first_minute
        duration = self.service["duration_minutes"]
        soonest = self.now_seconds + self.service["minimum_notice_minutes"] * 60
        furthest = self.now_seconds + self.service["booking_window_days"] * 24 * 3600
        return (
            soonest <= minute * 60 <= furthest
            and all(self._open[index : index + duration])
            and (index - self._grid_from(index)) % self.service["slot_interval_minutes"] == 0
        )

    def _grid_from(self, index: int) -> int:
        """Where the time around a minute opened, or the last Monday after a whole open week."""
        opened = self._open.rfind(b"\0", 0, index) + 1
        past = [monday for monday in self.clock.mondays if opened <= monday <= index]
        return past[-1] if len(past) > 1 else opened

    @cached_property
    def _open(self) -> bytearray:
        is_open = bytearray(len(self.clock.shown))
        # The outermost days are not whole, and what starts there may end beyond the walk.
        for day in self.clock.days[2:-3]:
            for start, end in self._hours_of(day):
                first = self.clock.showings(start)[0]
                beyond = self.clock.showings(end)[-1]
                for index in range(first, beyond):
                    is_open[index] = 1
        return is_open

    def _hours_of(self, day: int) -> list[tuple[int, int]]:
        written = None
        for override in self.schedule["overrides"]:
            if override["date"] == date.fromordinal(day).isoformat():
                written = override["intervals"]
        if written is None and date.fromordinal(day) in self.closed:
            written = []
        if written is None:
            name = WEEK[date.fromordinal(day).weekday()]
            written = [rule for rule in self.schedule["weekly"] if name in rule["days"]]
        hours = []
        for interval in written:
            start, end = _minutes(interval["from"]), _minutes(interval["to"])
            hours.append((day * DAY + start, day * DAY + end + (DAY if end <= start else 0)))
        return hours

    @cached_property
    def _busy(self) -> bytearray:
        return self._marked(self.occupied)

    @cached_property
    def _in_class(self) -> bytearray:
        return self._marked(tuple(reserved for _, _, reserved in self.sessions))

    def _marked(self, ranges: tuple[tuple[int, int], ...]) -> bytearray:
        marks = bytearray(len(self.clock.shown))
        for start, end in ranges:
            for minute in range(start, end):
                marks[minute - self.clock.first_minute] = 1
        return marks


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
