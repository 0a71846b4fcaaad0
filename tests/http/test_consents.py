"""Consents over HTTP: recorded, receipted, asked as of any time; and what a browser's signals do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.values import instant_text
from infrastructure.canonical import b64, canonical, sha256
from infrastructure.ledger.signed.notes import parse_note, verifier_key, verify
from infrastructure.twin.memory_ledger import KEY
from tests.http.business import Business, Json
from tests.http.test_policies import TEXT, headers_of
from tests.vocabulary import OTHERS, iris_of, terms

GIVEN = {
    "purpose": "marketing_first_party",
    "decision": "given",
    "policy_version": "2027-01",
    "method": "explicit_click",
}
WITHDRAWN = {**GIVEN, "decision": "withdrawn"}


@pytest.fixture
def own(own_shop: Business) -> Business:
    """A shop with a published text and one customer, `made["subject"]`."""
    controller = {
        "name": "Example Salons Ltd",
        "address": "1 Main Street, Lisbon",
        "contact": "mailto:privacy@example.org",
        "country": "PT",
    }
    own_shop.make("/v1/policy-versions", {**TEXT, "controller": controller})
    own_shop.made["subject"] = own_shop.book()["subject_id"]
    return own_shop


def path(shop: Business, tail: str = "consents") -> str:
    return f"/v1/subjects/{shop.made['subject']}/{tail}"


def say(shop: Business, body: Json, **more: Any) -> Json:
    return shop.make(path(shop), body, role="privacy_officer", **more)


def states(shop: Business, query: str = "") -> dict[str, tuple[str, bool]]:
    found = shop.get(path(shop) + query, role="auditor").json()
    return {one["purpose"]: (one["decision"], one["valid"]) for one in found["data"]}


def test_a_consent_is_given_and_withdrawn_and_every_date_gets_its_answer(own: Business):
    clock = own.server.clock
    begun = clock.now()
    first = say(own, {**GIVEN, "evidence": {"form": "newsletter", "ticked": True, "boxes": 2}})
    clock.advance(days=10)
    say(own, WITHDRAWN)
    clock.advance(days=10)
    assert states(own) == {"marketing_first_party": ("withdrawn", False)}

    def as_of(**days: float) -> dict[str, tuple[str, bool]]:
        return states(own, f"?as_of={instant_text(begun + timedelta(**days))}")

    assert as_of(seconds=-1) == {}
    assert as_of(days=5) == {"marketing_first_party": ("given", True)}
    assert as_of(days=10) == {"marketing_first_party": ("withdrawn", False)}
    found = own.get(path(own)).json()
    (state,) = found["data"]
    assert [one["decision"] for one in state["history"]] == ["given", "withdrawn"]
    assert state["history"][1]["replaces"] == first["id"] == state["history"][0]["id"]
    assert "newsletter" not in str(found), "evidence stays sealed"


def test_what_was_known_and_what_was_so_are_two_questions(own: Business):
    clock = own.server.clock
    clock.advance(days=10)
    say(
        own,
        {
            **GIVEN,
            "method": "paper",
            "given_at": "2027-01-05T10:00:00Z",
            "evidence": {"scan": "box 4"},
        },
    )
    asked = "?as_of=2027-01-06T00:00:00Z"
    assert states(own, asked) == {"marketing_first_party": ("given", True)}
    assert states(own, f"{asked}&known_at=2027-01-06T00:00:00Z") == {}


def test_a_receipt_is_in_the_vocabulary_signed_and_can_be_had_again(own: Business):
    posted = own.post(path(own), {**GIVEN, "expires_at": "2028-01-01T00:00:00Z"})
    made = posted.json()
    receipt = made["receipt"]
    assert receipt["@type"] == "dpv:ConsentReceipt"
    assert receipt["daybook:event"] == posted.headers["daybook-event"]
    (record,) = receipt["dpv:hasRecordOfActivity"]
    assert record["dct:conformsTo"]["@id"].endswith("#record-eu-gdpr")
    assert record["dpv:hasDataSubject"]["@id"].endswith(own.made["subject"])
    assert "ada" not in str(receipt).lower()
    again = own.get(f"{posted.headers['location']}/receipt", role="auditor")
    assert again.headers["content-type"] == "application/ld+json"
    assert again.json() == receipt
    note = parse_note(receipt.pop("daybook:proof")["daybook:note"])
    origin = note.text.split("\n")[1]
    verify(note, [verifier_key(origin, KEY)])
    assert note.text.split("\n")[2] == b64(sha256(canonical(receipt)))
    nothing = own.get(path(own, f"consents/con_{'5' * 32}/receipt"))
    assert nothing.status_code == 404


def test_evidence_is_opened_under_a_purpose_and_that_is_on_record(own: Business):
    evidence = {"form": "newsletter", "ticked": True, "boxes": [1, {"shown": "all"}]}
    where = own.post(path(own), {**GIVEN, "evidence": evidence}).headers["location"]
    shown = own.get(where, role="auditor").json()
    assert (shown["decision"], shown["policy_version"], shown["has_evidence"]) == (
        "given",
        "2027-01",
        True,
    )
    assert "evidence" not in shown
    assert headers_of(own, "access.granted.v1") == []
    under = {"daybook-purpose": "dispute", "daybook-case": "C-1"}
    opened = own.get(where, headers=under, role="privacy_officer").json()
    assert opened["evidence"] == {
        "form": "newsletter",
        "ticked": "true",
        "boxes": '[1,{"shown":"all"}]',
    }
    (access,) = headers_of(own, "access.granted.v1")
    assert (access["purpose"], access["case"]) == ("dispute", "C-1")
    assert own.get(where, headers=under, role="auditor").status_code == 403
    assert own.get(f"{path(own)}/con_{'5' * 32}").status_code == 404
    bare = say(own, GIVEN)
    plain = own.get(f"{path(own)}/{bare['id']}", headers=under).json()
    assert (plain["has_evidence"], "evidence" in plain) == (False, False)


CHOICES = [
    "service",
    "scheduling",
    "marketing_first_party",
    "analytics:mixpanel",
    "cookies:advertising",
    "electronic_notice",
    "cross_border_transfer",
    "sale_share",
]


@pytest.mark.parametrize("decision", ["given", "refused", "withdrawn"])
@pytest.mark.parametrize("choice", CHOICES)
def test_every_term_of_a_receipt_is_in_the_pinned_vocabulary(
    own: Business, choice: str, decision: str
):
    for method in ("explicit_click", "spoken"):
        receipt = say(own, {**GIVEN, "purpose": choice, "decision": decision, "method": method})[
            "receipt"
        ]
        context = receipt["@context"]
        used = iris_of(receipt, context)
        strange = {
            iri for iri in used if not iri.startswith("urn:") and iri not in terms() | OTHERS
        }
        assert strange == set()
        assert len(used & terms()) > 25


def test_every_record_holds_what_the_standard_asks_for(own: Business):
    (record,) = say(own, GIVEN)["receipt"]["dpv:hasRecordOfActivity"]
    for name in (
        "dct:conformsTo",
        "dct:identifier",
        "dpv:hasDataSubject",
        "dpv:hasNotice",
        "dpv:hasDataController",
        "dpv:hasJurisdiction",
        "dpv:hasConsentControl",
        "dpv:hasConsentStatus",
    ):
        assert record[name]
    (process,) = record["dpv:hasProcess"]
    assert {"dpv:hasPurpose", "dpv:hasPersonalData", "dpv:hasStorageCondition"} <= set(process)
    assert set(record["dpv:hasDataController"]) >= {
        "dpv:hasName",
        "dpv:hasAddress",
        "dpv:hasContact",
    }
    assert record["dpv:hasNotice"]["daybook:sha256"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"purpose": "curiosity"}, "unknown_purpose"),
        ({"purpose": "marketing_third_party"}, "unknown_purpose"),
        ({"policy_version": "2031-01"}, "unknown_policy_version"),
        ({"given_at": "2027-01-02T08:00:00Z"}, "backdated"),
        ({"given_at": "2027-01-05T08:00:00Z"}, "in_the_future"),
        ({"decision": "refused", "method": "continued_use"}, "implied"),
    ],
)
def test_what_is_not_accepted_is_on_record_and_changes_nothing(
    own: Business, more: Json, reason: str
):
    answer = own.post(path(own), {**GIVEN, **more})
    assert answer.status_code == 409
    assert (answer.json()["code"], answer.json()["reason"]) == ("consent_rejected", reason)
    found = own.get(path(own)).json()
    assert found["data"] == []
    assert [one["reason"] for one in found["rejected"]] == [reason]
    assert "curiosity" not in str(found)
    assert len(headers_of(own, "consent.rejected.v1")) == 1


def test_a_refusal_is_given_again_to_a_repeated_call(own: Business):
    body = {**GIVEN, "purpose": "curiosity"}
    sent = [own.post(path(own), body, headers={"idempotency-key": "k-1"}) for _ in range(2)]
    assert sent[0].content == sent[1].content
    assert len(headers_of(own, "consent.rejected.v1")) == 1
    made = [own.post(path(own), GIVEN, headers={"idempotency-key": "k-2"}) for _ in range(2)]
    assert made[0].content == made[1].content
    assert len(headers_of(own, "consent.given.v1")) == 1


def test_continued_use_is_on_record_and_no_consent(own: Business):
    say(own, {**GIVEN, "method": "continued_use"})
    assert states(own) == {"marketing_first_party": ("given", False)}


def test_a_consent_expires(own: Business):
    say(own, {**GIVEN, "expires_at": "2027-01-05T00:00:00Z"})
    own.server.clock.advance(days=1)
    assert states(own) == {"marketing_first_party": ("expired", False)}


@pytest.mark.parametrize(
    "body",
    [
        {**GIVEN, "policy_version": None},
        {**GIVEN, "expires_at": "2027-01-01T00:00:00Z"},
        {**WITHDRAWN, "expires_at": "2028-01-01T00:00:00Z"},
        {**GIVEN, "method": "telepathy"},
        {**GIVEN, "evidence": {"a": ["x" * 2_000]}},
        {**GIVEN, "evidence": {"not a key": "x"}},
    ],
)
def test_what_cannot_be_read_is_refused_and_not_recorded(own: Business, body: Json):
    assert own.post(path(own), body).status_code == 422
    assert headers_of(own, "consent") == []


def test_nothing_is_said_for_someone_who_is_not_there_or_erased(own: Business):
    nobody = f"/v1/subjects/sub_{'5' * 32}/consents"
    assert own.post(nobody, GIVEN).status_code == 404
    assert own.get(nobody).status_code == 404


@pytest.mark.parametrize(
    "role", ["auditor", "booking", "staff", "manager", "engineer", "corporate"]
)
def test_only_the_officer_and_the_owner_record(own: Business, role: Any):
    assert own.post(path(own), GIVEN, key=own.key(role)).status_code == 403
    reads = own.get(path(own), key=own.key(role)).status_code
    assert reads == (200 if role == "auditor" else 403)


# --- signals ---------------------------------------------------------------------------------------------------------


def test_a_browser_that_objects_refuses_sale_and_sharing_once(own: Business):
    signal = {"sec-gpc": "1"}
    for hour in (11, 12, 13):
        own.post("/v1/bookings", own.wish(f"2027-01-11T{hour}:00:00Z"), headers=signal)
    assert states(own) == {"sale_share": ("refused", False)}
    assert len(headers_of(own, "consent.refused.v1")) == 1
    found = own.get(path(own)).json()["data"][0]["history"]
    assert [(one["method"], one["channel"]) for one in found] == [("signal", "web")]
    say(own, {**GIVEN, "purpose": "sale_share"})
    assert states(own)["sale_share"] == ("given", True)
    own.server.clock.advance(seconds=1)
    own.post("/v1/bookings", own.wish("2027-01-11T14:00:00Z"), headers=signal)
    assert states(own)["sale_share"] == ("refused", False)


def test_a_new_customer_s_signal_counts_from_the_first_booking_on(shop: Business):
    made = shop.post("/v1/bookings", shop.wish(), headers={"sec-gpc": "1"}).json()
    shop.made["subject"] = made["subject_id"]
    assert states(shop) == {"sale_share": ("refused", False)}


@pytest.mark.parametrize("value", ["0", "", "true", "1 ", "1,1"])
def test_only_the_exact_value_counts(own: Business, value: str):
    headers = [
        ("authorization", f"Bearer {own.keys['owner']}"),
        ("sec-gpc", value.strip() if value == "1 " else value),
    ]
    own.server.client.post("/v1/bookings", json=own.wish("2027-01-11T11:00:00Z"), headers=headers)
    expected = {"sale_share": ("refused", False)} if value == "1 " else {}
    assert states(own) == expected


def test_of_two_headers_one_that_objects_is_enough(own: Business):
    headers = [
        ("authorization", f"Bearer {own.keys['owner']}"),
        ("sec-gpc", "1"),
        ("sec-gpc", "0"),
    ]
    own.server.client.post("/v1/bookings", json=own.wish("2027-01-11T11:00:00Z"), headers=headers)
    assert states(own) == {"sale_share": ("refused", False)}


def test_do_not_track_is_on_record_once_for_each_change_and_does_nothing(own: Business):
    for hour, value in ((11, "1"), (12, "1"), (13, "0"), (14, "0"), (15, "1")):
        wish = own.wish(f"2027-01-11T{hour}:00:00Z")
        assert own.post("/v1/bookings", wish, headers={"dnt": value}).status_code == 201
    assert len(headers_of(own, "signal.seen.v1")) == 3
    assert states(own) == {}


def test_a_signal_comes_with_a_consent_too(own: Business):
    say(own, GIVEN, headers={"sec-gpc": "1", "dnt": "1"})
    assert states(own) == {
        "marketing_first_party": ("given", True),
        "sale_share": ("refused", False),
    }
    assert len(headers_of(own, "signal.seen.v1")) == 1


def test_the_signal_is_honoured_where_anyone_may_read_it(own: Business):
    said = own.server.client.get("/.well-known/gpc.json").json()
    assert said["gpc"] is True
    assert said["lastUpdate"]
