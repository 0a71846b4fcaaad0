"""The port `RequestRows` on PostgreSQL: the catalog knows whom each request is about, by an index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from application.ports import CatalogEntry, CatalogKind
from domain.privacy_request_state import PrivacyRequest
from infrastructure.database import Database
from infrastructure.store.book import ENTRY
from infrastructure.store.catalog_codec import catalog_entry

ABOUT: Final = f"{ENTRY} AND about = %b"
ASKERS: Final = (
    "SELECT DISTINCT about FROM catalog WHERE tenant_id = %b AND about > %b ORDER BY about LIMIT %s"
)
DUE: Final = f"{ENTRY} AND kind = %s AND due_from < %s AND id > %b ORDER BY id LIMIT %s"
NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class PostgresRequestRows:
    """See the port. It is never behind."""

    database: Database

    def about(self, tenant: UUID, subject: UUID) -> list[PrivacyRequest]:
        """See the port."""
        states = [catalog_entry(row).state for row in self.database.rows(ABOUT, (tenant, subject))]
        return [one for one in states if isinstance(one, PrivacyRequest)]

    def askers(self, tenant: UUID, after: UUID | None, limit: int) -> list[UUID]:
        """See the port."""
        return [row[0] for row in self.database.rows(ASKERS, (tenant, after or NOBODY, limit))]

    def due(
        self, tenant: UUID, kind: CatalogKind, before: datetime, after: UUID | None, limit: int
    ) -> list[CatalogEntry]:
        """See the port."""
        found = self.database.rows(DUE, (tenant, kind, before, after or NOBODY, limit))
        return [catalog_entry(row) for row in found]
