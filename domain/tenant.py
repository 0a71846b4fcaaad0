"""A tenant: a franchise brand or a single business, the legal controller of what is recorded under it.

1. A tenant is founded once, and its ledger's origin never differs from then on.
2. Nobody opens data beyond their role or locations (breaks the glass) unless the tenant has allowed it.

*Not here*: its keys (`access_key`), its locations (`location`).
*Source*: README D13; the origin is the name of a log in C2SP tlog-checkpoint.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final, TypeAlias, assert_never
from uuid import UUID

from domain import fields
from domain.sealing import Plain

NAME_CHARACTERS_MAX: Final = 200
REVIEW_HOURS_DEFAULT: Final = 24
REVIEW_HOURS_MAX: Final = 168  # a week
_ORIGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,254}")


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TenantFounded:
    """The tenant exists from now on."""

    TYPE: ClassVar[str] = "tenant.founded.v1"

    tenant: UUID
    name: Annotated[str, Plain("the business's trading name, as it presents itself")]
    origin: Annotated[str, Plain("the name of the tenant's ledger, published with each checkpoint")]


@dataclass(frozen=True, slots=True)
class BreakGlassAllowed:
    """In an emergency data may be opened beyond role and locations; each time is reviewed within `review_hours`."""

    TYPE: ClassVar[str] = "tenant.break_glass_allowed.v1"

    review_hours: int


@dataclass(frozen=True, slots=True)
class BreakGlassForbidden:
    """Nobody opens data beyond role and locations, whatever happens."""

    TYPE: ClassVar[str] = "tenant.break_glass_forbidden.v1"


Decision: TypeAlias = TenantFounded | BreakGlassAllowed | BreakGlassForbidden
DECISIONS: Final = (TenantFounded, BreakGlassAllowed, BreakGlassForbidden)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as it stands. `review_hours` is None where nobody may break the glass."""

    id: UUID
    name: str
    origin: str
    active: bool
    version: int
    review_hours: int | None = None


def evolve(tenant: Tenant | None, decision: Decision) -> Tenant:
    """The tenant after `decision`."""
    if isinstance(decision, TenantFounded):
        assert tenant is None, "a tenant is founded once"
        return Tenant(decision.tenant, decision.name, decision.origin, active=True, version=1)
    assert tenant is not None, "a tenant begins with its founding"
    match decision:
        case BreakGlassAllowed():
            return replace(tenant, review_hours=decision.review_hours, version=tenant.version + 1)
        case BreakGlassForbidden():
            return replace(tenant, review_hours=None, version=tenant.version + 1)
        case _ as unreachable:
            assert_never(unreachable)


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


def allow_break_glass(tenant: Tenant, review_hours: int) -> tuple[BreakGlassAllowed, ...]:
    """Allow it, each time to be reviewed within `review_hours`; what already stands decides nothing.

    Refuses: Unacceptable (hours outside 1 to 168).
    """
    fields.accept(fields.whole("/review_within_hours", review_hours, 1, REVIEW_HOURS_MAX))
    return () if tenant.review_hours == review_hours else (BreakGlassAllowed(review_hours),)


def forbid_break_glass(tenant: Tenant) -> tuple[BreakGlassForbidden, ...]:
    """Forbid it; what already stands decides nothing."""
    return () if tenant.review_hours is None else (BreakGlassForbidden(),)
