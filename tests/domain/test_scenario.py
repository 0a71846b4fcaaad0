"""The way scenarios are told cannot pass by accident."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain import tenant
from domain.errors import InvalidState, Unacceptable
from domain.tenant import TenantFounded, evolve
from tests import scenario
from tests.scenario import Scenario

ID = UUID(int=1)


def fine() -> tuple[TenantFounded, ...]:
    return tenant.found(ID, "Brightside", "a.test/1")


def bad() -> tuple[TenantFounded, ...]:
    return tenant.found(ID, "", "a.test/1")


def test_a_scenario_that_stops_before_its_then_is_noticed():
    stopped = Scenario(evolve).starting(fine)
    assert scenario.unfinished == [stopped]
    stopped.then(*fine())
    assert scenario.unfinished == []


def test_a_refusal_is_not_a_decision():
    with pytest.raises(AssertionError, match="refused"):
        Scenario(evolve).starting(bad).then()


def test_a_decision_is_not_a_refusal():
    with pytest.raises(AssertionError, match="decided"):
        Scenario(evolve).starting(fine).then_refused(Unacceptable)


def test_another_refusal_is_not_the_one_expected():
    with pytest.raises(AssertionError, match="decided"):
        Scenario(evolve).starting(bad).then_refused(InvalidState, "/name")


def test_a_refusal_is_held_to_its_pointers():
    with pytest.raises(AssertionError):
        Scenario(evolve).starting(bad).then_refused(Unacceptable)


def test_other_decisions_are_not_those_expected():
    with pytest.raises(AssertionError):
        Scenario(evolve).starting(fine).then()
