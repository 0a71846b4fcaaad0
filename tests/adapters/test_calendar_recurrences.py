"""What repeats in an imported calendar, and what is excepted. Every vector is our own."""

from __future__ import annotations

import pytest

from tests.adapters.calendars import (
    NEW_YORK,
    WEEKLY,
    busy,
    busy_event,
    calendar,
    event,
    refused,
)


def test_a_weekly_entry_keeps_its_wall_time_across_a_change() -> None:
    assert busy_event(WEEKLY + "FREQ=WEEKLY") == [
        "03-01T14:00/03-01T15:00",
        "03-08T14:00/03-08T15:00",
        "03-15T13:00/03-15T14:00",
        "03-22T13:00/03-22T14:00",
        "03-29T13:00/03-29T14:00",
    ]


@pytest.mark.parametrize(
    ("until", "days"),
    [
        ("20270315T130000Z", [1, 8, 15]),
        ("20270315T125959Z", [1, 8]),
        ("20270315T090000", [1, 8, 15]),
        ("20270315T085959", [1, 8]),
        ("20270315", [1, 8, 15]),
        ("20270314", [1, 8]),
        ("99991231T235959Z", [1, 8, 15, 22, 29]),
        ("00010101T000000Z", [1]),
    ],
)
def test_until_is_the_last_start_that_counts(until: str, days: list[int]) -> None:
    found = busy_event(WEEKLY + f"FREQ=WEEKLY;UNTIL={until}")
    assert [int(block[3:5]) for block in found] == days


@pytest.mark.parametrize("until", ["20270310", "20270310T000000Z", "20270310T045959Z"])
def test_until_of_an_all_day_entry_includes_the_day_that_it_names(until: str) -> None:
    lines = f"DTSTART;VALUE=DATE:20270309\nRRULE:FREQ=DAILY;UNTIL={until}"
    assert busy_event(lines) == ["03-09T05:00/03-11T05:00"]


def test_count_counts_from_the_first_occurrence_not_from_the_window() -> None:
    lines = "DTSTART:20270220T140000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=10"
    assert busy_event(lines) == ["03-01T14:00/03-01T15:00"]


def test_a_first_occurrence_that_the_rule_misses_is_busy_too() -> None:
    lines = "DTSTART:20270302T140000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=1"
    assert busy_event(lines) == ["03-02T14:00/03-02T15:00", "03-08T14:00/03-08T15:00"]


def test_an_endless_rule_from_long_ago_is_expanded_inside_the_window_only() -> None:
    lines = "DTSTART;TZID=Europe/London:16010101T120000\nDURATION:PT1H\nRRULE:FREQ="
    assert busy_event(lines + "MONTHLY;BYDAY=-1WE") == ["03-31T11:00/03-31T12:00"]
    assert len(busy_event(lines + "HOURLY;INTERVAL=5")) == 149


def test_an_entry_that_began_before_the_window_is_clipped_to_it() -> None:
    lines = "DTSTART:20261225T000000Z\nDTEND:20270301T060000Z\nRRULE:FREQ=YEARLY"
    assert busy_event(lines) == ["03-01T00:00/03-01T06:00"]
    lines = "DTSTART:20270331T220000Z\nDTEND:20270401T060000Z"
    assert busy_event(lines) == ["03-31T22:00/04-01T00:00"]


def test_an_excepted_date_is_free() -> None:
    rule = WEEKLY + "FREQ=WEEKLY;COUNT=5\n"
    for exceptions in (
        f"EXDATE;TZID={NEW_YORK}:20270308T090000,20270315T090000",
        "EXDATE:20270308T140000Z\nEXDATE:20270315T130000Z",
        "EXDATE;VALUE=DATE:20270308,20270315",
        "EXDATE;TZID=Europe/Paris:20270308T150000,20270315T140000",
    ):
        found = busy_event(rule + exceptions)
        assert [block[:5] for block in found] == ["03-01", "03-22", "03-29"]


def test_an_exception_at_another_time_excepts_nothing() -> None:
    lines = WEEKLY + f"FREQ=WEEKLY;COUNT=2\nEXDATE;TZID={NEW_YORK}:20270308T093000"
    assert len(busy_event(lines)) == 2


def test_an_exception_rule_takes_its_occurrences_away() -> None:
    lines = WEEKLY + "FREQ=DAILY;COUNT=6\nEXRULE:FREQ=DAILY;INTERVAL=2"
    assert [block[:5] for block in busy_event(lines)] == ["03-02", "03-04", "03-06"]


