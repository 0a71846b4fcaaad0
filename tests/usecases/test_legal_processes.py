"""Legal processes from the paper to the last review, on the twin."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from application.orders.legal_processes import (
    ApproveProcess,
    ChangeGag,
    LegalProcesses,
    ReceiveProcess,
    ReviewAfter,
    ReviewProcess,
    StandingOrders,
)
from application.recorded import Caller
from application.setup.access_keys import IssueKey
from domain.access_key import KeyTerms
from domain.errors import (
    InvalidState,
    NoGag,
    NotFound,
    NotPermitted,
    PurposeRequired,
    SecondPersonRequired,
    Unacceptable,
    VersionMismatch,
)
from domain.legal_paper import ProcessTerms
from domain.legal_process import ProcessReceived
from domain.sealing import Envelope
from domain.values import Personal, public_id
from infrastructure.twin.memory import BEGINNING, MemoryWorld
from tests.usecases.orders import legal_processes
from tests.usecases.shop import Shop, open_shop

SERVED = BEGINNING - timedelta(days=1)
UNTIL = BEGINNING + timedelta(days=60)
SUBPOENA = ProcessTerms("subpoena", "Example County Court", "27-cv-1", SERVED, gag_until=UNTIL)
EMERGENCY = ProcessTerms("emergency", "Example Police", "E-1", SERVED)
SCOPE = Personal("Canary Example, all visits")


@pytest.fixture
def shop() -> Shop:
    return open_shop(MemoryWorld())


@pytest.fixture
def processes(shop: Shop) -> LegalProcesses:
    return legal_processes(shop.world)


def keyed(shop: Shop, actor: str) -> Caller:
    """A caller with a real privacy officer's key of `actor`."""
    terms = KeyTerms(("privacy_officer",), actor)
    token = shop.keys.issue(IssueKey(terms), shop.owner).state.token
    return shop.keys.authenticate(token, shop.world.clock.now())


def received(processes: LegalProcesses, by: Caller, terms: ProcessTerms = SUBPOENA) -> UUID:
    return processes.receive(ReceiveProcess(terms, SCOPE), by).state.id


def test_a_process_is_there_at_once_and_its_scope_is_sealed(shop: Shop, processes: LegalProcesses):
    officer = shop.caller("privacy_officer")
    receipt = processes.receive(ReceiveProcess(SUBPOENA, SCOPE), officer)
    assert processes.process(receipt.state.id, shop.caller("auditor")) == receipt.state
    (event,) = shop.world.store.read(officer.tenant, receipt.state.id)
    assert isinstance(event.decision, ProcessReceived)
    assert isinstance(event.decision.demand, Envelope)
    assert "Canary" not in event.decision.demand.text
    assert shop.world.opener.open(officer.tenant, [event.decision.demand]) == [
        {"scope": SCOPE.open()}
    ]


def test_a_paper_that_cannot_be_leaves_nothing(shop: Shop, processes: LegalProcesses):
    officer = shop.caller("privacy_officer")
    for terms in (
        replace(SUBPOENA, served_at=BEGINNING + timedelta(seconds=1)),
        replace(SUBPOENA, gag_until=SERVED),
        replace(SUBPOENA, oral=True, gag_until=SERVED + timedelta(days=31)),
    ):
        with pytest.raises(Unacceptable):
            processes.receive(ReceiveProcess(terms, SCOPE), officer)
    assert processes.page(50, None, officer).items == ()


def test_a_process_is_reviewed_once_at_the_version_that_was_seen(
    shop: Shop, processes: LegalProcesses
):
    officer = shop.caller("privacy_officer")
    id = received(processes, officer)
    with pytest.raises(VersionMismatch):
        processes.review(ReviewProcess(id, "accepted", if_match=7), officer)
    assert processes.review(ReviewProcess(id, "accepted", if_match=1), officer).state.may_disclose
    with pytest.raises(InvalidState):
        processes.review(ReviewProcess(id, "rejected"), officer)
    assert shop.types_of(id) == ["ProcessReceived", "ProcessReviewed"]


