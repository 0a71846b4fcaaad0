"""Opening, revising and closing a location."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from domain import location
from domain.errors import InvalidState, Unacceptable
from domain.location import (
    Location,
    LocationClosed,
    LocationOpened,
    LocationRevised,
    LocationTerms,
    close,
    evolve,
    open_location,
)
from tests.scenario import Scenario

ID = UUID(int=1)
TERMS = LocationTerms(name="Old Town", time_zone="Europe/Lisbon", country="PT")
FULL = LocationTerms(
    name="Old Town",
    time_zone="America/New_York",
    country="US",
    subdivision="NY",
    address="1 Main Street",
    postal_code="10001",
    closed_on_holidays=True,
    controller="location",
)


@pytest.mark.parametrize("terms", [TERMS, FULL])
def test_a_location_is_opened_on_its_terms(terms: LocationTerms):
    standing = (
        Scenario(evolve).starting(lambda: open_location(ID, terms)).then(LocationOpened(ID, terms))
    )
    assert standing == Location(ID, terms, active=True, version=1)


def test_the_tenant_is_the_controller_where_nothing_else_is_said():
    assert (TERMS.controller, TERMS.closed_on_holidays) == ("tenant", False)


@pytest.mark.parametrize(
    ("terms", "pointer", "code"),
    [
        (replace(TERMS, name=""), "/name", "blank"),
        (replace(TERMS, name="a" * 201), "/name", "too_long"),
        (replace(TERMS, time_zone="Europe/Atlantis"), "/time_zone", "unknown_time_zone"),
        (replace(TERMS, time_zone="../etc/passwd"), "/time_zone", "unknown_time_zone"),
        (replace(TERMS, country="pt"), "/country", "unknown_country"),
        (replace(TERMS, country="XX"), "/country", "unknown_country"),
        (replace(TERMS, subdivision=""), "/subdivision", "malformed"),
        (replace(TERMS, subdivision="PT-11"), "/subdivision", "malformed"),
        (replace(TERMS, address="\0"), "/address", "control_character"),
        (replace(TERMS, address="a" * 501), "/address", "too_long"),
        (replace(TERMS, postal_code=" "), "/postal_code", "blank"),
        (replace(TERMS, postal_code="1" * 21), "/postal_code", "too_long"),
    ],
)
def test_a_field_that_cannot_be_is_refused(terms: LocationTerms, pointer: str, code: str):
    (fault,) = (
        Scenario(evolve)
        .starting(lambda: open_location(ID, terms))
        .then_refused(Unacceptable, pointer)
    )
    assert fault.code == code
    Scenario(evolve).given(LocationOpened(ID, FULL)).when(
        lambda standing: location.revise(standing, terms)
    ).then_refused(Unacceptable, pointer)


def test_every_fault_is_told_at_once():
    terms = LocationTerms("", "Nowhere", "xx", subdivision="-", address="", postal_code="")
    Scenario(evolve).starting(lambda: open_location(ID, terms)).then_refused(
        Unacceptable, "/name", "/time_zone", "/country", "/subdivision", "/address", "/postal_code"
    )


def test_a_location_is_revised():
    moved = replace(TERMS, address="2 Hill Road")
    standing = (
        Scenario(evolve)
        .given(LocationOpened(ID, TERMS))
        .when(lambda standing: location.revise(standing, moved))
        .then(LocationRevised(moved))
    )
    assert standing == Location(ID, moved, active=True, version=2)


def test_the_same_terms_again_decide_nothing():
    Scenario(evolve).given(LocationOpened(ID, TERMS)).when(
        lambda standing: location.revise(standing, TERMS)
    ).then()


def test_a_location_is_closed():
    standing = (
        Scenario(evolve)
        .given(LocationOpened(ID, TERMS), LocationRevised(FULL))
        .when(close)
        .then(LocationClosed())
    )
    assert standing == Location(ID, FULL, active=False, version=3)


def test_closing_twice_decides_nothing():
    Scenario(evolve).given(LocationOpened(ID, TERMS), LocationClosed()).when(close).then()


def test_a_closed_location_is_not_revised():
    Scenario(evolve).given(LocationOpened(ID, TERMS), LocationClosed()).when(
        lambda standing: location.revise(standing, FULL)
    ).then_refused(InvalidState)
