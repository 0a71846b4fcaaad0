"""Working time: weekly hours, overrides, closures, midnight, and where a grid begins."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.intervals import Interval
from domain.schedule import (
    Hours,
    Override,
    Schedule,
    WeeklyHours,
    working_intervals,
)

MON, TUE, WED, THU, FRI, SAT, SUN = range(7)
EVERY_DAY = (MON, TUE, WED, THU, FRI, SAT, SUN)
DAY = 24 * 60


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def shown(intervals: list[Interval]) -> list[tuple[str, str]]:
    return [
        (
            f"{datetime.fromtimestamp(a, UTC):%m-%d %H:%M}",
            f"{datetime.fromtimestamp(b, UTC):%m-%d %H:%M}",
        )
        for a, b in intervals
    ]


def hours(written: str) -> Hours:
    start, end = written.split("-")
    return Hours(*(int(clock[:2]) * 60 + int(clock[3:]) for clock in (start, end)))


def weekly(days: tuple[int, ...], *written: str) -> tuple[WeeklyHours, ...]:
    return tuple(WeeklyHours(days, hours(one)) for one in written)


def override(on: str, *written: str) -> Override:
    return Override(date.fromisoformat(on), tuple(hours(one) for one in written))


def working(
    schedule: Schedule, first: str, last: str, closed: frozenset[date] = frozenset()
) -> list[tuple[str, str]]:
    return shown(working_intervals(schedule, utc(first), utc(last), closed))


def test_hours_follow_the_wall_clock_over_a_change() -> None:
    office = Schedule("America/New_York", weekly((SAT, SUN), "09:00-17:00"))
    assert working(office, "2027-03-13", "2027-03-15") == [
        ("03-13 14:00", "03-13 22:00"),
        ("03-14 13:00", "03-14 21:00"),
    ]


def test_a_window_gets_every_interval_that_meets_it_and_whole() -> None:
    office = Schedule("UTC", weekly((MON, TUE), "09:00-12:00", "13:00-17:00"))
    assert working(office, "2027-03-15T11:59", "2027-03-16T09:01") == [
        ("03-15 09:00", "03-15 12:00"),
        ("03-15 13:00", "03-15 17:00"),
        ("03-16 09:00", "03-16 12:00"),
    ]
    assert working(office, "2027-03-15T12:00", "2027-03-15T13:00") == []
    assert working(office, "2027-03-15T10:00", "2027-03-15T10:00") == []


def test_an_end_at_or_before_its_start_is_on_the_next_day_and_belongs_to_the_first() -> None:
    nights = Schedule("UTC", weekly((FRI,), "22:00-06:00"), (override("2027-03-20"),))
    assert working(nights, "2027-03-19", "2027-03-23") == [("03-19 22:00", "03-20 06:00")]
    whole_day = Schedule("UTC", weekly((FRI,), "09:00-09:00"))
    assert working(whole_day, "2027-03-20T08:00", "2027-03-21") == [("03-19 09:00", "03-20 09:00")]


def test_twenty_four_oclock_and_midnight_of_the_next_day_are_the_same_end() -> None:
    for written in ("18:00-24:00", "18:00-00:00"):
        evenings = Schedule("America/New_York", weekly((SUN,), written))
        assert working(evenings, "2027-03-14", "2027-03-16") == [("03-14 22:00", "03-15 04:00")]


def test_an_override_replaces_the_whole_day_and_only_that_day() -> None:
    office = Schedule(
        "UTC",
        weekly(EVERY_DAY, "09:00-12:00", "13:00-17:00"),
        (override("2027-03-16", "10:00-11:00"), override("2027-03-17")),
    )
    assert working(office, "2027-03-15T13:00", "2027-03-18T12:00") == [
        ("03-15 13:00", "03-15 17:00"),
        ("03-16 10:00", "03-16 11:00"),
        ("03-18 09:00", "03-18 12:00"),
    ]


def test_a_closed_date_has_no_hours_unless_an_override_says_otherwise() -> None:
    office = Schedule(
        "UTC", weekly(EVERY_DAY, "09:00-17:00"), (override("2027-12-26", "10:00-12:00"),)
    )
    holidays = frozenset({date(2027, 12, 25), date(2027, 12, 26)})
    assert working(office, "2027-12-24", "2027-12-28", holidays) == [
        ("12-24 09:00", "12-24 17:00"),
        ("12-26 10:00", "12-26 12:00"),
        ("12-27 09:00", "12-27 17:00"),
    ]


def test_intervals_that_touch_or_overlap_are_one_also_over_midnight() -> None:
    split = Schedule("UTC", weekly((MON,), "13:00-17:00", "09:00-13:00", "10:00-11:00"))
    assert working(split, "2027-03-15", "2027-03-16") == [("03-15 09:00", "03-15 17:00")]
    late = Schedule("UTC", (*weekly((SAT,), "20:00-24:00"), *weekly((SUN, MON), "00:00-04:00")))
    assert working(late, "2027-03-21T03:00", "2027-03-22") == [("03-20 20:00", "03-21 04:00")]
    over_monday = Schedule("UTC", (*weekly((SUN,), "20:00-24:00"), *weekly((MON,), "00:00-04:00")))
    assert working(over_monday, "2027-03-22T01:00", "2027-03-23") == [
        ("03-21 20:00", "03-22 04:00")
    ]


def test_hours_meet_as_instants_not_on_the_wall() -> None:
    # 02:30 is skipped and means 03:30: the second interval begins inside the first.
    new_york = Schedule("America/New_York", weekly((SUN,), "01:00-02:30", "03:15-04:00"))
    assert working(new_york, "2027-03-14", "2027-03-15") == [("03-14 06:00", "03-14 08:00")]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("02:15-02:45", [("03-14 07:15", "03-14 07:45")]),  # both skipped: 03:15 to 03:45
        ("02:30-03:30", []),  # 03:30 to 03:30
        ("02:45-03:15", []),  # would end before it starts
        ("01:00-02:30", [("03-14 06:00", "03-14 07:30")]),
        ("02:30-05:00", [("03-14 07:30", "03-14 09:00")]),
    ],
)
def test_hours_beside_a_gap(written: str, expected: list[tuple[str, str]]) -> None:
    new_york = Schedule("America/New_York", weekly((SUN,), written))
    assert working(new_york, "2027-03-14", "2027-03-15") == expected


def test_hours_that_come_twice_are_worked_from_the_first_to_the_second() -> None:
    new_york = Schedule("America/New_York", weekly((SUN,), "01:15-01:30"))
    assert working(new_york, "2027-11-07", "2027-11-08") == [("11-07 05:15", "11-07 06:30")]
    beirut = Schedule("Asia/Beirut", weekly((SAT,), "23:00-24:00"))
    assert working(beirut, "2025-10-25", "2025-10-27") == [("10-25 20:00", "10-25 22:00")]


def test_a_start_that_its_window_reaches_over_midnight_is_seen() -> None:
    # At 00:01 St John's goes back to 23:01, so Sunday begins a first time before Saturday is over.
    sunday = Schedule("America/St_Johns", weekly((SUN,), "00:00-08:00"))
    assert working(sunday, "2006-10-29T02:00", "2006-10-29T02:45") == [
        ("10-29 02:30", "10-29 11:30")
    ]


def test_a_day_that_the_clocks_skip_has_no_working_time() -> None:
    friday = date(2011, 12, 30)
    office = Schedule("Pacific/Apia", weekly((THU, FRI), "09:00-17:00"))
    assert working(office, "2011-12-29", "2012-01-04") == [("12-29 19:00", "12-30 03:00")]
    opened = Schedule("Pacific/Apia", (), (Override(friday, (Hours(540, 600),)),))
    assert working(opened, "2011-12-28", "2012-01-03") == []


def test_a_night_before_a_skipped_day_ends_on_the_day_after_it() -> None:
    nights = Schedule("Pacific/Apia", weekly((THU,), "22:00-06:00"))
    assert working(nights, "2011-12-30", "2012-01-02") == [("12-30 08:00", "12-30 16:00")]


def test_a_night_over_a_change_is_an_hour_shorter() -> None:
    nights = Schedule("America/New_York", weekly((SAT,), "22:00-06:00"))
    assert working(nights, "2027-03-14T09:59", "2027-03-15") == [("03-14 03:00", "03-14 10:00")]


def test_an_endless_stretch_has_a_grid_for_each_week() -> None:
    always = Schedule("America/New_York", weekly(EVERY_DAY, "00:00-24:00"))
    assert working(always, "2027-03-10T12:00", "2027-03-15T04:00") == [
        ("03-08 05:00", "03-15 04:00")
    ]
    found = working(always, "2027-03-15T03:59", "2027-03-15T04:01")
    assert found[0] == ("03-08 05:00", "03-15 04:00")
    assert found[1][0] == "03-15 04:00"


def test_a_long_stretch_keeps_its_grid_until_it_has_lasted_a_whole_week() -> None:
    reopened = Schedule(
        "UTC", weekly(EVERY_DAY, "00:00-24:00"), (override("2027-03-10", "11:00-24:00"),)
    )
    # Wednesday the 10th; Monday the 15th does not cut, the 22nd does.
    assert working(reopened, "2027-03-20", "2027-03-23") == [
        ("03-10 11:00", "03-22 00:00"),
        ("03-22 00:00", "03-25 00:00"),
    ]
    during_monday = Schedule(
        "UTC", weekly(EVERY_DAY, "00:00-24:00"), (override("2027-03-08", "11:00-24:00"),)
    )
    assert working(during_monday, "2027-03-20", "2027-03-23")[0] == ("03-08 11:00", "03-22 00:00")
    from_monday = Schedule(
        "UTC", weekly(EVERY_DAY, "00:00-24:00"), (override("2027-03-14", "09:00-10:00"),)
    )
    assert working(from_monday, "2027-03-21", "2027-03-21T01:00")[0] == (
        "03-15 00:00",
        "03-22 00:00",
    )
    a_week = Schedule(
        "UTC",
        weekly(EVERY_DAY, "00:00-24:00"),
        (override("2027-03-14"), override("2027-03-22")),
    )
    assert working(a_week, "2027-03-15", "2027-03-23") == [("03-15 00:00", "03-22 00:00")]


def test_working_time_can_be_asked_for_at_the_ends_of_the_calendar() -> None:
    always = Schedule("America/New_York", weekly(EVERY_DAY, "00:00-24:00"))
    for at in (utc("0001-01-01"), utc("9999-12-31T23:59")):
        for start, end in working_intervals(always, at, at + 60):
            assert start < end


@st.composite
def any_schedule(draw: st.DrawFn) -> Schedule:
    minutes = st.integers(0, DAY - 1) | st.just(0)
    rules = st.builds(
        WeeklyHours,
        st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
        st.builds(Hours, minutes, minutes | st.just(DAY)),
    )
    endless = WeeklyHours(EVERY_DAY, Hours(0, DAY))
    zones = st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut"])
    changes = st.builds(
        Override,
        st.integers(0, 40).map(lambda days: date(2027, 3, 1) + timedelta(days)),
        st.lists(st.builds(Hours, minutes, minutes | st.just(DAY)), max_size=2).map(tuple),
    )
    overrides = draw(st.lists(changes, max_size=3, unique_by=lambda change: change.on))
    rule_list = draw(st.lists(rules | st.just(endless), min_size=1, max_size=3))
    return Schedule(draw(zones), tuple(rule_list), tuple(overrides))


@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(any_schedule(), st.integers(0, 30 * DAY), st.integers(1, 20 * DAY), st.integers(0, 9 * DAY))
def test_the_grid_does_not_depend_on_the_window(
    schedule: Schedule, offset: int, length: int, width: int
) -> None:
    first = utc("2027-03-01") + offset * 60
    last = first + length * 60
    wide = working_intervals(schedule, first, last)
    assert wide == sorted(wide)
    assert all(a < b for a, b in wide)
    assert all(before[1] <= after[0] for before, after in pairwise(wide))

    inner_last = min(last, first + width * 60 + 60)
    inner_first = max(first, inner_last - 3600)
    narrow = working_intervals(schedule, inner_first, inner_last)
    within = [piece for piece in wide if piece[0] < inner_last and inner_first < piece[1]]
    assert [start for start, _ in narrow] == [start for start, _ in within]
    assert [min(end, inner_last) for _, end in narrow] == [
        min(end, inner_last) for _, end in within
    ]
