"""Times that are none, that no slot has, or that lie too far apart; schedules and calendars that cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.business import MONDAY, Business, Server
from tests.http.problem import assert_problem


@pytest.fixture(scope="module")
def shop(server: Server) -> Business:
    """One shop for all tests in which nothing is stored."""
    return server.business().opened()


@pytest.fixture
def busy_shop(server: Server) -> Business:
    """A shop of the test's own, in which something is."""
    return server.business().opened()


@pytest.mark.parametrize(
    "start",
    [
        "2027-01-11",
        "2027-01-11T10:00:00",
        "2027-01-11 10:00:00Z",
        "2027-01-11T10:00Z",
        "2027-02-30T10:00:00Z",
        "2027-01-11T24:00:00Z",
        "2027-01-11T10:00:60Z",
        "2027-01-11T10:00:00+25:00",
        "2027-01-11T10:00:00.1234567Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1969-12-31T23:59:59Z",
        "2201-01-01T00:00:00Z",
        "now",
        "",
        1799661600,
        None,
    ],
    ids=repr,
)
def test_what_is_no_instant_is_refused(shop: Business, start: object):
    assert_problem(shop.post("/v1/bookings", shop.wish() | {"start": start}), "invalid", "/start")


@pytest.mark.parametrize(
    "start", ["2027-01-11T11:00:00+01:00", "2027-01-11t10:00:00z", "2027-01-11T10:00:00.000Z"]
)
def test_an_instant_may_be_written_with_any_offset(busy_shop: Business, start: str):
    assert busy_shop.book(start)["start"] == f"{MONDAY}T10:00:00Z"


@pytest.mark.parametrize(
    "start",
    [
        f"{MONDAY}T10:07:00Z",
        f"{MONDAY}T10:00:00.5Z",
        f"{MONDAY}T08:45:00Z",
        f"{MONDAY}T17:00:00Z",
        "2027-01-09T10:00:00Z",
        "2027-01-04T07:00:00Z",
        "2026-01-05T10:00:00Z",
        "2027-12-20T10:00:00Z",
        "2200-01-01T10:00:00Z",
    ],
    ids=[
        "off the grid",
        "half a second",
        "early",
        "late",
        "weekend",
        "past",
        "last year",
        "window",
        "far",
    ],
)
def test_a_start_that_is_no_slot_is_told_apart_from_one_that_is_taken(shop: Business, start: str):
    assert_problem(shop.post("/v1/bookings", shop.wish(start)), "not_a_slot", "/start")


def test_a_time_in_a_gap_moves_forward_by_the_gap(business: Business):
    location = business.location(time_zone="America/New_York")
    service = business.service(location, booking_window_days=120)
    staff = business.staff(location, services=[service], schedule=False)
    hours = [{"from": "02:30", "to": "04:00"}]
    schedule = {
        "time_zone": "America/New_York",
        "overrides": [{"date": "2027-03-14", "intervals": hours}],
    }
    path = f"/v1/staff/{staff}/schedule"
    assert business.call("PUT", path, json=schedule).status_code == 200
    asked = {
        "service_id": service,
        "from": "2027-03-14T00:00:00Z",
        "to": "2027-03-15T00:00:00Z",
        "time_zone": "America/New_York",
    }
    slots = business.get("/v1/slots", params=asked).json()["slots"]
    assert [slot["local_start"] for slot in slots] == ["2027-03-14T03:30:00-04:00"]


@pytest.mark.parametrize(
    ("range", "code"),
    [
        ({"from": "2027-01-12T00:00:00Z", "to": "2027-01-11T00:00:00Z"}, "invalid"),
        ({"from": "2027-01-11T00:00:00Z", "to": "2027-01-11T00:00:00Z"}, "invalid"),
        ({"from": "2027-01-11T00:00:00Z", "to": "2027-04-13T00:00:01Z"}, "range_too_long"),
    ],
)
def test_a_range_that_is_none_or_too_long_is_refused(
    shop: Business, range: dict[str, str], code: str
):
    slots = {"service_id": shop.made["service"], **range}
    assert_problem(shop.get("/v1/slots", params=slots), code, "/to")
    agenda = {"location_id": shop.made["location"], **range}
    assert_problem(shop.get("/v1/agenda", params=agenda), code, "/to")


