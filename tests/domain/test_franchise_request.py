"""Franchise requests: what may be asked, that each is answered once, and the time that is cut to the asker's tree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidState, Unacceptable
from domain.franchise_request import (
    FranchiseRequest,
    Piece,
    RequestApproved,
    RequestReceived,
    RequestRefused,
    RequestTerms,
    approve,
    cut,
    evolve,
    receive,
    refuse,
)
from tests.scenario import Scenario

ID, OFFICE, DISCLOSURE = UUID(int=1), UUID(int=2), UUID(int=3)
HERE, THERE, SIBLING = UUID(int=11), UUID(int=12), UUID(int=13)
FROM = datetime(2027, 3, 1, tzinfo=UTC)
TO = datetime(2027, 4, 1, tzinfo=UTC)
MOVED = datetime(2027, 3, 10, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TERMS = RequestTerms((HERE, THERE), FROM, TO, ("name", "booking_times"), "service", "Clause 12.3")
RECEIVED = RequestReceived(ID, OFFICE, "office", TERMS)


def test_a_request_is_received():
    state = Scenario(evolve).starting(lambda: receive(ID, OFFICE, "office", TERMS)).then(RECEIVED)
    assert state == FranchiseRequest(ID, OFFICE, "office", TERMS, version=1)
    assert state.status == "received"


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        (replace(TERMS, location_ids=()), "/location_ids"),
        (replace(TERMS, location_ids=(HERE, HERE)), "/location_ids/1"),
        (replace(TERMS, fields=()), "/fields"),
        (replace(TERMS, fields=("Ada Example",)), "/fields/0"),
        (replace(TERMS, to=FROM), "/to"),
        (replace(TERMS, purpose="curiosity"), "/purpose"),
        (replace(TERMS, authority=" "), "/authority"),
    ],
)
def test_a_request_that_cannot_be_is_refused(terms: RequestTerms, pointer: str):
    Scenario(evolve).starting(lambda: receive(ID, OFFICE, "office", terms)).then_refused(
        Unacceptable, pointer
    )


def test_a_request_is_approved_with_what_was_handed_over():
    approved = RequestApproved((DISCLOSURE,), 2)
    state = (
        Scenario(evolve)
        .given(RECEIVED)
        .when(lambda it: approve(it, (DISCLOSURE,), 2))
        .then(approved)
    )
    assert state is not None
    assert (state.status, state.disclosures, state.count) == ("approved", (DISCLOSURE,), 2)


def test_a_request_about_nobody_is_approved_with_nothing():
    Scenario(evolve).given(RECEIVED).when(lambda it: approve(it, (), 0)).then(
        RequestApproved((), 0)
    )
    with pytest.raises(AssertionError):
        approve(FranchiseRequest(ID, OFFICE, "office", TERMS, 1), (), 1)


def test_a_request_is_refused_for_a_reason():
    state = (
        Scenario(evolve)
        .given(RECEIVED)
        .when(lambda it: refuse(it, "no_authority"))
        .then(RequestRefused("no_authority"))
    )
    assert state is not None
    assert (state.status, state.reason) == ("refused", "no_authority")


@pytest.mark.parametrize("before", [RequestApproved((), 0), RequestRefused("other")])
def test_a_request_is_answered_once(before):
    for answer in (lambda it: approve(it, (), 0), lambda it: refuse(it, "other")):
        Scenario(evolve).given(RECEIVED, before).when(answer).then_refused(InvalidState)


def test_locations_that_always_belonged_to_it_are_one_piece():
    branches = ((HERE, LONG_AGO, None), (THERE, FROM, TO), (SIBLING, LONG_AGO, None))
    assert cut(TERMS, branches) == (Piece((HERE, THERE), FROM, TO),)


def test_a_location_that_moved_shows_only_its_time():
    left, came = (HERE, LONG_AGO, MOVED), (THERE, MOVED, None)
    assert cut(TERMS, (left, came)) == (
        Piece((HERE,), FROM, MOVED),
        Piece((THERE,), MOVED, TO),
    )


def test_a_location_that_left_and_came_back_shows_both_times():
    only = replace(TERMS, location_ids=(HERE,))
    back = MOVED + timedelta(days=5)
    assert cut(only, ((HERE, LONG_AGO, MOVED), (HERE, back, None))) == (
        Piece((HERE,), FROM, MOVED),
        Piece((HERE,), back, TO),
    )


@pytest.mark.parametrize(
    "there", [(), ((THERE, LONG_AGO, FROM),), ((THERE, TO, None),), ((SIBLING, LONG_AGO, None),)]
)
def test_one_location_without_any_time_in_the_tree_leaves_nothing(there):
    assert cut(TERMS, ((HERE, LONG_AGO, None), *there)) is None


DAYS = st.integers(min_value=-10, max_value=50)


@given(st.lists(st.tuples(st.sampled_from([HERE, THERE]), DAYS, st.none() | DAYS), max_size=6))
def test_an_instant_is_in_a_piece_only_when_the_location_is_in_the_tree(spans):
    branches = [
        (one, FROM + timedelta(days=begin), None if end is None else FROM + timedelta(days=end))
        for one, begin, end in spans
    ]
    pieces = cut(TERMS, branches) or ()
    for piece in pieces:
        assert FROM <= piece.from_ < piece.to <= TO
        for location in piece.locations:
            assert any(
                one == location and begin <= piece.from_ and (end is None or piece.to <= end)
                for one, begin, end in branches
            )
