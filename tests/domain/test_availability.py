"""Which starts are free: the grid, working time, buffers, notice, window, sessions, staff."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.availability import (
    Session,
    Slot,
    SlotRules,
    StaffTime,
    Verdict,
    free_starts,
    judge,
    relevant_range,
    slots,
    staff_order,
)
from domain.intervals import Interval

MIDNIGHT = int(datetime(2027, 3, 15, tzinfo=UTC).timestamp())
DAY = 86_400
LONG_AGO = MIDNIGHT - DAY
HALF_HOUR = SlotRules(duration_minutes=30, slot_interval_minutes=30)


def at(clock: str) -> int:
    return MIDNIGHT + int(clock[:2]) * 3600 + int(clock[3:]) * 60


def span(written: str) -> Interval:
    start, end = written.split("-")
    return at(start), at(end)


def spans(written: str) -> tuple[Interval, ...]:
    return tuple(span(one) for one in written.split())


def clocks(starts: list[int]) -> str:
    return " ".join(f"{datetime.fromtimestamp(start, UTC):%H:%M}" for start in starts)


def free(
    rules: SlotRules,
    working: str,
    occupied: str = "",
    *sessions: Session,
    window: str = "00:00-24:00",
    now: int = LONG_AGO,
) -> str:
    """The free starts as text; each start of the window is judged as well, and must agree."""
    staff_time = StaffTime(spans(working), spans(occupied), sessions)
    first, last = span(window)
    found = free_starts(rules, staff_time, first, last, now)
    for start in range(first, last, 300):
        verdict = judge(rules, staff_time, start, now)
        assert (verdict is Verdict.FREE) == (start in found)
    return clocks(found)


def test_the_grid_starts_where_working_time_starts() -> None:
    assert free(HALF_HOUR, "09:10-11:00 13:00-14:00") == "09:10 09:40 10:10 13:00 13:30"


def test_the_grid_is_not_moved_by_busy_time() -> None:
    assert free(HALF_HOUR, "09:00-12:00", "09:40-10:10") == "09:00 10:30 11:00 11:30"


def test_the_grid_counts_from_the_start_also_where_the_window_opens_later() -> None:
    rules = SlotRules(duration_minutes=30, slot_interval_minutes=50)
    assert free(rules, "09:00-17:00", window="12:00-14:10") == "12:20 13:10 14:00"


def test_a_slot_belongs_to_a_window_by_its_start() -> None:
    assert free(HALF_HOUR, "09:00-12:00", window="10:00-11:00") == "10:00 10:30"


def test_the_visit_lies_inside_working_time() -> None:
    rules = SlotRules(duration_minutes=60, slot_interval_minutes=15)
    assert free(rules, "09:00-10:30") == "09:00 09:15 09:30"
    assert free(rules, "09:00-09:59 10:00-11:00") == "10:00"


def test_touching_intervals_are_one_stretch_with_a_grid_each() -> None:
    rules = SlotRules(duration_minutes=60, slot_interval_minutes=40)
    assert free(rules, "09:00-10:30 10:30-11:30 11:40-12:00") == "09:00 09:40 10:20 10:30"


def test_adjacency_is_free() -> None:
    assert free(HALF_HOUR, "09:00-11:00", "08:00-09:00 09:30-10:00 10:30-12:00") == "09:00 10:00"


def test_buffers_may_leave_working_time_but_touch_nothing_else() -> None:
    rules = replace(HALF_HOUR, buffer_before_minutes=10, buffer_after_minutes=20)
    assert free(rules, "09:00-10:30") == "09:00 09:30 10:00"
    assert free(rules, "09:00-10:30", "08:00-08:50 10:50-11:00") == "09:00 09:30 10:00"
    assert free(rules, "09:00-10:30", "08:00-08:51 10:49-11:00") == "09:30"
    assert free(rules, "09:00-12:00", "10:00-10:10") == "09:00 10:30 11:00 11:30"


def test_busy_time_may_come_in_any_order_overlap_and_be_empty() -> None:
    busy = "10:45-10:50 09:00-10:00 09:10-09:20 09:50-10:15 10:30-10:30"
    assert free(HALF_HOUR, "09:00-12:00", busy) == "11:00 11:30"
    assert free(HALF_HOUR, "09:00-10:00", "09:15-09:15") == "09:00 09:30"


def test_busy_time_over_everything_leaves_nothing() -> None:
    assert free(HALF_HOUR, "09:00-10:00 11:00-12:00", "08:00-13:00") == ""


def test_a_start_at_exactly_now_plus_notice_is_allowed() -> None:
    rules = replace(HALF_HOUR, minimum_notice_minutes=60)
    assert free(rules, "09:00-11:00", now=at("08:30")) == "09:30 10:00 10:30"
    assert free(rules, "09:00-11:00", now=at("08:30") + 1) == "10:00 10:30"


def test_the_past_is_no_slot() -> None:
    assert free(HALF_HOUR, "09:00-11:00", now=at("10:00")) == "10:00 10:30"
    staff_time = StaffTime(spans("09:00-11:00"))
    assert judge(HALF_HOUR, staff_time, at("09:30"), at("10:00")) is Verdict.NOT_A_SLOT


def test_a_start_at_exactly_now_plus_window_is_allowed() -> None:
    rules = replace(HALF_HOUR, booking_window_days=1)
    assert free(rules, "09:00-11:00", now=at("10:00") - DAY) == "09:00 09:30 10:00"
    assert free(rules, "09:00-11:00", now=at("10:00") - DAY - 1) == "09:00 09:30"


def test_a_refusal_says_whether_it_was_a_slot_at_all() -> None:
    staff_time = StaffTime(spans("09:00-11:00"), spans("09:30-10:00"))
    rules = replace(HALF_HOUR, minimum_notice_minutes=30, booking_window_days=1)
    verdicts = {
        clock: judge(rules, staff_time, at(clock), at("08:30"))
        for clock in ("08:30", "09:00", "09:15", "09:30", "10:00", "10:31", "11:00")
    }
    assert verdicts == {
        "08:30": Verdict.NOT_A_SLOT,
        "09:00": Verdict.FREE,
        "09:15": Verdict.NOT_A_SLOT,
        "09:30": Verdict.TAKEN,
        "10:00": Verdict.FREE,
        "10:31": Verdict.NOT_A_SLOT,
        "11:00": Verdict.NOT_A_SLOT,
    }
    too_soon_and_taken = judge(rules, staff_time, at("09:30"), at("09:30"))
    assert too_soon_and_taken is Verdict.NOT_A_SLOT


CLASS = SlotRules(duration_minutes=60, slot_interval_minutes=30, capacity=8)
BEGUN = Session(at("10:00"), 3, span("10:00-11:00"))


def test_a_class_that_has_begun_takes_more_and_blocks_everything_else() -> None:
    assert free(CLASS, "09:00-12:00") == "09:00 09:30 10:00 10:30 11:00"
    assert free(CLASS, "09:00-12:00", "", BEGUN) == "09:00 10:00 11:00"


def test_a_full_class_is_taken() -> None:
    full = replace(BEGUN, seats_taken=8)
    assert free(CLASS, "09:00-12:00", "", full) == "09:00 11:00"
    staff_time = StaffTime(spans("09:00-12:00"), (), (full,))
    assert judge(CLASS, staff_time, at("10:00"), LONG_AGO) is Verdict.TAKEN
    overfull = replace(BEGUN, seats_taken=9)
    assert free(CLASS, "09:00-12:00", "", overfull) == "09:00 11:00"


def test_a_busy_block_laid_over_a_class_takes_its_seats() -> None:
    assert free(CLASS, "09:00-12:00", "10:30-10:45", BEGUN) == "09:00 11:00"


def test_a_class_must_still_be_a_slot() -> None:
    assert free(CLASS, "10:15-12:15", "", BEGUN) == "11:15"
    assert free(CLASS, "09:00-12:00", "", BEGUN, now=at("10:01")) == "11:00"


def test_two_classes_side_by_side_do_not_block_each_other() -> None:
    buffered = replace(CLASS, buffer_before_minutes=30)
    next_one = Session(at("11:00"), 1, span("11:00-12:00"))
    assert free(buffered, "09:00-13:00", "", BEGUN, next_one) == "09:00 10:00 11:00"


def test_only_the_time_that_can_matter_is_asked_for() -> None:
    rules = SlotRules(30, buffer_before_minutes=5, buffer_after_minutes=10, booking_window_days=1)
    last_moment = at("11:40") - 1  # of a visit that starts a second before 11:00, buffer included
    assert relevant_range(rules, *span("09:00-11:00"), at("08:00")) == (at("08:55"), last_moment)
    assert relevant_range(rules, *span("09:00-11:00"), at("10:00")) == (at("09:55"), last_moment)
    a_day_before_ten = at("10:00") - DAY
    assert relevant_range(rules, *span("09:00-11:00"), a_day_before_ten) == (
        at("08:55"),
        at("10:40"),
    )
    assert relevant_range(rules, *span("09:00-11:00"), at("11:00")) is None
    assert relevant_range(rules, *span("09:00-11:00"), at("08:59") - DAY) is None
    assert relevant_range(rules, *span("09:00-09:00"), LONG_AGO) is None


def test_slots_of_several_staff_are_joined_and_their_seats_added() -> None:
    staff = {
        "stf_b": StaffTime(spans("09:00-10:00")),
        "stf_a": StaffTime(spans("09:30-10:30")),
        "stf_c": StaffTime(spans("09:00-10:00"), spans("09:00-10:00")),
    }
    assert slots(HALF_HOUR, staff, *span("00:00-24:00"), LONG_AGO) == [
        Slot(at("09:00"), at("09:30"), ("stf_b",), 1),
        Slot(at("09:30"), at("10:00"), ("stf_a", "stf_b"), 2),
        Slot(at("10:00"), at("10:30"), ("stf_a",), 1),
    ]


def test_seats_left_count_every_session_that_can_be_joined() -> None:
    one, two, three = UUID(int=1), UUID(int=2), UUID(int=3)
    staff = {
        two: StaffTime(spans("10:00-11:00"), (), (BEGUN,)),
        one: StaffTime(spans("10:00-11:00"), (), (replace(BEGUN, seats_taken=8),)),
        three: StaffTime(spans("10:00-11:00"), (), (replace(BEGUN, seats_taken=1),)),
    }
    assert slots(CLASS, staff, *span("00:00-24:00"), LONG_AGO) == [
        Slot(at("10:00"), at("11:00"), (two, three), 5 + 7)
    ]


def test_staff_are_tried_by_fewest_bookings_then_by_id() -> None:
    assert staff_order(["c", "a", "b", "d"], {"a": 1, "c": 1, "d": 2}) == ["b", "a", "c", "d"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_minutes": 0},
        {"slot_interval_minutes": 0},
        {"capacity": 0},
        {"buffer_before_minutes": -1},
        {"buffer_after_minutes": -1},
        {"minimum_notice_minutes": -1},
        {"booking_window_days": -1},
    ],
)
def test_rules_that_make_no_sense_are_a_bug(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        replace(HALF_HOUR, **wrong)
