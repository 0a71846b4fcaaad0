"""What an imported calendar makes busy. Every vector is our own; the real files are at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from domain.errors import CalendarInvalid, CalendarTooDense, DomainError, TooLarge
from infrastructure.calendar_lines import MAX_BYTES
from infrastructure.calendar_reader import ICalendarReader, read_busy

NEW_YORK = "America/New_York"
REAL_FILES = Path(__file__).parents[2] / "../shared/data/ics"

# A zone of nobody's: 20 minutes off the hour; the clocks change on the days of New York.
OWN_ZONE = """BEGIN:VTIMEZONE
TZID:Head Office
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:-0340
TZOFFSETTO:-0440
RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:-0440
TZOFFSETTO:-0340
RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE"""


def event(lines: str, uid: str = "one") -> str:
    return f"BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20270101T000000Z\n{lines}\nEND:VEVENT"


def calendar(*parts: str) -> bytes:
    text = "\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Test//EN", *parts, "END:VCALENDAR", ""]
    )
    return text.replace("\n", "\r\n").encode()


def busy(
    body: bytes, first: str = "2027-03-01", last: str = "2027-04-01", zone: str = NEW_YORK
) -> list[str]:
    """Blocks in the window as `start/end` in UTC, to the minute; the day only once."""
    window = [datetime.fromisoformat(at).replace(tzinfo=UTC) for at in (first, last)]
    blocks = read_busy(body, zone=zone, window_start=window[0], window_end=window[1])
    assert all(start < end for start, end in blocks)
    assert all(one[1] < other[0] for one, other in pairwise(blocks))
    return [f"{_minute(start)}/{_minute(end)}" for start, end in blocks]


def _minute(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%m-%dT%H:%M")


def busy_event(lines: str, **window: str) -> list[str]:
    return busy(calendar(event(lines)), **window)


def refused(body: bytes) -> str:
    with pytest.raises(CalendarInvalid) as refusal:
        busy(body)
    return refusal.value.detail


# Plain entries


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


# Recurrences


WEEKLY = f"DTSTART;TZID={NEW_YORK}:20270301T090000\nDTEND;TZID={NEW_YORK}:20270301T100000\nRRULE:"


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


SECRET = "Zyxwvut Qponmlk"

BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "this is not a calendar"),
    "html": (b"<!DOCTYPE html>\n<title>" + SECRET.encode(), "this is not a calendar"),
    "json": (b'{"summary": "' + SECRET.encode() + b'"}', "this is not a calendar"),
    "other component": (b"BEGIN:VCARD\r\nEND:VCARD\r\n", "BEGIN:VCALENDAR is expected"),
    "no calendar around": (event("DTSTART:20270302").encode(), "BEGIN:VCALENDAR is expected"),
    "cut off": (calendar(event("DTSTART:20270302"))[:-30], "ends inside"),
    "no end of calendar": (calendar()[:-15], "ends inside VCALENDAR"),
    "crossed ends": (calendar("BEGIN:VTODO\nBEGIN:VALARM\nEND:VTODO"), "belongs to no open BEGIN"),
    "event in event": (calendar("BEGIN:VEVENT\nBEGIN:VEVENT"), "an END is missing"),
    "too deep": (calendar("\n".join(["BEGIN:X-A"] * 9)), "nested more than 8"),
    "folded first line": (b" BEGIN:VCALENDAR\r\n", "line 1: a folded line continues nothing"),
    "unfolded text": (calendar(event(f"DESCRIPTION:a\n{SECRET}")), "line 8: not a content line"),
    "not utf-8": (calendar(event("SUMMARY:x")).replace(b"x", b"\xff\xfe"), "line 7: not UTF-8"),
    "nul": (calendar(event("SUMMARY:\0")), "NUL"),
    "byte order mark": (b"\xef\xbb\xbf" + calendar(), "byte order mark"),
    "utf-16": (calendar().decode().encode("utf-16"), "byte order mark"),
    "other scale": (calendar("CALSCALE:HEBREW"), "Gregorian"),
    "open quote": (calendar(event('DTSTART;TZID="A:20270302T000000')), "parameters of DTSTART"),
}

BROKEN_EVENTS: dict[str, tuple[str, str]] = {
    "no start": (f"SUMMARY:{SECRET}", "DTSTART is missing"),
    "two starts": ("DTSTART:20270302\nDTSTART:20270303", "DTSTART occurs more than once"),
    "no such day": ("DTSTART:20270230", "DTSTART is not a day or time that exists"),
    "no such hour": ("DTSTART:20270228T250000Z", "DTSTART is not a day or time that exists"),
    "prose": (f"DTSTART:{SECRET}", "DTSTART is not a date or a date with a time"),
    "type": ("DTSTART;VALUE=DATE:20270302T100000", "the type that its VALUE says"),
    "odd type": ("DTSTART;VALUE=TEXT:20270302T100000", "a VALUE type that it cannot have"),
    "far": ("DTSTART:00010101T000000", "DTSTART is not in the years 1000 to 9000"),
    "end first": ("DTSTART:20270302T100000Z\nDTEND:20270302T095959Z", "DTEND is before DTSTART"),
    "end day first": ("DTSTART:20270302\nDTEND:20270301", "DTEND is before DTSTART"),
    "end elsewhere": (
        "DTSTART;TZID=America/New_York:20270302T100000\nDTEND;TZID=Europe/Paris:20270302T120000",
        "DTEND is before DTSTART",
    ),
    "mixed": ("DTSTART:20270302T100000Z\nDTEND;VALUE=DATE:20270303", "must both be dates"),
    "end and length": ("DTSTART:20270302\nDTEND:20270303\nDURATION:P1D", "exclude each other"),
    "negative": ("DTSTART:20270302T100000Z\nDURATION:-PT1H", "DURATION is negative"),
    "not a length": ("DTSTART:20270302T100000Z\nDURATION:PT", "DURATION is not a duration"),
    "zone": (f"DTSTART;TZID={SECRET}:20270302T100000", "neither an IANA name"),
    "zone path": ("DTSTART;TZID=../../etc/passwd:20270302T100000", "neither an IANA name"),
    "exception zone": (
        f"DTSTART:20270302T100000Z\nEXDATE;TZID={SECRET}:20270302T100000",
        "neither an IANA name",
    ),
    "exception period": ("DTSTART:20270302T100000Z\nEXDATE:20270302T100000Z/PT1H", "a period"),
    "backward period": (
        "DTSTART:20270302T100000Z\nRDATE;VALUE=PERIOD:20270302T100000Z/20270302T090000Z",
        "a period ends before it starts",
    ),
    "mixed dates": ("DTSTART:20270302T100000Z\nRDATE;VALUE=DATE:20270303", "both be dates"),
}

BROKEN_RULES: dict[str, tuple[str, str]] = {
    "empty": ("", "cannot be read"),
    "prose": (SECRET, "cannot be read"),
    "no frequency": ("INTERVAL=2", "without a known FREQ"),
    "odd frequency": ("FREQ=FORTNIGHTLY", "without a known FREQ"),
    "twice": ("FREQ=DAILY;FREQ=WEEKLY", "cannot be read"),
    "interval": ("FREQ=DAILY;INTERVAL=0", "INTERVAL must be a number"),
    "count": ("FREQ=DAILY;COUNT=-1", "COUNT must be a number"),
    "both ends": ("FREQ=DAILY;COUNT=1;UNTIL=20270401", "exclude each other"),
    "hour": ("FREQ=DAILY;BYHOUR=24", "BYHOUR is out of range"),
    "month": ("FREQ=DAILY;BYMONTH=0", "BYMONTH is out of range"),
    "day": ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY is out of range"),
    "weekday": ("FREQ=WEEKLY;BYDAY=XX", "BYDAY is out of range"),
    "nth weekday": ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY has numbers"),
    "week": ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO is for yearly"),
    "year day": ("FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY is not for"),
    "month day": ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY is not for"),
    "until": ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL is not a date"),
    "scale": ("RSCALE=CHINESE;FREQ=YEARLY", "a part that is not supported"),
    "positions": ("FREQ=HOURLY;BYMINUTE=1,2;BYSETPOS=1", "BYSETPOS is supported for"),
    "week start": ("FREQ=WEEKLY;WKST=XX", "WKST is not a weekday"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_the_reason(name: str) -> None:
    body, reason = BROKEN[name]
    assert reason in refused(body)


@pytest.mark.parametrize("name", BROKEN_EVENTS)
def test_a_broken_entry_refuses_the_whole_file_and_says_which(name: str) -> None:
    lines, reason = BROKEN_EVENTS[name]
    good = event("DTSTART:20270302T140000Z\nDURATION:PT1H")
    detail = refused(calendar(good, event(lines, uid="two")))
    assert detail.startswith("event 2 (line 1")
    assert reason in detail


@pytest.mark.parametrize("name", BROKEN_RULES)
def test_a_broken_rule_refuses_the_whole_file_and_says_which(name: str) -> None:
    rule, reason = BROKEN_RULES[name]
    detail = refused(calendar(event(f"DTSTART:20270302T140000Z\nDURATION:PT1H\nRRULE:{rule}")))
    assert detail.startswith("event 1 (line 9): ")
    assert reason in detail


@pytest.mark.parametrize("free", ["TRANSP:TRANSPARENT", "STATUS:CANCELLED"])
def test_an_entry_that_takes_no_time_must_be_readable_too(free: str) -> None:
    lines = f"DTSTART:20270302T100000Z\nDTEND:20270302T090000Z\n{free}"
    assert "DTEND is before DTSTART" in refused(calendar(event(lines)))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda zone: zone.replace("TZOFFSETTO:-0340", "TZOFFSETTO:soon"), "not an offset"),
        (lambda zone: zone.replace("TZOFFSETFROM:-0340\n", ""), "TZOFFSETFROM is missing"),
        (lambda zone: zone.replace("DTSTART:16010101T020000\n", "", 1), "DTSTART is missing"),
        (lambda zone: "BEGIN:VTIMEZONE\nTZID:Head Office\nEND:VTIMEZONE", "neither STANDARD"),
    ],
)
def test_a_broken_definition_of_a_zone_in_use_is_refused(
    damage: Callable[[str], str], reason: str
) -> None:
    used = event("DTSTART;TZID=Head Office:20270302T100000\nDURATION:PT1H")
    detail = refused(calendar(damage(OWN_ZONE), used))
    assert detail.startswith("time zone 1 (line ")
    assert reason in detail


@pytest.mark.parametrize(
    "body",
    [body for body, _ in BROKEN.values()]
    + [
        calendar(
            event(f"SUMMARY:{SECRET}\nATTENDEE;CN={SECRET}:mailto:z@example.com\n{lines}", uid="2")
        )
        for lines, _ in BROKEN_EVENTS.values()
    ]
    + [
        calendar(event(f"LOCATION:{SECRET}\nDTSTART:20270302T140000Z\nRRULE:{rule}"))
        for rule, _ in BROKEN_RULES.values()
    ],
)
def test_no_error_repeats_what_the_file_says(body: bytes) -> None:
    with pytest.raises(DomainError) as refusal:
        busy(body)
    error = refusal.value
    assert error.__cause__ is None
    told = " ".join([str(error), error.detail, repr(error.context), repr(error.errors)])
    assert not any(word.lower() in told.lower() for word in (*SECRET.split(), "example.com"))


def test_a_result_is_numbers_only() -> None:
    body = calendar(event(f"SUMMARY:{SECRET}\nDTSTART:20270302T140000Z\nDURATION:PT1H"))
    window = datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
    found = read_busy(body, zone=NEW_YORK, window_start=window[0], window_end=window[1])
    assert [type(part) for block in found for part in block] == [int, int]


# Limits


def quarter_hours(count: int) -> bytes:
    first = datetime(2027, 1, 1)
    return calendar(
        *(
            event(f"DTSTART:{first + timedelta(minutes=15 * n):%Y%m%dT%H%M%SZ}\nDURATION:PT5M")
            for n in range(count)
        )
    )


def test_ten_thousand_blocks_are_allowed_and_one_more_is_not() -> None:
    window = {"first": "2027-01-01", "last": "2027-12-31"}
    assert len(busy(quarter_hours(10_000), **window)) == 10_000
    with pytest.raises(CalendarTooDense) as refusal:
        busy(quarter_hours(10_001), **window)
    assert refusal.value.detail == "more than 10000 busy blocks"


def test_blocks_are_counted_after_merging() -> None:
    body = calendar(
        event("DTSTART:20270101T000000Z\nDURATION:PT1H\nRRULE:FREQ=MINUTELY;COUNT=20000")
    )
    assert len(busy(body, first="2027-01-01", last="2027-03-01")) == 1


BOMB_START = "DTSTART;TZID=Europe/Paris:16010101T000000\nDURATION:PT1S\n"


@pytest.mark.parametrize(
    "bomb",
    [
        "RRULE:FREQ=SECONDLY",
        "RRULE:FREQ=SECONDLY;COUNT=999999999",
        "RRULE:FREQ=MINUTELY;COUNT=999999999",
        "RRULE:FREQ=SECONDLY;BYMONTH=3",
        "RRULE:FREQ=SECONDLY;INTERVAL=86399;COUNT=1000000",
        "RRULE:FREQ=HOURLY;COUNT=99999999",
        f"RRULE:FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))};"
        f"BYMINUTE={','.join(map(str, range(60)))};BYSECOND={','.join(map(str, range(60)))}",
        f"RRULE:FREQ=YEARLY;COUNT=9;BYMONTH=1,2,3;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=-1;"
        f"BYMINUTE={','.join(map(str, range(60)))};BYSECOND={','.join(map(str, range(60)))}",
        "\n".join(["RRULE:FREQ=DAILY;BYMONTH=1;BYMONTHDAY=31;COUNT=1000"] * 20),
        "RRULE:FREQ=HOURLY\nEXRULE:FREQ=SECONDLY",
    ],
)
def test_a_rule_that_never_stops_is_refused_quickly(bomb: str) -> None:
    began = time.process_time()
    with pytest.raises(CalendarTooDense):
        busy(calendar(event(BOMB_START + bomb)), first="2027-01-01", last="2028-12-31")
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=5",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;BYDAY=MO",
        "FREQ=YEARLY;INTERVAL=999999999",
        "FREQ=WEEKLY;INTERVAL=999999999",
        "FREQ=SECONDLY;INTERVAL=999999999;UNTIL=20200101T000000Z",
    ],
)
def test_a_rule_that_never_matches_is_free_and_does_not_search_for_ever(rule: str) -> None:
    began = time.process_time()
    assert busy(calendar(event(BOMB_START + f"RRULE:{rule}"))) == []
    assert time.process_time() - began < 20


def test_a_zone_that_changes_every_second_is_refused() -> None:
    zone = OWN_ZONE.replace("FREQ=YEARLY;BYDAY=2SU;BYMONTH=3", "FREQ=SECONDLY")
    with pytest.raises(CalendarTooDense):
        busy(calendar(zone, event("DTSTART;TZID=Head Office:20270302T100000\nDURATION:PT1H")))


def test_an_entry_without_a_foreseeable_end_is_busy_to_the_end_of_the_window() -> None:
    for lines in ("DTEND:99991231T235959Z", "DURATION:P999999W"):
        assert busy_event(f"DTSTART:20270331T000000Z\n{lines}") == ["03-31T00:00/04-01T00:00"]


def test_a_file_over_five_megabytes_is_refused_unread() -> None:
    with pytest.raises(TooLarge):
        busy(b"\0" * (MAX_BYTES + 1))


# Real files, with what they must give worked out by hand


def real(name: str) -> bytes:
    path = REAL_FILES / name
    if not path.exists():
        pytest.skip("the real calendars beside the project are not here")
    return path.read_bytes()


def test_makerspace_single_entries_and_its_first_saturdays() -> None:
    found = busy(real("makerspace.ics"), "2018-09-01", "2018-11-15", "Europe/Berlin")
    assert found == [
        "09-01T12:00/09-01T15:00",  # first Saturday, 14:00-17:00 in summer time
        "09-01T16:00/09-01T18:00",
        "09-02T12:00/09-02T15:00",
        "10-06T12:00/10-06T15:00",  # first Saturday
        "10-08T16:00/10-08T20:00",
        "10-11T16:00/10-11T18:00",
        "10-13T13:00/10-13T15:30",
        "10-14T10:00/10-14T12:00",
        "10-18T13:00/10-18T16:00",
        "10-19T13:00/10-19T16:00",
        "10-20T11:00/10-20T15:00",
        "10-21T10:00/10-21T14:00",
        "11-03T13:00/11-03T16:00",  # first Saturday, in winter time
    ]


def test_makerspace_all_day_entry_is_a_day_of_the_schedule() -> None:
    found = busy(real("makerspace.ics"), "2018-06-05", "2018-06-30", "Europe/Berlin")
    assert found == ["06-08T22:00/06-09T22:00"]
    assert busy(real("makerspace.ics"), "2018-06-05", "2018-06-30", "America/New_York") == [
        "06-09T04:00/06-10T04:00"
    ]


def test_google_weekdays_keep_their_wall_time_across_the_change_of_march_2027() -> None:
    found = busy(real("google_recurring.ics"), "2027-03-25", "2027-03-31", NEW_YORK)
    assert found == [
        "03-25T13:00/03-25T13:30",
        "03-26T13:00/03-26T13:30",
        "03-29T12:00/03-29T12:30",
        "03-30T12:00/03-30T12:30",
    ]


def test_a_series_in_lisbon_repeats_each_monday_across_the_change() -> None:
    found = busy(real("daylight_aware_repeats.ics"), "2020-10-15", "2020-11-05", NEW_YORK)
    assert found == [
        "10-19T10:30/10-19T12:00",
        "10-26T11:30/10-26T13:00",
        "11-02T11:30/11-02T13:00",
    ]


def test_an_exchange_file_with_a_windows_name_is_in_eastern_time() -> None:
    found = busy(real("exchange.ics"), "2024-10-01", "2024-11-30", "UTC")
    assert found == ["10-28T21:00/10-28T22:00"]


def test_a_thunderbird_file_with_a_century_of_rules_is_one_hour_in_london() -> None:
    found = busy(real("thunderbird.ics"), "2024-10-01", "2024-11-30", "UTC")
    assert found == ["10-23T14:00/10-23T15:00"]


def test_the_century_of_rules_agrees_with_the_known_zone() -> None:
    body = real("thunderbird.ics")
    renamed = body.replace(b"TZID:Europe/London", b"TZID:Own").replace(
        b"TZID=Europe/London", b"TZID=Own"
    )
    for source in (body, renamed):
        weekly = source.replace(b"TRANSP:OPAQUE", b"RRULE:FREQ=WEEKLY")
        assert len(busy(weekly, "2024-10-01", "2026-10-01", "UTC")) == 102
    assert busy(body, "2024-10-01", "2024-11-30") == busy(renamed, "2024-10-01", "2024-11-30")
