"""Who may do what, and where."""

from __future__ import annotations

from uuid import UUID

import pytest

from application.permissions import (
    TENANT_ROLES,
    operator,
    require,
    require_all_locations,
    sees,
)
from application.recorded import Caller
from domain.access_key import ROLES, Role
from domain.errors import NotFound, NotPermitted

TENANT, HERE, THERE, ELSEWHERE = (UUID(int=number) for number in range(1, 5))


def caller(*roles: Role, at: tuple[UUID, ...] | None = None) -> Caller:
    return Caller(TENANT, "key_1", frozenset(roles), None if at is None else frozenset(at))


def test_one_of_the_roles_is_enough():
    require(caller("manager", "auditor"), "owner", "manager")


@pytest.mark.parametrize("roles", [(), ("auditor",)])
def test_no_role_no_act(roles: tuple[Role, ...]):
    with pytest.raises(NotPermitted):
        require(caller(*roles), "owner", "manager")


def test_a_key_good_at_every_location_acts_anywhere():
    require(caller("owner"), "owner", at=(HERE, THERE))


def test_a_key_acts_at_its_own_locations():
    require(caller("manager", at=(HERE, THERE)), "manager", at=(HERE,))


def test_what_stands_elsewhere_does_not_exist():
    with pytest.raises(NotFound):
        require(caller("manager", at=(HERE,)), "manager", at=(THERE, ELSEWHERE))


def test_what_stands_elsewhere_too_is_seen_but_not_acted_on():
    by = caller("manager", at=(HERE,))
    assert sees(by, (HERE, THERE))
    with pytest.raises(NotPermitted):
        require(by, "manager", at=(HERE, THERE))


def test_the_role_is_asked_before_the_location():
    with pytest.raises(NotPermitted):
        require(caller("auditor", at=(HERE,)), "manager", at=(THERE,))


def test_what_stands_nowhere_is_seen_by_everyone():
    assert sees(caller("staff", at=(HERE,)), ())
    require(caller("staff", at=(HERE,)), "staff")


def test_only_a_key_without_a_list_is_good_at_all_locations():
    require_all_locations(caller("manager"))
    with pytest.raises(NotPermitted):
        require_all_locations(caller("manager", at=(HERE,)))


def test_a_person_is_no_role_of_the_tenant():
    assert {*TENANT_ROLES, "subject"} == {*ROLES}
    assert "subject" not in TENANT_ROLES


def test_whoever_works_at_the_machine_is_an_owner_of_that_tenant():
    by = operator(TENANT)
    assert (by.tenant, by.actor, by.locations) == (TENANT, "system:operator", None)
    require(by, "owner", at=(HERE,))
