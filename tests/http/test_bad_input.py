"""What bad input gets: a documented problem with a stable code, nothing stored, never a 500."""

from __future__ import annotations

from typing import Any

import pytest

from api.http.app import SPECS
from api.http.contract import Spec
from tests.http.business import Business, Server
from tests.http.problem import assert_problem
from tests.http.requests import address

WITH_JSON = [spec for spec in SPECS if spec.takes.body is not None]
WITH_QUERY = [spec for spec in SPECS if spec.method == "GET"]
WITHOUT_BODY = [spec for spec in SPECS if spec.method == "POST" and not spec.takes.needs_body]
JSON = {"content-type": "application/json"}
NOBODY = "0" * 32
PLACE = {"name": "A", "time_zone": "Europe/Lisbon", "country": "PT"}


@pytest.fixture(scope="module")
def shop(server: Server) -> Business:
    """One shop for all tests in which nothing is stored."""
    return server.business().opened()


@pytest.fixture
def busy_shop(server: Server) -> Business:
    """A shop of the test's own, in which something is."""
    return server.business().opened()


def named(spec: Spec) -> str:
    """How a route is called in test names."""
    return f"{spec.method} {spec.path}"


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
    before = shop.position()
    for body in NOT_JSON:
        if not body and spec.takes.body_optional:
            continue
        refused = shop.call(spec.method, address(spec, shop.made), content=body, headers=JSON)
        assert_problem(refused, "malformed")
    assert shop.position() == before, "something was stored"


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
def test_a_route_without_a_body_takes_an_empty_object_and_no_more(busy_shop: Business, spec: Spec):
    path = address(spec, busy_shop.made)
    assert_problem(busy_shop.post(path, {"surprise": 1}), "unknown_field", "/surprise")
    assert busy_shop.post(path, {}).status_code != 422


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
    before = business.position()
    body = assert_problem(business.post("/v1/locations", {**PLACE, **change}), "invalid", pointer)
    assert body["errors"][0]["code"] == code
    assert business.position() == before, "something was stored"


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


@pytest.mark.parametrize("number", ["30", 30.0, 30.5, True, None, -1, 0, 10**30, [30]], ids=repr)
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
