"""Broken calendars, and calendars over a limit: refused, told why, and nothing repeated."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import CalendarInvalid, CalendarTooDense, DomainError, TooLarge
from infrastructure.calendars.calendar_lines import MAX_BYTES
from infrastructure.calendars.calendar_reader import read_busy
from tests.adapters.calendars import (
    NEW_YORK,
    OWN_ZONE,
    WEEKLY,
    busy,
    busy_event,
    calendar,
    event,
    refused,
)

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


def numbers(below: int) -> str:
    return ",".join(map(str, range(below)))


BOMB_START = "DTSTART;TZID=Europe/Paris:16010101T000000\nDURATION:PT1S\n"


@pytest.mark.parametrize(
    "bomb",
    [
        "RRULE:FREQ=SECONDLY",
        "RRULE:FREQ=SECONDLY;COUNT=999999999",
        "RRULE:FREQ=MINUTELY;COUNT=999999999",
        "RRULE:FREQ=SECONDLY;BYMONTH=3",
        "RRULE:FREQ=HOURLY;COUNT=99999999",
        f"RRULE:FREQ=DAILY;BYHOUR={numbers(24)};BYMINUTE={numbers(60)};BYSECOND={numbers(60)}",
        f"RRULE:FREQ=YEARLY;COUNT=9999999;BYMINUTE={numbers(60)};BYSECOND={numbers(60)};BYDAY=MO,TU,WE",
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


EVERYTHING = calendar(
    OWN_ZONE,
    event(WEEKLY + f"FREQ=WEEKLY;COUNT=9\nEXDATE;TZID={NEW_YORK}:20270308T090000"),
    event("RECURRENCE-ID:20270315T130000Z\nDTSTART:20270316T130000Z\nDURATION:PT1H"),
    event("DTSTART;VALUE=DATE:20270320\nRRULE:FREQ=YEARLY;UNTIL=20300101T000000Z", uid="two"),
    event('DTSTART;TZID="Head Office":20270320T100000\nRDATE:20270321T000000\nDURATION:PT1H'),
    event(
        "DTSTART:20270303T013000Z\nDURATION:PT5M\nRRULE:FREQ=MINUTELY;INTERVAL=90;BYHOUR=1,2;UNTIL=20270401"
    ),
    "BEGIN:VFREEBUSY\nFREEBUSY;FBTYPE=BUSY:20270302T140000Z/PT2H\nEND:VFREEBUSY",
)


@settings(max_examples=300, deadline=None)
@given(
    edits=st.lists(
        st.tuples(
            st.integers(0, len(EVERYTHING) - 1),
            st.integers(0, 12),
            st.sampled_from([*'\r\n \t;:,="\\-+0123456789TZP', "\0", "\ufffd", "9999", "0001"]),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_damaged_file_gives_blocks_or_a_refusal_and_never_a_crash(
    edits: list[tuple[int, int, str]],
) -> None:
    body = EVERYTHING
    for position, removed, inserted in edits:
        body = body[:position] + inserted.encode() + body[position + removed :]
    with contextlib.suppress(CalendarInvalid, CalendarTooDense):
        busy(body)


def test_the_undamaged_file_is_read() -> None:
    assert len(busy(EVERYTHING)) > 10


@given(body=st.binary(max_size=200))
def test_bytes_that_are_no_calendar_are_refused(body: bytes) -> None:
    assert refused(body)
    assert refused(b"BEGIN:VCALENDAR\r\n" + body)
