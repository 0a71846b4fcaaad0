"""Availability: which starts of a service are free, and whether one start is.

Integer arithmetic on epoch seconds in UTC; all ranges are half-open `[start, end)`.

1. The grid starts at each working interval's start and goes on in steps of elapsed time, never
   re-anchored after busy time.
2. `[start, start + duration)` lies inside working time. Buffers need not.
3. `[start - buffer before, start + duration + buffer after)` shares no instant with a reservation
   (whose own buffers are in it) or a busy block.
4. `now + notice <= start <= now + window`, both ends allowed; the window is in days of 24 hours.
5. A seat on a session of this service that starts exactly then is free while seats are left.
   Sessions, reserved already, do not stand against it; all else over its visit or buffers does, a
   busy block laid over it later included.
6. One function decides: a start is accepted exactly when it would be listed.

*Not here*: wall time (`schedule`), and the claim itself, which the store makes or refuses.
*Source*: API "Rules of time and slots".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from domain.intervals import Interval, merged
from domain.local_time import DAY_SECONDS, MINUTE_SECONDS

StaffId = TypeVar("StaffId", str, UUID)


@dataclass(frozen=True, slots=True)
class SlotRules:
    """What a service says about its slots; duration, interval and capacity are at least 1."""

    duration_minutes: int
    slot_interval_minutes: int = 15
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    minimum_notice_minutes: int = 0
    booking_window_days: int = 60
    capacity: int = 1

    def __post_init__(self) -> None:
        if min(self.duration_minutes, self.slot_interval_minutes, self.capacity) < 1:
            raise ValueError("a visit, its step and its capacity are at least 1")
        if min(self.buffer_before_minutes, self.buffer_after_minutes) < 0:
            raise ValueError("a buffer takes time, it never gives any")
        if min(self.minimum_notice_minutes, self.booking_window_days) < 0:
            raise ValueError("notice and window count forward from now")


@dataclass(frozen=True, slots=True)
class Session:
    """A class that has been begun: one reservation, `reserved` with its buffers, and its seats."""

    start: int
    seats_taken: int
    reserved: Interval


@dataclass(frozen=True, slots=True)
class StaffTime:
    """One staff member's time as far as it matters for a query (`relevant_range`).

    `working` is sorted and disjoint; two that touch are one stretch of time with a grid each.
    `occupied` holds reservations that still count and busy blocks, in any order, but not the
    `sessions` of this service.
    """

    working: Sequence[Interval]
    occupied: Sequence[Interval] = ()
    sessions: Sequence[Session] = ()


class Verdict(Enum):
    """What a start is: free, no slot at all (422), or a slot that is taken (409)."""

    FREE = "free"
    NOT_A_SLOT = "not_a_slot"
    TAKEN = "taken"


class Slot(NamedTuple, Generic[StaffId]):
    """A start that can be booked, the staff free for it, and the seats left over all of them."""

    start: int
    end: int
    staff_ids: tuple[StaffId, ...]
    seats_left: int


def relevant_range(rules: SlotRules, start: int, end: int, now: int) -> Interval | None:
    """Say what time can matter to the starts in `[start, end)`; None when none of them is in time.

    Working time and everything occupied must be known there, and no further.
    """
    first, last = _allowed(rules, start, end, now)
    if first > last:
        return None
    before = rules.buffer_before_minutes * MINUTE_SECONDS
    after = (rules.duration_minutes + rules.buffer_after_minutes) * MINUTE_SECONDS
    return first - before, last + after


def free_starts(
    rules: SlotRules, staff_time: StaffTime, start: int, end: int, now: int
) -> list[int]:
    """List the free starts in `[start, end)`, sorted."""
    first, last = _allowed(rules, start, end, now)
    working = staff_time.working
    occupied = staff_time.occupied
    if not staff_time.sessions:
        return _unblocked(rules, working, occupied, first, last)
    reserved = [session.reserved for session in staff_time.sessions]
    fresh = _unblocked(rules, working, [*occupied, *reserved], first, last)
    joinable = {
        session.start for session in staff_time.sessions if session.seats_taken < rules.capacity
    }
    joined = joinable.intersection(_unblocked(rules, working, occupied, first, last))
    return sorted(joined.union(fresh))


def judge(rules: SlotRules, staff_time: StaffTime, start: int, now: int) -> Verdict:
    """Say of one start what the list says of it: FREE exactly when `free_starts` has it."""
    if free_starts(rules, staff_time, start, start + 1, now):
        return Verdict.FREE
    empty = replace(staff_time, occupied=(), sessions=())
    if free_starts(rules, empty, start, start + 1, now):
        return Verdict.TAKEN
    return Verdict.NOT_A_SLOT


def slots(
    rules: SlotRules, staff: Mapping[StaffId, StaffTime], start: int, end: int, now: int
) -> list[Slot[StaffId]]:
    """List the starts in `[start, end)` that are free with at least one of the staff, sorted.

    `staff_ids` are sorted; `seats_left` is how many bookings the start still takes, over them all.
    """
    free: dict[int, list[StaffId]] = {}
    taken: dict[int, int] = {}
    for staff_id in sorted(staff):
        for one in free_starts(rules, staff[staff_id], start, end, now):
            free.setdefault(one, []).append(staff_id)
        for session in staff[staff_id].sessions:
            if staff_id in free.get(session.start, ()):
                taken[session.start] = taken.get(session.start, 0) + session.seats_taken
    duration = rules.duration_minutes * MINUTE_SECONDS
    return [
        Slot(one, one + duration, tuple(ids), rules.capacity * len(ids) - taken.get(one, 0))
        for one, ids in sorted(free.items())
    ]


def staff_order(
    staff_ids: Iterable[StaffId], bookings_that_day: Mapping[StaffId, int]
) -> list[StaffId]:
    """Order staff as they are tried: fewest bookings on the start's local day, then id.

    >>> staff_order(["stf_c", "stf_b", "stf_a"], {"stf_a": 2, "stf_c": 1, "stf_b": 1})
    ['stf_b', 'stf_c', 'stf_a']
    """
    return sorted(staff_ids, key=lambda one: (bookings_that_day.get(one, 0), one))


def _allowed(rules: SlotRules, start: int, end: int, now: int) -> Interval:
    """The first and the last start that query, notice and window allow, both included."""
    earliest = now + rules.minimum_notice_minutes * MINUTE_SECONDS
    latest = now + rules.booking_window_days * DAY_SECONDS
    return max(start, earliest), min(end - 1, latest)


def _unblocked(
    rules: SlotRules,
    working: Sequence[Interval],
    occupied: Sequence[Interval],
    first: int,
    last: int,
) -> list[int]:
    """Grid starts in `[first, last]` with the visit in working time and nothing in its way."""
    duration = rules.duration_minutes * MINUTE_SECONDS
    step = rules.slot_interval_minutes * MINUTE_SECONDS
    before = rules.buffer_before_minutes * MINUTE_SECONDS
    after = duration + rules.buffer_after_minutes * MINUTE_SECONDS
    blocks = merged(occupied)
    found: list[int] = []
    index = 0
    for opens, closes, reach in _with_reach(working):
        latest = min(closes - 1, reach - duration, last)
        at = opens + max(0, -((opens - first) // step)) * step
        while at <= latest and index < len(blocks):
            starts, ends = blocks[index]
            run = range(at, min(latest, starts - after) + 1, step)
            found.extend(run)
            at = max(at + len(run) * step, opens - ((opens - ends - before) // step) * step)
            # A block that this interval ends before may still lie in the way of the next one.
            index += at <= latest
        found.extend(range(at, latest + 1, step))
    return found


def _with_reach(working: Sequence[Interval]) -> list[tuple[int, int, int]]:
    """Each working interval with the end of the stretch that it and those touching it form."""
    found: list[tuple[int, int, int]] = []
    follows, reach = None, 0
    for opens, closes in reversed(working):
        if closes != follows:
            reach = closes
        found.append((opens, closes, reach))
        follows = opens
    found.reverse()
    return found
