"""The port `OpenErasures` on PostgreSQL: the catalog knows how each erasure stands, in the append that moves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from infrastructure.database import Database

OPEN: Final = "SELECT id FROM catalog WHERE tenant_id = %b AND kind = 'erasure' AND erasure_stands(state) <> 'over'"
UNFINISHED: Final = (
    f"{OPEN} AND erasure_stands(state) = 'unfinished' ORDER BY created_at, id LIMIT %s"
)
# What is unfinished may wait for holds too.
WAITING: Final = f"{OPEN} AND jsonb_array_length(state::jsonb -> 'deferred') > 0 ORDER BY created_at, id LIMIT %s"

WHOSE: Final = (
    "SELECT DISTINCT tenant_id FROM catalog WHERE kind = 'erasure' AND erasure_stands(state) <> 'over'"
    " ORDER BY tenant_id"
)
ANYBODY: Final = "SELECT DISTINCT tenant_id FROM catalog WHERE kind = 'erasure' ORDER BY tenant_id"


def tenants_erased(everyone: Database) -> list[UUID]:
    """The tenants with erasures of any kind; asked by a role that sees them all."""
    return [row[0] for row in everyone.rows(ANYBODY)]


def tenants_erasing(everyone: Database) -> list[UUID]:
    """The tenants with erasures that are not at their end; asked by a role that sees them all."""
    return [row[0] for row in everyone.rows(WHOSE)]


@dataclass(frozen=True, slots=True)
class PostgresOpenErasures:
    """See the port. It is never behind."""

    database: Database

    def unfinished(self, tenant: UUID, limit: int) -> list[UUID]:
        """See the port."""
        return [row[0] for row in self.database.rows(UNFINISHED, (tenant, limit))]

    def waiting(self, tenant: UUID, limit: int) -> list[UUID]:
        """See the port."""
        return [row[0] for row in self.database.rows(WAITING, (tenant, limit))]
