"""Founding tenants, and the wall between them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.setup.locations import ReviseLocation
from application.setup.tenancy import FIRST_ROLES, Tenancy
from domain.errors import NotFound, Unacceptable, UnknownReference
from domain.values import public_id
from infrastructure.twin.memory import MemoryWorld
from tests.usecases.shop import Shop, open_shop


@pytest.fixture
def shop() -> Shop:
    return open_shop(MemoryWorld())


def test_a_tenant_begins_with_a_key_for_each_first_role(shop: Shop):
    now = shop.world.clock.now()
    assert tuple(shop.founded.keys) == FIRST_ROLES
    for role, token in shop.founded.keys.items():
        caller = shop.keys.authenticate(token, now)
        assert caller.tenant == shop.founded.tenant.id
        assert (caller.roles, caller.locations) == (frozenset({role}), None)


def test_a_ledger_is_named_after_its_tenant(shop: Shop):
    id = shop.founded.tenant.id
    assert shop.founded.tenant.origin == f"daybook.local/ledger/{public_id('tenant', id)}"
    assert shop.tenancy.tenant(id) == shop.founded.tenant


def test_a_deployment_may_name_its_ledgers_otherwise(shop: Shop):
    tenancy: Tenancy = replace(shop.tenancy, origin="ledger.example/<tenant>")
    founded = tenancy.found_tenant("Second")
    name = public_id("tenant", founded.tenant.id)
    assert founded.tenant.origin == f"ledger.example/{name}"


def test_the_founding_is_an_event_of_its_own_stream(shop: Shop):
    assert shop.types_of(shop.founded.tenant.id) == ["TenantFounded"]
    assert shop.last_event(shop.founded.tenant.id) == shop.founded.event


def test_the_first_keys_do_not_show_when_the_founding_is_printed(shop: Shop):
    assert "dbk_" not in repr(shop.founded)


def test_a_tenant_without_a_name_is_not_founded(shop: Shop):
    with pytest.raises(Unacceptable) as refusal:
        shop.tenancy.found_tenant("\n")
    assert [fault.pointer for fault in refusal.value.errors] == ["/name"]


def test_one_tenant_knows_nothing_of_another(shop: Shop):
    other = open_shop(shop.world)
    theirs = other.location()
    service, staff = other.service(theirs), other.staff(theirs)
    key = other.keys.page(1, None, other.owner).items[0].id
    for ask in (
        lambda: shop.locations.location(theirs, shop.owner),
        lambda: shop.locations.revise(ReviseLocation(theirs, name="Mine"), shop.owner),
        lambda: shop.services.service(service, shop.owner),
        lambda: shop.staffing.staff_member(staff, shop.owner),
        lambda: shop.keys.key(key, shop.owner),
    ):
        with pytest.raises(NotFound):
            ask()
    with pytest.raises(UnknownReference):
        shop.service(theirs)
    assert shop.locations.page(200, None, shop.owner).items == ()


def test_a_tenant_may_be_founded_under_an_id_drawn_before(shop: Shop):
    id = shop.world.ids.uuid()
    assert shop.tenancy.found_tenant("Second", id).tenant.id == id
