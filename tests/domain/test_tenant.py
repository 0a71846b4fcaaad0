"""Founding a tenant."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain import tenant
from domain.errors import Unacceptable
from domain.tenant import (
    BreakGlassAllowed,
    BreakGlassForbidden,
    Tenant,
    TenantFounded,
    evolve,
)
from tests.scenario import Scenario

ID = UUID(int=1)
ORIGIN = "daybook.local/ledger/ten_1"


def test_a_tenant_is_founded_with_the_name_of_its_ledger():
    founded = TenantFounded(ID, "Brightside", ORIGIN)
    standing = (
        Scenario(evolve).starting(lambda: tenant.found(ID, "Brightside", ORIGIN)).then(founded)
    )
    assert standing == Tenant(ID, "Brightside", ORIGIN, active=True, version=1)


@pytest.mark.parametrize(
    "origin", ["", "https://daybook local", "a+b", "a\nb", "/a", "a" * 256, "ümlaut"]
)
def test_a_ledger_has_a_name_that_a_checkpoint_can_carry(origin: str):
    Scenario(evolve).starting(lambda: tenant.found(ID, "Brightside", origin)).then_refused(
        Unacceptable, "/origin"
    )


def test_a_tenant_has_a_name():
    Scenario(evolve).starting(lambda: tenant.found(ID, " ", "")).then_refused(
        Unacceptable, "/name", "/origin"
    )


def test_a_tenant_is_not_founded_twice():
    founded = TenantFounded(ID, "Brightside", ORIGIN)
    with pytest.raises(AssertionError):
        evolve(evolve(None, founded), founded)


FOUNDED = TenantFounded(ID, "Brightside", ORIGIN)


def test_nobody_may_break_the_glass_until_the_tenant_allows_it():
    assert evolve(None, FOUNDED).review_hours is None
    allowed = (
        Scenario(evolve)
        .given(FOUNDED)
        .when(lambda it: tenant.allow_break_glass(it, 24))
        .then(BreakGlassAllowed(24))
    )
    assert allowed == Tenant(ID, "Brightside", ORIGIN, active=True, version=2, review_hours=24)


def test_what_is_allowed_can_be_forbidden_again():
    forbidden = (
        Scenario(evolve)
        .given(FOUNDED, BreakGlassAllowed(24))
        .when(tenant.forbid_break_glass)
        .then(BreakGlassForbidden())
    )
    assert forbidden is not None
    assert (forbidden.review_hours, forbidden.version) == (None, 3)


def test_a_rule_that_stands_already_decides_nothing():
    Scenario(evolve).given(FOUNDED).when(tenant.forbid_break_glass).then()
    Scenario(evolve).given(FOUNDED, BreakGlassAllowed(8)).when(
        lambda it: tenant.allow_break_glass(it, 8)
    ).then()


@pytest.mark.parametrize("hours", [0, -1, 169])
def test_a_review_is_due_within_an_hour_to_a_week(hours: int):
    Scenario(evolve).given(FOUNDED).when(
        lambda it: tenant.allow_break_glass(it, hours)
    ).then_refused(Unacceptable, "/review_within_hours")
