"""A statutory clock: from when a rule runs, what paused or extended it, by when it must be met, and whether it was.

1. A deadline is never set by hand: it follows from the rule, the calendar and what happened.
2. It is on time through the last instant of the last day in the clock's zone; a rule in hours through its instant.
3. A pause moves the last day, before it rolls, by whole local days: from the day the pause began to the day it ended.
   As many days are left afterwards as were left before. Nothing late is paused, and nothing paused grows late.
4. A clock is extended once, while the rule lets the person be told of it, and longer is counted from the start.
5. What has stopped stays stopped.

*Not here*: the rules (`clock_rules`), which clocks a request has (`request_clocks`).
*Source*: Regulation (EEC, Euratom) 1182/71 Art. 3; README D10.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from domain import local_time
from domain.clock_rules import RULES_VERSION
from domain.clock_terms import Length, Rule
from domain.errors import ExtensionTooLate, InvalidState
from domain.working_days import WorkingCalendar, add_business_days, add_months, roll_forward

State = Literal["running", "paused", "met", "late"]


@dataclass(frozen=True, slots=True)
class Clock:
    """One rule running for one case: what happened to it, and what follows.

    `zone` is the tenant's. `paused_intervals` are half-open, in order and apart; `paused_at` is the start of one that
    has not ended. `first_used_at` is when data was used first, where the rule ends then. Made by `started` alone.
    """

    rule: Rule
    starts_at: datetime
    zone: str
    calendar: WorkingCalendar
    paused_intervals: tuple[tuple[datetime, datetime], ...] = ()
    paused_at: datetime | None = None
    extended_at: datetime | None = None
    first_used_at: datetime | None = None
    stopped_at: datetime | None = None

    @property
    def rule_id(self) -> str:
        """Which rule it runs by."""
        return self.rule.id

    @property
    def extended_by(self) -> Length | None:
        """By how much it was extended; None where it was not."""
        extension = self.rule.extension
        if self.extended_at is None or extension is None:
            return None
        return Length(extension.by, self.rule.length.unit)

    @property
    def length(self) -> Length:
        """How long it runs in all, pauses aside."""
        extra = self.extended_by
        length = self.rule.length
        return length if extra is None else replace(length, amount=length.amount + extra.amount)

    @property
    def due_on(self) -> date:
        """The last local day on which it is still on time. A pause that has not ended is not reckoned in."""
        length = self.length
        if length.unit == "hours":
            return self._day_of(self.due_at)
        last = self._last_day(length)
        return last if self.first_used_at is None else min(last, self._day_of(self.first_used_at))

    @property
    def due_at(self) -> datetime:
        """The end of `due_on`, which is where the next day begins; the instant itself where the rule has one."""
        length = self.length
        if length.unit == "hours":
            return self.starts_at + timedelta(hours=length.amount)
        end = self._end_of(self._last_day(length))
        return end if self.first_used_at is None else min(end, self.first_used_at)

    def is_past(self, at: datetime) -> bool:
        """True when `at` is too late."""
        if self.length.unit == "hours":
            return at > self.due_at
        if self.first_used_at is not None and at > self.first_used_at:
            return True
        return at >= self._end_of(self._last_day(self.length))

    def extension_is_past(self, at: datetime) -> bool:
        """True when `at` is too late to tell of an extension, for a rule that has one."""
        extension = self.rule.extension
        return extension is None or at >= self._end_of(self._last_day(extension.told_within))

    def reckoned(self, now: datetime) -> Clock:
        """The clock with a pause that has not ended counted until `now`."""
        if self.paused_at is None:
            return self
        until = max(now, self.paused_at)
        ended = (*self.paused_intervals, (self.paused_at, until))
        return replace(self, paused_intervals=ended, paused_at=None)

    def _last_day(self, length: Length) -> date:
        start = self._day_of(self.starts_at)
        match length.unit:
            case "months":
                day = add_months(start, length.amount)
            case "business_days":
                day = add_business_days(start, length.amount, self.calendar)
            case _:
                day = start + timedelta(days=length.amount)
        for paused_at, resumed_at in self.paused_intervals:
            # A pause may begin on a day that is the last only because it rolled there: none is left, before or after.
            paused_on = self._day_of(paused_at)
            day = max(day, paused_on) + (self._day_of(resumed_at) - paused_on)
        return roll_forward(day, self.calendar) if self.rule.rolls else day

    def _day_of(self, at: datetime) -> date:
        return local_time.local_date(self.zone, math.floor(at.timestamp()))

    def _end_of(self, day: date) -> datetime:
        return datetime.fromtimestamp(local_time.midnight(self.zone, day.toordinal() + 1), UTC)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a clock stands: on time or late, by which rule of which edition, due when by which calendar.

    `due_on` and `due_at` as of `Clock`, a pause that has not ended counted until now.
    """

    rule: str
    source: str
    rules_version: str
    calendar_id: str | None
    calendar_version: str | None
    state: State
    due_on: date
    due_at: datetime
    zone: str
    stopped_at: datetime | None

    @property
    def is_on_time(self) -> bool:
        """True unless it is late."""
        return self.state != "late"


