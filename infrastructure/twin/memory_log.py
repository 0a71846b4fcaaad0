"""The port `Log` in memory: every event is in its place, and known to be about whom it is, at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from application.ledger.reading import EventsQuery, LedgerEvent
from application.ledger.replaying import ReplayPlan
from infrastructure.ledger.copies.replay_log import decided_at
from infrastructure.twin.memory_ledger import PLAIN, MemoryLedger

LOOK_EVENTS_MAX = 3


@dataclass(frozen=True, slots=True)
class MemoryLog:
    """See the port."""

    ledger: MemoryLedger

    def size(self, tenant: UUID) -> int:
        """See the port."""
        return len(self._events(tenant))

    def known_position(self, tenant: UUID, at: datetime) -> int:
        """See the port."""
        return max(
            (one.position for one in self._events(tenant) if one.recorded_at <= at), default=-1
        )

    def wait_for_index(self, tenant: UUID, past: int) -> None:
        """See the port."""

    def is_about(self, tenant: UUID, subject: UUID) -> bool:
        """See the port."""
        return bool(self._events(tenant, subject))

    def look(self, plan: ReplayPlan, first: int) -> tuple[Sequence[LedgerEvent], int]:
        """See the port."""
        past = min(first + LOOK_EVENTS_MAX, plan.holds.past)
        as_of = plan.holds.as_of
        found = [
            replace(one, payload=PLAIN)
            for one in self._events(plan.tenant, plan.subject)
            if first <= one.position < past
            and (as_of is None or decided_at(one) <= as_of)
            and plan.wants(one.type)
        ]
        return found, past

    def _events(self, tenant: UUID, subject: UUID | None = None) -> Sequence[LedgerEvent]:
        log = self.ledger.state.log.get(tenant, [])
        return self.ledger.events(tenant, EventsQuery(limit=len(log), subject=subject))
