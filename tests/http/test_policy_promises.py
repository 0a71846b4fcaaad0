"""Promises of the policy as a caller sees them: what must be given, what is not taken, cookies. Rows 4, 30, 47."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api import openapi
from api.http.app import SPECS
from api.http.contract import Spec
from tests.http.business import MONDAY, Business, Server
from tests.http.problem import assert_problem
from tests.http.requests import address, arguments

BOOKING = "/v1/bookings"
PAGES = ["/", "/docs", "/healthz", "/readyz", "/openapi.json", "/problems/slot_unavailable"]
FEW = {"name": "Ada Example", "email": "ada@example.test"}


def test_a_booking_asks_for_no_more_than_name_email_and_start():
    document: dict[str, Any] = json.loads(openapi.FILE.read_bytes())
    taken = document["paths"][BOOKING]["post"]["requestBody"]["content"]["application/json"]
    schema = document["components"]["schemas"][taken["schema"]["$ref"].rpartition("/")[2]]
    assert sorted(schema["required"]) == ["customer", "service_id", "start"]
    person = schema["properties"]["customer"]["$ref"].rpartition("/")[2]
    assert sorted(document["components"]["schemas"][person]["required"]) == ["email", "name"]


def test_name_email_and_start_are_enough_to_book(shop: Business):
    wish = {
        "service_id": shop.made["service"],
        "start": f"{MONDAY}T10:00:00Z",
        "customer": FEW,
    }
    assert shop.post(BOOKING, wish).status_code == 201
    for lacking in FEW:
        person = {name: value for name, value in FEW.items() if name != lacking}
        refused = shop.post(BOOKING, {**wish, "customer": person})
        assert [one["pointer"] for one in refused.json()["errors"]] == [f"/customer/{lacking}"]


def named(spec: Spec) -> str:
    """How a route is called in a report."""
    return f"{spec.method} {spec.path}"


@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_what_nobody_declared_is_not_taken_from_an_address(shop: Business, spec: Spec):
    asked = arguments(spec, shop.made)
    asked["params"] = {**(asked["params"] or {}), "surprise": "1"}
    refused = shop.call(spec.method, address(spec, shop.made), **asked)
    assert_problem(refused, "unknown_field", "/surprise")


@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_no_answer_sets_a_cookie(shop: Business, spec: Spec):
    answer = shop.call(spec.method, address(spec, shop.made))
    assert "set-cookie" not in answer.headers
    for path in PAGES:
        page = shop.server.client.get(path, headers={"accept": "text/html"})
        assert page.status_code == 200
        assert "set-cookie" not in page.headers


def test_a_cookie_opens_nothing(server: Server, shop: Business):
    key = shop.keys["owner"]
    for name in ("session", "authorization", "key"):
        refused = server.client.get("/v1/locations", headers={"cookie": f"{name}={key}"})
        assert refused.status_code == 401
