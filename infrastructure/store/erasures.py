"""The port `Erasures` on PostgreSQL: the fences that erasure puts up. README D5."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from infrastructure.database import Database

ERASED: Final = (
    "SELECT erased_through FROM subject_fence"
    " WHERE tenant_id = %b AND subject_id = %b AND retention_class = 'profile'"
)


@dataclass(frozen=True, slots=True)
class PostgresErasures:
    """See the port."""

    database: Database

    def erased_at(self, tenant: UUID, subject: UUID) -> datetime | None:
        """See the port."""
        row = self.database.row(ERASED, (tenant, subject))
        return None if row is None else row[0]
