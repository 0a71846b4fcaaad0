"""Erasures over HTTP: how they stand, and that whoever is erased is erased everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

import pytest

from application.custody.custody_log import custody_stream
from application.erasing.ordering import Wish
from application.execute import Scribe
from application.ports import Append, Outcome
from application.recorded import Caller
from domain.custody import CustodyPinned, Kept
from domain.sealing import RETENTION_CLASSES, RetentionClass
from domain.values import parse_id, public_id
from tests.http.business import MONDAY, Business, Json
from tests.http.disclosing import a_recipient, wish
from tests.http.problem import assert_problem

OFFICER = "privacy_officer"
UNDER = {"daybook-purpose": "service"}
HOLD = UUID(int=71)
BOOKS = Kept("booking", "gdpr_17_3_e_legal_claims", "GDPR 17(3)(e)", ("dispute",), date(2030, 1, 1))


@dataclass
class Rules:
    """Keeps what it is told to keep."""

    keeps: tuple[Kept, ...]

    def kept(
        self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass], at: datetime
    ) -> tuple[Kept, ...]:
        return self.keeps


@dataclass
class Desk:
    """A business with one customer, who may be erased."""

    shop: Business
    subject: str
    booking: str

    def order(self, *keeps: Kept) -> str:
        """Order an erasure as a request or a sweep does; its id."""
        by = Caller(self.shop.tenant, "system:requests", frozenset({OFFICER}))
        orders = replace(self.shop.server.platform.eraser.orders, keeping=Rules(keeps))
        subject = parse_id("subject", self.subject)
        assert subject is not None
        return public_id("erasure", orders.order(by, Wish(subject, "request")))

    def carry(self) -> None:
        """The worker's rounds, and what the courier finds to do after them."""
        platform = self.shop.server.platform
        while platform.eraser.round([self.shop.tenant]):
            pass
        for thing in platform.courier.due(self.shop.tenant):
            platform.courier.carry(self.shop.tenant, thing)

    def pin(self, *classes: RetentionClass) -> None:
        """A legal hold, not under a gag."""
        subject, store = parse_id("subject", self.subject), self.shop.server.platform.eraser.store
        assert subject is not None
        platform = self.shop.server.platform
        by = Caller(self.shop.tenant, "key_officer", frozenset({OFFICER}))
        scribe = Scribe.begin(by, platform.clock, platform.eraser.ids)
        decision = CustodyPinned(subject, subject, HOLD, classes)
        event = scribe.record(custody_stream(subject), 1, decision)
        assert store.append(Append(by.tenant, scribe.at, (event,))) is Outcome.APPENDED

    def erase(self) -> str:
        id = self.order()
        self.carry()
        return id

    def shown(self, id: str) -> Json:
        answer = self.shop.get(f"/v1/erasures/{id}", role="auditor")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found


@pytest.fixture
def desk(shop: Business) -> Desk:
    made = shop.book(note="Ring twice")
    return Desk(shop, made["subject_id"], made["id"])


def test_an_erasure_is_shown_from_its_order_to_its_end(desk: Desk):
    id = desk.order()
    before = desk.shown(id)
    assert (before["status"], before["cause"], before["request_id"]) == ("ordered", "request", None)
    assert before["destroying"] == list(RETENTION_CLASSES) and before["destroyed"] == []
    assert (before["online_at"], before["complete_at"], before["classes"]) == (None, None, [])
    desk.carry()
    after = desk.shown(id)
    assert (after["status"], after["keys"], after["destroying"]) == ("complete", 2, [])
    assert after["ordered_at"] <= after["online_at"] <= after["complete_at"]
    assert {one["retention_class"]: one["keys"] for one in after["classes"] if one["keys"]} == {
        "profile": 1,
        "booking": 1,
    }
    assert {one["epoch"] for one in after["classes"]} == {after["epoch"]}
    assert (after["deferred"], after["kept"], after["recipients"]) == ([], [], [])


def test_what_is_kept_and_what_waits_says_why(desk: Desk):
    desk.pin("billing")
    id = desk.order(BOOKS)
    desk.carry()
    shown = desk.shown(id)
    assert shown["status"] == "partial"
    assert shown["deferred"] == [
        {
            "retention_class": "billing",
            "legal_hold_id": public_id("legal_hold", HOLD),
            "gagged": False,
        }
    ]
    kept = {
        "retention_class": "booking",
        "exception": "gdpr_17_3_e_legal_claims",
        "statute": "GDPR 17(3)(e)",
        "purposes": ["dispute"],
        "until": "2030-01-01",
    }
    assert shown["kept"] == [kept]
    assert set(shown["destroyed"]) == set(RETENTION_CLASSES) - {"billing", "booking"}
    person = desk.shop.get(f"/v1/subjects/{desk.subject}").json()
    assert person["erased_at"] is not None and person["kept"] == [kept]
    assert [one["retention_class"] for one in person["held"]] == ["booking"]


def test_who_has_data_is_told_and_their_answer_is_shown(desk: Desk):
    recipient = a_recipient(desk.shop)["id"]
    desk.shop.make("/v1/disclosures", wish(recipient, desk.subject), role=OFFICER)
    id = desk.erase()
    (told,) = desk.shown(id)["recipients"]
    assert (told["recipient_id"], told["legal_name"]) == (recipient, "Example CRM Ltd")
    assert sorted(told["fields"]) == ["email", "name"] and told["answer"] is None
    answers = f"/v1/follow-ups/{told['follow_up_id']}/acknowledgements"
    desk.shop.make(answers, {"outcome": "done"}, role=OFFICER)
    (told,) = desk.shown(id)["recipients"]
    assert (told["outcome"], told["answer"]) == ("acknowledged", "done")
    assert told["answered_at"] is not None


