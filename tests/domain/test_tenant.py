"""Founding a tenant."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain import tenant
from domain.errors import Unacceptable
from domain.tenant import Tenant, TenantFounded, evolve
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
