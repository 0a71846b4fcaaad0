"""What is wrong about a person is told without quoting it, and a purpose is one of the list."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.http.business import ADA, Business
from tests.http.problem import assert_problem


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
    before = shop.position()
    refused = shop.post("/v1/bookings", shop.wish(**more))
    assert refused.status_code == 422
    assert_problem(refused, "invalid", *[error["pointer"] for error in refused.json()["errors"]])
    assert shop.position() == before, "something was stored"


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
        {"daybook-case": "two words"},
    ],
)
def test_a_purpose_that_is_not_listed_is_refused_everywhere(
    shop: Business, headers: dict[str, str]
):
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    assert_problem(shop.get("/v1/locations", headers=sent), "purpose_required")
