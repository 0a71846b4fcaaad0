"""Any clock, with anything that may happen to it, is due when counting day by day says so.

The oracle below shares nothing with the product: it walks from day to day, uses another library for months, and
finds out whether a day is late by asking the zone what date it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Final, get_args
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain import clock
from domain.clock import Clock
from domain.clock_rules import RULES
from domain.clock_terms import Fact, FactKind, Jurisdiction, Length, RequestType, Rule
from domain.errors import ExtensionTooLate, InvalidState
from domain.request_clocks import clocks_for, years_reached
from domain.working_days import WorkingCalendar

DAY: Final = timedelta(days=1)
ZONES = st.sampled_from(
    ("Europe/Berlin", "America/Los_Angeles", "Africa/Cairo", "America/Havana", "Pacific/Kiritimati")
)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2029, 12, 31)).map(
    lambda wall: wall.replace(tzinfo=UTC, microsecond=0)
)
CALENDARS = st.sets(st.dates(date(2020, 1, 1), date(2032, 12, 31)), max_size=150).map(
    lambda days: WorkingCalendar("XX", "1", 2019, 2039, frozenset(days))
)
STEPS: Final[dict[str, Callable[[Clock, datetime], Clock]]] = {
    "paused": clock.paused,
    "resumed": clock.resumed,
    "extended": clock.extended,
    "used": clock.first_used,
    "stopped": clock.stopped,
}
TIMED = [rule for rule in RULES.values() if rule.length.unit != "hours"]
# Most may be paused or extended, for that is where there is something to get wrong.
LIVELY = [
    rule for rule in TIMED if rule.pausable or rule.until_first_use or rule.id == "us_co.appeal"
]
RULES_DRAWN = st.sampled_from(LIVELY) | st.sampled_from(LIVELY) | st.sampled_from(TIMED)
# A step, and when: so many seconds later, or (None) so many seconds before or after the last day's end.
WHEN = st.tuples(
    st.integers(0, 4 * 24 * 3600) | st.integers(0, 40 * 24 * 3600) | st.none(), st.integers(-1, 1)
)
STEP = st.sampled_from(sorted(STEPS)) | st.just("extended")
BLOCKS = st.tuples(st.tuples(STEP, WHEN)) | st.tuples(
    st.tuples(st.just("paused"), WHEN), st.tuples(st.just("resumed"), WHEN)
)
HISTORIES = st.lists(BLOCKS, max_size=4).map(
    lambda blocks: [step for each in blocks for step in each]
)


@dataclass
class Walker:
    """The same case, counted by walking."""

    rule: Rule
    starts_at: datetime
    zone: ZoneInfo
    holidays: frozenset[date]
    pauses: list[tuple[date, date]] = field(default_factory=list)
    paused_since: date | None = None
    was_extended: bool = False
    used_at: datetime | None = None

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def is_off(self, day: date) -> bool:
        return day.isoweekday() > 5 or day in self.holidays

    def last_day(self, length: Length) -> date:
        """Walk from the day after the start, from pause to pause; what is paused over uses up none of the length."""
        day = self.day(self.starts_at)
        left = length.amount
        if length.unit == "months":
            left = (day + relativedelta(months=length.amount) - day).days
        for first, last in self.pauses:
            left -= min(left, (first - day).days)
            day = last
        while left:
            day += DAY
            left -= length.unit != "business_days" or not self.is_off(day)
        while self.rule.rolls and self.is_off(day):
            day += DAY
        return day

    @property
    def length(self) -> Length:
        extra = self.rule.extension.by if self.was_extended and self.rule.extension else 0
        return Length(self.rule.length.amount + extra, self.rule.length.unit)

    def end(self, length: Length) -> datetime:
        """The first instant of another day than the last, found by halving."""
        last = self.last_day(length)
        before = datetime(last.year, last.month, last.day, tzinfo=UTC) - 2 * DAY
        after = before + 5 * DAY
        while after - before > timedelta(seconds=1):
            middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
            before, after = (middle, after) if self.day(middle) <= last else (before, middle)
        return after

    def is_late(self, at: datetime) -> bool:
        after_use = self.used_at is not None and at > self.used_at
        return after_use or self.day(at) > self.last_day(self.length)

    def reckoned(self, at: datetime) -> Walker:
        """A pause that has not ended ends at `at`."""
        found = Walker(self.rule, self.starts_at, self.zone, self.holidays, list(self.pauses))
        found.was_extended, found.used_at = self.was_extended, self.used_at
        if self.paused_since is not None:
            found.pauses.append((self.paused_since, self.day(at)))
        return found

    def allows(self, step: str, at: datetime) -> str:
        """Why the step is refused at `at`; nothing where it is not."""
        now, rule = self.reckoned(at), self.rule
        match step:
            case "paused":
                fits = rule.pausable and self.paused_since is None and not self.is_late(at)
            case "resumed":
                fits = self.paused_since is not None
            case "extended":
                fits = rule.extension is not None and not self.was_extended
                if (
                    fits
                    and rule.extension
                    and now.day(at) > now.last_day(rule.extension.told_within)
                ):
                    return "extension_too_late"
            case "used":
                fits = rule.until_first_use
            case _:
                fits = rule.bound == "at_most" or self.is_late(at)
        return "" if fits else "invalid_state"

    def take(self, step: str, at: datetime) -> None:
        match step:
            case "paused":
                self.paused_since = self.day(at)
            case "extended":
                self.was_extended = True
            case "used":
                self.used_at = self.used_at or at
            case _ if self.paused_since is not None:
                self.pauses.append((self.paused_since, self.day(at)))
                self.paused_since = None


@settings(max_examples=400)
@given(RULES_DRAWN, INSTANTS, ZONES, CALENDARS, HISTORIES, st.integers(0, 10**7) | st.none())
def test_a_clock_is_due_when_walking_says_so(
    rule: Rule,
    starts_at: datetime,
    zone: str,
    calendar: WorkingCalendar,
    history: list[tuple[str, tuple[int | None, int]]],
    later: int | None,
) -> None:
    running = clock.started(rule, starts_at, zone, calendar)
    walker = Walker(rule, starts_at, ZoneInfo(zone), calendar.holidays)
    now = starts_at
    for step, (seconds, off) in history:
        now = moved(walker, now, seconds, off)
        expected = walker.allows(step, now)
        refused = ""
        try:
            running = STEPS[step](running, now)
        except (InvalidState, ExtensionTooLate) as refusal:
            refused = refusal.code
        assert refused == expected, (step, now)
        if not refused:
            walker.take(step, now)
        if running.stopped_at is not None:
            break
    last = walker.last_day(walker.length)
    used = walker.used_at
    assert running.due_on == (last if used is None else min(last, walker.day(used)))
    end = walker.end(walker.length)
    assert running.due_at == (end if used is None else min(end, used))
    now = moved(walker, now, later, 0)
    assert clock.verdict(running, now).state == state(walker, running.stopped_at, now)


def moved(walker: Walker, now: datetime, seconds: int | None, off: int) -> datetime:
    """So many seconds later; or to where the last day ends, if that is still to come."""
    if seconds is not None:
        return now + timedelta(seconds=seconds)
    return max(now, walker.reckoned(now).end(walker.length) + timedelta(seconds=off))


def state(walker: Walker, stopped_at: datetime | None, now: datetime) -> str:
    """How it stands, told from the walk."""
    if walker.rule.bound == "at_least":
        return "met" if walker.is_late(now) else "running"
    if stopped_at is not None:
        return "late" if walker.is_late(stopped_at) else "met"
    if walker.reckoned(now).is_late(now):
        return "late"
    return "running" if walker.paused_since is None else "paused"


@given(st.sampled_from(TIMED), INSTANTS, ZONES, CALENDARS)
def test_a_clock_ends_with_the_last_second_of_its_last_day(
    rule: Rule, starts_at: datetime, zone: str, calendar: WorkingCalendar
) -> None:
    running = clock.started(rule, starts_at, zone, calendar)
    here, end = ZoneInfo(zone), running.due_at
    assert end.astimezone(here).date() > running.due_on
    assert (end - timedelta(seconds=1)).astimezone(here).date() == running.due_on


@given(INSTANTS, ZONES, st.integers(0, 10**6))
def test_hours_are_hours_that_pass(starts_at: datetime, zone: str, seconds: int) -> None:
    calendar = WorkingCalendar("XX", "1", 2019, 2039, frozenset())
    running = clock.started(RULES["breach.authority"], starts_at, zone, calendar)
    passed = starts_at + timedelta(seconds=seconds)
    assert running.is_past(passed) == (seconds > 72 * 60 * 60)
    assert running.due_on == running.due_at.astimezone(ZoneInfo(zone)).date()


PAIRS: Final[list[tuple[RequestType, Jurisdiction]]] = [
    ("access", "gdpr"),
    ("erasure", "uk_gdpr"),
    ("erasure", "us_ca"),
    ("access", "us_co"),
    ("accounting", "us_hipaa"),
]
KINDS: Final = st.sampled_from(("paused", "resumed", "extended")) | st.sampled_from(
    get_args(FactKind)
)
TOLD: Final = st.lists(st.tuples(KINDS, st.integers(0, 45 * 24 * 3600)), min_size=2, max_size=7)


@given(st.sampled_from(PAIRS), INSTANTS, ZONES, TOLD, st.randoms(use_true_random=False))
def test_a_request_s_clocks_follow_from_its_facts_in_whatever_order_they_are_told(
    pair: tuple[RequestType, Jurisdiction],
    received_at: datetime,
    zone: str,
    told: list[tuple[FactKind, int]],
    random: Random,
) -> None:
    facts = [Fact(kind, received_at + timedelta(seconds=seconds)) for kind, seconds in told]
    assume(len({fact.at for fact in facts}) == len(facts))
    now = max(fact.at for fact in facts)
    calendar = WorkingCalendar("XX", "1", *years_reached(received_at, now), frozenset())

    def outcome(order: list[Fact]) -> tuple[clock.Verdict, ...] | str:
        try:
            found = clocks_for(*pair, received_at, order, zone, calendar)
        except (ExtensionTooLate, InvalidState) as refused:
            return refused.code
        return tuple(clock.verdict(each, now) for each in found)

    shuffled = list(facts)
    random.shuffle(shuffled)
    assert outcome(shuffled) == outcome(facts) == outcome(facts[::-1])
