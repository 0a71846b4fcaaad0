"""What the policy promises to whoever asks: rows 5, 36 and 79 of its matrix."""

from __future__ import annotations

from typing import Any

from domain.personal_fields import FIELDS
from tests.http.business import ADA, MONDAY, Business
from tests.http.disclosing import a_recipient, wish
from tests.http.problem import assert_problem
from tests.http.requests import ASKED

OFFICER: Any = {"role": "privacy_officer"}
OBJECTABLE = ("personalise", "measure", "improve", "marketing_first_party")


def test_whoever_objects_is_left_out_of_all_that_may_be_objected_to(own_shop: Business):
    shop = own_shop
    subject = shop.book()["subject_id"]
    person = f"/v1/subjects/{subject}"
    vendor = a_recipient(shop, permitted_purposes=["service", *OBJECTABLE])["id"]
    purposes = ("service", *OBJECTABLE)

    def opened() -> dict[str, int]:
        return {
            purpose: shop.get(person, headers={"daybook-purpose": purpose}).status_code
            for purpose in purposes
        }

    assert set(opened().values()) == {200}
    made = shop.make("/v1/privacy-requests", {**ASKED, "type": "objection"}, **OFFICER)
    path = f"/v1/privacy-requests/{made['id']}"
    look = {"method": "email_loop", "compared": [], "outcome": "verified"}
    assert shop.post(f"{path}/verify-identity", look, **OFFICER).status_code == 200
    assert shop.post(f"{path}/fulfil", {}, **OFFICER).json()["status"] == "fulfilled"
    shop.server.clock.advance(seconds=1)
    assert opened() == {"service": 200, **dict.fromkeys(OBJECTABLE, 403)}
    for purpose in ("personalise", "measure", "improve"):
        basis = {"purpose": purpose, "lawful_basis": "legitimate_interests"}
        refused = shop.post("/v1/disclosures", wish(vendor, subject, **basis), **OFFICER)
        assert_problem(refused, "disclosure_refused")
        assert refused.json()["reason"] == "restricted"
    served = shop.post("/v1/disclosures", wish(vendor, subject), **OFFICER)
    assert served.status_code == 201


def test_a_person_is_told_what_was_given_freely_and_what_had_to_be(shop: Business):
    more = {"phone": "+351 21 000", "address": "1 High Street"}
    booked = shop.book(customer={**ADA, **more}, note="By the window")
    held = shop.get(f"/v1/subjects/{booked['subject_id']}", **OFFICER).json()["held"]
    assert all(one["source"] == "given with a booking" for one in held)
    given = {it["field"]: it for one in held for it in one["given"]}
    assert {name for name, it in given.items() if not it["voluntary"]} == {"name", "email"}
    assert {"phone", "address", "note"} <= {name for name, it in given.items() if it["voluntary"]}
    assert {it["without_it"] for it in given.values()} == {
        "No visit can be booked.",
        "Nothing follows: a visit is booked all the same.",
    }
    # What is said to be needed is what a booking is refused without, and nothing else.
    for index, field in enumerate((*ADA, *more), 1):
        without = {name: text for name, text in {**ADA, **more}.items() if name != field}
        at = f"{MONDAY}T1{index}:30:00Z"
        answer = shop.post("/v1/bookings", shop.wish(at, customer=without))
        assert (answer.status_code == 422) is FIELDS[field].required, field


def test_a_child_s_data_is_erased_within_72_hours_of_its_discovery(own_shop: Business):
    shop = own_shop
    child = shop.book()["subject_id"]
    found = {"type": "erasure", "cause": "under_13", "subject_id": child, "jurisdiction": "us_ca"}
    asked = {**found, "received_at": ASKED["received_at"], "channel": "api"}
    made = shop.make("/v1/privacy-requests", asked, **OFFICER)
    path = f"/v1/privacy-requests/{made['id']}"

    def clock() -> dict[str, Any]:
        shown = shop.get(path, **OFFICER).json()
        return next(one for one in shown["clocks"] if one["rule"] == "child_deletion")

    assert (clock()["state"], clock()["due_at"]) == ("running", "2027-01-07T07:00:00Z")
    longer = {"reason_code": "number_of_requests", "told_at": "2027-01-04T08:00:00Z"}
    shop.post(f"{path}/extend", longer, **OFFICER)
    assert clock()["due_at"] == "2027-01-07T07:00:00Z", "nothing extends it"
    shop.server.clock.advance(hours=73)
    assert clock()["state"] == "late"
    done = shop.post(f"{path}/fulfil", {}, **OFFICER)
    assert done.status_code == 200, "nobody has to prove who they are"
    (right,) = done.json()["rights"]
    erasure = shop.get(f"/v1/erasures/{right['erasure_id']}", **OFFICER).json()
    assert erasure["cause"] == "under_13"
