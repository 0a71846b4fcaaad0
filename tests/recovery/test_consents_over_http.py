"""Consents as a business uses them: `daybook up`, over HTTP, each question to whichever process answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from infrastructure.canonical import b64, canonical, sha256
from infrastructure.ledger.signed.notes import VerifierKey, parse_note, verify
from infrastructure.server.processes import wait_until
from tests.api_client import Api, Business, text_of
from tests.in_time import in_time
from tests.running import Running

pytestmark = pytest.mark.xdist_group("running")

TEXT = {
    "version": "2027-01",
    "effective_from": "2026-01-01T00:00:00Z",
    "language": "en",
    "text": "We keep little, and say why.",
    "material": False,
    "summary": "The first text.",
}
GIVEN = {
    "purpose": "marketing_first_party",
    "decision": "given",
    "policy_version": "2027-01",
    "method": "explicit_click",
    "evidence": {"form": "newsletter-canary"},
}


@pytest.fixture
def business(running: Running) -> Business:
    return Business.found(running)


def booked(business: Business, **headers: str) -> dict[str, Any]:
    """Ada's booking, the next free one."""
    service = business.offer("Cut", 30)
    business.engage([service])
    with business.api("booking") as api:
        reply = api.post("/v1/bookings", business.wish(service, 60), **headers)
    assert reply.status == 201, reply.body
    found: dict[str, Any] = reply.body
    return found


def consents(api: Api, subject: str, event: str, **query: object) -> dict[str, Any]:
    """What stands for each purpose, once the read model includes `event`."""
    reply = api.get(f"/v1/subjects/{subject}/consents", {"at_least": event, **query})
    assert reply.status == 200, reply.body
    return {one["purpose"]: one for one in reply.body["data"]}


def test_a_consent_is_given_receipted_withdrawn_and_asked_as_of_three_dates(
    business: Business,
) -> None:
    subject = booked(business, sec_gpc="1", dnt="1")["subject_id"]
    path = f"/v1/subjects/{subject}/consents"
    with business.api("privacy_officer") as officer, business.api("auditor") as auditor:
        officer.made("/v1/policy-versions", TEXT)

        def said() -> list[str]:
            return [one["purpose"] for one in officer.get(path).body["data"]]

        assert wait_until(lambda: said() == ["sale_share"], 60.0), "what the browser said"
        before = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        given = officer.post(path, GIVEN)
        assert given.status == 201, given.body
        between = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        withdrawn = officer.post(path, {**GIVEN, "decision": "withdrawn"})
        event = withdrawn.headers["daybook-event"]
        assert "marketing_first_party" not in consents(auditor, subject, event, as_of=before)
        then = consents(auditor, subject, event, as_of=between)["marketing_first_party"]
        assert (then["decision"], then["valid"]) == ("given", True)
        now = consents(auditor, subject, event)
        assert now["marketing_first_party"]["decision"] == "withdrawn"
        assert now["sale_share"]["decision"] == "refused"
        assert now["sale_share"]["history"][0]["method"] == "signal"
        unknown = consents(auditor, subject, event, known_at=before)
        assert list(unknown) == ["sale_share"]
        receipt = dict(given.body["receipt"])
        note = parse_note(receipt.pop("daybook:proof")["daybook:note"])
        verify(note, [VerifierKey.parse(business.log_vkey)])
        assert note.text.split("\n")[2] == b64(sha256(canonical(receipt)))
        again = auditor.get(f"{given.headers['location']}/receipt")
        assert again.body == given.body["receipt"]
        proof = wait_until(
            lambda: auditor.get(receipt["daybook:ledgerReceipt"]).status == 200, 60.0
        )
        assert proof, "the receipt names an event that the ledger proves"


def test_a_consent_that_has_expired_is_recorded_as_such(running: Running) -> None:
    def lasting(until: datetime) -> tuple[Business, str]:
        business = Business.found(running)
        path = f"/v1/subjects/{booked(business)['subject_id']}/consents"
        with business.api("privacy_officer") as officer:
            officer.made("/v1/policy-versions", TEXT)
            officer.made(path, {**GIVEN, "expires_at": text_of(until)})
        return business, path

    business, path = in_time(lasting, 4, 15, 60)
    with business.api("privacy_officer") as officer:

        def recorded() -> bool:
            (one,) = officer.get(path).body["data"]
            return [each["decision"] for each in one["history"]] == ["given", "expired"]

        assert wait_until(recorded, 60.0)


def test_every_process_writes_the_version_in_force(business: Business) -> None:
    with business.api("privacy_officer") as officer:
        made = officer.made("/v1/policy-versions", TEXT)
    in_force = datetime.fromisoformat(made["in_force_from"])
    assert wait_until(lambda: datetime.now(UTC) > in_force, 60.0)
    service = business.offer("Cut", 30)
    business.engage([service])
    for number in range(8):
        with business.api("booking") as api:  # each client gets a process of its own
            assert api.post("/v1/bookings", business.wish(service, 60 * number)).status == 201
    with business.api("auditor") as auditor:
        events = "/v1/events"

        def all_there() -> bool:
            found = auditor.get(events, {"type": "booking.confirmed.v1", "limit": 200}).body
            return len(found["data"]) == 8

        assert wait_until(all_there, 60.0)
        found = auditor.get(events, {"type": "booking.confirmed.v1", "limit": 200}).body
    assert {one["header"].get("policy") for one in found["data"]} == {"2027-01"}


def test_a_person_is_found_shown_and_corrected(business: Business) -> None:
    subject = booked(business)["subject_id"]
    path = f"/v1/subjects/{subject}"
    with business.api("privacy_officer") as officer:

        def found(email: str) -> list[str]:
            reply = officer.post("/v1/subjects/search", {"email": email})
            assert reply.status == 200, reply.body
            return [one["subject_id"] for one in reply.body["data"]]

        assert found("ada@example.test") == [subject]
        shown = officer.get(path)
        assert shown.status == 200, shown.body
        kinds = {(one["event_type"], one["retention_class"]) for one in shown.body["held"]}
        assert kinds == {("subject.registered.v1", "profile"), ("booking.confirmed.v1", "booking")}
        changed = officer.call("PATCH", path, {"email": "ada@new.test"})
        assert changed.status == 200, changed.body
        assert (found("ada@new.test"), found("ada@example.test")) == ([subject], [])
        opened = officer.get(path, daybook_purpose="service").body
        assert opened["values"] == {"name": "Ada Example", "email": "ada@new.test"}
        assert {one["event_type"] for one in opened["held"]} > {"subject.corrected.v1"}
