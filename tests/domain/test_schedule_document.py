"""Schedules as callers write them: read, written back, and refused with a pointer to each fault."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Unacceptable, UnknownTimeZone
from domain.schedule import Hours, Override, Schedule, WeeklyHours
from domain.schedule_document import (
    MAX_INTERVALS,
    MAX_OVERRIDES,
    MAX_WEEKLY,
    parse_schedule,
    schedule_document,
)

NINE_TO_FIVE = {"from": "09:00", "to": "17:00"}


def faults(**document: object) -> list[tuple[str, str]]:
    with pytest.raises(Unacceptable) as refused:
        parse_schedule({"time_zone": "UTC", **document})
    assert refused.value.code == "invalid"
    return [(error.pointer, error.code) for error in refused.value.errors]


def test_a_schedule_is_read_as_it_is_written() -> None:
    assert parse_schedule(
        {
            "time_zone": "Australia/Lord_Howe",
            "weekly": [{"days": ["fri", "mon"], "from": "22:00", "to": "24:00"}],
            "overrides": [
                {"date": "2027-12-26", "intervals": [{"from": "00:00", "to": "00:00"}]},
                {"date": "2027-12-25", "intervals": []},
            ],
        }
    ) == Schedule(
        "Australia/Lord_Howe",
        (WeeklyHours((0, 4), Hours(1320, 1440)),),
        (Override(date(2027, 12, 25), ()), Override(date(2027, 12, 26), (Hours(0, 0),))),
    )


def test_a_schedule_without_hours_is_one() -> None:
    assert parse_schedule({"time_zone": "UTC"}) == Schedule("UTC")


hours = st.builds(Hours, st.integers(0, 1439), st.integers(0, 1440))
rules = st.builds(
    WeeklyHours,
    st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    hours,
)
overrides = st.dictionaries(st.dates(), st.lists(hours, max_size=3).map(tuple), max_size=4).map(
    lambda found: tuple(Override(on, found[on]) for on in sorted(found))
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.builds(Schedule, st.just("Asia/Tokyo"), st.lists(rules, max_size=4).map(tuple), overrides)
)
def test_every_schedule_survives_being_written(schedule: Schedule) -> None:
    assert parse_schedule(schedule_document(schedule)) == schedule


@pytest.mark.parametrize("time_zone", [None, 7, "Mars/Olympus", "../etc/passwd"])
def test_an_unknown_zone_is_refused_before_anything_else(time_zone: object) -> None:
    with pytest.raises(UnknownTimeZone) as refused:
        parse_schedule({"time_zone": time_zone, "weekly": 3})
    assert [error.pointer for error in refused.value.errors] == ["/time_zone"]


@pytest.mark.parametrize(
    "clock",
    [
        None,
        9,
        "9:00",
        "09:00:00",
        "24:01",
        "25:00",
        "09:60",
        "",
        "09:00\n",
        "\uff10\uff19:00",
        "-1:00",
    ],
)
def test_a_time_is_written_with_four_digits(clock: object) -> None:
    rule = {"days": ["mon"], "from": clock, "to": clock}
    assert faults(weekly=[rule]) == [
        ("/weekly/0/from", "invalid_time"),
        ("/weekly/0/to", "invalid_time"),
    ]


def test_nothing_starts_at_twenty_four_oclock() -> None:
    rule = {"days": ["mon"], "from": "24:00", "to": "24:00"}
    assert faults(weekly=[rule]) == [("/weekly/0/from", "invalid_time")]


@pytest.mark.parametrize(
    "days", [None, [], "mon", ["monday"], ["mon", "mon"], ["mon", 1], ["mon", ["tue"]], {"mon": 1}]
)
def test_days_are_named_each_once(days: object) -> None:
    assert faults(weekly=[{"days": days, **NINE_TO_FIVE}]) == [("/weekly/0/days", "invalid_days")]


@pytest.mark.parametrize(
    "on", [None, 20270101, "2027-02-29", "2027-13-01", "20270101", "2027-W01-1", "0000-01-01"]
)
def test_a_date_is_one_of_the_calendar(on: object) -> None:
    assert faults(overrides=[{"date": on, "intervals": []}]) == [
        ("/overrides/0/date", "invalid_date")
    ]


def test_a_date_has_one_override() -> None:
    closed = {"date": "2027-12-25", "intervals": []}
    assert faults(overrides=[closed, closed]) == [("/overrides/1/date", "duplicate")]


def test_every_fault_is_told_at_once() -> None:
    assert faults(
        weekly=[{"days": ["mon"], **NINE_TO_FIVE}, "mon", {"days": ["tue"], "from": "x"}],
        overrides=[{"date": "2027-12-25", "intervals": [{"from": "09:00", "until": "10:00"}]}, {}],
        holidays=[],
    ) == [
        ("", "unknown_field"),
        ("/weekly/1", "invalid_type"),
        ("/weekly/1/days", "invalid_days"),
        ("/weekly/1/from", "invalid_time"),
        ("/weekly/1/to", "invalid_time"),
        ("/weekly/2/from", "invalid_time"),
        ("/weekly/2/to", "invalid_time"),
        ("/overrides/0/intervals/0", "unknown_field"),
        ("/overrides/0/intervals/0/to", "invalid_time"),
        ("/overrides/1/date", "invalid_date"),
        ("/overrides/1/intervals", "invalid_type"),
    ]


def test_every_list_has_a_limit() -> None:
    rule = {"days": ["mon"], **NINE_TO_FIVE}
    most = parse_schedule({"time_zone": "UTC", "weekly": [rule] * MAX_WEEKLY})
    assert len(most.weekly) == MAX_WEEKLY
    assert faults(weekly=[rule] * (MAX_WEEKLY + 1)) == [("/weekly", "too_many")]
    assert faults(overrides=[{}] * (MAX_OVERRIDES + 1)) == [("/overrides", "too_many")]
    override = {"date": "2027-12-25", "intervals": [NINE_TO_FIVE] * (MAX_INTERVALS + 1)}
    assert faults(overrides=[override]) == [("/overrides/0/intervals", "too_many")]


def test_a_list_is_a_list() -> None:
    assert faults(weekly="mon", overrides={}) == [
        ("/weekly", "invalid_type"),
        ("/overrides", "invalid_type"),
    ]


def test_no_fault_repeats_what_the_caller_wrote() -> None:
    with pytest.raises(Unacceptable) as refused:
        parse_schedule(
            {"time_zone": "UTC", "canary": 1, "weekly": [{"days": ["canary"], "from": "canary"}]}
        )
    assert "canary" not in repr(refused.value.errors) + str(refused.value)
