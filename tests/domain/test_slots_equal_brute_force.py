"""The slot engine against a minute-by-minute search, where clocks change inside working time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

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
from tests.slot_oracle import DAY, WEEK, Question, WallClock, wall_clock

# A UTC day on which the zone's clocks change. All past: a zone may still change its mind.
CHANGES = [
    ("Australia/Lord_Howe", "2025-04-05"),  # back by half an hour
    ("Australia/Lord_Howe", "2025-10-04"),
    ("Asia/Beirut", "2025-03-29"),  # midnight is skipped
    ("Asia/Beirut", "2025-10-25"),  # the last hour of the day comes twice
    ("Pacific/Apia", "2011-12-30"),  # a Friday is skipped
    ("Pacific/Kwajalein", "1993-08-21"),  # a Saturday is skipped
    ("Africa/Casablanca", "2025-02-23"),  # Ramadan begins
    ("Africa/Casablanca", "2025-04-06"),  # and ends
    ("America/New_York", "2025-03-09"),
    ("America/New_York", "2025-11-02"),
    ("Europe/London", "2025-03-30"),
    ("Europe/London", "2025-10-26"),
    ("America/St_Johns", "2006-04-02"),  # at one minute past midnight
    ("America/St_Johns", "2006-10-29"),
    ("America/Havana", "2025-03-09"),
    ("America/Sao_Paulo", "2018-02-18"),  # the hour before midnight comes twice
    ("Antarctica/Troll", "2025-03-30"),  # by two hours
    ("Africa/Cairo", "2025-04-24"),
]
WALKED_BEFORE, WALKED_AFTER = 30, 9
ROUNDS = 30


def edges(clock: WallClock, first: int, last: int) -> list[int]:
    """Minutes of the day at and about the wall times where the clock jumps."""
    found = []
    for minute in clock_changes(clock, first, last):
        index = minute - clock.first_minute
        low, high = sorted((clock.shown[index - 1] + 1, clock.shown[index]))
        found += [low - 30, low, (low + high) // 2, low + 15, high, high + 30]
    return [wall % DAY for wall in found]


def written(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def some_hours(chance: Random, near: list[int]) -> dict[str, str]:
    kind = chance.randrange(10)
    if kind == 0:
        return {"from": "00:00", "to": "24:00"}
    start = chance.choice(near) if kind < 5 else chance.randrange(0, DAY, 15)
    length = chance.choice((15, 45, 60, 90, 210, 300, 600, DAY))
    end = chance.choice(near) if kind in (4, 5, 6) else (start + length) % DAY
    return {"from": written(start), "to": "24:00" if kind == 7 else written(end)}


def some_schedule(chance: Random, zone_name: str, around: date, near: list[int]) -> dict[str, Any]:
    weekly = []
    for _ in range(chance.choice((1, 1, 2, 3))):
        days = WEEK if chance.randrange(3) == 0 else chance.sample(WEEK, chance.randint(1, 5))
        weekly.append({"days": list(days), **some_hours(chance, near)})
    overrides: list[dict[str, Any]] = []
    for days_on in chance.sample(range(-16, 3), chance.choice((0, 0, 1, 3))) + [
        day for day in (-1, 0, 1) if chance.randrange(6) == 0
    ]:
        on = (around + timedelta(days_on)).isoformat()
        intervals = [some_hours(chance, near) for _ in range(chance.randrange(3))]
        if all(override["date"] != on for override in overrides):
            overrides.append({"date": on, "intervals": intervals})
    return {"time_zone": zone_name, "weekly": weekly, "overrides": overrides}


def some_service(chance: Random) -> dict[str, int]:
    return {
        "duration_minutes": chance.choice((5, 5, 15, 30, 30, 45, 60, 95, 240, 1500)),
        "slot_interval_minutes": chance.choice((1, 5, 15, 20, 25, 30, 45, 50, 60, 90)),
        "buffer_before_minutes": chance.choice((0, 0, 5, 10, 45)),
        "buffer_after_minutes": chance.choice((0, 0, 5, 15, 60)),
        "minimum_notice_minutes": chance.choice((0, 0, 60, 24 * 60)),
        "booking_window_days": chance.choice((1, 2, 60)),
        "capacity": chance.choice((1, 1, 2, 8)),
    }


def some_question(chance: Random, zone_name: str, day: str) -> tuple[Question, int, int]:
    """A question, and the UTC minutes `[first, last)` to ask it of."""
    around = date.fromisoformat(day)
    midday = int(datetime(around.year, around.month, around.day, 12, tzinfo=UTC).timestamp()) // 60
    clock = wall_clock(
        zone_name, midday - WALKED_BEFORE * DAY, (WALKED_BEFORE + WALKED_AFTER) * DAY
    )
    service = some_service(chance)
    near = edges(clock, midday - DAY // 2, midday + DAY // 2)
    assert near, "the clocks change on that day"
    first = midday + chance.randint(-DAY, DAY // 2)
    last = first + chance.choice((90, DAY, DAY))

    def fives(most: int) -> list[int]:
        return [
            chance.randint(first // 5 - 60, last // 5 + 60) * 5
            for _ in range(chance.randrange(most + 1))
        ]

    occupied = [(start, start + chance.choice((0, 5, 30, 60, 200))) for start in fives(6)]
    sessions = {
        start: (
            start,
            chance.randint(1, service["capacity"]),
            (start - chance.choice((0, 10)), start + service["duration_minutes"]),
        )
        for start in (fives(4) if service["capacity"] > 1 else [])
    }
    return (
        Question(
            some_schedule(chance, zone_name, around, near),
            service,
            clock,
            first * 60 + chance.choice((-3 * 86_400, -86_400, -86_400, -3_600, 0, 5_401)),
            frozenset(
                around + timedelta(chance.randint(-8, 3)) for _ in range(chance.randrange(2))
            ),
            tuple(occupied),
            tuple(sessions.values()),
        ),
        first,
        last,
    )


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


def assert_equal_to_the_search(question: Question, first: int, last: int) -> int:
    """Compare the list and single verdicts; says how many starts were listed."""
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
    return len(listed)


@pytest.mark.parametrize(("zone_name", "day"), CHANGES)
def test_every_listed_start_and_every_refused_minute_equals_a_slow_search(
    zone_name: str, day: str
) -> None:
    listed = 0
    for seed in range(ROUNDS):
        question, first, last = some_question(Random(f"{zone_name} {day} {seed}"), zone_name, day)
        try:
            listed += assert_equal_to_the_search(question, first, last)
        except AssertionError as different:
            different.add_note(f"seed {seed}: {question.schedule} {question.service}")
            raise
    assert listed > ROUNDS, "the questions were worth asking"