def test_an_all_day_recurrence_is_excepted_by_date_or_by_time() -> None:
    lines = "DTSTART;VALUE=DATE:20270301\nRRULE:FREQ=DAILY;INTERVAL=3;COUNT=3\nEXDATE"
    expected = ["03-01T05:00/03-02T05:00", "03-07T05:00/03-08T05:00"]
    assert busy_event(lines + ";VALUE=DATE:20270304") == expected
    assert busy_event(lines + ":20270304T000000") == expected


def test_added_dates_and_periods_are_busy() -> None:
    lines = (
        f"DTSTART;TZID={NEW_YORK}:20270302T090000\nDTEND;TZID={NEW_YORK}:20270302T100000\n"
        f"RDATE;TZID={NEW_YORK}:20270316T090000\n"
        "RDATE;VALUE=PERIOD:20270320T100000Z/PT3H,20270321T100000Z/20270321T103000Z"
    )
    assert busy_event(lines) == [
        "03-02T14:00/03-02T15:00",
        "03-16T13:00/03-16T14:00",
        "03-20T10:00/03-20T13:00",
        "03-21T10:00/03-21T10:30",
    ]


# Overrides of one occurrence


def override(original: str, lines: str) -> str:
    return event(f"RECURRENCE-ID;TZID={NEW_YORK}:{original}\n{lines}")


MASTER = event(WEEKLY + "FREQ=WEEKLY;COUNT=3")


def test_a_moved_occurrence_is_busy_at_its_new_time_only() -> None:
    moved = override("20270308T090000", "DTSTART:20270309T180000Z\nDTEND:20270309T183000Z")
    expected = ["03-01T14:00/03-01T15:00", "03-09T18:00/03-09T18:30", "03-15T13:00/03-15T14:00"]
    assert busy(calendar(MASTER, moved)) == expected
    assert busy(calendar(moved, MASTER)) == expected


def test_a_cancelled_or_transparent_override_frees_its_occurrence() -> None:
    kept = ["03-01T14:00/03-01T15:00", "03-15T13:00/03-15T14:00"]
    times = "DTSTART:20270308T140000Z\nDTEND:20270308T150000Z\n"
    for lines in ("STATUS:CANCELLED", times + "STATUS:CANCELLED", times + "TRANSP:TRANSPARENT"):
        assert busy(calendar(MASTER, override("20270308T090000", lines))) == kept


def test_an_occurrence_moved_out_of_the_window_is_gone() -> None:
    moved = override("20270308T090000", "DTSTART:20270501T140000Z\nDTEND:20270501T150000Z")
    assert [block[:5] for block in busy(calendar(MASTER, moved))] == ["03-01", "03-15"]


def test_an_occurrence_moved_into_the_window_is_busy() -> None:
    moved = override("20270308T090000", "DTSTART:20270501T140000Z\nDTEND:20270501T150000Z")
    found = busy(calendar(MASTER, moved), first="2027-04-15", last="2027-06-01")
    assert found == ["05-01T14:00/05-01T15:00"]


def test_an_occurrence_may_be_named_in_utc_or_by_its_date() -> None:
    for name in ("RECURRENCE-ID:20270308T140000Z", "RECURRENCE-ID;VALUE=DATE:20270308"):
        cancelled = event(f"{name}\nSTATUS:CANCELLED")
        assert [b[:5] for b in busy(calendar(MASTER, cancelled))] == ["03-01", "03-15"]


def test_an_override_concerns_its_own_entry_only() -> None:
    other = event(WEEKLY + "FREQ=WEEKLY;COUNT=3", uid="two")
    cancelled = override("20270308T090000", "STATUS:CANCELLED")
    assert len(busy(calendar(MASTER, other, cancelled))) == 3


def test_an_override_without_its_entry_stands_alone() -> None:
    alone = override("20270308T090000", "DTSTART:20270309T180000Z\nDTEND:20270309T183000Z")
    assert busy(calendar(alone)) == ["03-09T18:00/03-09T18:30"]


def test_an_override_of_all_that_follows_is_refused_rather_than_misread() -> None:
    body = calendar(
        MASTER,
        event(
            "RECURRENCE-ID;RANGE=THISANDFUTURE:20270308T140000Z\nDTSTART:20270308T150000Z\n"
            "DURATION:PT1H"
        ),
    )
    assert refused(body) == "event 2 (line 14): RECURRENCE-ID with RANGE is not supported"