def test_erasures_are_listed_in_their_order_by_pages(desk: Desk):
    first = desk.erase()
    desk.shop.server.clock.advance(seconds=1)
    other = desk.shop.book(f"{MONDAY}T12:00:00Z", customer={"name": "B", "email": "b@example.test"})
    second = replace(desk, subject=other["subject_id"]).order()
    page = desk.shop.get("/v1/erasures?limit=1", role=OFFICER).json()
    assert [one["id"] for one in page["data"]] == [first]
    rest = desk.shop.get(f"/v1/erasures?limit=1&cursor={page['next_cursor']}").json()
    assert [(one["id"], one["status"]) for one in rest["data"]] == [(second, "ordered")]
    assert rest["next_cursor"] is None


def test_another_tenants_erasure_is_not_there(desk: Desk):
    id = desk.erase()
    other = desk.shop.server.business()
    assert_problem(other.get(f"/v1/erasures/{id}"), "not_found")
    assert other.get("/v1/erasures").json()["data"] == []
    assert_problem(desk.shop.get(f"/v1/erasures/ers_{0:032x}"), "not_found")
    assert_problem(desk.shop.get(f"/v1/erasures/{id}", role="engineer"), "not_permitted")


# --- erased everywhere -----------------------------------------------------------------------------------------------


def test_from_the_order_on_nothing_of_a_person_opens_and_nothing_is_taken_in(desk: Desk):
    """Before any key is destroyed, and after."""
    shop, subject = desk.shop, f"/v1/subjects/{desk.subject}"
    recipient = a_recipient(shop)["id"]
    said = {"purpose": "marketing_first_party", "decision": "refused", "method": "explicit_click"}
    desk.order()
    for _ in range(2):
        shown = shop.get(subject, headers=UNDER)
        assert shown.status_code == 200 and shown.json()["erased_at"] is not None
        assert "values" not in shown.json()
        assert_problem(shop.call("PATCH", subject, json={"name": "Ada Else"}), "erased")
        assert_problem(shop.post(f"{subject}/consents", said), "erased")
        handing = shop.post("/v1/disclosures", wish(recipient, desk.subject), role=OFFICER)
        assert_problem(handing, "erased")
        found = shop.post("/v1/subjects/search", {"email": "ada@example.test"}).json()
        assert found["data"] == []
        customer = shop.get(f"/v1/bookings/{desk.booking}?include=customer", headers=UNDER)
        assert_problem(customer, "erased")
        desk.carry()


def test_a_booking_of_somebody_erased_keeps_its_slot_and_loses_its_person(desk: Desk):
    shop = desk.shop
    desk.erase()
    at = f"{MONDAY}T10:00:00Z"
    ben = {"name": "Ben Example", "email": "ben@example.test"}
    taken = shop.post("/v1/bookings", shop.wish(at, customer=ben))
    assert_problem(taken, "slot_unavailable")
    asked = f"location_id={shop.made['location']}&from={MONDAY}T00:00:00Z&to=2027-01-12T00:00:00Z"
    agenda = shop.get(f"/v1/agenda?{asked}", headers=UNDER)
    assert agenda.status_code == 200, agenda.text
    (day,) = agenda.json()["days"]
    (entry,) = day["entries"]
    assert (entry["booking_id"], entry["customer"]) == (desk.booking, {"name": None})
    booking = shop.get(f"/v1/bookings/{desk.booking}").json()
    assert (booking["status"], booking["subject_id"]) == ("confirmed", desk.subject)
    cancelled = shop.post(f"/v1/bookings/{desk.booking}/cancel", {"reason_code": "other"})
    assert cancelled.status_code == 200, cancelled.text
    assert shop.book(at, customer=ben)["subject_id"] != desk.subject


def test_the_same_address_is_somebody_new_afterwards(desk: Desk):
    """Until the keys are destroyed it still leads to who is going, and nothing is taken in for them."""
    desk.order()
    meanwhile = desk.shop.post("/v1/bookings", desk.shop.wish(f"{MONDAY}T12:00:00Z"))
    assert_problem(meanwhile, "erased")
    desk.carry()
    again = desk.shop.book(f"{MONDAY}T12:00:00Z")
    assert again["subject_id"] != desk.subject
    found = desk.shop.post("/v1/subjects/search", {"email": "ada@example.test"}).json()
    assert [one["subject_id"] for one in found["data"]] == [again["subject_id"]]


def test_who_looked_and_who_was_told_is_still_answered_by_the_pseudonym(desk: Desk):
    shop, subject = desk.shop, f"/v1/subjects/{desk.subject}"
    shop.get(subject, headers=UNDER)
    shop.make("/v1/disclosures", wish(a_recipient(shop)["id"], desk.subject), role=OFFICER)
    before = shop.get(f"{subject}/access-log", role="auditor").json()["data"]
    handed = shop.get(f"{subject}/disclosures", role="auditor").json()["data"]
    assert before and handed
    desk.erase()
    assert shop.get(f"{subject}/access-log", role="auditor").json()["data"] == before
    assert shop.get(f"{subject}/disclosures", role="auditor").json()["data"] == handed