def test_another_key_of_the_reviewer_is_no_second_person(shop: Shop, processes: LegalProcesses):
    reviewer, same, second = keyed(shop, "ada"), keyed(shop, "ada"), keyed(shop, "ben")
    id = received(processes, reviewer, EMERGENCY)
    processes.review(ReviewProcess(id, "accepted"), reviewer)
    for by in (reviewer, same):
        with pytest.raises(SecondPersonRequired):
            processes.approve(ApproveProcess(id), by)
    assert not processes.process(id, second).may_disclose
    assert processes.approve(ApproveProcess(id), second).state.may_disclose


def test_an_emergency_is_reviewed_again_within_a_day_or_late(shop: Shop, processes: LegalProcesses):
    reviewer, second = keyed(shop, "ada"), keyed(shop, "ben")
    id = received(processes, reviewer, EMERGENCY)
    processes.review(ReviewProcess(id, "accepted"), reviewer)
    processes.approve(ApproveProcess(id), second)
    shop.world.clock.advance(hours=24)
    (listed,) = processes.page(50, None, second).items
    assert listed.after_review_at(shop.world.clock.now()) == "overdue"
    done = processes.review_after(ReviewAfter(id, "unjustified"), second).state
    assert (done.after_review_at(shop.world.clock.now()), done.may_disclose) == ("late", False)


def test_orders_tell_of_gags_as_they_are_now(shop: Shop, processes: LegalProcesses):
    officer = shop.caller("privacy_officer")
    orders = StandingOrders(shop.world.book)
    id = received(processes, officer)
    case = public_id("process", id)
    assert orders.until(officer.tenant, case) == UNTIL
    later = UNTIL + timedelta(days=1)
    processes.change_gag(ChangeGag(id, "extended", later, "O-2"), officer)
    assert orders.until(officer.tenant, case) == later
    shop.world.clock.advance(days=1)
    processes.change_gag(ChangeGag(id, "lifted", None, "O-3"), officer)
    assert orders.until(officer.tenant, case) == shop.world.clock.now()
    with pytest.raises(NoGag):
        processes.change_gag(ChangeGag(id, "lifted", None, "O-4"), officer)


def test_what_is_no_process_has_no_gag(shop: Shop, processes: LegalProcesses):
    officer = shop.caller("privacy_officer")
    orders = StandingOrders(shop.world.book)
    ungagged = received(processes, officer, EMERGENCY)
    for case in ("T-1", public_id("process", UUID(int=7)), public_id("process", ungagged)):
        assert orders.until(officer.tenant, case) is None
    gagged = public_id("process", received(processes, officer))
    assert orders.until(UUID(int=99), gagged) is None


def test_the_scope_opens_under_a_purpose_and_that_is_recorded(
    shop: Shop, processes: LegalProcesses
):
    officer = shop.caller("privacy_officer")
    id = received(processes, officer)
    with pytest.raises(PurposeRequired):
        processes.with_scope(id, officer)
    reading = replace(officer, purpose="legal_duty", case=public_id("process", id))
    assert processes.with_scope(id, reading).scope.open() == SCOPE.open()
    for role in ("auditor", "manager", "corporate"):
        other = replace(reading, roles=frozenset({role}))
        with pytest.raises(NotPermitted):
            processes.with_scope(id, other)
    seen = [type(event.decision).__name__ for event in shop.world.state.log[officer.tenant]]
    assert seen.count("AccessGranted") == 1
    assert seen.count("AccessDenied") == 2  # repeated ones of a minute are counted


def test_only_officer_and_owner_act_and_the_auditor_reads(shop: Shop, processes: LegalProcesses):
    id = received(processes, shop.owner)
    for role in ("manager", "staff", "booking", "auditor", "engineer", "corporate", "subject"):
        by = shop.caller(role)
        for ask in (
            lambda by=by: received(processes, by),
            lambda by=by: processes.review(ReviewProcess(id, "accepted"), by),
            lambda by=by: processes.approve(ApproveProcess(id), by),
            lambda by=by: processes.review_after(ReviewAfter(id, "justified"), by),
            lambda by=by: processes.change_gag(ChangeGag(id, "lifted", None, "O-1"), by),
        ):
            with pytest.raises(NotPermitted):
                ask()
        if role != "auditor":
            with pytest.raises(NotPermitted):
                processes.process(id, by)
            with pytest.raises(NotPermitted):
                processes.page(50, None, by)
    with pytest.raises(NotFound):
        processes.process(UUID(int=7), shop.owner)
