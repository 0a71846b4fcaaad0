"""The register of recipients over HTTP."""

from __future__ import annotations

from tests.http.business import Business
from tests.http.disclosing import CRM, a_recipient
from tests.http.problem import assert_problem

OFFICER = "privacy_officer"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"


def test_a_recipient_is_registered_and_found_again(shop: Business):
    answer = shop.post("/v1/recipients", CRM, role=OFFICER)
    assert answer.status_code == 201
    made = answer.json()
    assert made == {
        **CRM,
        "id": made["id"],
        "contract_to": None,
        "transfer_mechanism": None,
        "transfer_mechanism_to": None,
        "business_nature": None,
        "own_use": False,
        "vendor": None,
        "location_ids": [],
        "locations": [],
        "delivery": {"kind": "response", "url": None, "has_secret": False, "public_key": None},
        "active": True,
    }
    assert answer.headers["location"] == f"/v1/recipients/{made['id']}"
    assert shop.get(answer.headers["location"], role="auditor").json() == made
    assert shop.get("/v1/recipients", role="auditor").json()["data"] == [made]


def test_a_secret_that_is_made_is_shown_once(shop: Business):
    asked = {**CRM, "delivery": {"kind": "https", "url": "https://crm.example.org/"}}
    headers = {"idempotency-key": "once"}
    first = shop.post("/v1/recipients", asked, role=OFFICER, headers=headers)
    secret = first.json()["secret"]
    assert secret.startswith("whsec_")
    again = shop.post("/v1/recipients", asked, role=OFFICER, headers=headers)
    assert (again.json()["id"], again.json()["replayed"]) == (first.json()["id"], True)
    shown = shop.get(first.headers["location"])
    assert secret not in again.text + shown.text
    assert shown.json()["delivery"]["has_secret"] is True


def test_a_secret_that_is_given_is_never_answered(shop: Business):
    delivery = {"kind": "https", "url": "https://crm.example.org/", "secret": SECRET}
    made = a_recipient(shop, delivery=delivery)
    assert "secret" not in made
    path = f"/v1/recipients/{made['id']}"
    assert SECRET not in shop.get(path).text
    changed = shop.call(
        "PATCH", path, json={"delivery": {**delivery, "url": "https://other.example.org/"}}
    )
    assert changed.json()["delivery"]["url"] == "https://other.example.org/"
    assert SECRET not in changed.text


def test_a_change_leaves_what_it_does_not_name(shop: Business):
    made = a_recipient(shop, contract_to="2027-12-31", business_nature="Keeps contacts")
    path = f"/v1/recipients/{made['id']}"
    changed = shop.call("PATCH", path, json={"country": "DE", "business_nature": None})
    assert changed.json() == {**made, "country": "DE", "business_nature": None}
    assert changed.headers["etag"] == '"2"'
    stale = shop.call("PATCH", path, json={"country": "FR"}, headers={"if-match": '"1"'})
    assert_problem(stale, "version_mismatch")


def test_a_contract_is_ended_for_good(shop: Business):
    path = f"/v1/recipients/{a_recipient(shop)['id']}"
    ended = shop.post(f"{path}/end", {"on": "2027-01-31"}, role=OFFICER)
    assert (ended.json()["active"], ended.json()["contract_to"]) == (False, "2027-01-31")
    assert shop.post(f"{path}/end", role=OFFICER).json() == ended.json()
    assert_problem(shop.call("PATCH", path, json={"country": "DE"}), "invalid_state")


def test_a_franchise_has_locations_for_a_time(shop: Business):
    here, there = shop.made["location"], shop.location(name="There")
    made = a_recipient(shop, kind="franchise", role="controller", location_ids=[here])
    assert made["locations"] == [{"location_id": here, "from": "2027-01-01T00:00:00Z", "to": None}]
    path = f"/v1/recipients/{made['id']}/locations"
    added = shop.post(path, {"location_id": there, "from": "2027-01-04T00:00:00Z"}, role=OFFICER)
    assert added.status_code == 201
    assert added.json()["location_ids"] == [here, there]
    ended = shop.post(f"{path}/{there}/end", {"to": "2027-02-01T00:00:00Z"}, role=OFFICER)
    assert ended.json()["locations"][1]["to"] == "2027-02-01T00:00:00Z"
    twice = shop.post(path, {"location_id": here}, role=OFFICER)
    assert_problem(twice, "invalid_state")


def test_what_is_wrong_is_said_with_its_pointer(shop: Business):
    for change, code, pointer in (
        ({"country": "XX"}, "invalid", "/country"),
        ({"contract_from": "2027-02-30"}, "invalid", "/contract_from"),
        ({"contract_to": "2026-01-01"}, "invalid", "/contract_to"),
        ({"permitted_purposes": ["curiosity"]}, "invalid", "/permitted_purposes/0"),
        ({"location_ids": ["loc_" + "0" * 32]}, "invalid", "/location_ids"),
        ({"delivery": {"kind": "https"}}, "invalid", "/delivery/url"),
    ):
        answer = shop.post("/v1/recipients", {**CRM, **change}, role=OFFICER)
        assert_problem(answer, code, pointer)
    strange = {**CRM, "kind": "franchise", "location_ids": ["loc_" + "0" * 32]}
    answer = shop.post("/v1/recipients", strange, role=OFFICER)
    assert_problem(answer, "unknown_reference", "/location_ids/0")
