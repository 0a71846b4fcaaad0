"""Sizes, kinds and rates are bounded before anyone looks at what was sent."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from api.http.settings import ApiSettings
from tests.http.business import Business, Server
from tests.http.problem import assert_problem

JSON = {"content-type": "application/json"}
PLACE = {"name": "A", "time_zone": "Europe/Lisbon", "country": "PT"}


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused(shop: Business, chunked: bool):
    body = json.dumps(shop.wish(note="x" * 70_000)).encode()
    parts = (body[at : at + 1_000] for at in range(0, len(body), 1_000))
    refused = shop.call("POST", "/v1/bookings", content=parts if chunked else body, headers=JSON)
    problem = assert_problem(refused, "too_large")
    assert problem["bytes_max"] == 65_536


def test_a_calendar_may_be_larger_but_not_without_bound(shop: Business):
    path = f"/v1/staff/{shop.made['staff']}/busy-imports"
    window = {"from": "2027-01-01T00:00:00Z", "to": "2027-02-01T00:00:00Z"}
    kind = {"content-type": "text/calendar"}
    large = b"x" * (5 * 1024 * 1024 + 1)
    refused = shop.call("POST", path, params=window, content=large, headers=kind)
    assert_problem(refused, "too_large")
    fitting = shop.call("POST", path, params=window, content=large[:100_000], headers=kind)
    assert fitting.json()["code"] == "calendar_invalid"


def test_a_schedule_may_hold_as_many_overrides_as_the_contract_allows(shop: Business):
    path = f"/v1/staff/{shop.made['staff']}/schedule"
    hours = [{"from": "08:00", "to": "12:00"}, {"from": "13:00", "to": "17:30"}]
    first = date(2027, 1, 1)
    overrides = [
        {"date": (first + timedelta(days)).isoformat(), "intervals": hours} for days in range(1_000)
    ]
    body = {"time_zone": "Europe/Lisbon", "weekly": [], "overrides": overrides}
    assert len(json.dumps(body)) > ApiSettings().body_bytes_max
    assert shop.call("PUT", path, json=body).json()["overrides"] == overrides

    body["time_zone"] = " " * 600_000
    problem = assert_problem(shop.call("PUT", path, json=body), "too_large")
    assert problem["bytes_max"] == ApiSettings().large_body_bytes_max


def test_a_length_that_is_no_number_is_refused(shop: Business):
    headers = {**JSON, "content-length": "many"}
    assert_problem(shop.call("POST", "/v1/locations", content=b"{}", headers=headers), "malformed")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/xml"},
        {"content-type": "application/jsonp"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
    ids=str,
)
def test_a_body_of_another_kind_is_refused(business: Business, headers: dict[str, str]):
    body = json.dumps(PLACE).encode()
    refused = business.call("POST", "/v1/locations", content=body, headers=headers)
    assert_problem(refused, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["application/json;charset=UTF-8", "Application/JSON"])
def test_json_may_be_named_as_the_standard_allows(business: Business, kind: str):
    body = json.dumps(PLACE).encode()
    made = business.call("POST", "/v1/locations", content=body, headers={"content-type": kind})
    assert made.status_code == 201


def test_an_address_that_is_too_long_is_refused(business: Business):
    assert_problem(business.get("/v1/locations?cursor=" + "a" * 9_000), "malformed")


def test_headers_that_are_too_many_or_too_large_are_refused(business: Business):
    many = {f"x-{number}": "1" for number in range(70)}
    assert_problem(business.get("/v1/locations", headers=many), "malformed")
    assert_problem(business.get("/v1/locations", headers={"x": "a" * 17_000}), "malformed")


def test_a_key_that_calls_too_often_is_told_to_wait():
    server = Server.start(ApiSettings(rate_per_second=1, rate_burst=3))
    business = server.business()
    with server.client:
        for left in ("2", "1", "0"):
            answer = business.get("/v1/locations")
            assert answer.status_code == 200
            assert answer.headers["ratelimit"] == f'"key";r={left};t=3'
            assert answer.headers["ratelimit-policy"] == '"key";q=3;w=3'
        assert_problem(business.get("/v1/locations"), "too_many")
        assert business.get("/v1/locations", role="booking").status_code == 200


def test_a_refusal_is_never_kept_by_caches(business: Business):
    for path in ("/v1/locations/x", "/v1/locations", "/nowhere"):
        answer = business.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
