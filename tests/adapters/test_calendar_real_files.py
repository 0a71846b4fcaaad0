"""Calendars that real programs wrote, with what they make busy worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.calendars import (
    NEW_YORK,
    busy,
)

REAL_FILES = Path(__file__).parents[2] / "../shared/data/ics"


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
