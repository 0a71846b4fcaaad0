"""The slot engine against a minute-by-minute search, where clocks change inside working time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.availability import (
    Session,
    SlotRules,
    StaffTime,
    Verdict,
    free_starts,
    judge,
    relevant_range,
)
from domain.intervals import Interval
from domain.schedule import Schedule, working_intervals
from domain.schedule_document import parse_schedule
from tests.slot_oracle import WEEK, Question, WallClock, wall_clock

# A UTC day on or about which the zone's clocks change, or another thing worth a look.
CHANGES = [
    ("Australia/Lord_Howe", "2027-04-03"),  # back by half an hour
    ("Australia/Lord_Howe", "2027-10-02"),
    ("Asia/Beirut", "2027-03-27"),  # midnight is skipped
    ("Asia/Beirut", "2027-10-30"),  # the last hour of the day comes twice
    ("Pacific/Apia", "2011-12-30"),  # a Friday is skipped
    ("Pacific/Kwajalein", "1993-08-20"),  # a Saturday is skipped
    ("Africa/Casablanca", "2027-02-07"),  # Ramadan begins
    ("Africa/Casablanca", "2027-03-14"),  # and ends
    ("America/New_York", "2027-03-14"),
    ("America/New_York", "2027-11-07"),
    ("Europe/London", "2027-03-28"),
    ("Europe/London", "2027-10-31"),
    ("America/St_Johns", "2006-04-02"),  # at one minute past midnight
    ("America/St_Johns", "2006-10-29"),
    ("America/Havana", "2027-03-14"),
    ("America/Sao_Paulo", "2018-02-18"),  # midnight comes twice
    ("Antarctica/Troll", "2027-03-28"),  # by two hours
    ("Africa/Cairo", "2027-04-29"),
    ("Asia/Kathmandu", "2027-05-05"),  # nothing changes
]
WALKED_BEFORE, WALKED_AFTER = 30, 9
STEPS = (5, 15, 20, 25, 30, 45, 50, 60, 90)


def clock_times(*, end: bool) -> st.SearchStrategy[str]:
    """Times of day, most of them where clocks change."""
    quarters = st.one_of(st.integers(0, 16), st.integers(0, 95), st.integers(84, 95))
    texts = quarters.map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
    odd = st.integers(0, 24 * 60 - 1).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
    return st.one_of(texts, odd, st.just("24:00")) if end else st.one_of(texts, texts, odd)


def hours() -> st.SearchStrategy[dict[str, str]]:
    return st.one_of(
        st.fixed_dictionaries({"from": clock_times(end=False), "to": clock_times(end=True)}),
        st.just({"from": "00:00", "to": "24:00"}),
    )


@st.composite
def schedules(draw: st.DrawFn, zone_name: str, around: date) -> dict[str, object]:
    every_day = st.just(list(WEEK))
    some_days = st.lists(st.sampled_from(WEEK), min_size=1, max_size=7, unique=True)
    weekly = [
        {"days": draw(st.one_of(every_day, some_days)), **draw(hours())}
        for _ in range(draw(st.integers(1, 3)))
    ]
    dates = st.integers(-16, 4).map(lambda days: (around + timedelta(days)).isoformat())
    overrides = [
        {"date": on, "intervals": draw(st.lists(hours(), max_size=2))}
        for on in draw(st.lists(dates, max_size=3, unique=True))
    ]
    return {"time_zone": zone_name, "weekly": weekly, "overrides": overrides}


@st.composite
def services(draw: st.DrawFn) -> dict[str, int]:
    return {
        "duration_minutes": draw(st.sampled_from((5, 15, 30, 45, 60, 95, 240, 1500))),
        "slot_interval_minutes": draw(st.sampled_from(STEPS)),
        "buffer_before_minutes": draw(st.sampled_from((0, 0, 5, 10, 45))),
        "buffer_after_minutes": draw(st.sampled_from((0, 0, 5, 15, 60))),
        "minimum_notice_minutes": draw(st.sampled_from((0, 0, 60, 24 * 60))),
        "booking_window_days": draw(st.sampled_from((1, 2, 60))),
        "capacity": draw(st.sampled_from((1, 1, 2, 8))),
    }


@st.composite
def questions(draw: st.DrawFn, zone_name: str, day: str) -> tuple[Question, int, int]:
    """A question, and the UTC minutes `[first, last)` to ask it of."""
    change = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) // 60
    first_walked = change - WALKED_BEFORE * 24 * 60
    clock = wall_clock(zone_name, first_walked, (WALKED_BEFORE + WALKED_AFTER) * 24 * 60)
    service = draw(services())
    first = change + draw(st.integers(-24 * 60, 24 * 60))
    last = first + draw(st.sampled_from((90, 24 * 60, 2 * 24 * 60)))
    fives = st.integers(first // 5 - 60, last // 5 + 60).map(lambda five: five * 5)
    lengths = st.sampled_from((0, 5, 30, 60, 200))
    taken = [(start, start + draw(lengths)) for start in draw(st.lists(fives, max_size=8))]
    sessions = {}
    for start in draw(st.lists(fives, max_size=4)) if service["capacity"] > 1 else ():
        reserved = (start - draw(st.sampled_from((0, 10))), start + service["duration_minutes"])
        sessions[start] = (start, draw(st.integers(1, service["capacity"])), reserved)
    around = date.fromisoformat(day)
    closed = draw(
        st.sets(st.integers(-8, 3).map(lambda days: around + timedelta(days)), max_size=2)
    )
    now = first * 60 + draw(st.sampled_from((-3 * 86_400, -86_400, -3_600, 0, 5_401)))
    schedule = draw(schedules(zone_name, around))
    question = Question(
        schedule, service, clock, now, frozenset(closed), tuple(taken), tuple(sessions.values())
    )
    return question, first, last


def seconds(minutes: tuple[int, int]) -> Interval:
    return minutes[0] * 60, minutes[1] * 60


def known_time(
    question: Question, schedule: Schedule, rules: SlotRules, span: Interval
) -> StaffTime:
    """What a caller would load for the span, and nothing else."""
    relevant = relevant_range(rules, *span, question.now_seconds)
    if relevant is None:
        return StaffTime(())

    def meets(interval: Interval) -> bool:
        return interval[0] < relevant[1] and relevant[0] < interval[1]

    sessions = (
        Session(start * 60, seats_taken, seconds(reserved))
        for start, seats_taken, reserved in question.sessions
    )
    return StaffTime(
        working_intervals(schedule, *relevant, question.closed),
        tuple(filter(meets, map(seconds, question.occupied))),
        tuple(session for session in sessions if meets(session.reserved)),
    )


def clock_changes(clock: WallClock, first: int, last: int) -> list[int]:
    """The minutes of `[first, last)` before which the wall clock did not go on by one minute."""
    shown, begins = clock.shown, clock.first_minute
    return [
        minute
        for minute in range(first, last)
        if shown[minute - begins] != shown[minute - begins - 1] + 1
    ]


def assert_equal_to_the_search(question: Question, first: int, last: int) -> None:
    schedule, rules = parse_schedule(question.schedule), SlotRules(**question.service)
    answers = {minute: question.answer(minute) for minute in range(first, last)}

    span = seconds((first, last))
    listed = free_starts(
        rules, known_time(question, schedule, rules, span), *span, question.now_seconds
    )
    assert listed == [minute * 60 for minute in answers if answers[minute] == "free"]

    asked = set(list(answers)[:: len(answers) // 40])
    asked |= {start // 60 for start in listed[:: len(listed) // 20 + 1]}
    for change in clock_changes(question.clock, first, last):
        asked |= set(range(max(first, change - 30), min(last, change + 31), 5))
    for minute in asked:
        at = minute * 60
        alone = known_time(question, schedule, rules, (at, at + 1))
        verdict = judge(rules, alone, at, question.now_seconds)
        assert verdict is Verdict(answers[minute]), minute


@pytest.mark.parametrize(("zone_name", "day"), CHANGES)
def test_every_listed_start_and_every_refused_minute_equals_a_slow_search(
    zone_name: str, day: str
) -> None:
    @settings(max_examples=25, deadline=None, derandomize=True, database=None)
    @given(questions(zone_name, day))
    def equal(asked: tuple[Question, int, int]) -> None:
        assert_equal_to_the_search(*asked)

    equal()
