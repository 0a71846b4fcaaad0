"""Choices that the policy offers, as a person makes them. Rows 46, 54, 55, 62, 65 and 80 of its matrix."""

from __future__ import annotations

import pytest

from tests.http.business import Business, Json
from tests.http.disclosing import a_recipient, wish
from tests.http.problem import assert_problem
from tests.http.test_policies import TEXT, headers_of

CHOICES = [
    "analytics:google_analytics",
    "analytics:mixpanel",
    "marketing_first_party",
    "electronic_notice",
    "cross_border_transfer",
    "cookies:personalisation",
    "cookies:advertising",
    "cookies:measurement",
    "sale_share",
]


@pytest.fixture
def own(own_shop: Business) -> Business:
    """A shop with a published text and one customer, `made["subject"]`."""
    own_shop.make("/v1/policy-versions", TEXT)
    own_shop.made["subject"] = own_shop.book()["subject_id"]
    return own_shop


def say(shop: Business, purpose: str, decision: str, **more: str) -> Json:
    body = {"purpose": purpose, "decision": decision, "method": "explicit_click", **more}
    return shop.make(f"/v1/subjects/{shop.made['subject']}/consents", body)


def give(shop: Business, purpose: str, **more: str) -> Json:
    return say(shop, purpose, "given", policy_version="2027-01", **more)


def stand(shop: Business, query: str = "") -> dict[str, tuple[str, bool]]:
    found = shop.get(f"/v1/subjects/{shop.made['subject']}/consents{query}").json()
    return {one["purpose"]: (one["decision"], one["valid"]) for one in found["data"]}


def test_cookies_are_given_refused_and_withdrawn_like_any_consent_and_booking_works_without(
    own: Business,
):
    give(own, "cookies:advertising")
    say(own, "cookies:personalisation", "refused")
    assert stand(own) == {
        "cookies:advertising": ("given", True),
        "cookies:personalisation": ("refused", False),
    }
    own.server.clock.advance(seconds=1)
    say(own, "cookies:advertising", "withdrawn")
    assert stand(own)["cookies:advertising"] == ("withdrawn", False)
    assert own.book("2027-01-11T12:00:00Z")["status"] == "confirmed"


def test_every_choice_is_made_seen_and_taken_back_at_one_address(own: Business):
    for choice in CHOICES:
        give(own, choice)
    assert stand(own) == dict.fromkeys(CHOICES, ("given", True))
    own.server.clock.advance(seconds=1)
    for choice in CHOICES:
        say(own, choice, "withdrawn")
    assert stand(own) == dict.fromkeys(CHOICES, ("withdrawn", False))


def test_who_opts_out_of_an_analytics_vendor_is_shown_so_and_nothing_goes_there(own: Business):
    ada = own.made["subject"]
    google, mixpanel = (
        a_recipient(own, kind="analytics", vendor=vendor)["id"]
        for vendor in ("google_analytics", "mixpanel")
    )
    handed = own.make("/v1/disclosures", wish(google, ada), role="privacy_officer")
    assert handed["outcome"] == "delivered", "nobody has said anything yet"
    say(own, "analytics:google_analytics", "refused")
    assert stand(own) == {"analytics:google_analytics": ("refused", False)}
    answer = own.post("/v1/disclosures", wish(google, ada), role="privacy_officer")
    assert assert_problem(answer, "disclosure_refused")["reason"] == "opted_out"
    recorded = own.get("/v1/events?type=disclosure.refused", role="auditor").json()["data"]
    assert len(recorded) == 1
    handed = own.make("/v1/disclosures", wish(mixpanel, ada), role="privacy_officer")
    assert handed["outcome"] == "delivered", "it is a choice about one vendor"
    own.server.clock.advance(seconds=1)
    give(own, "analytics:google_analytics")
    handed = own.make("/v1/disclosures", wish(google, ada), role="privacy_officer")
    assert handed["outcome"] == "delivered", "the choice is theirs again"
    own.server.clock.advance(seconds=1)
    say(own, "analytics:google_analytics", "withdrawn")
    answer = own.post("/v1/disclosures", wish(google, ada), role="privacy_officer")
    assert assert_problem(answer, "disclosure_refused")["reason"] == "opted_out"


def test_electronic_notice_by_use_is_recorded_as_such_and_only_an_act_is_consent(own: Business):
    give(own, "electronic_notice", method="continued_use")
    assert stand(own) == {"electronic_notice": ("given", False)}
    own.server.clock.advance(seconds=1)
    give(own, "electronic_notice")
    assert stand(own) == {"electronic_notice": ("given", True)}


def test_electronic_notice_is_withdrawn_by_e_mail_in_the_same_instant(own: Business):
    give(own, "electronic_notice")
    own.server.clock.advance(hours=1)
    say(own, "electronic_notice", "withdrawn", method="spoken", channel="email")
    assert stand(own) == {"electronic_notice": ("withdrawn", False)}
    before = stand(own, "?as_of=2027-01-04T08:59:59Z")
    assert before == {"electronic_notice": ("given", True)}
    found = own.get(f"/v1/subjects/{own.made['subject']}/consents").json()
    assert found["data"][0]["history"][-1]["channel"] == "email"


@pytest.mark.parametrize("decision", ["refused", "withdrawn"])
def test_nothing_is_opened_for_marketing_once_the_person_said_no(own: Business, decision: str):
    path = f"/v1/subjects/{own.made['subject']}"
    under = {"daybook-purpose": "marketing_first_party"}
    assert own.get(path, headers=under).json()["values"]["name"] == "Ada Example"
    give(own, "marketing_first_party")
    assert own.get(path, headers=under).status_code == 200
    own.server.clock.advance(seconds=1)
    say(own, "marketing_first_party", decision)
    assert own.get(path, headers=under).status_code == 403
    assert own.get(path, headers={"daybook-purpose": "service"}).status_code == 200
    assert len(headers_of(own, "access.denied.v1")) == 1
    own.server.clock.advance(seconds=1)
    give(own, "marketing_first_party")
    assert own.get(path, headers=under).status_code == 200


def test_a_page_for_marketing_leaves_out_who_said_no(own: Business):
    ben = {"name": "Ben Example", "email": "ben@example.test"}
    own.book("2027-01-11T12:00:00Z", customer=ben)
    say(own, "marketing_first_party", "refused")
    asked = {
        "location_id": own.made["location"],
        "from": "2027-01-11T00:00:00Z",
        "to": "2027-01-12T00:00:00Z",
    }

    def names(purpose: str) -> list[str | None]:
        headers = {"daybook-purpose": purpose}
        (day,) = own.get("/v1/agenda", params=asked, headers=headers).json()["days"]
        return [entry["customer"]["name"] for entry in day["entries"]]

    assert names("service") == ["Ada Example", "Ben Example"]
    assert names("marketing_first_party") == [None, "Ben Example"]
    say(own, "measure", "refused")
    own.server.clock.advance(seconds=1)
    assert names("measure") == [None, "Ben Example"]
