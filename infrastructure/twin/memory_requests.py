"""The port `RequestRows` in memory."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

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

    def _all(self, tenant: UUID) -> list[PrivacyRequest]:
        with self.state.lock:
            return [
                entry.state
                for (owner, _), entry in self.state.catalog.items()
                if owner == tenant and isinstance(entry.state, PrivacyRequest)
            ]
