"""Wall times and the instants they stand for, in the zones and on the days that are hard."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from domain.errors import Unacceptable, UnknownTimeZone
from domain.local_time import (
    FIRST_ORDINAL,
    LAST_ORDINAL,
    checked_zone,
    end_instant,
    exists,
    local_date,
    local_datetime,
    midnight,
    start_instant,
    zone,
)

ROOT = Path(__file__).parents[2]


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def shown(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S").removesuffix(":00")


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


# Days of 2027 only where the fixtures rely on them too: a zone may still change its mind.
PLAIN_AND_SKIPPED = [
    # zone, local day, wall time, instant (UTC)
    ("UTC", "2027-03-14", "09:00", "2027-03-14T09:00"),
    ("Asia/Kathmandu", "2027-05-05", "09:00", "2027-05-05T03:15"),
    ("America/New_York", "2027-03-13", "24:00", "2027-03-14T05:00"),
    ("America/New_York", "2027-03-14", "01:59", "2027-03-14T06:59"),
    ("America/New_York", "2027-03-14", "02:00", "2027-03-14T07:00"),  # 03:00
    ("America/New_York", "2027-03-14", "02:30", "2027-03-14T07:30"),  # 03:30
    ("America/New_York", "2027-03-14", "03:00", "2027-03-14T07:00"),
    ("America/New_York", "2027-03-14", "24:00", "2027-03-15T04:00"),
    ("Australia/Lord_Howe", "2027-10-03", "02:00", "2027-10-02T15:30"),  # 02:30
    ("Australia/Lord_Howe", "2027-10-03", "02:15", "2027-10-02T15:45"),  # 02:45
    ("Australia/Lord_Howe", "2027-10-03", "02:30", "2027-10-02T15:30"),
    ("Asia/Beirut", "2025-03-29", "24:00", "2025-03-29T22:00"),  # 01:00 on the 30th
    ("Asia/Beirut", "2025-03-30", "00:00", "2025-03-29T22:00"),
    ("Asia/Beirut", "2025-03-30", "00:45", "2025-03-29T22:45"),
    ("Africa/Casablanca", "2025-04-06", "02:30", "2025-04-06T02:30"),  # 03:30
    ("Pacific/Apia", "2011-12-29", "24:00", "2011-12-30T10:00"),
    ("Pacific/Apia", "2011-12-30", "09:00", "2011-12-30T19:00"),  # 09:00 on the 31st
    ("Pacific/Apia", "2011-12-31", "09:00", "2011-12-30T19:00"),
    ("America/St_Johns", "2006-04-02", "00:30", "2006-04-02T04:00"),  # 01:30
]
SHOWN_TWICE = [
    # zone, local day, wall time, instant as a start, instant as an end
    ("America/New_York", "2027-11-07", "01:00", "2027-11-07T05:00", "2027-11-07T06:00"),
    ("America/New_York", "2027-11-07", "01:30", "2027-11-07T05:30", "2027-11-07T06:30"),
    ("Australia/Lord_Howe", "2027-04-04", "01:30", "2027-04-03T14:30", "2027-04-03T15:00"),
    ("Australia/Lord_Howe", "2027-04-04", "01:45", "2027-04-03T14:45", "2027-04-03T15:15"),
    ("Asia/Beirut", "2025-10-25", "23:30", "2025-10-25T20:30", "2025-10-25T21:30"),
    ("Africa/Casablanca", "2025-02-23", "02:15", "2025-02-23T01:15", "2025-02-23T02:15"),
    ("America/St_Johns", "2006-10-28", "24:00", "2006-10-29T02:30", "2006-10-29T03:30"),
]


@pytest.mark.parametrize(("zone_name", "on", "clock", "instant"), PLAIN_AND_SKIPPED)
def test_a_skipped_time_moves_forward_by_the_gap_and_a_plain_one_stays(
    zone_name: str, on: str, clock: str, instant: str
) -> None:
    assert shown(start_instant(zone_name, day(on), minute(clock))) == instant
    assert shown(end_instant(zone_name, day(on), minute(clock))) == instant


@pytest.mark.parametrize(("zone_name", "on", "clock", "start", "end"), SHOWN_TWICE)
def test_a_time_shown_twice_is_the_earlier_for_a_start_and_the_later_for_an_end(
    zone_name: str, on: str, clock: str, start: str, end: str
) -> None:
    assert shown(start_instant(zone_name, day(on), minute(clock))) == start
    assert shown(end_instant(zone_name, day(on), minute(clock))) == end


@pytest.mark.parametrize(
    ("zone_name", "on", "hours"),
    [
        ("UTC", "2027-03-14", 24),
        ("America/New_York", "2027-03-14", 23),
        ("America/New_York", "2027-11-07", 25),
        ("Australia/Lord_Howe", "2027-10-03", 23.5),
        ("Australia/Lord_Howe", "2027-04-04", 24.5),
        ("Asia/Beirut", "2025-03-30", 23),
        ("Asia/Beirut", "2025-10-25", 25),
        ("Antarctica/Troll", "2025-03-30", 22),
        ("Pacific/Apia", "2011-12-29", 24),
        ("Pacific/Apia", "2011-12-30", 0),
        ("Pacific/Apia", "2011-12-31", 24),
    ],
)
def test_a_local_day_is_as_long_as_its_clocks_make_it(
    zone_name: str, on: str, hours: float
) -> None:
    length = midnight(zone_name, day(on) + 1) - midnight(zone_name, day(on))
    assert length == hours * 3600
    assert exists(zone_name, day(on)) is (hours > 0)


def test_a_day_whose_first_half_hour_is_skipped_begins_at_the_change() -> None:
    # In 1919 Toronto's clocks went from 23:30 to 00:30.
    begins = midnight("America/Toronto", day("1919-03-31"))
    assert local_datetime("America/Toronto", begins).isoformat() == "1919-03-31T00:30:00-04:00"
    assert local_date("America/Toronto", begins - 1) == date(1919, 3, 30)


def test_the_local_date_is_the_one_on_the_wall() -> None:
    at = utc("2027-03-14T04:59:59")
    assert local_date("America/New_York", at) == date(2027, 3, 13)
    assert local_date("America/New_York", at + 1) == date(2027, 3, 14)
    assert local_date("Asia/Tokyo", at) == date(2027, 3, 14)


@pytest.mark.parametrize("zone_name", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_ends_of_the_calendar_are_days_like_any_other(zone_name: str) -> None:
    for at, nearest in ((-(10**15), FIRST_ORDINAL), (10**15, LAST_ORDINAL)):
        ordinal = local_date(zone_name, at).toordinal()
        assert abs(ordinal - nearest) <= 1
        assert exists(zone_name, ordinal)
        assert midnight(zone_name, ordinal) < end_instant(zone_name, ordinal, 1440)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Olympus",
        "america/",
        "/etc/localtime",
        "../../etc/passwd",
        "Europe/../Europe/London",
        "Europe//London",
        "America",
        "Europe/London\n",
        "Europe/London\0",
        "Europe/L\u00f6ndon",
        "\ud800",
        "Factory",
        "localtime",
        "right/Europe/London",
        "leapseconds",
        "tzdata.zi",
        "__init__",
        "EST5EDT4",
        "A" * 100_000,
        "A/" * 30 + "A",
        "+01:00",
    ],
)
def test_only_names_of_zones_are_zones(name: str) -> None:
    with pytest.raises(UnknownTimeZone) as refused:
        zone(name)
    assert refused.value.code == "unknown_time_zone"
    assert refused.value.__cause__ is None
    assert name not in refused.value.detail or not name


@pytest.mark.parametrize("value", [None, 3, ["UTC"], {"a": 1}, b"UTC", "Nowhere"])
def test_a_zone_that_is_none_is_told_with_its_pointer(value: object) -> None:
    with pytest.raises(Unacceptable) as refused:
        checked_zone(value, "/time_zone")
    (error,) = refused.value.errors
    assert (error.pointer, error.code) == ("/time_zone", "unknown_time_zone")


@pytest.mark.parametrize("name", ["UTC", "Etc/GMT+5", "America/Argentina/Ushuaia", "EST5EDT", "GB"])
def test_a_zone_that_is_known_keeps_its_name(name: str) -> None:
    assert checked_zone(name, "/time_zone") == name


def test_the_machines_own_zone_changes_nothing() -> None:
    asked = (
        "import time, zoneinfo; time.tzset(); zoneinfo.reset_tzpath(())\n"
        "from datetime import date\n"
        "from domain.local_time import *\n"
        "day = date(2027, 3, 14).toordinal()\n"
        "print(start_instant('America/New_York', day, 150), end_instant('Asia/Tokyo', day, 1440),"
        " midnight('Asia/Beirut', date(2025, 3, 30).toordinal()), local_date('Pacific/Apia', 1325239199))\n"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", asked],
            cwd=ROOT,
            env={**os.environ, "TZ": machine_zone},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for machine_zone in ("UTC", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe")
    }
    assert answers == {"1805009400 1805036400 1743285600 2011-12-29\n"}
