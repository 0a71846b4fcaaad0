"""Offering, revising and withdrawing a service."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from domain import service
from domain.errors import InvalidState, Unacceptable
from domain.service import (
    Price,
    Service,
    ServiceOffered,
    ServiceRevised,
    ServiceTerms,
    ServiceWithdrawn,
    evolve,
    offer,
    withdraw,
)
from tests.scenario import Scenario

ID, HERE, THERE = UUID(int=1), UUID(int=2), UUID(int=3)
TERMS = ServiceTerms(location_ids=(HERE,), name="Cut", duration_minutes=45)


def test_a_service_is_offered_with_the_contracts_defaults():
    standing = Scenario(evolve).starting(lambda: offer(ID, TERMS)).then(ServiceOffered(ID, TERMS))
    assert standing == Service(ID, TERMS, active=True, version=1)
    assert (
        ServiceTerms(
            location_ids=(HERE,),
            name="Cut",
            duration_minutes=45,
            slot_interval_minutes=15,
            buffer_before_minutes=0,
            buffer_after_minutes=0,
            minimum_notice_minutes=0,
            booking_window_days=60,
            capacity=1,
            requires_confirmation=False,
            price=None,
        )
        == TERMS
    )


WIDEST = ServiceTerms(
    location_ids=tuple(UUID(int=number) for number in range(200)),
    name="a" * 200,
    duration_minutes=1440,
    slot_interval_minutes=1440,
    buffer_before_minutes=1440,
    buffer_after_minutes=1440,
    minimum_notice_minutes=525_600,
    booking_window_days=730,
    capacity=1000,
    requires_confirmation=True,
    price=Price(1_000_000_000_000, "JPY"),
)
NARROWEST = replace(
    TERMS,
    duration_minutes=1,
    slot_interval_minutes=1,
    booking_window_days=1,
    price=Price(0, "EUR"),
)


@pytest.mark.parametrize("terms", [WIDEST, NARROWEST])
def test_the_bounds_themselves_are_allowed(terms: ServiceTerms):
    Scenario(evolve).starting(lambda: offer(ID, terms)).then(ServiceOffered(ID, terms))


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        (replace(TERMS, location_ids=()), "/location_ids"),
        (replace(TERMS, location_ids=(*WIDEST.location_ids, ID)), "/location_ids"),
        (replace(TERMS, location_ids=(HERE, THERE, HERE)), "/location_ids/2"),
        (replace(TERMS, name=" "), "/name"),
        (replace(TERMS, duration_minutes=0), "/duration_minutes"),
        (replace(TERMS, duration_minutes=1441), "/duration_minutes"),
        (replace(TERMS, slot_interval_minutes=0), "/slot_interval_minutes"),
        (replace(TERMS, slot_interval_minutes=1441), "/slot_interval_minutes"),
        (replace(TERMS, buffer_before_minutes=-1), "/buffer_before_minutes"),
        (replace(TERMS, buffer_before_minutes=1441), "/buffer_before_minutes"),
        (replace(TERMS, buffer_after_minutes=-1), "/buffer_after_minutes"),
        (replace(TERMS, buffer_after_minutes=1441), "/buffer_after_minutes"),
        (replace(TERMS, minimum_notice_minutes=-1), "/minimum_notice_minutes"),
        (replace(TERMS, minimum_notice_minutes=525_601), "/minimum_notice_minutes"),
        (replace(TERMS, booking_window_days=0), "/booking_window_days"),
        (replace(TERMS, booking_window_days=731), "/booking_window_days"),
        (replace(TERMS, capacity=0), "/capacity"),
        (replace(TERMS, capacity=1001), "/capacity"),
        (replace(TERMS, price=Price(-1, "EUR")), "/price/amount_minor"),
        (replace(TERMS, price=Price(1_000_000_000_001, "EUR")), "/price/amount_minor"),
        (replace(TERMS, price=Price(1, "eur")), "/price/currency"),
    ],
)
def test_a_field_that_cannot_be_is_refused(terms: ServiceTerms, pointer: str):
    Scenario(evolve).starting(lambda: offer(ID, terms)).then_refused(Unacceptable, pointer)
    Scenario(evolve).given(ServiceOffered(ID, TERMS)).when(
        lambda standing: service.revise(standing, terms)
    ).then_refused(Unacceptable, pointer)


def test_a_service_is_revised():
    longer = replace(TERMS, duration_minutes=60, location_ids=(HERE, THERE))
    standing = (
        Scenario(evolve)
        .given(ServiceOffered(ID, TERMS))
        .when(lambda standing: service.revise(standing, longer))
        .then(ServiceRevised(longer))
    )
    assert standing == Service(ID, longer, active=True, version=2)


def test_the_same_terms_again_decide_nothing():
    Scenario(evolve).given(ServiceOffered(ID, TERMS)).when(
        lambda standing: service.revise(standing, TERMS)
    ).then()


def test_a_service_is_withdrawn():
    standing = (
        Scenario(evolve).given(ServiceOffered(ID, TERMS)).when(withdraw).then(ServiceWithdrawn())
    )
    assert standing == Service(ID, TERMS, active=False, version=2)


def test_withdrawing_twice_decides_nothing():
    Scenario(evolve).given(ServiceOffered(ID, TERMS), ServiceWithdrawn()).when(withdraw).then()


def test_a_withdrawn_service_is_not_revised():
    Scenario(evolve).given(ServiceOffered(ID, TERMS), ServiceWithdrawn()).when(
        lambda standing: service.revise(standing, WIDEST)
    ).then_refused(InvalidState)
