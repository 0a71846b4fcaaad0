"""The port `RequestRows` in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from application.ports import CatalogEntry, CatalogKind
from domain.privacy_request_state import PrivacyRequest
from infrastructure.twin.memory_state import MemoryState


@dataclass(frozen=True, slots=True)
class MemoryRequestRows:
    """See the port."""

    state: MemoryState

    def about(self, tenant: UUID, subject: UUID) -> list[PrivacyRequest]:
        """See the port."""
        return [one for one in self._all(tenant) if one.subject == subject]

    def askers(self, tenant: UUID, after: UUID | None, limit: int) -> list[UUID]:
        """See the port."""
        found = {one.subject for one in self._all(tenant) if one.subject is not None}
        return sorted(one for one in found if after is None or one > after)[:limit]

    def due(
        self, tenant: UUID, kind: CatalogKind, before: datetime, after: UUID | None, limit: int
    ) -> list[CatalogEntry]:
        """See the port; of requests by the same instants as the database, of other things all."""
        with self.state.lock:
            found = [
                entry
                for (owner, id), entry in self.state.catalog.items()
                if owner == tenant and entry.kind == kind and (after is None or id > after)
            ]
        return sorted(
            (one for one in found if _due_from(one.state) < before), key=lambda one: one.id
        )[:limit]

    def _all(self, tenant: UUID) -> list[PrivacyRequest]:
        with self.state.lock:
            return [
                entry.state
                for (owner, _), entry in self.state.catalog.items()
                if owner == tenant and isinstance(entry.state, PrivacyRequest)
            ]


def _due_from(state: object) -> datetime:
    """As the SQL function `catalog_due`."""
    always, never = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    if not isinstance(state, PrivacyRequest):
        return always
    if state.expired:
        return never
    if state.record_until is None or (state.tells and state.told_at is None):
        return always
    return min(state.record_until, state.identity.evidence_until or never)
