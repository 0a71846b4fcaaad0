"""The port `OpenErasures` in memory."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.erasure import Erasure
from infrastructure.twin.memory_state import MemoryState


@dataclass(frozen=True, slots=True)
class MemoryOpenErasures:
    """See the port."""

    state: MemoryState

    def unfinished(self, tenant: UUID, limit: int) -> list[UUID]:
        """See the port."""
        states = self._all(tenant)
        return [one.id for one in states if one.to_destroy or one.to_seal_off][:limit]

    def waiting(self, tenant: UUID, limit: int) -> list[UUID]:
        """See the port."""
        return [one.id for one in self._all(tenant) if one.deferred][:limit]

    def _all(self, tenant: UUID) -> list[Erasure]:
        with self.state.lock:
            entries = [
                (entry.created_at, id, entry.state)
                for (owner, id), entry in self.state.catalog.items()
                if owner == tenant and isinstance(entry.state, Erasure)
            ]
        return [state for _, _, state in sorted(entries, key=lambda one: one[:2])]
