"""The port `KeepingRows` in memory: folded from the events at each question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from application.holding.expiry import Aged
from application.holding.sealings import sealed_by
from domain.custody import CustodyTaken
from domain.sealing import RetentionClass
from infrastructure.twin.memory_state import MemoryState


@dataclass(slots=True)
class _Row:
    recorded_at: datetime
    kept_until: date | None = None


@dataclass(frozen=True, slots=True)
class MemoryKeeping:
    """See the port."""

    state: MemoryState

    def aged(
        self,
        tenant: UUID,
        retention_class: RetentionClass,
        before: datetime,
        after: Aged | None,
        limit: int,
    ) -> list[Aged]:
        """See the port."""
        found = sorted(
            (row.recorded_at, subject)
            for (subject, name), row in self._rows(tenant).items()
            if name == retention_class and row.recorded_at < before
        )
        last = None if after is None else (after.recorded_at, after.subject)
        return [Aged(one, at) for at, one in found if last is None or (at, one) > last][:limit]

    def over(self, tenant: UUID, today: date, after: UUID | None, limit: int) -> list[UUID]:
        """See the port."""
        found = {
            subject
            for (subject, _), row in self._rows(tenant).items()
            if row.kept_until is not None and row.kept_until < today
        }
        return sorted(one for one in found if after is None or one > after)[:limit]

    def _rows(self, tenant: UUID) -> dict[tuple[UUID, str], _Row]:
        rows: dict[tuple[UUID, str], _Row] = {}
        with self.state.lock:
            log = list(self.state.log.get(tenant, ()))
        for event in log:
            for key in sealed_by(event.decision):
                row = rows.setdefault(key, _Row(event.occurred_at))
                row.recorded_at = max(row.recorded_at, event.occurred_at)
            if isinstance(event.decision, CustodyTaken):
                it = event.decision
                for name in it.classes:
                    rows.pop((it.subject, name), None)
                for one in it.kept:
                    if (it.subject, one.retention_class) in rows:
                        rows[(it.subject, one.retention_class)].kept_until = one.until
        return rows
