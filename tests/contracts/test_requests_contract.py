"""Requests where they are kept: what stands is what the events say, an address is sealed, and totals are counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.people.people import Searched
from application.ports import CatalogEntry
from application.recorded import Caller
from application.requests.asked import RequestsAsked, due_of
from application.requests.duties import DutyCounts
from application.requests.receiving import ReceiveRequest, Reception
from application.requests.steps import REQUESTS, Decided, Steps, Target
from application.standing import standing_after
from domain import privacy_request_answers as answers
from domain import privacy_request_course
from domain import privacy_request_rules as rules
from domain.errors import InvalidState
from domain.privacy_request import RequestReceived
from domain.privacy_request_codes import DeniedPart, Place, RequestTerms
from domain.privacy_request_state import PrivacyRequest
from domain.purposes import Jurisdiction
from domain.sealing import Envelope
from domain.values import Personal
from infrastructure.twin.memory import MemoryWorld, SettableClock
from tests.contracts.world import NOW, Desk


class Nobody:
    """Finds nobody."""

    def search(self, *_: object) -> Searched:
        """See `People`."""
        return Searched((), None)


def test_a_request_stands_as_its_events_say(desk: Desk):
    store, book, ids = desk.world.store, desk.world.book, MemoryWorld(seed=uuid4().int).ids
    clock, people = SettableClock(NOW), desk.world.people
    nobody: Any = Nobody()
    reception = Reception(store, book, nobody, people, clock, ids)
    officer = Caller(desk.tenant, "key_1", frozenset({"privacy_officer"}))
    asked = ReceiveRequest(
        ("access", "erasure"), "us_ca", "agent", NOW, email=Personal("nobody@example.test")
    )
    target = Target(reception.receive(asked, officer).state.id)
    steps = Steps(store, book, clock, ids)

    def verify(it: Any, scribe: Any) -> Decided:
        made = rules.verify_identity(
            it, "three_data_points", ("name", "email", "phone"), "verified", scribe.at
        )
        return Decided(made)

    steps.take(target, "verify_identity", officer, verify)
    part = DeniedPart("audit", "ccpa_105_d_2_security")
    steps.take(
        target,
        "deny",
        officer,
        lambda it, scribe: Decided(answers.deny(it, "erasure", (part,), scribe.at)),
    )
    with pytest.raises(InvalidState):
        steps.take(
            target, "resume", officer, lambda it, scribe: Decided(rules.resume(it, scribe.at))
        )
    clock.advance(days=1)
    steps.take(
        target, "withdraw", officer, lambda it, scribe: Decided(rules.withdraw(it, scribe.at))
    )
    events = desk.read(target.request)
    kept = book.entry(desk.tenant, REQUESTS.kind, target.request)
    assert kept == standing_after(events).entry
    assert kept is not None
    assert REQUESTS.state_of(kept).status == "withdrawn"
    received = events[0].decision
    assert isinstance(received, RequestReceived)
    assert isinstance(received.contact, Envelope)
    opened = desk.world.opener.open(desk.tenant, [received.contact])
    assert opened == [{"email": "nobody@example.test"}]


def asks(desk: Desk, subject: UUID, jurisdiction: Jurisdiction = "us_ca") -> PrivacyRequest:
    """A request that names a person, in the catalog."""
    place = Place("UTC", "ZZ")
    terms = RequestTerms(("access",), jurisdiction, "web", "person", None, NOW, place)
    state = privacy_request_course.evolve(None, RequestReceived(uuid4(), subject, terms, None))
    desk.append(catalog=(CatalogEntry("privacy_request", state.id, 1, NOW, state),))
    return state


def test_requests_are_found_by_whom_they_are_about(desk: Desk):
    ada, ben, nobody = sorted(uuid4() for _ in range(3))
    first, second = asks(desk, ada), asks(desk, ada, "gdpr")
    asks(desk, ben)
    rows = desk.world.request_rows
    with desk.world.inside(desk.tenant):
        assert {one.id for one in rows.about(desk.tenant, ada)} == {first.id, second.id}
        assert rows.about(desk.tenant, nobody) == []
        assert rows.askers(desk.tenant, None, 9) == [ada, ben]
        assert rows.askers(desk.tenant, ada, 9) == [ben]
        assert rows.askers(desk.tenant, None, 1) == [ada]
        under = {one.law: one.open for one in RequestsAsked(rows).under(desk.tenant, ada)}
    assert under == {"us_ca": True, "gdpr": True}


def test_what_is_due_is_found_and_what_is_not_is_not_looked_at(desk: Desk):
    rows, far = desk.world.request_rows, NOW + timedelta(days=800)
    ada, told = UUID(int=1), NOW + timedelta(hours=1)
    is_open, opted, erased, finished, expired = (asks(desk, ada) for _ in range(5))
    opted = replace(opted, closed_at=NOW)
    carried = replace(erased.rights[0], right="erasure", outcome="fulfilled", decided_at=NOW)
    erased = replace(erased, rights=(carried,), closed_at=NOW)
    finished = replace(finished, rights=(carried,), closed_at=NOW, told_at=told)
    expired = replace(expired, closed_at=NOW, expired=True)
    for state in (opted, erased, finished, expired):
        desk.append(catalog=(CatalogEntry("privacy_request", state.id, 2, NOW, state),))

    def due(before: datetime) -> set[UUID]:
        with desk.world.inside(desk.tenant):
            return {one.id for one in due_of(rows, desk.tenant, "privacy_request", before)}

    assert due(NOW) == {is_open.id, erased.id}
    until = opted.record_until
    assert until is not None
    assert due(until) == {is_open.id, erased.id}
    assert due(far) == {is_open.id, erased.id, opted.id, finished.id}


def test_what_was_counted_last_is_told(desk: Desk):
    totals = desk.world.duty_totals
    for counts in (DutyCounts(3, 4), DutyCounts(0, 1)):
        totals.keep(counts, NOW + timedelta(minutes=1))
        assert totals.total() == counts
