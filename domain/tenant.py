"""A tenant: a franchise brand or a single business, the legal controller of what is recorded under it.

1. A tenant is founded once, and its ledger's origin never differs from then on.

*Not here*: its keys (`access_key`), its locations (`location`).
*Source*: README D13; the origin is the name of a log in C2SP tlog-checkpoint.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, TypeAlias
from uuid import UUID

from domain import fields
from domain.sealing import Plain

NAME_CHARACTERS_MAX: Final = 200
_ORIGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,254}")


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TenantFounded:
    """The tenant exists from now on."""

    TYPE: ClassVar[str] = "tenant.founded.v1"

    tenant: UUID
    name: Annotated[str, Plain("the business's trading name, as it presents itself")]
    origin: Annotated[str, Plain("the name of the tenant's ledger, published with each checkpoint")]


Decision: TypeAlias = TenantFounded
DECISIONS: Final = (TenantFounded,)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as it stands."""

    id: UUID
    name: str
    origin: str
    active: bool
    version: int


def evolve(tenant: Tenant | None, decision: Decision) -> Tenant:
    """The tenant after `decision`."""
    assert tenant is None, "a tenant is founded once"
    return Tenant(decision.tenant, decision.name, decision.origin, active=True, version=1)


# --- deciding --------------------------------------------------------------------------------------------------------


def found(tenant: UUID, name: str, origin: str) -> tuple[TenantFounded, ...]:
    """Found a tenant whose ledger is called `origin`.

    Refuses: Unacceptable (name, origin).
    """
    fields.accept(
        fields.line("/name", name, NAME_CHARACTERS_MAX),
        fields.shaped(
            "/origin", origin, _ORIGIN, "It is a host and a path, without scheme or spaces."
        ),
    )
    return (TenantFounded(tenant, name, origin),)
