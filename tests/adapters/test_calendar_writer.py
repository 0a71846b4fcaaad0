"""The file of one booking: what other calendars read in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar, Component

from infrastructure.calendars.calendar_reader import read_busy
from infrastructure.calendars.calendar_writer import CalendarEntry, booking_ics

START = datetime(2027, 3, 14, 14, 0, tzinfo=UTC)
ENTRY = CalendarEntry(
    booking_id="bkg_0000000000000000000000000000002a",
    sequence=0,
    changed_at=datetime(2027, 3, 1, 9, 30, 15, 250_000, tzinfo=UTC),
    start=START,
    end=START + timedelta(minutes=45),
    status="confirmed",
    service="Haircut",
    location="Old Town, 5 Market Square",
)


def read_back(entry: CalendarEntry) -> Component:
    (event,) = Calendar.from_ical(booking_ics(entry)).walk("VEVENT")
    return event


def test_the_file_is_exactly_this() -> None:
    assert booking_ics(ENTRY).decode().split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Daybook//Daybook//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        "SUMMARY:Haircut",
        "DTSTART:20270314T140000Z",
        "DTEND:20270314T144500Z",
        "DTSTAMP:20270301T093015Z",
        "UID:bkg_0000000000000000000000000000002a@daybook",
        "SEQUENCE:0",
        "LOCATION:Old Town\\, 5 Market Square",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_the_same_entry_gives_the_same_bytes() -> None:
    assert booking_ics(ENTRY) == booking_ics(replace(ENTRY))


def test_instants_are_written_in_utc_whatever_zone_they_come_in() -> None:
    elsewhere = timezone(timedelta(hours=-4, minutes=-30))
    moved = replace(ENTRY, start=ENTRY.start.astimezone(elsewhere))
    assert booking_ics(moved) == booking_ics(ENTRY)


def test_a_moved_booking_keeps_its_uid_and_raises_its_sequence() -> None:
    moved = read_back(replace(ENTRY, sequence=2, start=START + timedelta(minutes=15)))
    assert str(moved["UID"]) == str(read_back(ENTRY)["UID"])
    assert moved["SEQUENCE"] == 2


@pytest.mark.parametrize(
    ("status", "written"),
    [
        ("pending", "TENTATIVE"),
        ("confirmed", "CONFIRMED"),
        ("completed", "CONFIRMED"),
        ("no_show", "CONFIRMED"),
        ("cancelled", "CANCELLED"),
        ("declined", "CANCELLED"),
    ],
)
def test_every_status_of_a_booking_has_its_word(status: str, written: str) -> None:
    assert str(read_back(replace(ENTRY, status=status))["STATUS"]) == written


def test_nothing_about_a_customer_is_written_unless_it_is_given() -> None:
    event = read_back(ENTRY)
    assert not {"DESCRIPTION", "ATTENDEE", "ORGANIZER", "CONTACT"} & set(event)


def test_a_customer_stands_in_the_description() -> None:
    event = read_back(replace(ENTRY, customer=("Ada L.", "1 Mill Lane; rear, left")))
    assert str(event["DESCRIPTION"]) == "Ada L.\n1 Mill Lane; rear, left"


def test_text_cannot_start_a_line_of_its_own() -> None:
    wicked = "Cut\r\nATTENDEE:mailto:x@example.com\u2028\x0b\nEND:VEVENT\r"
    event = read_back(replace(ENTRY, service=wicked, location=wicked, customer=(wicked,)))
    assert "ATTENDEE" not in event
    assert str(event["SUMMARY"]).startswith("Cut  ATTENDEE:mailto:x@example.com")


@given(
    service=st.text(min_size=1, max_size=300),
    location=st.text(max_size=300),
    customer=st.text(alphabet="aé日😀,;\\\"' n", max_size=200),
)
def test_any_text_is_escaped_folded_and_read_back(
    service: str, location: str, customer: str
) -> None:
    body = booking_ics(
        replace(ENTRY, service=service, location=location, customer=(customer,) if customer else ())
    )
    lines = body.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert all(line.decode() is not None for line in lines)
    assert b"\n" not in body.replace(b"\r\n", b"")
    (event,) = Calendar.from_ical(body).walk("VEVENT")
    if customer:
        assert str(event["DESCRIPTION"]) == customer.strip()


def test_what_is_written_is_busy_when_read_and_free_when_cancelled() -> None:
    window = {"window_start": START - timedelta(days=1), "window_end": START + timedelta(days=1)}
    seconds = int(START.timestamp())
    found = read_busy(booking_ics(ENTRY), zone="Asia/Tokyo", **window)
    assert found == ((seconds, seconds + 2700),)
    cancelled = booking_ics(replace(ENTRY, status="cancelled"))
    assert read_busy(cancelled, zone="Asia/Tokyo", **window) == ()
