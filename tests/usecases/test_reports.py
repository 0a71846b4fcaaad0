"""The six reports: which rows, for which law; as of a checkpoint; and what taking one leaves in the record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.ledger.records import LedgerRecords
from application.ledger.witnessing import Witnessing
from application.recorded import Caller
from application.reports.issuing import KINDS, Issued, Reports
from application.reports.report import Asked, Row
from application.requests.history import RequestHistory
from domain.disclosure import Ground
from domain.errors import NotFound, NotPermitted, Unacceptable, UnknownReference, Unwitnessed
from domain.report import ReportIssued, ReportName
from domain.values import public_id
from infrastructure.twin.memory import MemoryWorld
from infrastructure.twin.memory_witnesses import NoWitnesses
from tests.disclosing import BEGINNING, DAY, Disclosing

TENANT = uuid4()


class Overdue(NoWitnesses):
    """A policy, and nobody who has cosigned for too long."""

    def configured(self) -> bool:
        return True


@dataclass
class Desk:
    """Reports over a twin."""

    world: MemoryWorld
    story: Disclosing

    def reports(self, *, overdue: bool = False) -> Reports:
        it = self.world
        witnesses = Overdue(it.ledger) if overdue else NoWitnesses(it.ledger)
        records = LedgerRecords(it.store, it.clock, it.ids)
        witnessing = Witnessing(witnesses, it.clock, 3_600)
        return Reports(
            it.disclosures,
            it.positions,
            it.store,
            it.press,
            records,
            witnessing,
            it.clock,
            RequestHistory(it.store, it.ledger),
        )

    def take(self, name: ReportName, **asked: Any) -> Issued:
        self.world.clock.set(max(self.world.clock.now(), self.story.at))
        by = Caller(TENANT, "key_officer", frozenset({"privacy_officer"}))
        return self.reports().issue(name, Asked(**asked), "json", by)

    def rows(self, name: ReportName, **asked: Any) -> list[Row]:
        return list(self.take(name, **asked).report.rows)

    def person(self) -> UUID:
        prepare = self.world.people.prepare
        return self.story.person(lambda id: prepare(TENANT, id, ("profile",)))


@pytest.fixture
def desk() -> Desk:
    world = MemoryWorld()
    world.clock.set(BEGINNING)
    return Desk(world, Disclosing(world.store, TENANT))


def cells(rows: list[Row], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


@pytest.mark.parametrize("name", KINDS)
def test_every_row_has_every_column(desk: Desk, name: ReportName) -> None:
    ada, story = desk.person(), desk.story
    vendor = story.recipient("Vendor", "US", role="third_party")
    story.sent(vendor, ada, fields=("name", "note", "unheard_of"), purpose="marketing_first_party")
    asked: dict[str, Any] = {"subject": ada} if KINDS[name].needs else {}
    if name == "shine-the-light":
        asked = {"year": 2027}
    rows = desk.rows(name, **asked)
    assert rows
    for row in rows:
        assert list(row) == [one.name for one in KINDS[name].columns]


def test_article_15_names_each_recipient_each_time(desk: Desk) -> None:
    ada, ben, story = desk.person(), desk.person(), desk.story
    crm = story.recipient("CRM", "US")
    id = story.sent(crm, ada, ground=Ground("contract"))
    story.acknowledge(id, "done", "correction")
    story.hand_on(id, "Onward Ltd", "GB")
    lost = story.recorded(crm, ada, ground=Ground(legal_trigger="emergency", citation="Act 1"))
    story.attempt(lost)
    story.fail(lost, unknown=True)
    story.refuse(crm, ada)
    story.recorded(crm, ada)
    story.sent(crm, ben)
    rows = desk.rows("article-15", subject=ada)
    told = cells(rows, "recipient", "country", "ground", "outcome", "followed_up", "shared_onward")
    assert told == [
        ("CRM", "US", "contract", "delivered", "correction: done", "Onward Ltd (GB)"),
        ("CRM", "US", "emergency; Act 1", "unknown", None, None),
    ]
    assert rows[0]["disclosure_id"] == public_id("disclosure", id)


def test_what_is_withheld_is_in_no_report_until_its_date(desk: Desk) -> None:
    ada, story = desk.person(), desk.story
    police = story.recipient("Police", kind="authority", role="authority")
    until = story.at + 30 * DAY
    story.withheld(police, until, ada)
    asked: dict[ReportName, dict[str, Any]] = {
        "article-15": {"subject": ada},
        "accounting-of-disclosures": {"subject": ada},
        "ccpa-disclosures": {},
        "specific-third-parties": {"subject": ada},
    }
    for name, parameters in asked.items():
        assert desk.rows(name, **parameters) == [], name
    assert cells(desk.rows("ropa"), "count") == [(0,), (0,)]
    desk.world.clock.set(until)
    for name, parameters in asked.items():
        assert len(desk.rows(name, **parameters)) == 1, name


def test_accounting_tells_a_series_by_its_first_number_and_last_of_six_years(desk: Desk) -> None:
    story = desk.story
    story.at = BEGINNING - timedelta(days=366 * 7)
    ada = desk.person()
    crm, bank = story.recipient("CRM"), story.recipient("Bank")
    story.sent(crm, ada)
    story.at = BEGINNING
    first = story.at
    for _ in range(3):
        story.sent(crm, ada)
    last = story.at - timedelta(minutes=3)
    story.sent(bank, ada, purpose="support")
    story.revise(crm, "CRM renamed")
    story.sent(crm, ada)
    rows = desk.rows("accounting-of-disclosures", subject=ada)
    assert cells(rows, "recipient", "count", "purpose") == [
        ("CRM", 3, "service"),
        ("Bank", 1, "support"),
        ("CRM renamed", 1, "service"),
    ]
    assert rows[0]["first_at"] == first.isoformat().replace("+00:00", "Z")
    assert rows[0]["last_at"] == last.isoformat().replace("+00:00", "Z")
    everything = datetime(2000, 1, 1, tzinfo=UTC)
    whole = desk.rows("accounting-of-disclosures", subject=ada, from_=everything)
    assert whole[0]["count"] == 4


def test_shine_the_light_is_a_signed_empty_list(desk: Desk) -> None:
    ada, story = desk.person(), desk.story
    mail = story.recipient("Mail service", role="service_provider")
    story.sent(mail, ada, purpose="marketing_first_party")
    story.sent(story.recipient("Vendor", role="third_party"), ada)
    issued = desk.take("shine-the-light", year=2027)
    assert issued.report.rows == []
    assert issued.rendered.signature.startswith("daybook/manifest/v1\n")
    assert b'"row_count":0' in issued.rendered.body


def test_shine_the_light_would_tell_of_a_third_party_in_the_preceding_year(desk: Desk) -> None:
    ada, story = desk.person(), desk.story
    vendor = story.recipient("Vendor", role="third_party", business_nature="sells hair dye")
    story.sent(vendor, ada, purpose="marketing_first_party", fields=("name", "address", "email"))
    story.at = datetime(2028, 2, 1, tzinfo=UTC)
    story.sent(vendor, ada, purpose="marketing_first_party")
    rows = desk.rows("shine-the-light")
    told = cells(rows, "recipient", "address", "business", "categories", "count")
    categories = "electronic mail address; name and address"
    assert told == [("Vendor", "1 Main Street, US", "sells hair dye", categories, 1)]
    assert desk.rows("shine-the-light", year=2026) == []


def test_ccpa_lists_by_category_of_the_last_twelve_months(desk: Desk) -> None:
    story = desk.story
    story.at = BEGINNING - 500 * DAY
    ada = desk.person()
    crm, vendor = story.recipient("CRM"), story.recipient("Vendor", role="third_party")
    story.sent(crm, ada)
    story.at = BEGINNING
    story.sent(crm, ada, fields=("name", "email", "phone"))
    story.sent(vendor, ada, fields=("booking_times",))
    rows = desk.rows("ccpa-disclosures")
    assert cells(rows, "category", "recipient", "disclosed_to", "fields") == [
        ("A: identifiers", "CRM", "for our business", "email; name"),
        ("B: customer records", "CRM", "for our business", "phone"),
        ("D: commercial information", "Vendor", "third party", "booking_times"),
    ]
    assert desk.rows("ccpa-disclosures", subject=ada) == rows
    assert len(desk.rows("ccpa-disclosures", from_=BEGINNING - 600 * DAY)) == 3
    assert desk.rows("ccpa-disclosures", to=BEGINNING - 400 * DAY)[0]["count"] == 1


def test_specific_third_parties_leaves_out_who_works_for_us(desk: Desk) -> None:
    ada, ben, story = desk.person(), desk.person(), desk.story
    crm = story.recipient("CRM")
    vendor = story.recipient("Vendor", role="third_party")
    police = story.recipient("Police", role="authority")
    story.sent(crm, ada)
    story.sent(vendor, ada, purpose="support")
    story.sent(vendor, ada)
    story.sent(police, ben)
    assert cells(desk.rows("specific-third-parties"), "recipient", "purposes", "count") == [
        ("Vendor", "service; support", 2),
        ("Police", "service", 1),
    ]
    assert cells(desk.rows("specific-third-parties", subject=ben), "recipient") == [("Police",)]


def test_ropa_tells_where_what_happened_and_what_is_declared_differ(desk: Desk) -> None:
    ada, story = desk.person(), desk.story
    crm = story.recipient("CRM", "DE", transfer_mechanism="A46-2-c")
    bank = story.recipient("Bank", permitted_purposes=("billing",))
    story.sent(crm, ada, transfer="A46-2-c", our_role="processor")
    story.sent(bank, ada, purpose="fraud")
    rows = desk.rows("ropa")
    assert cells(rows, "purpose", "recipient", "declared", "count", "drift") == [
        ("billing", "Bank", "yes", 0, "declared but never happened"),
        ("fraud", "Bank", "no", 1, "happened but not declared"),
        ("service", "CRM", "yes", 1, None),
        ("support", "CRM", "yes", 0, "declared but never happened"),
    ]
    assert cells(rows[2:3], "fields", "grounds", "our_role", "transfers", "contract") == [
        ("email; name", "contract", "processor", "A46-2-c", "C-1")
    ]
    story.revise(bank, "Bank", permitted_purposes=("billing", "fraud"))
    assert cells(desk.rows("ropa"), "drift")[1] == (None,)
    only = desk.rows("ropa", recipient=bank)
    assert {row["recipient"] for row in only} == {"Bank"}
    story.end(crm, date(2027, 2, 1))
    assert desk.rows("ropa")[2]["contract_to"] == "2027-02-01"


def test_ropa_names_the_host_with_country_and_role_and_drifts_without_it(desk: Desk) -> None:
    ada, story = desk.person(), desk.story
    host = story.recipient(
        "Example Cloud Inc", "US", kind="hosting", permitted_purposes=("service",)
    )
    story.sent(host, ada)
    told = ("recipient", "country", "role", "declared", "drift")
    assert cells(desk.rows("ropa"), *told) == [
        ("Example Cloud Inc", "US", "processor", "yes", None)
    ]
    story.revise(host, "Example Cloud Inc", kind="hosting", permitted_purposes=("support",))
    assert cells(desk.rows("ropa"), *told) == [
        ("Example Cloud Inc", "US", "processor", "no", "happened but not declared"),
        ("Example Cloud Inc", "US", "processor", "yes", "declared but never happened"),
    ]


def test_a_report_is_the_same_bytes_at_the_same_position_and_says_up_to_where(desk: Desk) -> None:
    ada, story = desk.person(), desk.story
    crm = story.recipient()
    story.sent(crm, ada)
    first = desk.take("article-15", subject=ada)
    end = len(desk.world.state.log[TENANT])
    assert first.report.position == end - 2, "the taking itself comes after it"
    assert first.report.checkpoint.size == first.report.position + 1
    story.sent(crm, ada)
    desk.world.clock.advance(days=3)
    later = desk.take("article-15", subject=ada)
    assert len(later.report.rows) == 2
    then = {"position": first.report.position, "as_of": first.report.as_of}
    again = desk.take("article-15", subject=ada, **then)
    assert again.rendered == first.rendered
    assert again.rendered.body != later.rendered.body


def test_taking_one_is_on_record_with_its_digest(desk: Desk) -> None:
    ada = desk.person()
    issued = desk.take("article-15", subject=ada, from_=BEGINNING - DAY)
    event = desk.world.state.log[TENANT][-1]
    assert event.event_id == issued.event
    told = event.decision
    assert isinstance(told, ReportIssued)
    assert (told.name, told.subject, told.format, told.rows) == ("article-15", ada, "json", 0)
    assert told.body_sha256 == issued.rendered.body_sha256
    assert told.position == issued.report.position
    assert told.from_ == BEGINNING - DAY


def test_nothing_official_is_said_while_witnesses_are_overdue(desk: Desk) -> None:
    desk.person()
    desk.world.clock.advance(days=2)
    by = Caller(TENANT, "key_officer", frozenset({"auditor"}))
    before = len(desk.world.state.log[TENANT])
    with pytest.raises(Unwitnessed):
        desk.reports(overdue=True).issue("ropa", Asked(), "json", by)
    assert len(desk.world.state.log[TENANT]) == before


def test_what_is_asked_wrongly_is_refused_and_not_recorded(desk: Desk) -> None:
    ada = desk.person()
    before = len(desk.world.state.log[TENANT])
    wrong: list[tuple[ReportName, dict[str, Any], set[str]]] = [
        ("article-15", {}, {"/subject_id"}),
        ("article-15", {"subject": ada, "year": 2026}, {"/year"}),
        ("ropa", {"subject": ada}, {"/subject_id"}),
        ("shine-the-light", {"from_": BEGINNING, "to": BEGINNING}, {"/from", "/to"}),
        ("ropa", {"from_": BEGINNING, "to": BEGINNING}, {"/to"}),
        ("ropa", {"as_of": desk.story.at + DAY}, {"/as_of"}),
    ]
    for name, asked, pointers in wrong:
        with pytest.raises(Unacceptable) as refusal:
            desk.take(name, **asked)
        assert {one.pointer for one in refusal.value.errors} == pointers, name
    for unknown in ({"subject": uuid4()}, {"subject": ada, "position": 900}):
        with pytest.raises(NotFound):
            desk.take("article-15", **unknown)
    with pytest.raises(UnknownReference):
        desk.take("ropa", recipient=uuid4())
    for role in ("manager", "staff", "booking", "engineer", "corporate", "subject"):
        with pytest.raises(NotPermitted):
            desk.reports().issue("ropa", Asked(), "json", Caller(TENANT, "k", frozenset({role})))
    assert len(desk.world.state.log[TENANT]) == before


def test_a_business_of_which_nothing_is_signed_has_no_reports(desk: Desk) -> None:
    other = replace(desk.story, tenant=uuid4())
    with pytest.raises(NotFound):
        desk.reports().issue(
            "ropa", Asked(), "json", Caller(other.tenant, "k", frozenset({"owner"}))
        )
