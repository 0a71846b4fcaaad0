"""Lists come in parts, in a steady order, and can wait for what was just written."""

from __future__ import annotations

import base64

import pytest

from tests.http.business import MONDAY, Business
from tests.http.problem import assert_problem


def all_of(shop: Business, path: str, limit: int) -> list[str]:
    """The ids of a whole list, taken in parts of at most `limit`."""
    found: list[str] = []
    asked: dict[str, str | int] = {"limit": limit}
    for _ in range(100):
        part = shop.get(path, params=asked).json()
        assert len(part["data"]) <= limit
        found += [one["id"] for one in part["data"]]
        if part["next_cursor"] is None:
            return found
        asked["cursor"] = part["next_cursor"]
    raise AssertionError("the list never ends")


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_parts_make_up_the_whole_list_in_order(business: Business, limit: int):
    made = [business.location(name=f"Branch {number}") for number in range(4)]
    found = all_of(business, "/v1/locations", limit)
    assert sorted(found) == sorted(made)
    assert found == all_of(business, "/v1/locations", 200)


def test_bookings_come_by_start(shop: Business):
    hours = (15, 9, 12, 10)
    made = {hour: shop.book(f"{MONDAY}T{hour:02}:00:00Z")["id"] for hour in hours}
    assert all_of(shop, "/v1/bookings", 3) == [made[hour] for hour in sorted(hours)]


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.0", "one", "", "١", "1_0", " 1"])
def test_a_limit_out_of_bounds_is_refused(business: Business, limit: str):
    assert_problem(business.get("/v1/locations", params={"limit": limit}), "invalid", "/limit")


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "####",
        base64.urlsafe_b64encode(b"[]").decode(),
        base64.urlsafe_b64encode(b'["locations",1,2]').decode(),
        base64.urlsafe_b64encode(b'["locations","2027-01-01T00:00:00Z","zz"]').decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_a_cursor_that_is_none_is_refused(business: Business, cursor: str):
    refused = business.get("/v1/locations", params={"cursor": cursor})
    assert_problem(refused, "invalid", "/cursor")


def test_a_cursor_of_another_list_is_refused(business: Business):
    for number in range(2):
        business.location(name=f"Branch {number}")
    cursor = business.get("/v1/locations?limit=1").json()["next_cursor"]
    assert business.get("/v1/locations", params={"cursor": cursor}).status_code == 200
    for other in ("services", "staff", "keys", "bookings"):
        refused = business.get(f"/v1/{other}", params={"cursor": cursor})
        assert_problem(refused, "invalid", "/cursor")


@pytest.mark.parametrize("path", ["locations", "services", "staff", "keys", "bookings"])
def test_a_list_waits_for_what_was_just_written(shop: Business, path: str):
    written = shop.post("/v1/locations", {"name": "New", "time_zone": "UTC", "country": "GB"})
    event = written.headers["daybook-event"]
    listed = shop.get(f"/v1/{path}", params={"at_least": event})
    assert listed.status_code == 200
    position = int(listed.headers["daybook-position"])
    again = shop.get(f"/v1/{path}", params={"at_least": position})
    assert int(again.headers["daybook-position"]) >= position


@pytest.mark.parametrize("at_least", ["evt_" + "0" * 32, "999999999"])
def test_what_was_never_written_is_not_waited_for(shop: Business, at_least: str):
    for path in ("locations", "bookings"):
        refused = shop.get(f"/v1/{path}", params={"at_least": at_least})
        assert_problem(refused, "unknown_reference", "/at_least")


@pytest.mark.parametrize("at_least", ["-1", "01", "bkg_" + "0" * 32, "", "1e3", "9" * 19])
def test_what_is_no_event_or_position_is_refused(shop: Business, at_least: str):
    refused = shop.get("/v1/locations", params={"at_least": at_least})
    assert_problem(refused, "unknown_reference", "/at_least")
