"""Franchise requests over HTTP: asked by the brand's office, answered by the privacy officer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.business import MONDAY, Business
from tests.http.ordering import WINDOW, an_office, what_is_asked


def asked(shop: Business, *locations: str, **more: Any) -> dict[str, Any]:
    """A new request."""
    return shop.make("/v1/franchise-requests", what_is_asked(*locations, **more), role="corporate")


def answer(shop: Business, id: str, name: str, json: Any = None, **more: Any):
    return shop.post(
        f"/v1/franchise-requests/{id}/{name}", json, **{"role": "privacy_officer", **more}
    )


def events(shop: Business, type_: str) -> list[dict[str, Any]]:
    """Headers of a type."""
    found: list[dict[str, Any]] = shop.get(f"/v1/events?type={type_}", role="auditor").json()[
        "data"
    ]
    return found


def test_an_approved_request_hands_over_what_was_asked_for(shop: Business):
    here = shop.made["location"]
    desk = an_office(shop, here)
    booked = shop.book()
    made = asked(shop, here)
    assert (made["status"], made["recipient_id"]) == ("received", desk)
    done = answer(shop, made["id"], "approve", headers={"idempotency-key": "a-1"})
    assert done.status_code == 200, done.text
    (disclosed,) = done.json()["disclosures"]
    assert (done.json()["status"], done.json()["count"]) == ("approved", 1)
    (record,) = disclosed["records"]
    assert record["subject_id"] == booked["subject_id"]
    assert record["values"]["name"] == "Ada Example"
    (visit,) = record["values"]["booking_times"]
    assert visit["booking_id"] == booked["id"]
    shown = shop.get(f"/v1/disclosures/{disclosed['id']}", role="auditor").json()
    assert shown["franchise_request_id"] == made["id"]
    again = answer(shop, made["id"], "approve", headers={"idempotency-key": "a-1"}).json()
    assert again["disclosures"][0]["replayed"] is True
    assert "Ada" not in str(again)


def test_a_siblings_location_is_outside_the_tree_and_nothing_is_sent(shop: Business):
    here, sibling = shop.made["location"], shop.location(name="Sibling")
    an_office(shop, here)
    shop.book()
    made = asked(shop, here, sibling)
    refused = answer(shop, made["id"], "approve")
    assert (refused.status_code, refused.json()["code"]) == (409, "disclosure_refused")
    assert refused.json()["reason"] == "outside_tree"
    assert len(events(shop, "disclosure.refused.v1")) == 1
    assert events(shop, "disclosure.recorded.v1") == []
    shown = shop.get(f"/v1/franchise-requests/{made['id']}").json()
    assert (shown["status"], shown["disclosure_ids"]) == ("received", [])


def test_a_location_that_moved_away_shows_only_its_time(shop: Business):
    here = shop.made["location"]
    desk = an_office(shop, here)
    shop.book(f"{MONDAY}T10:00:00Z")
    shop.book("2027-01-13T10:00:00Z", customer={"name": "Ben", "email": "ben@example.test"})
    left = shop.post(
        f"/v1/recipients/{desk}/locations/{here}/end",
        {"to": "2027-01-12T00:00:00Z"},
        role="privacy_officer",
    )
    assert left.status_code == 200, left.text
    done = answer(shop, asked(shop, here)["id"], "approve").json()
    (disclosed,) = done["disclosures"]
    assert [one["values"]["name"] for one in disclosed["records"]] == ["Ada Example"]


def test_a_request_about_nobody_is_approved_with_nothing(shop: Business):
    here = shop.made["location"]
    an_office(shop, here)
    done = answer(shop, asked(shop, here)["id"], "approve").json()
    assert (done["status"], done["count"], done["disclosures"]) == ("approved", 0, [])
    assert len(events(shop, "franchise_request.approved.v1")) == 1


def test_a_refused_request_hands_over_nothing(shop: Business):
    here = shop.made["location"]
    an_office(shop, here)
    shop.book()
    made = asked(shop, here)
    refused = answer(shop, made["id"], "refuse", {"reason_code": "no_authority"}).json()
    assert (refused["status"], refused["reason_code"]) == ("refused", "no_authority")
    late = answer(shop, made["id"], "approve")
    assert (late.status_code, late.json()["code"]) == (409, "invalid_state")
    assert events(shop, "disclosure.recorded.v1") == []


@pytest.mark.parametrize("offices", [0, 2])
def test_the_office_is_named_where_there_is_not_just_one(shop: Business, offices: int):
    here = shop.made["location"]
    known = [an_office(shop, here) for _ in range(offices)]
    unnamed = shop.post("/v1/franchise-requests", what_is_asked(here), role="corporate")
    assert unnamed.status_code == 422
    assert unnamed.json()["errors"][0]["pointer"] == "/recipient_id"
    for one in known:
        assert asked(shop, here, recipient_id=one)["recipient_id"] == one


def test_an_office_sees_its_own_requests_only(shop: Business):
    here = shop.made["location"]
    an_office(shop, here)
    mine = asked(shop, here)
    other = shop.make(
        "/v1/keys", {"roles": ["corporate"], "actor": "other-office", "location_ids": "all"}
    )["key"]
    assert shop.get("/v1/franchise-requests", key=other).json()["data"] == []
    assert shop.get(f"/v1/franchise-requests/{mine['id']}", key=other).status_code == 404
    assert shop.get("/v1/franchise-requests", role="corporate").json()["data"] == [mine]
    assert shop.get("/v1/franchise-requests", role="auditor").json()["data"] == [mine]


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"location_ids": ["loc_" + "0" * 32]}, "/location_ids/0"),
        ({"to": WINDOW["from"]}, "/to"),
        ({"purpose": "curiosity"}, "/purpose"),
        ({"authority": " "}, "/authority"),
        ({"recipient_id": "rcp_" + "0" * 32}, "/recipient_id"),
    ],
)
def test_a_request_that_cannot_be_is_refused(shop: Business, more: dict[str, Any], pointer: str):
    here = shop.made["location"]
    an_office(shop, here)
    refused = shop.post("/v1/franchise-requests", {**what_is_asked(here), **more}, role="corporate")
    assert refused.status_code == 422
    assert [it["pointer"] for it in refused.json()["errors"]] == [pointer]


def test_a_field_that_is_not_in_the_registry_is_refused_on_record(shop: Business):
    here = shop.made["location"]
    an_office(shop, here)
    shop.book()
    made = asked(shop, here, fields=["shoe_size"])
    refused = answer(shop, made["id"], "approve")
    assert refused.json()["reason"] == "unknown_field"
    assert len(events(shop, "disclosure.refused.v1")) == 1
