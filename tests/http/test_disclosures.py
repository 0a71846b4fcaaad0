"""Handing personal data over, over HTTP, to a recipient that gets it in the response."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.http.business import Business, Json
from tests.http.disclosing import a_recipient, wish
from tests.http.problem import assert_problem

OFFICER = "privacy_officer"


def disclosed(shop: Business, body: Json) -> Json:
    return shop.make("/v1/disclosures", body, role=OFFICER)


def test_data_is_handed_over_in_the_response(shop: Business):
    ada, crm = shop.book()["subject_id"], a_recipient(shop)["id"]
    answer = shop.post("/v1/disclosures", wish(crm, ada), role=OFFICER)
    assert answer.status_code == 201
    done = answer.json()
    assert done["records"] == [
        {"subject_id": ada, "values": {"name": "Ada Example", "email": "ada@example.test"}}
    ]
    assert (done["outcome"], done["attempts"], done["count"]) == ("delivered", 1, 1)
    assert answer.headers["daybook-event"] == done["event_id"]
    shown = shop.get(answer.headers["location"], role="auditor").json()
    assert shown["subject_ids"] == [ada]
    assert (shown["outcome"], shown["purpose"], shown["fields"]) == (
        "delivered",
        "service",
        ["name", "email"],
    )
    assert "Ada" not in str(shown)


def test_a_repeated_call_gets_the_same_answer_without_the_values(shop: Business):
    ada, crm = shop.book()["subject_id"], a_recipient(shop)["id"]
    headers = {"idempotency-key": "push-1"}
    first = shop.post("/v1/disclosures", wish(crm, ada), role=OFFICER, headers=headers).json()
    again = shop.post("/v1/disclosures", wish(crm, ada), role=OFFICER, headers=headers)
    assert again.status_code == 201
    assert again.json() == {
        **{name: value for name, value in first.items() if name != "records"},
        "replayed": True,
    }


def test_a_refusal_says_its_reason_and_is_repeated(shop: Business):
    ada = shop.book()["subject_id"]
    abroad = a_recipient(shop, country="US")["id"]
    headers = {"idempotency-key": "push-2"}
    first = shop.post("/v1/disclosures", wish(abroad, ada), role=OFFICER, headers=headers)
    problem = assert_problem(first, "disclosure_refused")
    assert (problem["status"], problem["reason"]) == (409, "no_transfer_mechanism")
    again = shop.post("/v1/disclosures", wish(abroad, ada), role=OFFICER, headers=headers)
    assert again.json() == problem
    for change, reason in (
        ({"fields": ["shoe_size"]}, "unknown_field"),
        ({"purpose": "curiosity"}, "unknown_purpose"),
        ({"purpose": "billing"}, "purpose_not_permitted"),
        ({"lawful_basis": None}, "no_ground"),
        ({"lawful_basis": "consent"}, "no_consent"),
        ({"purpose": "support"}, "case_missing"),
    ):
        refused = shop.post("/v1/disclosures", wish(abroad, ada, **change), role=OFFICER)
        assert assert_problem(refused, "disclosure_refused")["reason"] == reason


def test_what_is_unknown_is_named_by_its_place(shop: Business):
    ada, crm = shop.book()["subject_id"], a_recipient(shop)["id"]
    nobody = "sub_" + "0" * 32
    answer = shop.post("/v1/disclosures", wish(crm, ada, nobody), role=OFFICER)
    assert_problem(answer, "unknown_reference", "/subject_ids/1")
    answer = shop.post("/v1/disclosures", wish("rcp_" + "0" * 32, ada), role=OFFICER)
    assert_problem(answer, "unknown_reference", "/recipient_id")


def test_a_recipient_answers_and_signs(shop: Business):
    key = Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    crm = a_recipient(shop, delivery={"kind": "response", "public_key": public})["id"]
    done = disclosed(shop, wish(crm, shop.book()["subject_id"]))
    words = f"daybook/acknowledgement/v1\n{done['id']}\nwithdrawal\ndone\n"
    signed = base64.b64encode(key.sign(words.encode())).decode()
    path = f"/v1/disclosures/{done['id']}/acknowledgements"
    said = {"about": "withdrawal", "outcome": "done", "signature": signed}
    (shown,) = shop.make(path, said, role=OFFICER)["acknowledgements"]
    assert (shown["about"], shown["outcome"], shown["verified"]) == ("withdrawal", "done", True)
    forged = shop.make(path, {**said, "outcome": "rejected"}, role=OFFICER)["acknowledgements"]
    assert [one["verified"] for one in forged] == [True, False]
    plain = shop.make(path, {"about": "disclosure", "outcome": "received"}, role=OFFICER)
    assert plain["acknowledgements"][2]["verified"] is False
    garbage = shop.make(path, {**said, "signature": "é"}, role=OFFICER)
    assert garbage["acknowledgements"][3]["verified"] is False


def test_onward_sharing_is_recorded(shop: Business):
    done = disclosed(shop, wish(a_recipient(shop)["id"], shop.book()["subject_id"]))
    path = f"/v1/disclosures/{done['id']}/onward"
    said = {"legal_name": "Cloud Inc.", "country": "US", "purpose": "service"}
    (shown,) = shop.make(path, said, role=OFFICER)["onward"]
    assert {name: shown[name] for name in said} == said
    wrong = {**said, "country": "XX", "purpose": "curiosity"}
    refused = shop.post(path, wrong, role=OFFICER)
    assert_problem(refused, "invalid", "/country", "/purpose")


def test_what_is_withheld_says_until_when(shop: Business):
    crm, ada = a_recipient(shop)["id"], shop.book()["subject_id"]
    until = "2027-06-01T00:00:00Z"
    done = disclosed(shop, wish(crm, ada, withhold_until=until))
    assert done["withheld_until"] == until
    assert done["records"][0]["subject_id"] == ada
    assert shop.get(f"/v1/disclosures/{done['id']}", role="auditor").json()["subject_ids"] == [ada]
