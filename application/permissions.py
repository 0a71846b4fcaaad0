"""Who may do what, and where.

A key has roles, and locations or all of them. A role says what may be done, the locations say to what:

* to act on a thing, every location it stands at must be the key's own;
* to see a thing, one of them is enough;
* what stands at none of the key's locations does not exist for it.

*Source*: the contract's "roles"; README D13.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from application.recorded import Caller
from domain.access_key import ROLES, Role
from domain.errors import NotFound, NotPermitted

# Everyone who works for the tenant; a person's own key (`subject`) sees only what is about them.
TENANT_ROLES: Final[tuple[Role, ...]] = tuple(role for role in ROLES if role != "subject")
SETUP_ROLES: Final[tuple[Role, ...]] = ("owner", "manager")
OPERATOR: Final = "system:operator"


def require(by: Caller, *roles: Role, at: Collection[UUID] = ()) -> None:
    """Go on when `by` has one of `roles`, and every location of `at` is its own.

    Refuses: NotPermitted (no such role), NotFound (`at` names locations, none of them its own),
    NotPermitted (some are its own, some are not).
    """
    if by.roles.isdisjoint(roles):
        raise NotPermitted("This takes one of the roles " + ", ".join(roles))
    if not sees(by, at):
        raise NotFound()
    if by.locations is not None and not by.locations.issuperset(at):
        raise NotPermitted("It stands at locations beyond those of this key too")


def sees(by: Caller, at: Collection[UUID]) -> bool:
    """True when what stands at the locations `at` exists for `by`; what stands nowhere exists for everyone."""
    return not at or by.locations is None or not by.locations.isdisjoint(at)


def require_all_locations(by: Caller) -> None:
    """Go on when `by` is good at every location, those to come included.

    Refuses: NotPermitted.
    """
    if by.locations is not None:
        raise NotPermitted("This takes a key that is good at all locations")


def operator(tenant: UUID) -> Caller:
    """Whoever works at the machine itself, on the command line: an owner."""
    return Caller(tenant=tenant, actor=OPERATOR, roles=frozenset({"owner"}))
