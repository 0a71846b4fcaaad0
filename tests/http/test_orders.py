"""Legal processes over HTTP: what is asked, what is answered, and what no answer has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.business import Business
from tests.http.ordering import PAPER

EMERGENCY = {**PAPER, "type": "emergency", "number": "E-1", "gag_until": None}


def served(shop: Business, **more: Any) -> str:
    """The id of a new process."""
    made = shop.make("/v1/legal-processes", {**PAPER, **more}, role="privacy_officer")
    return str(made["id"])


def step(shop: Business, id: str, name: str, json: Any = None, **more: Any):
    return shop.post(
        f"/v1/legal-processes/{id}/{name}", json, **{"role": "privacy_officer", **more}
    )


def test_a_process_is_shown_without_its_scope(business: Business):
    answer = business.post("/v1/legal-processes", PAPER, role="privacy_officer")
    assert answer.status_code == 201
    made = answer.json()
    assert made == {
        "id": made["id"],
        "type": "subpoena",
        "authority": "Example County Court",
        "number": "1:27-cv-00123",
        "served_at": "2027-01-03T10:00:00Z",
        "oral": False,
        "gag_until": "2027-03-01T00:00:00Z",
        "gag_running": True,
        "status": "received",
        "outcome": None,
        "narrowed_to": None,
        "may_disclose": False,
        "after_review": None,
    }
    assert answer.headers["location"] == f"/v1/legal-processes/{made['id']}"
    shown = business.get(answer.headers["location"], role="auditor")
    assert shown.json() == made
    assert shown.headers["etag"] == '"1"'
    listed = business.get("/v1/legal-processes", role="auditor")
    assert listed.json() == {"data": [made], "next_cursor": None}
    assert "Canary" not in answer.text + shown.text + listed.text


def test_what_it_demands_opens_under_a_purpose(business: Business):
    path = f"/v1/legal-processes/{served(business)}?include=scope"
    bare = business.get(path, role="privacy_officer")
    assert (bare.status_code, bare.json()["code"]) == (403, "purpose_required")
    headers = {"daybook-purpose": "legal_duty", "daybook-case": "T-1"}
    shown = business.get(path, role="privacy_officer", headers=headers)
    assert shown.json()["scope"] == PAPER["scope"]
    assert business.get(path, role="auditor", headers=headers).status_code == 403


def test_a_process_is_entered_once_however_often_it_is_sent(business: Business):
    headers = {"idempotency-key": "served-1"}
    first = business.post("/v1/legal-processes", PAPER, headers=headers)
    again = business.post("/v1/legal-processes", PAPER, headers=headers)
    assert first.json() == again.json()
    assert len(business.get("/v1/legal-processes").json()["data"]) == 1


@pytest.mark.parametrize(
    ("more", "pointer", "code"),
    [
        ({"served_at": "2027-01-05T00:00:00Z"}, "/served_at", "in_the_future"),
        ({"gag_until": "2027-01-03T10:00:00Z"}, "/gag_until", "out_of_order"),
        (
            {"oral": True, "gag_until": "2027-02-02T10:00:01Z"},
            "/gag_until",
            "oral_gag_too_long",
        ),
        ({"authority": " "}, "/authority", "blank"),
        ({"scope": " "}, "/scope", "blank"),
    ],
)
def test_a_paper_that_cannot_be_is_refused_with_its_reason(
    business: Business, more: dict[str, Any], pointer: str, code: str
):
    answer = business.post("/v1/legal-processes", {**PAPER, **more})
    assert answer.status_code == 422
    assert [(it["pointer"], it["code"]) for it in answer.json()["errors"]] == [(pointer, code)]


def test_a_process_is_narrowed_once(business: Business):
    id = served(business)
    bounds = {
        "outcome": "narrowed",
        "fields": ["booking_times"],
        "from": "2027-01-01T00:00:00Z",
        "to": "2027-02-01T00:00:00Z",
    }
    shown = step(business, id, "review", bounds, headers={"if-match": '"1"'}).json()
    assert shown["narrowed_to"] == {
        "fields": ["booking_times"],
        "from": "2027-01-01T00:00:00Z",
        "to": "2027-02-01T00:00:00Z",
    }
    assert (shown["status"], shown["may_disclose"]) == ("reviewed", True)
    again = step(business, id, "review", {"outcome": "rejected"})
    assert (again.status_code, again.json()["code"]) == (409, "invalid_state")


def test_an_emergency_takes_two_persons_and_a_review_within_a_day(own_shop: Business):
    shop = own_shop
    made = shop.make("/v1/legal-processes", EMERGENCY)
    assert step(shop, made["id"], "review", {"outcome": "accepted"}).status_code == 200
    alone = step(shop, made["id"], "approve")
    assert (alone.status_code, alone.json()["code"]) == (409, "second_person_required")
    done = step(shop, made["id"], "approve", role="owner").json()
    assert (done["status"], done["may_disclose"]) == ("approved", True)
    assert done["after_review"] == {
        "due_at": "2027-01-05T08:00:00Z",
        "state": "due",
        "outcome": None,
    }
    shop.server.clock.advance(hours=24)
    (listed,) = shop.get("/v1/legal-processes", role="auditor").json()["data"]
    assert listed["after_review"]["state"] == "overdue"
    after = step(shop, made["id"], "after-review", {"outcome": "unjustified"}).json()
    assert after["after_review"]["state"] == "late"
    assert after["may_disclose"] is False


def test_a_gag_is_extended_and_lifted_by_papers(business: Business):
    id = served(business)
    later = {"change": "extended", "until": "2027-04-01T00:00:00Z", "number": "O-2"}
    assert step(business, id, "gag", later).json()["gag_until"] == "2027-04-01T00:00:00Z"
    earlier = step(business, id, "gag", {**later, "until": "2027-02-01T00:00:00Z"})
    assert earlier.json()["errors"][0]["code"] == "out_of_order"
    running = step(business, id, "gag", {**later, "change": "ordered"})
    assert (running.status_code, running.json()["code"]) == (409, "gag_running")
    lifted = step(business, id, "gag", {"change": "lifted", "number": "O-3"}).json()
    assert lifted["gag_running"] is False
    again = step(business, id, "gag", {"change": "lifted", "number": "O-4"})
    assert (again.status_code, again.json()["code"]) == (409, "no_gag")


def looks(shop: Business, booking: str, case: str) -> None:
    """The officer looks at a customer for a case."""
    headers = {"daybook-purpose": "legal_duty", "daybook-case": case}
    seen = shop.get(f"/v1/bookings/{booking}?include=customer", headers=headers)
    assert seen.status_code == 200, seen.text


def test_a_look_for_a_process_under_a_gag_is_not_in_what_the_person_gets(shop: Business):
    booked, process = shop.book(), served(shop)
    log = f"/v1/subjects/{booked['subject_id']}/access-log?view="
    looks(shop, booked["id"], "T-1")
    before = shop.get(log + "person").json()
    looks(shop, booked["id"], process)
    assert shop.get(log + "person").json() == before
    assert len(before["data"]) == 1
    assert len(shop.get(log + "auditor", role="auditor").json()["data"]) == 2
    events = shop.get("/v1/events?type=access.withheld.v1", role="auditor").json()["data"]
    assert len(events) == 1
