"""People over HTTP: found by a contact, shown with what is held, corrected; and everyone who looks is on record."""

from __future__ import annotations

from typing import Any

import pytest

from domain.values import parse_id
from tests.http.business import ADA, Business, Json
from tests.http.problem import assert_problem
from tests.http.test_policies import headers_of

UNDER = {"daybook-purpose": "service"}
FULL = {**ADA, "phone": "+1 212 555 0100", "address": "1 Main Street"}


@pytest.fixture
def own(own_shop: Business) -> Business:
    """A shop with one customer, `made["subject"]`."""
    booked = own_shop.book(customer=FULL, note="Ring twice")
    own_shop.made.update(subject=booked["subject_id"], booking=booked["id"])
    return own_shop


def path(shop: Business) -> str:
    return f"/v1/subjects/{shop.made['subject']}"


def search(shop: Business, **body: str) -> list[str]:
    answer = shop.post("/v1/subjects/search", body, role="privacy_officer")
    assert answer.status_code == 200, answer.text
    return [one["subject_id"] for one in answer.json()["data"]]


def correct(shop: Business, **body: Any) -> Json:
    answer = shop.call("PATCH", path(shop), json=body)
    assert answer.status_code == 200, answer.text
    corrected: Json = answer.json()
    return corrected


def values(shop: Business, **more: Any) -> Json:
    shown = shop.get(path(shop), headers=UNDER, **more)
    assert shown.status_code == 200, shown.text
    found: Json = shown.json()["values"]
    return found


def test_a_person_is_found_by_e_mail_and_by_phone_and_that_is_on_record(own: Business):
    assert search(own, email=" ADA@example.test ") == [own.made["subject"]]
    assert search(own, phone="0012125550100") == [own.made["subject"]]
    assert search(own, email="ben@example.test") == []
    accesses = headers_of(own, "access.granted.v1")
    assert [one["many"]["n"] for one in accesses] == [1, 1]


def test_people_who_share_a_number_are_all_found(own: Business):
    ben = {"name": "Ben Example", "email": "ben@example.test", "phone": "+12125550100"}
    other = own.book("2027-01-11T12:00:00Z", customer=ben)["subject_id"]
    assert sorted(search(own, phone="+1 212 555 0100")) == sorted([own.made["subject"], other])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"email": "ada@example.test", "phone": "+12125550100"}, ""),
        ({"email": "not an address"}, "/email"),
        ({"phone": "call me"}, "/phone"),
    ],
)
def test_a_search_is_for_one_contact(own: Business, body: Json, pointer: str):
    answer = own.post("/v1/subjects/search", body)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


def test_what_is_held_is_shown_without_a_value(own: Business):
    shown = own.get(path(own), role="auditor")
    body = shown.json()
    assert [
        (one["event_type"], one["retention_class"], one["source"], one["count"])
        for one in body["held"]
    ] == [
        ("booking.confirmed.v1", "booking", "given with a booking", 1),
        ("subject.registered.v1", "profile", "given with a booking", 1),
    ]
    assert body["held"][1]["fields"] == ["name", "email", "phone", "address"]
    assert body["held"][1]["categories"] == ["contact", "identity"]
    assert (body["erased_at"], body["corrected_at"]) == (None, None)
    assert "values" not in body
    assert "Ada" not in shown.text
    assert headers_of(own, "access.granted.v1") == []
    early = own.get(f"{path(own)}?as_of=2027-01-01T00:00:00Z").json()
    assert early["held"] == []


def test_values_are_opened_under_a_purpose_and_that_is_on_record(own: Business):
    assert values(own) == FULL
    (access,) = headers_of(own, "access.granted.v1")
    assert (access["purpose"], access["many"]["n"]) == ("service", 1)
    refused = own.get(path(own), headers=UNDER, role="auditor")
    assert refused.status_code == 403


