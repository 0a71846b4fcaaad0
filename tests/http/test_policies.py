"""Policy versions and purposes over HTTP, and the version in force on every event about a person."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.http.business import Business, Json

TEXT = {
    "version": "2027-01",
    "effective_from": "2027-01-01T00:00:00Z",
    "language": "en",
    "text": "We keep little, and say why.",
    "material": False,
    "summary": "The first text.",
}


def headers_of(shop: Business, type: str) -> list[Json]:
    """The headers of events of a type, oldest first."""
    found = shop.get(f"/v1/events?type={type}", role="auditor").json()["data"]
    return [one["header"] for one in found]


def subject_of(shop: Business) -> str:
    return str(shop.book()["subject_id"])


def test_a_text_is_published_listed_and_shown(own_shop: Business):
    made = own_shop.make("/v1/policy-versions", TEXT, role="privacy_officer")
    assert made["id"].startswith("pol_")
    assert made["sha256"] == hashlib.sha256(TEXT["text"].encode()).hexdigest()  # type: ignore[attr-defined]
    assert made["in_force_from"] == "2027-01-04T08:00:02Z"
    listed = own_shop.get("/v1/policy-versions", role="booking").json()["data"]
    assert listed == [made]
    shown = own_shop.get(f"/v1/policy-versions/{made['id']}", role="auditor")
    assert shown.json() == made | {"text": TEXT["text"]}
    assert shown.headers["etag"] == '"1"'


def test_a_label_names_one_text_for_ever(shop: Business):
    shop.make("/v1/policy-versions", TEXT)
    again = shop.post("/v1/policy-versions", {**TEXT, "text": "Another."})
    assert (again.status_code, again.json()["code"]) == (409, "policy_version_exists")


def test_events_about_people_carry_the_version_in_force_and_no_other_does(own_shop: Business):
    shop, clock = own_shop, own_shop.server.clock
    shop.book("2027-01-11T10:00:00Z")
    shop.make("/v1/policy-versions", TEXT)
    shop.book("2027-01-11T11:00:00Z")
    clock.advance(seconds=2)
    shop.book("2027-01-11T12:00:00Z")
    shop.book("2027-01-11T13:00:00Z", policy_version="shown-in-the-app")
    found = [one.get("policy") for one in headers_of(shop, "booking.confirmed.v1")]
    assert found == [None, None, "2027-01", "shown-in-the-app"]
    shop.location(name="Elsewhere")
    assert "policy" not in headers_of(shop, "location.opened.v1")[-1]


def test_a_material_change_is_in_force_two_seconds_after_its_notice(own_shop: Business):
    shop, clock = own_shop, own_shop.server.clock
    shop.make("/v1/policy-versions", TEXT)
    change = shop.make("/v1/policy-versions", {**TEXT, "version": "2027-02", "material": True})
    assert change["in_force_from"] is None
    clock.advance(days=30)
    booked = shop.book("2027-02-11T10:00:00Z")
    path = f"/v1/policy-versions/{change['id']}/notices"
    told = shop.post(path, {"channel": "email", "notified_at": "2027-02-01T00:00:00Z"})
    assert told.status_code == 201
    assert told.json()["in_force_from"] == "2027-02-03T08:00:02Z"
    assert told.json()["notices"] == [{"channel": "email", "notified_at": "2027-02-01T00:00:00Z"}]
    clock.advance(seconds=2)
    shop.book("2027-02-11T11:00:00Z")
    found = [one.get("policy") for one in headers_of(shop, "booking.confirmed.v1")]
    assert found == ["2027-01", "2027-02"]
    asked = f"/v1/subjects/{booked['subject_id']}/policy-acceptances"
    before = shop.get(f"{asked}?as_of=2027-02-03T08:00:01Z").json()["in_force"]
    after = shop.get(asked).json()["in_force"]
    assert (before["version"], after["version"]) == ("2027-01", "2027-02")


def test_a_notice_ahead_and_of_nothing_is_refused(shop: Business):
    made = shop.make("/v1/policy-versions", TEXT)
    body = {"channel": "post", "notified_at": "2199-01-01T00:00:00Z"}
    ahead = shop.post(f"/v1/policy-versions/{made['id']}/notices", body)
    assert (ahead.status_code, ahead.json()["errors"][0]["code"]) == (422, "in_the_future")
    nothing = f"pol_{'5' * 32}"
    assert shop.post(f"/v1/policy-versions/{nothing}/notices", body).status_code == 404
    assert shop.get(f"/v1/policy-versions/{nothing}").status_code == 404


def test_a_person_accepts_a_text_and_continued_use_is_called_what_it_is(own_shop: Business):
    shop = own_shop
    subject = subject_of(shop)
    made = shop.make("/v1/policy-versions", TEXT)
    path = f"/v1/subjects/{subject}/policy-acceptances"
    used = shop.make(path, {"policy_version": "2027-01", "mode": "continued_use"})
    clicked = shop.make(
        path,
        {
            "policy_version": made["id"],
            "mode": "explicit_click",
            "accepted_at": "2027-01-02T00:00:00Z",
        },
        role="privacy_officer",
    )
    assert (used["mode"], used["accepted_at"]) == ("continued_use", "2027-01-04T08:00:00Z")
    assert clicked["policy_version"] == "2027-01"
    found = shop.get(f"{path}?as_of=2027-01-03T00:00:00Z", role="auditor").json()
    assert (found["in_force"], found["data"]) == (None, [clicked])
    assert shop.get(path).json()["data"] == [used, clicked]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"policy_version": "other", "mode": "signature"}, 422, "unknown_reference"),
        ({"policy_version": "2027-01", "mode": "by_use"}, 422, "invalid"),
        (
            {
                "policy_version": "2027-01",
                "mode": "signature",
                "accepted_at": "2026-12-31T00:00:00Z",
            },
            422,
            "invalid",
        ),
    ],
)
def test_what_is_no_acceptance_is_refused(shop: Business, body: Any, status: int, code: str):
    subject = subject_of(shop)
    shop.make("/v1/policy-versions", TEXT)
    answer = shop.post(f"/v1/subjects/{subject}/policy-acceptances", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_nobody_accepts_for_someone_who_is_not_there(shop: Business):
    path = f"/v1/subjects/sub_{'5' * 32}/policy-acceptances"
    body = {"policy_version": "2027-01", "mode": "signature"}
    assert shop.post(path, body).status_code == 404
    assert shop.get(path).status_code == 404


def test_purposes_come_with_their_bases_as_of_an_instant(own_shop: Business):
    shop = own_shop
    body = {"purpose": "improve", "jurisdiction": "gdpr", "lawful_basis": "consent"}
    path = "/v1/purposes/bases"
    switched = shop.post(path, body, role="privacy_officer")
    assert switched.status_code == 200
    assert switched.json()["lawful_bases"]["gdpr"] == "consent"
    again = shop.post(path, body)
    assert (again.status_code, "daybook-event" in again.headers) == (200, False)
    later = {**body, "lawful_basis": "contract", "effective_from": "2027-01-05T00:00:00Z"}
    assert shop.post(path, later).status_code == 200

    def basis(as_of: str = "") -> Any:
        listed = shop.get(f"/v1/purposes{as_of}", role="staff").json()
        (found,) = (one for one in listed["data"] if one["code"] == "improve")
        return found["lawful_bases"]["gdpr"], found["lawful_bases"]["uk_gdpr"]

    assert basis() == ("consent", "legitimate_interests")
    assert basis("?as_of=2027-01-04T07:59:59Z")[0] == "legitimate_interests"
    assert basis("?as_of=2027-01-05T00:00:00Z")[0] == "contract"
    listed = shop.get("/v1/purposes").json()
    assert len(listed["data"]) == 14
    assert {"name", "email", "card_last4"} <= {one["code"] for one in listed["fields"]}


def test_a_basis_is_not_switched_for_what_has_been(shop: Business):
    body = {
        "purpose": "improve",
        "jurisdiction": "gdpr",
        "lawful_basis": "consent",
        "effective_from": "2027-01-01T00:00:00Z",
    }
    refused = shop.post("/v1/purposes/bases", body)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "backdated")


@pytest.mark.parametrize(
    "role", ["auditor", "booking", "staff", "manager", "engineer", "corporate"]
)
def test_only_the_officer_and_the_owner_publish(shop: Business, role: Any):
    key = shop.key(role)
    assert shop.post("/v1/policy-versions", TEXT, key=key).status_code == 403
