"""What is due: everything that has a time, late ones first, and nothing that was met."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from application.execute import Scribe
from application.people.people import CorrectPerson
from application.ports import Append
from application.requests.asked import due_of
from application.requests.duties import DutyCounts
from application.requests.steps import Target
from domain.disclosure import Ground
from domain.follow_up import FollowUpAcknowledged, FollowUpOrdered
from domain.privacy_request_codes import DeniedPart
from domain.subject import Correction
from domain.values import Personal
from tests.disclosing import Disclosing
from tests.usecases.front import Front
from tests.usecases.requesting import Office
from tests.usecases.salon import TENANT


@pytest.fixture
def office(front: Front) -> Office:
    return Office(front)


def due(office: Office, before: datetime | None = None) -> list[tuple[str, str, str]]:
    page = office.desk.duties.page(before, 200, None, office.officer)
    return [(one.kind, one.rule, one.state) for one in page.duties]


def test_a_request_is_due_until_it_is_answered(office: Office):
    target = office.verified("access")
    assert sorted(due(office)) == [
        ("privacy_request", "gdpr.answer", "running"),
        ("privacy_request", "gdpr.refusal_notice", "running"),
    ]
    page = office.desk.duties.page(None, 200, None, office.officer)
    assert {one.due_on for one in page.duties} == {date(2027, 2, 4)}
    assert {one.about for one in page.duties} == {f"req_{target.request.hex}"}
    assert due(office, datetime(2027, 2, 5, tzinfo=UTC)) == []
    office.world.clock.advance(days=40)
    assert {state for _, _, state in due(office)} == {"late"}
    office.packs(target)
    office.requests.fulfil(target, None, office.officer)
    # Late as it was, it is not due any more; its record is, in two years.
    assert due(office) == [("request_record", "request_record", "running")]


def test_identity_evidence_is_due_to_be_destroyed(office: Office):
    target = Target(office.asks("erasure").state.id)
    office.requests.verify_identity(
        target, "two_data_points", ("name", "phone"), "verified", office.officer
    )
    week = office.world.clock.now() + timedelta(days=15)
    assert due(office, week) == [("identity_evidence", "identity_evidence", "running")]
    office.world.clock.advance(days=14)
    assert ("identity_evidence", "identity_evidence", "late") in due(office)
    office.requests.destroy_evidence(target, office.officer)
    assert due(office, week) == []


def test_broken_glass_is_due_for_its_review(office: Office):
    front = office.front
    front.allow_glass(hours=24)
    outsider = front.as_role(
        "staff", purpose="service", break_glass="emergency", locations=frozenset({UUID(int=9)})
    )
    front.look(outsider)
    assert due(office) == [("access_review", "access_review", "running")]
    assert office.desk.duties.counts(front.clerk.tenant) == DutyCounts(late=0, soon=1)
    assert not office.desk.duties.counts(front.clerk.tenant).late_kinds
    office.world.clock.advance(hours=24)
    counts = office.desk.duties.counts(front.clerk.tenant)
    assert counts == DutyCounts(late=1, soon=0)
    assert counts.late_kinds == {"access_review": 1}


def test_a_legal_hold_is_due_to_be_looked_at_again_through_its_last_day(office: Office):
    office.hold_reviews[UUID(int=4)] = date(2027, 1, 6)
    (one,) = office.desk.duties.page(None, 50, None, office.officer).duties
    assert (one.kind, one.about, one.due_on) == (
        "legal_hold",
        f"lho_{UUID(int=4).hex}",
        date(2027, 1, 6),
    )
    office.world.clock.set(datetime(2027, 1, 6, 23, 59, tzinfo=UTC))
    assert due(office) == [("legal_hold", "legal_hold", "running")]
    assert not office.desk.duties.counts(office.officer.tenant).late_kinds
    office.world.clock.set(datetime(2027, 1, 7, tzinfo=UTC))
    assert due(office) == [("legal_hold", "legal_hold", "late")]
    assert office.desk.duties.counts(office.officer.tenant).late_kinds == {"legal_hold": 1}


def test_what_is_due_comes_in_parts(office: Office):
    for right in ("access", "correction", "restriction"):
        office.asks(right)
    whole = office.desk.duties.page(None, 200, None, office.officer).duties
    first = office.desk.duties.page(None, 4, None, office.officer)
    rest = office.desk.duties.page(None, 4, first.next, office.officer)
    assert (first.duties + rest.duties, rest.next) == (whole, None)
    assert len(whole) == 6
    assert list(whole) == sorted(whole, key=lambda one: (one.due_at, one.id))


def test_once_everybody_was_told_it_is_on_record_and_looked_at_no_more(office: Office):
    target = office.verified("restriction")
    office.requests.fulfil(target, None, office.officer)
    rows = office.world.request_rows

    def looked_at() -> list[UUID]:
        now = office.world.clock.now()
        return [one.id for one in due_of(rows, TENANT, "privacy_request", now)]

    assert looked_at() == [target.request]
    assert (office.ending.sweep(TENANT), office.ending.sweep(TENANT)) == (1, 0)
    assert looked_at() == []
    state = office.state(target)
    assert state.told_at == office.world.clock.now()
    assert office.types(target.request)[-1] == "privacy_request.recipients_told.v1"
    assert due(office, office.world.clock.now() + timedelta(days=30)) == []
    office.world.clock.advance(days=731)
    assert office.ending.sweep(TENANT) == 1
    assert office.state(target).expired


def test_a_record_that_has_expired_is_due_no_more(office: Office):
    target = Target(office.asks("erasure").state.id)
    office.requests.withdraw(target, office.officer)
    assert due(office) == [("request_record", "request_record", "running")]
    office.world.clock.set(datetime(2029, 1, 4, 8, tzinfo=UTC))
    assert due(office) == [("request_record", "request_record", "late")]
    office.ending.sweep(office.officer.tenant)
    assert due(office) == []


def test_an_appeal_is_due_where_the_law_gives_it_a_time(office: Office):
    target = Target(office.asks("erasure", jurisdiction="us_va").state.id)
    office.requests.deny(target, None, (DeniedPart(None, "not_verifiable"),), office.officer)
    assert due(office) == []
    office.requests.appeal(target, office.officer)
    assert due(office) == [("privacy_request", "us_va.appeal", "running")]
    office.requests.decide_appeal(target, "denied", office.officer)
    assert due(office) == [("request_record", "request_record", "running")]


def test_recipients_are_due_to_be_told_until_each_of_them_was(office: Office):
    world, by = office.world, office.officer
    story = Disclosing(world.store, TENANT)
    recipient = story.recipient("CRM", "IE")
    told = story.sent(recipient, office.ada, ground=Ground("contract"))
    target = office.verified("correction")
    office.people.correct(
        CorrectPerson(office.ada, ("name",), Correction(name=Personal("Ada Right"))), by
    )
    office.requests.fulfil(target, None, by)
    (event,) = office.state(target).rights[0].evidence
    follow_up = uuid5(TENANT, f"daybook/follow_up/{event.hex}/{told.hex}")
    assert office.requests.request(target.request, by).told == ()
    ordered = FollowUpOrdered(
        follow_up, told, recipient, office.ada, "correction", "service", ("name",), None, "response"
    )
    scribe = Scribe.begin(by, world.clock, world.ids)
    world.store.append(Append(TENANT, scribe.at, (scribe.record(follow_up, 1, ordered),)))
    (one,) = office.requests.request(target.request, by).told
    assert (one.follow_up, one.outcome, one.over_at) == (follow_up, "due", None)
    assert ("privacy_request", "recipients_told", "running") in due(office)
    assert ("follow_up", "follow_up", "running") in due(office)
    world.clock.advance(days=2)
    assert ("privacy_request", "recipients_told", "late") in due(office)
    scribe = Scribe.begin(by, world.clock, world.ids)
    answered = FollowUpAcknowledged("done", None, verified=False)
    world.store.append(Append(TENANT, scribe.at, (scribe.record(follow_up, 2, answered),)))
    shown = office.requests.request(target.request, by)
    states = {one.verdict.rule: one.verdict.state for one in shown.clocks}
    assert states["recipients_told"] == "late"
    assert due(office) == [("request_record", "request_record", "running")]
