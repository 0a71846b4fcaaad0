"""The figures over HTTP."""

from __future__ import annotations

from tests.http.business import MONDAY, Business
from tests.http.problem import assert_problem

WEEK = {"from": MONDAY, "to": "2027-01-18"}


def test_a_day_s_figures_are_counted_and_set_against_its_hours(shop: Business):
    booked = shop.book()
    asked = {"location_id": shop.made["location"], **WEEK, "at_least": booked["event_id"]}
    response = shop.get("/v1/figures", params=asked)
    assert response.status_code == 200, response.text
    assert int(response.headers["daybook-position"]) >= 0
    told = response.json()
    days = {one["key"]: one for one in told["data"]}
    assert days[MONDAY] == {
        "key": MONDAY,
        "made": 0,
        "booked": 1,
        "cancelled": 0,
        "declined": 0,
        "no_shows": 0,
        "completed": 0,
        "minutes_booked": 30,
        "minutes_open": 480,
        "utilisation": 0.0625,
    }
    assert [one["minutes_open"] for one in told["data"]] == [480] * 5 + [0, 0]
    assert told["total"]["utilisation"] == 0.0125
    assert (told["by"], told["time_zone"]) == ("day", "Europe/Lisbon")
    assert booked["subject_id"] not in response.text


def test_they_are_told_apart_by_staff_service_and_source(shop: Business):
    shop.book()
    asked = {"location_id": shop.made["location"], **WEEK}

    def only(by: str) -> tuple[str, int, int | None]:
        (one,) = shop.get("/v1/figures", params={**asked, "by": by}).json()["data"]
        return one["key"], one["booked"], one["minutes_open"]

    assert only("staff") == (shop.made["staff"], 1, 2_400)
    assert only("service") == (shop.made["service"], 1, None)
    assert only("week") == (MONDAY, 1, 2_400)
    assert only("month") == (MONDAY, 1, 2_400)
    source, booked, _ = only("source")
    assert source.startswith("key_")
    assert booked == 1


def test_bad_ranges_and_strangers_are_told_so(shop: Business):
    asked = {"location_id": shop.made["location"], **WEEK}

    for code, changed in (("invalid", {"to": MONDAY}), ("range_too_long", {"to": "2028-01-13"})):
        assert_problem(shop.get("/v1/figures", params={**asked, **changed}), code, "/to")
    for name, value in (("by", "hour"), ("from", "2027-02-30")):
        response = shop.get("/v1/figures", params={**asked, name: value})
        assert_problem(response, "invalid", f"/{name}")
    assert_problem(shop.get("/v1/figures", params=asked, role="booking"), "not_permitted")
