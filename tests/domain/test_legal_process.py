"""Legal processes: received, reviewed, approved by a second person, reviewed again, and their gags."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from domain.errors import GagRunning, InvalidState, NoGag, SecondPersonRequired, Unacceptable
from domain.legal_paper import Demand, Narrowing, ProcessTerms
from domain.legal_process import (
    GagChanged,
    LegalProcess,
    ProcessAfterReviewed,
    ProcessApproved,
    ProcessReceived,
    ProcessReviewed,
    approve,
    change_gag,
    evolve,
    receive,
    review,
    review_after,
)
from domain.values import Personal
from tests.scenario import Scenario

ID = UUID(int=1)
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
SERVED = NOW - timedelta(days=1)
LATER = NOW + timedelta(days=90)
TERMS = ProcessTerms("subpoena", "Example County Court", "1:27-cv-00123", SERVED)
GAGGED = replace(TERMS, gag_until=LATER)
EMERGENCY = replace(TERMS, kind="emergency")
SCOPE = Personal("All visits of Ada Example,\nJanuary to March")
ACCEPTED = ProcessReviewed("accepted", Narrowing())
REJECTED = ProcessReviewed("rejected", Narrowing())
APPROVED = ProcessApproved(NOW + timedelta(hours=24))


def received(terms: ProcessTerms = TERMS) -> ProcessReceived:
    return ProcessReceived(ID, terms, Demand(SCOPE))


def standing(*decisions: object, terms: ProcessTerms = TERMS) -> LegalProcess:
    state = None
    for decision in (received(terms), *decisions):
        state = evolve(state, decision)  # type: ignore[arg-type]
    assert state is not None
    return state


def test_a_process_is_received():
    state = (
        Scenario(evolve).starting(lambda: receive(ID, GAGGED, SCOPE, NOW)).then(received(GAGGED))
    )
    assert state == LegalProcess(ID, GAGGED, LATER, version=1)
    assert (state.status, state.may_disclose, state.after_review_at(NOW)) == (
        "received",
        False,
        None,
    )


@pytest.mark.parametrize(
    ("terms", "pointer", "code"),
    [
        (replace(TERMS, authority=" "), "/authority", "blank"),
        (replace(TERMS, authority="a" * 201), "/authority", "too_long"),
        (replace(TERMS, number="case of Ada"), "/number", "malformed"),
        (replace(TERMS, number=""), "/number", "malformed"),
        (replace(TERMS, served_at=NOW + timedelta(seconds=1)), "/served_at", "in_the_future"),
        (replace(TERMS, gag_until=SERVED), "/gag_until", "out_of_order"),
        (
            replace(TERMS, oral=True, gag_until=SERVED + timedelta(days=30, seconds=1)),
            "/gag_until",
            "oral_gag_too_long",
        ),
    ],
)
def test_a_paper_that_cannot_be_is_refused(terms: ProcessTerms, pointer: str, code: str):
    (fault,) = (
        Scenario(evolve)
        .starting(lambda: receive(ID, terms, SCOPE, NOW))
        .then_refused(Unacceptable, pointer)
    )
    assert fault.code == code


@pytest.mark.parametrize("scope", ["", " ", "a" * 4_001, "a\x00"])
def test_a_scope_that_cannot_be_is_refused(scope: str):
    Scenario(evolve).starting(lambda: receive(ID, TERMS, Personal(scope), NOW)).then_refused(
        Unacceptable, "/scope"
    )


def test_an_oral_gag_lasts_thirty_days_and_a_written_one_longer():
    longest = replace(TERMS, oral=True, gag_until=SERVED + timedelta(days=30))
    written = replace(TERMS, gag_until=SERVED + timedelta(days=3_000))
    for terms in (longest, written, replace(TERMS, served_at=NOW)):
        Scenario(evolve).starting(partial(receive, ID, terms, SCOPE, NOW)).then(received(terms))


@pytest.mark.parametrize(
    ("outcome", "bounds", "allows"),
    [
        ("accepted", Narrowing(), True),
        ("rejected", Narrowing(), False),
        ("narrowed", Narrowing(("booking_times",)), True),
        ("narrowed", Narrowing((), SERVED, NOW), True),
        ("narrowed", Narrowing((), SERVED), True),
    ],
)
def test_a_review_decides_what_may_be_disclosed(outcome, bounds: Narrowing, allows: bool):
    state = (
        Scenario(evolve)
        .given(received())
        .when(lambda it: review(it, outcome, bounds))
        .then(ProcessReviewed(outcome, bounds))
    )
    assert state is not None
    assert state.may_disclose is allows
    assert state.narrowed_to == bounds


@pytest.mark.parametrize(
    ("outcome", "bounds", "pointer"),
    [
        ("accepted", Narrowing(("name",)), "/outcome"),
        ("rejected", Narrowing((), SERVED), "/outcome"),
        ("narrowed", Narrowing(), "/outcome"),
        ("narrowed", Narrowing(("name", "name")), "/fields/1"),
        ("narrowed", Narrowing(("Ada Example",)), "/fields/0"),
        ("narrowed", Narrowing((), NOW, NOW), "/to"),
    ],
)
def test_bounds_that_say_nothing_are_refused(outcome, bounds: Narrowing, pointer: str):
    Scenario(evolve).given(received()).when(lambda it: review(it, outcome, bounds)).then_refused(
        Unacceptable, pointer
    )


@pytest.mark.parametrize("before", [ACCEPTED, REJECTED])
def test_a_process_is_reviewed_once(before: ProcessReviewed):
    Scenario(evolve).given(received(), before).when(lambda it: review(it, "accepted")).then_refused(
        InvalidState
    )


def test_an_emergency_discloses_nothing_before_a_second_person_approved_it():
    assert not standing(ACCEPTED, terms=EMERGENCY).may_disclose
    state = (
        Scenario(evolve)
        .given(received(EMERGENCY), ACCEPTED)
        .when(lambda it: approve(it, NOW, own=False))
        .then(APPROVED)
    )
    assert state is not None
    assert (state.may_disclose, state.status) == (True, "approved")


def test_whoever_reviewed_an_emergency_does_not_approve_it():
    Scenario(evolve).given(received(EMERGENCY), ACCEPTED).when(
        lambda it: approve(it, NOW, own=True)
    ).then_refused(SecondPersonRequired)


@pytest.mark.parametrize(
    ("terms", "before"),
    [
        (TERMS, (ACCEPTED,)),
        (EMERGENCY, ()),
        (EMERGENCY, (REJECTED,)),
        (EMERGENCY, (ACCEPTED, APPROVED)),
    ],
)
def test_nothing_else_is_approved(terms: ProcessTerms, before):
    Scenario(evolve).given(received(terms), *before).when(
        lambda it: approve(it, NOW, own=False)
    ).then_refused(InvalidState)


@pytest.mark.parametrize(
    ("hours", "outcome", "late", "shown", "allows"),
    [
        (1, "justified", False, "met", True),
        (24, "justified", True, "late", True),
        (1, "unjustified", False, "met", False),
    ],
)
def test_an_emergency_is_reviewed_after_the_fact(hours: int, outcome, late, shown, allows):
    state = (
        Scenario(evolve)
        .given(received(EMERGENCY), ACCEPTED, APPROVED)
        .when(lambda it: review_after(it, outcome, NOW + timedelta(hours=hours)))
        .then(ProcessAfterReviewed(outcome, late))
    )
    assert state is not None
    assert (state.after_review_at(NOW), state.may_disclose) == (shown, allows)


def test_an_emergency_that_nobody_reviewed_again_is_overdue_after_a_day():
    state = standing(ACCEPTED, APPROVED, terms=EMERGENCY)
    day = timedelta(hours=24)
    assert state.after_review_at(NOW + day - timedelta(microseconds=1)) == "due"
    assert state.after_review_at(NOW + day) == "overdue"


@pytest.mark.parametrize(
    "before", [(ACCEPTED,), (ACCEPTED, APPROVED, ProcessAfterReviewed("justified", late=False))]
)
def test_nothing_else_is_reviewed_after_the_fact(before):
    Scenario(evolve).given(received(EMERGENCY), *before).when(
        lambda it: review_after(it, "justified", NOW)
    ).then_refused(InvalidState)


def test_a_gag_is_ordered_extended_and_lifted_by_its_papers():
    ordered = GagChanged("ordered", LATER, "O-1")
    extended = GagChanged("extended", LATER + timedelta(days=1), "O-2")
    lifted = GagChanged("lifted", NOW + timedelta(days=5), "O-3")
    Scenario(evolve).given(received()).when(
        lambda it: change_gag(it, "ordered", LATER, "O-1", NOW)
    ).then(ordered)
    Scenario(evolve).given(received(), ordered).when(
        lambda it: change_gag(it, "extended", extended.until, "O-2", NOW)
    ).then(extended)
    state = (
        Scenario(evolve)
        .given(received(), ordered, extended)
        .when(lambda it: change_gag(it, "lifted", None, "O-3", lifted.until))
        .then(lifted)
    )
    assert state is not None
    assert state.gagged_at(lifted.until - timedelta(microseconds=1))
    assert not state.gagged_at(lifted.until)


def test_a_paper_prolongs_an_oral_gag_beyond_thirty_days():
    oral = replace(TERMS, oral=True, gag_until=SERVED + timedelta(days=30))
    Scenario(evolve).given(received(oral)).when(
        lambda it: change_gag(it, "extended", LATER, "O-1", NOW)
    ).then(GagChanged("extended", LATER, "O-1"))


@pytest.mark.parametrize(
    ("terms", "step", "until", "refusal"),
    [
        (TERMS, "extended", LATER, NoGag),
        (TERMS, "lifted", None, NoGag),
        (replace(TERMS, gag_until=NOW), "extended", LATER, NoGag),
        (GAGGED, "ordered", LATER + timedelta(days=1), GagRunning),
    ],
)
def test_a_gag_runs_where_it_is_changed(terms: ProcessTerms, step, until, refusal):
    Scenario(evolve).given(received(terms)).when(
        lambda it: change_gag(it, step, until, "O-1", NOW)
    ).then_refused(refusal)


@pytest.mark.parametrize(
    ("step", "until", "number", "pointer"),
    [
        ("extended", LATER, "O-1", "/until"),
        ("extended", None, "O-1", "/until"),
        ("extended", NOW, "O-1", "/until"),
        ("lifted", LATER, "O-1", "/until"),
        ("lifted", None, "by Ada", "/number"),
    ],
)
def test_a_change_that_cannot_be_is_refused(step, until, number: str, pointer: str):
    Scenario(evolve).given(received(GAGGED)).when(
        lambda it: change_gag(it, step, until, number, NOW)
    ).then_refused(Unacceptable, pointer)


def test_a_rejected_process_has_no_gag_to_change():
    Scenario(evolve).given(received(GAGGED), REJECTED).when(
        lambda it: change_gag(it, "lifted", None, "O-1", NOW)
    ).then_refused(InvalidState)
