"""The names of logs. A log is named when its tenant is founded, and the founding is its first event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID

from domain.tenant import TenantFounded
from domain.values import public_id
from infrastructure.canonical import parsed
from infrastructure.settings import DEFAULT_ORIGIN

KEPT_MAX: Final = 100_000
FOUNDED: Final = (
    "SELECT tenant_id, state FROM event"
    " WHERE tenant_id = ANY(%b::uuid[]) AND stream_id = tenant_id AND stream_version = 1 AND type = %s"
)


class Asked(Protocol):
    """Whatever runs a statement and sees every tenant's events."""

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of it."""
        ...


@dataclass(slots=True)
class Origins:
    """Finds the origins of logs."""

    database: Asked
    _known: dict[UUID, str] = field(default_factory=dict)

    def of(self, tenants: Sequence[UUID]) -> dict[UUID, str]:
        """The origin of each tenant's log; the default one for a tenant that nobody founded (in tests)."""
        unknown = [tenant for tenant in tenants if tenant not in self._known]
        if unknown:
            if len(self._known) + len(unknown) > KEPT_MAX:
                self._known.clear()
                unknown = list(tenants)
            found = {
                tenant: str(parsed(state.split(b"\n")[0])["origin"])
                for tenant, state in self.database.rows(FOUNDED, (unknown, TenantFounded.TYPE))
            }
            self._known |= {tenant: found.get(tenant) or default(tenant) for tenant in unknown}
        return {tenant: self._known[tenant] for tenant in tenants}


def default(tenant: UUID) -> str:
    """The origin of a log whose operator chose none."""
    return DEFAULT_ORIGIN.replace("<tenant>", public_id("tenant", tenant))
