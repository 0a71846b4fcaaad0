"""What the entries of an imported calendar make busy. Every vector is our own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infrastructure.calendars.calendar_reader import ICalendarReader, read_busy
from tests.adapters.calendars import (
    NEW_YORK,
    OWN_ZONE,
    busy,
    busy_event,
    calendar,
    event,
)


def test_a_time_in_utc_is_taken_as_it_is() -> None:
    assert busy_event("DTSTART:20270302T140000Z\nDTEND:20270302T150000Z") == [
        "03-02T14:00/03-02T15:00"
    ]


def test_the_port_and_the_function_answer_alike() -> None:
    body = calendar(event("DTSTART:20270302T140000Z\nDURATION:PT1H"))
    window = datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
    expected = read_busy(body, zone=NEW_YORK, window_start=window[0], window_end=window[1])
    assert len(expected) == 1
    assert ICalendarReader().busy(body, NEW_YORK, *window) == expected


def test_a_floating_time_is_in_the_zone_of_the_schedule() -> None:
    lines = "DTSTART:20270315T090000\nDTEND:20270315T100000"
    assert busy_event(lines) == ["03-15T13:00/03-15T14:00"]
    assert busy_event(lines, zone="Asia/Kolkata") == ["03-15T03:30/03-15T04:30"]


def test_a_time_with_an_iana_name_is_in_that_zone() -> None:
    lines = (
        "DTSTART;TZID=Australia/Lord_Howe:20270315T090000\n"
        "DTEND;TZID=Australia/Lord_Howe:20270315T100000"
    )
    assert busy_event(lines) == ["03-14T22:00/03-14T23:00"]


def test_a_windows_name_is_understood_without_a_definition() -> None:
    lines = (
        "DTSTART;TZID=W. Europe Standard Time:20270302T090000\n"
        'DTEND;TZID="W. Europe Standard Time":20270302T100000'
    )
    assert busy_event(lines) == ["03-02T08:00/03-02T09:00"]


def test_an_iana_name_outranks_the_files_own_definition_of_it() -> None:
    body = calendar(
        OWN_ZONE.replace("Head Office", "Europe/Paris"),
        event("DTSTART;TZID=Europe/Paris:20270302T090000\nDURATION:PT1H"),
    )
    assert busy(body) == ["03-02T08:00/03-02T09:00"]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("20270313", "03-13T13:40/03-13T14:40"),
        ("20270314", "03-14T12:40/03-14T13:40"),
        ("20271106", "11-06T12:40/11-06T13:40"),
        ("20271107", "11-07T13:40/11-07T14:40"),
    ],
)
def test_an_unknown_name_is_what_the_file_defines(day: str, expected: str) -> None:
    body = calendar(
        event(f"DTSTART;TZID=Head Office:{day}T090000\nDTEND;TZID=Head Office:{day}T100000"),
        OWN_ZONE,
    )
    assert busy(body, last="2028-01-01") == [expected]


def test_a_definition_by_dates_alone_is_understood() -> None:
    body = calendar(
        "BEGIN:VTIMEZONE\nTZID:(UTC+01:00) Here\\, there\n"
        "BEGIN:STANDARD\nDTSTART:20200101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0000\n"
        "RDATE:20270320T030000\nEND:STANDARD\n"
        "BEGIN:DAYLIGHT\nDTSTART:20270310T020000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0100\n"
        "END:DAYLIGHT\nEND:VTIMEZONE",
        event(
            'DTSTART;TZID="(UTC+01:00) Here, there":20270305T120000\nDURATION:PT1H\n'
            "RRULE:FREQ=DAILY;INTERVAL=10;COUNT=3"
        ),
    )
    assert busy(body) == [
        "03-05T12:00/03-05T13:00",
        "03-15T11:00/03-15T12:00",
        "03-25T12:00/03-25T13:00",
    ]


def test_times_in_the_gap_and_the_fold_of_a_files_own_zone_follow_the_rule() -> None:
    gap = "DTSTART;TZID=Head Office:20270314T023000\nDTEND;TZID=Head Office:20270314T033000"
    fold = "DTSTART;TZID=Head Office:20271107T013000\nDTEND;TZID=Head Office:20271107T014500"
    assert busy(calendar(OWN_ZONE, event(gap))) == ["03-14T07:10/03-14T08:10"]
    # 01:30 the first time (-03:40) until 01:45 the second time (-04:40).
    assert busy(calendar(OWN_ZONE, event(fold)), last="2028-01-01") == ["11-07T05:10/11-07T06:25"]


def test_an_entry_that_starts_in_a_gap_moves_forward_by_the_gap() -> None:
    lines = f"DTSTART;TZID={NEW_YORK}:20270314T021500\nDTEND;TZID={NEW_YORK}:20270314T024500"
    assert busy_event(lines) == ["03-14T07:15/03-14T07:45"]


def test_an_entry_that_a_gap_moves_past_its_own_end_keeps_its_length() -> None:
    lines = f"DTSTART;TZID={NEW_YORK}:20270314T023000\nDTEND;TZID={NEW_YORK}:20270314T030000"
    assert busy_event(lines) == ["03-14T07:30/03-14T08:00"]


def test_an_ambiguous_start_is_the_earlier_and_an_ambiguous_end_the_later() -> None:
    lines = f"DTSTART;TZID={NEW_YORK}:20271107T010000\nDTEND;TZID={NEW_YORK}:20271107T013000"
    assert busy_event(lines, last="2028-01-01") == ["11-07T05:00/11-07T06:30"]


def test_a_start_and_an_end_may_be_in_different_zones() -> None:
    lines = "DTSTART;TZID=Europe/Paris:20270302T200000\nDTEND;TZID=America/New_York:20270302T220000"
    assert busy_event(lines) == ["03-02T19:00/03-03T03:00"]


# Lengths and days


def test_a_length_is_days_on_the_wall_and_then_elapsed_time() -> None:
    lines = f"DTSTART;TZID={NEW_YORK}:20270313T120000\nDURATION:"
    assert busy_event(lines + "P1D") == ["03-13T17:00/03-14T16:00"]
    assert busy_event(lines + "PT24H") == ["03-13T17:00/03-14T17:00"]
    assert busy_event(lines + "P1DT1H30M") == ["03-13T17:00/03-14T17:30"]
    assert busy_event(lines + "P1W") == ["03-13T17:00/03-20T16:00"]


@pytest.mark.parametrize(
    "end", ["", "\nDTEND:20270302T140000Z", "\nDURATION:PT0S", "\nDURATION:P0D"]
)
def test_a_timed_entry_without_a_length_takes_no_time(end: str) -> None:
    assert busy_event("DTSTART:20270302T140000Z" + end) == []


@pytest.mark.parametrize(
    "end", ["", "\nDTEND;VALUE=DATE:20270315", "\nDURATION:P1D", "\nDTEND;VALUE=DATE:20270314"]
)
def test_an_all_day_entry_lasts_from_midnight_to_midnight_across_a_change(end: str) -> None:
    # 23 hours: the clocks of New York go forward on that day. An end equal to the start is one day.
    assert busy_event("DTSTART;VALUE=DATE:20270314" + end) == ["03-14T05:00/03-15T04:00"]


def test_an_all_day_entry_is_in_the_zone_of_the_schedule() -> None:
    lines = "DTSTART;VALUE=DATE:20271106\nDTEND;VALUE=DATE:20271108"
    assert busy_event(lines, last="2028-01-01") == ["11-06T04:00/11-08T05:00"]
    assert busy_event(lines, last="2028-01-01", zone="Asia/Kolkata") == ["11-05T18:30/11-07T18:30"]


def test_a_day_whose_midnight_is_skipped_begins_at_one() -> None:
    # The clocks of Beirut go from 00:00 to 01:00 on 28 March 2027.
    lines = "DTSTART;VALUE=DATE:20270327\nRRULE:FREQ=DAILY;INTERVAL=2;COUNT=2"
    assert busy_event(lines, zone="Asia/Beirut") == [
        "03-26T22:00/03-27T22:00",
        "03-28T21:00/03-29T21:00",
    ]
    assert busy_event("DTSTART;VALUE=DATE:20270328", zone="Asia/Beirut") == [
        "03-27T22:00/03-28T21:00"
    ]


def test_a_day_that_a_zone_skips_takes_no_time() -> None:
    window = {"first": "2011-12-01", "last": "2012-02-01", "zone": "Pacific/Apia"}
    assert busy_event("DTSTART;VALUE=DATE:20111230", **window) == []
    assert busy_event("DTSTART;VALUE=DATE:20111229", **window) == ["12-29T10:00/12-30T10:00"]


# What takes no time


@pytest.mark.parametrize(
    "free",
    [
        "TRANSP:TRANSPARENT",
        "transp:transparent",
        "STATUS:CANCELLED",
        "X-MICROSOFT-CDO-BUSYSTATUS:FREE",
        "TRANSP:OPAQUE\nSTATUS:CANCELLED",
    ],
)
def test_transparent_cancelled_and_free_entries_take_no_time(free: str) -> None:
    assert busy_event(f"DTSTART:20270302T140000Z\nDURATION:PT1H\n{free}") == []


@pytest.mark.parametrize(
    "taken",
    [
        "TRANSP:OPAQUE",
        "STATUS:TENTATIVE",
        "STATUS:CONFIRMED",
        "X-MICROSOFT-CDO-BUSYSTATUS:OOF",
        "X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE",
        "CLASS:PRIVATE",
    ],
)
def test_everything_else_takes_its_time(taken: str) -> None:
    assert busy_event(f"DTSTART:20270302T140000Z\nDURATION:PT1H\n{taken}") != []


def test_alarms_tasks_and_journals_are_passed_over() -> None:
    body = calendar(
        "BEGIN:VTODO\nDTSTART:20270302T080000Z\nDUE:20270302T090000Z\nEND:VTODO",
        "BEGIN:VJOURNAL\nDTSTART:20270302T080000Z\nEND:VJOURNAL",
        event(
            "DTSTART:20270302T140000Z\nDTEND:20270302T150000Z\n"
            "BEGIN:VALARM\nTRIGGER:-PT15M\nDURATION:PT5M\nREPEAT:2\nACTION:DISPLAY\nEND:VALARM"
        ),
        "BEGIN:X-ANYTHING\nDTSTART:nonsense\nEND:X-ANYTHING",
    )
    assert busy(body) == ["03-02T14:00/03-02T15:00"]


def test_free_busy_periods_are_busy_unless_they_say_free() -> None:
    body = calendar(
        "BEGIN:VFREEBUSY\nDTSTART:20270301T000000Z\nDTEND:20270401T000000Z\n"
        "FREEBUSY:20270302T140000Z/20270302T150000Z,20270303T140000Z/PT2H\n"
        "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20270304T140000Z/PT1H\n"
        "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20270305T140000Z/PT1H\n"
        "FREEBUSY;FBTYPE=FREE:20270306T140000Z/PT1H\nEND:VFREEBUSY"
    )
    assert busy(body) == [
        "03-02T14:00/03-02T15:00",
        "03-03T14:00/03-03T16:00",
        "03-04T14:00/03-04T15:00",
        "03-05T14:00/03-05T15:00",
    ]


# The file itself


def test_overlapping_and_touching_blocks_are_one() -> None:
    body = calendar(
        event("DTSTART:20270302T140000Z\nDURATION:PT1H"),
        event("DTSTART:20270302T150000Z\nDURATION:PT1H", uid="two"),
        event("DTSTART:20270302T143000Z\nDURATION:PT10M", uid="three"),
        event("DTSTART:20270302T160001Z\nDURATION:PT10M", uid="four"),
    )
    assert busy(body) == ["03-02T14:00/03-02T16:00", "03-02T16:00/03-02T16:10"]


def test_folded_lines_are_joined_even_inside_a_character() -> None:
    text = calendar(event("SUMMARY:caf\u00e9\nDTSTART:20270302T140000Z\nDURATION:PT1H"))
    folded = text.replace(b"\xc3\xa9", b"\xc3\r\n \xa9").replace(
        b"T140000Z", b"T14\r\n 0000\r\n\tZ"
    )
    assert busy(folded) == ["03-02T14:00/03-02T15:00"]


def test_lines_may_end_with_a_line_feed_alone_and_blank_lines_say_nothing() -> None:
    text = calendar(event("DTSTART:20270302T140000Z\nDURATION:PT1H"))
    assert busy(text.replace(b"\r\n", b"\n") + b"\n\n") == ["03-02T14:00/03-02T15:00"]


def test_names_are_read_in_any_case() -> None:
    text = calendar(event("DTSTART:20270302T140000Z\nDURATION:PT1H")).lower()
    assert busy(text.replace(b"z\r\nduration:pt1h", b"Z\r\nduration:PT1H").replace(b"2t", b"2T"))


def test_several_calendars_in_one_file_count_together() -> None:
    one = calendar(event("DTSTART:20270302T140000Z\nDURATION:PT1H"))
    two = calendar(event("DTSTART:20270303T140000Z\nDURATION:PT1H"))
    assert len(busy(one + two)) == 2


def test_a_calendar_without_entries_is_free() -> None:
    assert busy(calendar()) == []
