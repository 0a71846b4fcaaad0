"""What bad input gets: a documented problem with a stable code, nothing stored, never a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.app import SPECS
from api.contract import Spec
from api.settings import ApiSettings
from tests.http.business import ADA, MONDAY, Business, Server
from tests.http.problem import assert_problem
from tests.http.requests import address

WITH_JSON = [spec for spec in SPECS if spec.takes.body is not None]
WITH_QUERY = [spec for spec in SPECS if spec.method == "GET"]
WITHOUT_BODY = [spec for spec in SPECS if spec.method == "POST" and not spec.takes.needs_body]
JSON = {"content-type": "application/json"}
NOBODY = "0" * 32
PLACE = {"name": "A", "time_zone": "Europe/Lisbon", "country": "PT"}


def named(spec: Spec) -> str:
    """How a route is called in test names."""
    return f"{spec.method} {spec.path}"


def assert_nothing_stored(shop: Business, position: str) -> None:
    """No event has been added since."""
    assert shop.get("/v1/locations").headers["daybook-position"] == position


def position_of(shop: Business) -> str:
    """Where the ledger stands."""
    return shop.get("/v1/locations").headers["daybook-position"]


NOT_JSON = [
    b"",
    b"{",
    b"{'name': 1}",
    b'{"a": NaN}',
    b"\xff\xfe{}",
    b'{"name": "\xc3\x28"}',
    b'{"name": "\\ud800"}',
    b'{"name": "a\x00b"}',
    b"[" * 2_000,
    b'{"a":' * 40 + b"1" + b"}" * 40,
    b"{} {}",
]


@pytest.mark.parametrize("spec", WITH_JSON, ids=named)
def test_what_is_not_json_is_malformed(shop: Business, spec: Spec):
    before = position_of(shop)
    for body in NOT_JSON:
        refused = shop.call(spec.method, address(spec, shop.made), content=body, headers=JSON)
        assert_problem(refused, "malformed")
    assert_nothing_stored(shop, before)


@pytest.mark.parametrize("spec", WITH_JSON, ids=named)
def test_what_is_no_object_is_refused(shop: Business, spec: Spec):
    for body in ("null", "[]", '"text"', "1", "true"):
        refused = shop.call(spec.method, address(spec, shop.made), content=body, headers=JSON)
        assert_problem(refused, "invalid", "")


@pytest.mark.parametrize("spec", WITH_JSON, ids=named)
def test_a_field_that_does_not_exist_is_refused(shop: Business, spec: Spec):
    refused = shop.call(spec.method, address(spec, shop.made), json={"surprise": 1})
    problem = refused.json()
    assert refused.status_code == 422
    assert problem["code"] in ("unknown_field", "invalid")
    assert {"/surprise": "unknown_field"}.items() <= {
        error["pointer"]: error["code"] for error in problem["errors"]
    }.items()


def test_the_name_of_an_unknown_field_is_not_repeated_when_it_could_be_a_person(business: Business):
    refused = business.post("/v1/locations", {**PLACE, "grace@example.test": 1})
    assert_problem(refused, "unknown_field", "")
    assert "grace" not in refused.text


@pytest.mark.parametrize("spec", WITHOUT_BODY, ids=named)
def test_a_route_without_a_body_takes_an_empty_object_and_no_more(shop: Business, spec: Spec):
    path = address(spec, shop.made)
    assert_problem(shop.post(path, {"surprise": 1}), "unknown_field", "/surprise")
    assert shop.post(path, {}).status_code != 422


@pytest.mark.parametrize("spec", WITH_QUERY, ids=named)
def test_a_query_that_cannot_be_read_is_refused(shop: Business, spec: Spec):
    path = address(spec, shop.made)
    unknown = shop.get(f"{path}?surprise=1")
    assert unknown.status_code == 422
    assert "/surprise" in [error["pointer"] for error in unknown.json()["errors"]]
    assert_problem(shop.get(f"{path}?a=%ff"), "malformed")
    assert_problem(shop.get(f"{path}?" + "&".join(f"a{n}=1" for n in range(40))), "malformed")
    assert_problem(shop.get(f"{path}?limit=1&limit=2"), "invalid", "")


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("name", {"name": 7}, "/name", "wrong_type"),
    ("name", {"name": None}, "/name", "wrong_type"),
    ("name", {"name": ""}, "/name", "too_short"),
    ("name", {"name": "   "}, "/name", "blank"),
    ("name", {"name": "a\x00b"}, "/name", "control_character"),
    ("name", {"name": "a\u2028b"}, "/name", "control_character"),
    ("name", {"name": "a" * 201}, "/name", "too_long"),
    ("zone", {"time_zone": "Europe/Atlantis"}, "/time_zone", "unknown_time_zone"),
    ("zone", {"time_zone": "../../etc/passwd"}, "/time_zone", "unknown_time_zone"),
    ("zone", {"time_zone": "EST5EDT\x00"}, "/time_zone", "unknown_time_zone"),
    ("zone", {"time_zone": "x" * 100}, "/time_zone", "too_long"),
    ("country", {"country": "XX"}, "/country", "unknown_country"),
    ("country", {"country": "pt"}, "/country", "malformed"),
    ("holidays", {"closed_on_holidays": "yes"}, "/closed_on_holidays", "wrong_type"),
    ("holidays", {"closed_on_holidays": 1}, "/closed_on_holidays", "wrong_type"),
    ("controller", {"controller": "nobody"}, "/controller", "unknown_code"),
]


@pytest.mark.parametrize(("field", "change", "pointer", "code"), WRONG)
def test_a_wrong_value_is_told_by_its_field(
    business: Business, field: str, change: dict[str, Any], pointer: str, code: str
):
    before = position_of(business)
    body = assert_problem(business.post("/v1/locations", {**PLACE, **change}), "invalid", pointer)
    assert body["errors"][0]["code"] == code
    assert_nothing_stored(business, before)


def test_all_faults_of_a_body_are_told_at_once(shop: Business):
    asked = {"location_ids": [], "name": 1, "duration_minutes": 0, "price": {"currency": "euro"}}
    assert_problem(
        shop.post("/v1/services", asked),
        "invalid",
        "/location_ids",
        "/name",
        "/duration_minutes",
        "/price/amount_minor",
        "/price/currency",
    )


def test_at_most_twenty_faults_are_told(shop: Business):
    many = {f"field_{number}": 1 for number in range(100)}
    refused = shop.post("/v1/locations", {**PLACE, **many})
    assert len(refused.json()["errors"]) == 20


@pytest.mark.parametrize(
    "number", ["30", 30.0, 30.5, True, None, -1, 0, 10**30, [30]], ids=repr
)
def test_only_a_whole_number_in_bounds_is_a_duration(shop: Business, number: object):
    asked = {"location_ids": [shop.made["location"]], "name": "A", "duration_minutes": number}
    refused = shop.post("/v1/services", asked)
    assert_problem(refused, "invalid", "/duration_minutes")


@pytest.mark.parametrize(
    ("reference", "pointer"),
    [
        ({"service_id": f"svc_{NOBODY}"}, "/service_id"),
        ({"service_id": f"loc_{NOBODY}"}, "/service_id"),
        ({"service_id": "svc_" + "g" * 32}, "/service_id"),
        ({"service_id": f"svc_{NOBODY}\n"}, "/service_id"),
        ({"service_id": ""}, "/service_id"),
        ({"location_id": f"loc_{NOBODY}"}, "/location_id"),
        ({"staff_id": f"stf_{NOBODY}"}, "/staff_id"),
        ({"hold_id": f"hld_{NOBODY}"}, "/hold_id"),
    ],
)
def test_what_a_body_names_must_exist(shop: Business, reference: dict[str, str], pointer: str):
    refused = shop.post("/v1/bookings", shop.wish(**reference))
    assert_problem(refused, "unknown_reference", pointer)


def test_what_a_body_names_must_be_ones_own(shop: Business):
    other = shop.server.business().opened()
    for field in ("service", "location", "staff"):
        refused = shop.post("/v1/bookings", shop.wish(**{f"{field}_id": other.made[field]}))
        assert_problem(refused, "unknown_reference", f"/{field}_id")
    asked = {"location_ids": [shop.made["location"], other.made["location"]]}
    path = f"/v1/services/{shop.made['service']}"
    refused = shop.call("PATCH", path, json=asked)
    assert_problem(refused, "unknown_reference", "/location_ids/1")


@pytest.mark.parametrize(
    "id",
    [
        f"loc_{NOBODY}",
        f"svc_{NOBODY}",
        "x",
        "%00",
        f"loc_{NOBODY}%0A",
        f"loc_{NOBODY}%00",
        "LOC_" + NOBODY,
        "..",
        "%2e%2e%2f",
        "é",
        "a" * 3_000,
    ],
)
def test_an_id_in_the_path_that_is_none_is_not_found(business: Business, id: str):
    assert_problem(business.get(f"/v1/locations/{id}"), "not_found")


# --- times -----------------------------------------------------------------------------------------------------------


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
def test_an_instant_may_be_written_with_any_offset(shop: Business, start: str):
    assert shop.book(start)["start"] == f"{MONDAY}T10:00:00Z"


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
    ids=["off the grid", "half a second", "early", "late", "weekend", "past", "last year", "window", "far"],
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


def test_a_service_at_several_locations_needs_one_named(shop: Business):
    second = shop.location(name="Second")
    both = {"location_ids": [shop.made["location"], second]}
    shop.call("PATCH", f"/v1/services/{shop.made['service']}", json=both)
    assert_problem(shop.post("/v1/bookings", shop.wish()), "location_required", "/location_id")
    shop.book(location_id=shop.made["location"])


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


# --- people ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"email": "nobody"}, "/customer/email"),
        ({"email": "a@b"}, "/customer/email"),
        ({"email": "a b@example.test"}, "/customer/email"),
        ({"email": "x" * 250 + "@example.test"}, "/customer/email"),
        ({"email": 5}, "/customer/email"),
        ({"name": "\x00"}, "/customer/name"),
        ({"name": " "}, "/customer/name"),
        ({"phone": "call me"}, "/customer/phone"),
        ({"address": "x" * 501}, "/customer/address"),
    ],
)
def test_a_customer_is_told_what_is_wrong_without_being_quoted(
    shop: Business, change: dict[str, Any], pointer: str
):
    refused = shop.post("/v1/bookings", shop.wish(customer=ADA | change))
    assert_problem(refused, "invalid", pointer)
    (value,) = change.values()
    assert str(value) not in refused.text or len(str(value)) < 2


@pytest.mark.parametrize(
    "more",
    [
        {"note": "a" * 2_001},
        {"note": "a\x07b"},
        {"external_ref": "no spaces"},
        {"external_ref": "x" * 65},
        {"policy_version": "2027 01"},
        {"metadata": {"a": 1}},
        {"metadata": {"a": {"b": "c"}}},
        {"metadata": {f"k{number}": "v" for number in range(21)}},
        {"metadata": {"spaced key": "v"}},
        {"metadata": {"k": "v" * 501}},
        {"metadata": []},
    ],
    ids=lambda more: json.dumps(more)[:40],
)
def test_what_comes_with_a_booking_is_bounded(shop: Business, more: dict[str, Any]):
    before = position_of(shop)
    refused = shop.post("/v1/bookings", shop.wish(**more))
    assert refused.status_code == 422
    assert_problem(refused, "invalid", *[error["pointer"] for error in refused.json()["errors"]])
    assert_nothing_stored(shop, before)


@pytest.mark.parametrize(
    "headers",
    [
        {"daybook-purpose": "curiosity"},
        {"daybook-purpose": ""},
        {"daybook-purpose": "SERVICE"},
        {"daybook-purpose": "support", "daybook-case": "two words"},
        {"daybook-purpose": "support", "daybook-case": "x" * 65},
        {"daybook-purpose": "support", "daybook-case": ""},
        {"daybook-purpose": "service", "daybook-case": "a\u00e9"},
    ],
)
def test_a_purpose_that_is_not_listed_is_refused_everywhere(
    shop: Business, headers: dict[str, str]
):
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    assert_problem(shop.get("/v1/locations", headers=sent), "purpose_required")


# --- calendars -------------------------------------------------------------------------------------------------------


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
    for to, code in (("2029-01-02T00:00:00Z", "range_too_long"), ("2026-01-01T00:00:00Z", "invalid")):
        window = {"from": "2027-01-01T00:00:00Z", "to": to}
        refused = shop.call("POST", path, params=window, content=b"x", headers=kind)
        assert refused.json()["code"] == code


# --- sizes, kinds and rates ------------------------------------------------------------------------------------------


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


def test_a_length_that_is_no_number_is_refused(shop: Business):
    headers = {**JSON, "content-length": "many"}
    assert_problem(
        shop.call("POST", "/v1/locations", content=b"{}", headers=headers), "malformed"
    )


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