def test_a_correction_stands_and_leads_to_the_person(own: Business):
    own.server.clock.advance(days=1)
    corrected = correct(own, email="ada@new.test", phone=None)
    assert corrected["fields"] == ["email", "phone"]
    assert values(own) == {
        "name": FULL["name"],
        "address": FULL["address"],
        "email": "ada@new.test",
    }
    before = own.get(f"{path(own)}?as_of=2027-01-05T00:00:00Z", headers=UNDER).json()
    assert before["values"] == FULL
    assert search(own, email="ada@new.test") == [own.made["subject"]]
    assert search(own, email="ada@example.test") == []
    assert search(own, phone="+12125550100") == []
    later = own.book("2027-01-11T12:00:00Z", customer={**ADA, "email": "ada@new.test"})
    assert later["subject_id"] == own.made["subject"]
    stranger = own.book("2027-01-11T13:00:00Z")
    assert stranger["subject_id"] != own.made["subject"]


def test_what_was_given_with_a_booking_stays_and_its_e_mail_is_the_profile_s(own: Business):
    correct(own, name="Ada Married", email="ada@new.test")
    shown = own.get(f"/v1/bookings/{own.made['booking']}?include=customer", headers=UNDER).json()
    assert shown["customer"]["name"] == FULL["name"]
    assert shown["customer"]["email"] == "ada@new.test"
    own.book("2027-01-11T12:00:00Z", customer={"name": "Somebody", "email": "ada@new.test"})
    assert values(own)["name"] == "Ada Married", "a booking does not overwrite the profile"


def test_an_address_of_another_person_is_not_taken(own: Business):
    ben = {"name": "Ben Example", "email": "ben@example.test"}
    own.book("2027-01-11T12:00:00Z", customer=ben)
    refused = own.call("PATCH", path(own), json={"email": "BEN@example.test"})
    assert (refused.status_code, refused.json()["code"]) == (409, "contact_taken")
    assert values(own)["email"] == FULL["email"]
    assert search(own, email="ada@example.test") == [own.made["subject"]]


def test_the_same_address_again_keeps_leading_to_the_person(own: Business):
    correct(own, email="ADA@example.test")
    assert search(own, email="ada@example.test") == [own.made["subject"]]
    stale = own.call("PATCH", path(own), json={"name": "X"}, headers={"if-match": '"1"'})
    assert stale.status_code == 412
    assert search(own, email="ada@example.test") == [own.made["subject"]]


def test_a_correction_that_comes_too_late_leaves_no_trace_in_the_look_up(own: Business):
    correct(own, name="Ada Married")
    stale = own.call(
        "PATCH", path(own), json={"email": "late@example.test"}, headers={"if-match": '"1"'}
    )
    assert stale.status_code == 412
    assert search(own, email="late@example.test") == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"email": "not an address"}, "/email"),
        ({"phone": "call me"}, "/phone"),
        ({"name": " "}, "/name"),
        ({"name": None}, "/name"),
    ],
)
def test_a_correction_that_cannot_be_is_refused(own: Business, body: Json, pointer: str):
    refused = own.call("PATCH", path(own), json=body)
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == [pointer]


def test_an_erased_person_is_shown_without_values_and_nothing_more_is_said_of_them(own: Business):
    given = {"purpose": "measure", "decision": "refused", "method": "spoken"}
    assert own.post(f"{path(own)}/consents", given).status_code == 201
    vault = own.server.platform.bookings.people
    vault.erase(own.tenant, parse_id("subject", own.made["subject"]))  # type: ignore[attr-defined]
    shown = own.get(path(own), headers=UNDER)
    assert shown.status_code == 200
    assert shown.json()["erased_at"]
    assert shown.json()["held"] == []
    assert "values" not in shown.json()
    assert_problem(own.call("PATCH", path(own), json={"name": "Ada"}), "erased")
    assert_problem(own.post(f"{path(own)}/consents", given), "erased")
    accepted = {"policy_version": "2027-01", "mode": "signature"}
    assert_problem(own.post(f"{path(own)}/policy-acceptances", accepted), "erased")
    assert search(own, email="ada@example.test") == []
    assert own.get(f"{path(own)}/consents").status_code == 200


@pytest.mark.parametrize("role", ["booking", "staff", "manager", "engineer", "corporate"])
def test_others_neither_search_nor_look_nor_correct(own: Business, role: Any):
    key = own.key(role)
    body = {"email": "ada@example.test"}
    assert own.post("/v1/subjects/search", body, key=key).status_code == 403
    assert own.get(path(own), key=key).status_code == 403
    assert own.call("PATCH", path(own), json={"name": "X"}, key=key).status_code == 403
