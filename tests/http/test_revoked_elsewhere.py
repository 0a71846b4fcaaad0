"""A key that one process remembers, and another has revoked: it stores nothing from then on, nor is told anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from api.http.app import create_app
from api.http.settings import ApiSettings
from tests.http.business import MONDAY, Business
from tests.http.problem import assert_problem


@pytest.fixture
def elsewhere(shop: Business) -> Iterator[Business]:
    """The same business, asked through another process: it remembers keys of its own."""
    platform = shop.server.platform
    other = replace(platform, access_keys=replace(platform.access_keys, known={}))
    with TestClient(create_app(other, ApiSettings()), raise_server_exceptions=True) as client:
        yield replace(shop, server=replace(shop.server, platform=other, client=client))


@pytest.fixture
def revoked(shop: Business, elsewhere: Business) -> str:
    """A key that `elsewhere` has seen good, and that was revoked here."""
    issued = shop.make("/v1/keys", {"roles": ["booking"], "actor": "web", "location_ids": "all"})
    elsewhere.make("/v1/bookings", elsewhere.wish(), key=issued["key"])
    assert elsewhere.server.platform.access_keys.known, "it is remembered"
    assert shop.post(f"/v1/keys/{issued['id']}/revoke").status_code == 200
    return str(issued["key"])


def bookings(shop: Business) -> int:
    """How many the business has."""
    span = {"from": f"{MONDAY}T00:00:00Z", "to": f"{MONDAY}T23:59:59Z"}
    return len(shop.get("/v1/bookings", params=span).json()["data"])


def test_it_books_nothing(shop: Business, elsewhere: Business, revoked: str):
    wish = elsewhere.wish(f"{MONDAY}T11:00:00Z")
    for headers in ({}, {"idempotency-key": "once"}):
        refused = elsewhere.post("/v1/bookings", wish, key=revoked, headers=headers)
        assert_problem(refused, "unidentified")
    assert bookings(shop) == 1
    assert shop.post("/v1/bookings", wish).status_code == 201, "the slot is free"


@pytest.mark.parametrize("at", ["2027-01-11T10:00:00Z", "2027-01-11T10:01:00Z", "tomorrow"])
def test_it_is_not_told_what_is_wrong_with_a_wish(elsewhere: Business, revoked: str, at: str):
    """Taken, no slot, malformed: what another key would hear."""
    wish = {**elsewhere.wish(), "start": at}
    assert elsewhere.post("/v1/bookings", wish).status_code in (409, 422)
    assert_problem(elsewhere.post("/v1/bookings", wish, key=revoked), "unidentified")


def test_it_reads_nothing(elsewhere: Business, revoked: str):
    assert_problem(elsewhere.get("/v1/services", key=revoked), "unidentified")


def test_a_wrong_secret_is_no_key_for_being_remembered(elsewhere: Business):
    key = elsewhere.key("booking")
    elsewhere.make("/v1/bookings", elsewhere.wish(), key=key)
    forged = key[:-2] + ("AA" if key[-2:] != "AA" else "BA")
    wish = elsewhere.wish(f"{MONDAY}T11:00:00Z")
    assert_problem(elsewhere.post("/v1/bookings", wish, key=forged), "unidentified")