def started(rule: Rule, at: datetime, zone: str, calendar: WorkingCalendar) -> Clock:
    """Start a clock at the instant `at`. Refuses: UnknownTimeZone."""
    return Clock(rule, at, local_time.zone(zone).key, calendar)


def paused(clock: Clock, at: datetime) -> Clock:
    """Let it stand still from `at` on.

    Refuses: InvalidState (stopped; before its last fact; its rule knows no pause; paused already; late already).
    """
    _demand_open(clock, at)
    if not clock.rule.pausable:
        raise InvalidState(f"{clock.rule_id} knows no pause")
    if clock.paused_at is not None:
        raise InvalidState("It is paused already")
    if clock.is_past(at):
        raise InvalidState("It is late already")
    return replace(clock, paused_at=at)


def resumed(clock: Clock, at: datetime) -> Clock:
    """Let it run on from `at`. Refuses: InvalidState (stopped; before its last fact; not paused)."""
    _demand_open(clock, at)
    if clock.paused_at is None:
        raise InvalidState("It is not paused")
    return clock.reckoned(at)


def extended(clock: Clock, at: datetime) -> Clock:
    """Extend it, the person having been told at `at`.

    Refuses: InvalidState (stopped; before its last fact; its rule knows no extension; extended already),
    ExtensionTooLate (after the last day on which the person may be told).
    """
    _demand_open(clock, at)
    if clock.rule.extension is None:
        raise InvalidState(f"{clock.rule_id} knows no extension")
    if clock.extended_at is not None:
        raise InvalidState("It was extended once already")
    if clock.reckoned(at).extension_is_past(at):
        raise ExtensionTooLate(rule=clock.rule_id)
    return replace(clock, extended_at=at)


def first_used(clock: Clock, at: datetime) -> Clock:
    """Note that the data was used at `at`: the person was contacted, or it was disclosed. The first use counts.

    Refuses: InvalidState (stopped; before its last fact; its rule does not end with a use).
    """
    _demand_open(clock, at)
    if not clock.rule.until_first_use:
        raise InvalidState(f"{clock.rule_id} does not end with a use")
    return clock if clock.first_used_at is not None else replace(clock, first_used_at=at)


def stopped(clock: Clock, at: datetime) -> Clock:
    """Stop it: what the rule demands was done at `at`, in time or not. A pause ends with it.

    Refuses: InvalidState (stopped already; before its last fact; a time to keep something has not passed).
    """
    _demand_open(clock, at)
    if clock.rule.bound == "at_least" and not clock.is_past(at):
        raise InvalidState(f"{clock.rule_id} demands that it is kept longer")
    return replace(clock.reckoned(at), stopped_at=at)


def verdict(clock: Clock, now: datetime) -> Verdict:
    """Say how it stands at `now`. A time to keep something is running until it has passed, and then met."""
    due = clock.reckoned(now)
    known = clock.rule.needs_calendar
    return Verdict(
        rule=clock.rule_id,
        source=clock.rule.source,
        rules_version=RULES_VERSION,
        calendar_id=clock.calendar.id if known else None,
        calendar_version=clock.calendar.version if known else None,
        state=_state(clock, due, now),
        due_on=due.due_on,
        due_at=due.due_at,
        zone=clock.zone,
        stopped_at=clock.stopped_at,
    )


def _state(clock: Clock, due: Clock, now: datetime) -> State:
    if clock.rule.bound == "at_least":
        return "met" if due.is_past(now) else "running"
    if clock.stopped_at is not None:
        return "late" if clock.is_past(clock.stopped_at) else "met"
    if due.is_past(now):
        return "late"
    return "running" if clock.paused_at is None else "paused"


def _demand_open(clock: Clock, at: datetime) -> None:
    if clock.stopped_at is not None:
        raise InvalidState("It has stopped")
    ends = (end for _, end in clock.paused_intervals)
    before = (clock.starts_at, clock.paused_at, clock.extended_at, *ends)
    if any(each is not None and at < each for each in before):
        raise InvalidState("It lies before what has happened already")
