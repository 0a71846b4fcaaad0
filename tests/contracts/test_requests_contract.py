"""Requests where they are kept: what stands is what the events say, an address is sealed, and totals are counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from application.people.people import Searched
from application.recorded import Caller
from application.requests.duties import DutyCounts
from application.requests.receiving import ReceiveRequest, Reception
from application.requests.steps import REQUESTS, Decided, Steps, Target
from application.standing import standing_after
from domain import privacy_request_answers as answers
from domain import privacy_request_rules as rules
from domain.errors import InvalidState
from domain.privacy_request import RequestReceived
from domain.privacy_request_codes import DeniedPart
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


def test_what_was_counted_last_is_told(desk: Desk):
    totals = desk.world.duty_totals
    for counts in (DutyCounts(3, 4), DutyCounts(0, 1)):
        totals.keep(counts, NOW + timedelta(minutes=1))
        assert totals.total() == counts
