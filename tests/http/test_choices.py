"""Choices that the policy offers beside its purposes, as a person makes them. Rows 46, 55, 62 and 65 of its matrix."""

from __future__ import annotations

import pytest

from tests.http.business import Business, Json
from tests.http.test_policies import TEXT

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
