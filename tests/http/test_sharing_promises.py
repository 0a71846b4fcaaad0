"""What the privacy policy promises about sharing: rows 67, 68, 81, 86 and 88 to 92 of its matrix."""

from __future__ import annotations

from typing import Any

from tests.http.business import Business, Json
from tests.http.disclosing import CRM, a_recipient, wish
from tests.http.problem import assert_problem
from tests.http.requests import bodies

OFFICER = "privacy_officer"
BY_USE = {"method": "continued_use", "decision": "given", "purpose": "cross_border_transfer"}


def refusals(shop: Business) -> int:
    """How many refusals are on record."""
    events = shop.get("/v1/events?type=disclosure.refused&limit=200", role="auditor").json()
    return len(events["data"])


def reason(shop: Business, body: Json) -> Any:
    """Why it is refused; that is on record."""
    before = refusals(shop)
    answer = shop.post("/v1/disclosures", body, role=OFFICER)
    assert refusals(shop) == before + 1
    return assert_problem(answer, "disclosure_refused")["reason"]


def test_a_disclosure_says_where_it_goes_and_under_which_mechanism(shop: Business):
    without = {name: value for name, value in CRM.items() if name != "country"}
    assert_problem(shop.post("/v1/recipients", without, role=OFFICER), "invalid", "/country")
    abroad = a_recipient(shop, country="US", transfer_mechanism="A46-2-c")
    body = wish(abroad["id"], shop.book()["subject_id"])
    done = shop.make("/v1/disclosures", body, role=OFFICER)
    shown = shop.get(f"/v1/disclosures/{done['id']}", role="auditor").json()
    assert shown["transfer_mechanism"] == "A46-2-c"
    assert shop.get(f"/v1/recipients/{shown['recipient_id']}").json()["country"] == "US"


def test_consent_by_use_moves_nobody_s_data_abroad(shop: Business):
    ada = shop.book()["subject_id"]
    text = bodies(shop.made)["publish_policy"]
    shop.make("/v1/policy-versions", {**text, "version": "2026-01"})
    consents, said = f"/v1/subjects/{ada}/consents", {**BY_USE, "policy_version": "2026-01"}
    shop.make(consents, said, role=OFFICER)
    abroad = a_recipient(shop, country="US", transfer_mechanism="A49-1-a")["id"]
    assert reason(shop, wish(abroad, ada)) == "no_transfer_mechanism"
    shop.make(consents, {**said, "method": "explicit_click"}, role=OFFICER)
    assert shop.make("/v1/disclosures", wish(abroad, ada), role=OFFICER)["outcome"] == "delivered"


def test_verifying_with_others_names_them_and_has_a_case(shop: Business):
    ada = shop.book()["subject_id"]
    checker = a_recipient(shop, kind="identity", permitted_purposes=["verification"])["id"]
    assert reason(shop, wish(checker, ada, purpose="verification")) == "case_missing"
    asked = wish(checker, ada, purpose="verification", case="V-1")
    done = shop.make("/v1/disclosures", asked, role=OFFICER)
    shown = shop.get(f"/v1/disclosures/{done['id']}", role="auditor").json()
    assert (shown["recipient_id"], shown["case"]) == (checker, "V-1")


def test_what_the_law_makes_necessary_cites_it(shop: Business):
    ada, office = shop.book()["subject_id"], a_recipient(shop)["id"]
    necessary = {"lawful_basis": None, "legal_trigger": "legal_requirement"}
    assert reason(shop, wish(office, ada, **necessary)) == "no_ground"
    cited = wish(office, ada, **necessary, citation="26 U.S.C. 6041")
    done = shop.make("/v1/disclosures", cited, role=OFFICER)
    shown = shop.get(f"/v1/disclosures/{done['id']}", role="auditor").json()
    assert shown["citation"] == "26 U.S.C. 6041"


def test_a_report_goes_to_an_authority_alone(shop: Business):
    ada = shop.book()["subject_id"]
    report = {"lawful_basis": None, "legal_trigger": "report", "citation": "18 U.S.C. 2258A"}
    assert reason(shop, wish(a_recipient(shop)["id"], ada, **report)) == "no_ground"
    police = a_recipient(shop, kind="authority", role="authority")["id"]
    done = shop.make("/v1/disclosures", wish(police, ada, **report), role=OFFICER)
    assert done["outcome"] == "delivered"


def test_enforcing_the_agreement_has_a_case(shop: Business):
    ada, crm = shop.book()["subject_id"], a_recipient(shop)["id"]
    for trigger in ("enforcement", "other_law"):
        asked = wish(crm, ada, lawful_basis=None, legal_trigger=trigger)
        assert reason(shop, asked) == "case_missing"
        done = shop.make("/v1/disclosures", {**asked, "case": "E-1"}, role=OFFICER)
        assert done["outcome"] == "delivered"


def test_outside_of_its_contract_a_provider_gets_nothing(shop: Business):
    ada = shop.book()["subject_id"]
    over = a_recipient(shop, contract_to="2027-01-03")["id"]
    assert reason(shop, wish(over, ada)) == "contract_expired"
    early = a_recipient(shop, contract_from="2027-02-01")["id"]
    assert reason(shop, wish(early, ada)) == "contract_expired"
    running = a_recipient(shop)["id"]
    assert reason(shop, wish(running, ada, purpose="billing")) == "purpose_not_permitted"


def test_each_person_s_fields_are_on_record(shop: Business):
    ada, crm = shop.book()["subject_id"], a_recipient(shop)["id"]
    done = shop.make("/v1/disclosures", wish(crm, ada, fields=["email"]), role=OFFICER)
    shown = shop.get(f"/v1/disclosures/{done['id']}", role="auditor").json()
    assert (shown["subject_ids"], shown["fields"]) == ([ada], ["email"])