def test_the_longest_range_is_taken(shop: Business):
    asked = {"from": "2027-01-11T00:00:00Z", "to": "2027-04-13T00:00:00Z"}
    slots = {"service_id": shop.made["service"], **asked}
    assert shop.get("/v1/slots", params=slots).status_code == 200


def test_a_zone_for_display_must_exist(shop: Business):
    asked = {
        "service_id": shop.made["service"],
        "from": f"{MONDAY}T00:00:00Z",
        "to": "2027-01-12T00:00:00Z",
        "time_zone": "Mars/Olympus",
    }
    assert_problem(shop.get("/v1/slots", params=asked), "unknown_time_zone", "/time_zone")


def test_a_service_at_several_locations_needs_one_named(busy_shop: Business):
    second = busy_shop.location(name="Second")
    both = {"location_ids": [busy_shop.made["location"], second]}
    busy_shop.call("PATCH", f"/v1/services/{busy_shop.made['service']}", json=both)
    assert_problem(
        busy_shop.post("/v1/bookings", busy_shop.wish()), "location_required", "/location_id"
    )
    busy_shop.book(location_id=busy_shop.made["location"])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"weekly": [{"days": ["mon"], "from": "9:00", "to": "17:00"}]}, "/weekly/0/from"),
        ({"weekly": [{"days": ["mon"], "from": "09:00", "to": "25:00"}]}, "/weekly/0/to"),
        ({"weekly": [{"days": ["mon"], "from": "24:00", "to": "02:00"}]}, "/weekly/0/from"),
        ({"weekly": [{"days": ["funday"], "from": "09:00", "to": "17:00"}]}, "/weekly/0/days/0"),
        ({"weekly": [{"days": [], "from": "09:00", "to": "17:00"}]}, "/weekly/0/days"),
        ({"overrides": [{"date": "2027-02-30", "intervals": []}]}, "/overrides/0/date"),
        ({"overrides": [{"date": "2027-02-01"}]}, "/overrides/0/intervals"),
        ({"overrides": {}}, "/overrides"),
    ],
)
def test_a_schedule_that_cannot_be_used_is_refused(
    shop: Business, change: dict[str, Any], pointer: str
):
    path = f"/v1/staff/{shop.made['staff']}/schedule"
    body = {"time_zone": "Europe/Lisbon", **change}
    assert_problem(shop.call("PUT", path, json=body), "invalid", pointer)


@pytest.mark.parametrize(
    "calendar",
    [
        b"",
        b"not a calendar",
        b"\xff\xfe\x00",
        b"BEGIN:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:yesterday\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    ],
)
def test_a_calendar_that_is_broken_is_refused(shop: Business, calendar: bytes):
    path = f"/v1/staff/{shop.made['staff']}/busy-imports"
    window = {"from": "2027-01-01T00:00:00Z", "to": "2027-02-01T00:00:00Z"}
    kind = {"content-type": "text/calendar; charset=utf-8"}
    refused = shop.call("POST", path, params=window, content=calendar, headers=kind)
    assert refused.json()["code"] == "calendar_invalid"


def test_the_window_of_an_import_is_bounded(shop: Business):
    path = f"/v1/staff/{shop.made['staff']}/busy-imports"
    kind = {"content-type": "text/calendar"}
    for to, code in (
        ("2029-01-02T00:00:00Z", "range_too_long"),
        ("2026-01-01T00:00:00Z", "invalid"),
    ):
        window = {"from": "2027-01-01T00:00:00Z", "to": to}
        refused = shop.call("POST", path, params=window, content=b"x", headers=kind)
        assert refused.json()["code"] == code
