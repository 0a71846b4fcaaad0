"""People's requests over HTTP: every type from its receipt to its answer, what is refused, and what nobody is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.business import ADA, Business
from tests.http.problem import assert_problem
from tests.http.requests import ASKED

OFFICER: Any = {"role": "privacy_officer"}
SHOWN: Any = {"role": "auditor"}
LOOKED = {"method": "email_loop", "compared": ["email"], "outcome": "verified"}


def ask(shop: Business, **more: Any) -> dict[str, Any]:
    """A new request."""
    return shop.make("/v1/privacy-requests", {**ASKED, **more}, **OFFICER)


def step(shop: Business, made: dict[str, Any], name: str, json: Any = None, **more: Any) -> Any:
    """The answer to a step."""
    return shop.post(f"/v1/privacy-requests/{made['id']}/{name}", json, **{**OFFICER, **more})


def done(shop: Business, made: dict[str, Any], name: str, json: Any = None) -> dict[str, Any]:
    """The request after a step that must be taken."""
    answer = step(shop, made, name, json)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_erasure_from_receipt_to_order(shop: Business):
    subject = shop.book()["subject_id"]
    answer = shop.post("/v1/privacy-requests", ASKED, **OFFICER)
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["location"] == f"/v1/privacy-requests/{made['id']}"
    assert (made["type"], made["status"], made["subject_id"]) == ("erasure", "received", None)
    due = {one["rule"]: one for one in made["clocks"]}
    assert due["gdpr.answer"] == {
        "right": "erasure",
        "rule": "gdpr.answer",
        "due_on": "2027-02-04",
        "due_at": "2027-02-05T00:00:00Z",
        "zone": "Europe/Lisbon",
        "state": "running",
        "source": "GDPR Art. 12(3), 12(6); Regulation 1182/71 Art. 3",
        "rules_version": due["gdpr.answer"]["rules_version"],
        "calendar": due["gdpr.answer"]["calendar"],
        "stopped_at": None,
    }
    assert done(shop, made, "acknowledge")["status"] == "acknowledged"
    assert_problem(step(shop, made, "fulfil"), "identity_not_verified")
    known = done(shop, made, "verify-identity", LOOKED)
    assert (known["status"], known["subject_id"]) == ("accepted", subject)
    part = {"retention_class": "billing", "reason_code": "gdpr_17_3_b_legal_obligation"}
    assert done(shop, made, "deny", {"parts": [part]})["status"] == "in_progress"
    fulfilled = done(shop, made, "fulfil", {})
    assert fulfilled["status"] == "partially_fulfilled"
    assert fulfilled["erasure_id"].startswith("ers_")
    assert fulfilled["rights"][0]["denied"] == [part]
    assert {one["rule"]: one["state"] for one in fulfilled["clocks"]} == {
        "gdpr.answer": "met",
        "gdpr.refusal_notice": "met",
        "recipients_told": "running",  # until the erasure has taken effect
    }
    assert_problem(step(shop, made, "fulfil"), "invalid_state")
    assert done(shop, made, "appeal")["status"] == "appealed"
    assert done(shop, made, "decide-appeal", {"outcome": "denied"})["status"] == "appeal_denied"


@pytest.mark.parametrize(
    ("type", "verified", "erases"),
    [
        ("access", True, False),
        ("portability", True, False),
        ("correction", True, False),
        ("restriction", True, False),
        ("objection", True, False),
        ("opt_out", False, False),
        ("account_cancellation", True, True),
        ("shine_the_light", False, False),
        ("accounting", True, False),
    ],
)
def test_every_type_from_end_to_end(shop: Business, type: str, verified: bool, erases: bool):
    booked = shop.book()
    subject = booked["subject_id"]
    received_at = shop.server.clock.now().isoformat()
    jurisdiction = {"accounting": "us_hipaa", "shine_the_light": "us_ca"}.get(type, "gdpr")
    made = ask(shop, type=type, jurisdiction=jurisdiction, received_at=received_at)
    if verified:
        assert_problem(step(shop, made, "fulfil"), "identity_not_verified")
        done(shop, made, "verify-identity", LOOKED)
    reports = {
        "shine_the_light": "/v1/reports/shine-the-light",
        "accounting": f"/v1/reports/accounting-of-disclosures?subject_id={subject}",
    }
    if type in ("access", "portability"):
        assert_problem(step(shop, made, "fulfil"), "invalid_state")
        package = f"/v1/subjects/{subject}/package?request_id={made['id']}"
        under = {"daybook-purpose": "legal_duty", "daybook-case": made["id"]}
        assert shop.get(package, headers=under, **OFFICER).status_code == 200
    if type == "correction":
        assert_problem(step(shop, made, "fulfil"), "invalid_state")
        named = shop.call("PATCH", f"/v1/subjects/{subject}", json={"name": "Ada R."}, **OFFICER)
        assert named.status_code == 200
    if type in reports:
        assert_problem(step(shop, made, "fulfil"), "invalid_state")
        assert shop.get(reports[type], **OFFICER).status_code == 200
    fulfilled = done(shop, made, "fulfil", {})
    assert (fulfilled["status"], fulfilled["erasure_id"] is not None) == ("fulfilled", erases)
    kept = ("record_kept", "recipients_told")
    states = {one["state"] for one in fulfilled["clocks"] if not one["rule"].endswith(kept)}
    assert states == {"met"}
    assert fulfilled["closed_at"] is not None
    shown = shop.get(f"/v1/privacy-requests/{made['id']}", **SHOWN).json()
    assert {**shown, "restriction_stands": None} == fulfilled
    if type == "account_cancellation":
        assert shop.get(f"/v1/bookings/{booked['id']}").json()["status"] == "cancelled"
    if type == "restriction":
        assert shown["restriction_stands"] is True
        done(shop, made, "lift-restriction")
        again = shop.get(f"/v1/privacy-requests/{made['id']}", **SHOWN).json()
        assert again["restriction_stands"] is False


def test_somebody_unknown_is_answered_as_somebody_known(shop: Business):
    shop.book()
    answers = [
        shop.post("/v1/privacy-requests", {**ASKED, "email": email}, **OFFICER)
        for email in (ADA["email"], "nobody@example.test")
    ]
    bodies = [{**one.json(), "id": None} for one in answers]
    assert bodies[0] == bodies[1]
    known, unknown = (sorted(one.headers) for one in answers)
    assert known == unknown
    assert [one.status_code for one in answers] == [201, 201]
    absent = {**ASKED, "email": None, "subject_id": f"sub_{'0' * 32}"}
    assert {**shop.post("/v1/privacy-requests", absent, **OFFICER).json(), "id": None} == bodies[0]


@pytest.mark.parametrize("type", ["opt_out", "restriction", "objection", "shine_the_light"])
def test_what_is_done_unverified_does_not_tell_who_is_known(shop: Business, type: str):
    shop.book()
    shop.get("/v1/reports/shine-the-light", **OFFICER)
    at = shop.server.clock.now().isoformat()
    bodies = []
    for email in (ADA["email"], "nobody@example.test"):
        made = ask(shop, type=type, jurisdiction="us_ca", email=email, received_at=at)
        done(shop, made, "fulfil", {})
        shown = shop.get(f"/v1/privacy-requests/{made['id']}", **SHOWN)
        bodies.append(({**shown.json(), "id": None}, shown.headers["etag"]))
    assert bodies[0] == bodies[1]
    assert bodies[0][0]["status"] == "fulfilled"


@pytest.mark.parametrize(
    ("more", "code", "pointer"),
    [
        ({"due_on": "2027-03-01"}, "unknown_field", "/due_on"),
        ({"due_at": "2027-03-01T00:00:00Z"}, "unknown_field", "/due_at"),
        ({"clocks": []}, "unknown_field", "/clocks"),
        ({"received_at": "2027-01-04T08:00:01Z"}, "invalid", "/received_at"),
        ({"jurisdiction": "us_ny"}, "invalid", "/jurisdiction"),
        ({"email": "nobody"}, "invalid", "/email"),
        ({"email": None}, "invalid", ""),
        ({"type": "access", "cause": "under_13"}, "invalid", "/cause"),
        ({"forwarded_by": f"rcp_{'0' * 32}"}, "unknown_reference", "/forwarded_by"),
    ],
)
def test_what_cannot_be_asked_is_refused_where_it_is_wrong(
    business: Business, more: dict[str, Any], code: str, pointer: str
):
    answer = business.post("/v1/privacy-requests", {**ASKED, **more}, **OFFICER)
    assert_problem(answer, code, pointer)


def test_no_step_takes_a_deadline(business: Business):
    made = ask(business)
    told = {"reason_code": "complexity", "told_at": ASKED["received_at"]}
    for name, body in (
        ("extend", {**told, "until": "2027-09-01T00:00:00Z"}),
        ("extend", {**told, "due_on": "2027-09-01"}),
        ("fulfil", {"at": ASKED["received_at"]}),
    ):
        assert step(business, made, name, body).json()["code"] == "unknown_field"
    assert_problem(step(business, made, "deny", {"parts": []}), "invalid", "/parts")
    assert_problem(step(business, made, "deny", {}), "invalid", "/parts")


def test_an_extension_is_told_in_time_and_once(own_server: Any):
    shop = own_server.business()
    made = ask(shop)
    own_server.clock.advance(days=20)
    told = {"reason_code": "complexity", "told_at": "2027-01-20T08:00:00Z"}
    extended = done(shop, made, "extend", told)
    due = {one["rule"]: one["due_on"] for one in extended["clocks"]}
    assert due["gdpr.answer"] == "2027-04-05"  # the 4th is a Sunday
    assert_problem(step(shop, made, "extend", told), "invalid_state")
    other = ask(shop)
    own_server.clock.advance(days=20)
    assert_problem(step(shop, other, "extend", told), "extension_too_late")


def test_nobody_who_opts_out_is_asked_who_they_are(business: Business):
    made = ask(business, type="opt_out", jurisdiction="us_ca")
    assert_problem(step(business, made, "verify-identity", LOOKED), "invalid_state")
    asked = {"method": "session", "points": []}
    assert_problem(step(business, made, "ask-identity", asked), "invalid_state")


def test_what_was_compared_is_named_and_never_told(business: Business):
    made = ask(business)
    values = {**LOOKED, "method": "two_data_points", "compared": ["Ada Example", "+351 1"]}
    assert step(business, made, "verify-identity", values).status_code == 422
    three = {**values, "compared": ["name", "email", "phone"]}
    assert_problem(step(business, made, "verify-identity", three), "invalid", "/compared")
    two = {**values, "compared": ["name", "phone"]}
    known = done(business, made, "verify-identity", two)
    assert known["identity"]["evidence_until"] == "2027-01-18T08:00:00Z"
    gone = done(business, made, "identity-evidence-destroyed")
    assert gone["identity"]["evidence_until"] is None


def test_requests_end_otherwise_too(business: Business):
    first, second, third = ask(business), ask(business), ask(business)
    assert done(business, first, "withdraw")["status"] == "withdrawn"
    duplicate = done(business, second, "mark-duplicate", {"request_id": first["id"]})
    assert (duplicate["status"], duplicate["duplicate_of"]) == ("duplicate", first["id"])
    nobody = {"recipient_id": f"rcp_{'0' * 32}"}
    assert_problem(step(business, third, "forward", nobody), "unknown_reference", "/recipient_id")
    done(business, third, "pause", {"reason_code": "clarification"})
    assert done(business, third, "resume")["status"] == "received"
    listed = business.get("/v1/privacy-requests?status=withdrawn&type=erasure", **SHOWN).json()
    assert [one["id"] for one in listed["data"]] == [first["id"]]


def test_a_step_is_taken_once_at_the_version_that_was_seen(business: Business):
    made = ask(business)
    stale = step(business, made, "acknowledge", headers={"if-match": '"7"'})
    assert_problem(stale, "version_mismatch")
    headers = {"idempotency-key": "ack-1", "if-match": '"1"'}
    first = step(business, made, "acknowledge", headers=headers)
    assert first.headers["etag"] == '"2"'
    assert step(business, made, "acknowledge", headers=headers).json() == first.json()


def test_a_letter_is_text_or_pages(business: Business):
    made = ask(business)
    done(business, made, "deny", {"parts": [{"reason_code": "not_verifiable"}]})
    path = f"/v1/privacy-requests/{made['id']}/letter"
    text = business.get(path, **SHOWN)
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert "You may complain to: " in text.text
    assert ADA["email"] not in text.text
    pages = business.get(f"{path}?format=pdf&kind=acknowledgement", **SHOWN)
    assert pages.content.startswith(b"%PDF-")
    assert_problem(business.get(f"{path}?kind=extension", **SHOWN), "invalid_state")


def test_what_is_due_is_listed_by_when(shop: Business):
    shop.book()
    later, sooner = ask(shop, type="access"), ask(shop, jurisdiction="us_ca")
    answer = shop.get("/v1/duties?before=2027-02-05T00:00:00Z", **SHOWN).json()
    assert [(one["about"], one["rule"]) for one in answer["data"]] == [
        (sooner["id"], "ccpa.acknowledgement")
    ]
    assert answer["data"][0]["due_on"] == "2027-01-19"
    assert (answer["data"][0]["clock"], answer["data"][0]["state"]) == (
        "privacy_request",
        "running",
    )
    whole = shop.get("/v1/duties", **SHOWN).json()["data"]
    assert {one["about"] for one in whole} == {later["id"], sooner["id"]}
    first = shop.get("/v1/duties?limit=1", **SHOWN).json()
    rest = shop.get(f"/v1/duties?cursor={first['next_cursor']}", **SHOWN).json()
    assert first["data"] + rest["data"] == whole
