"""The ports `DueThings`, `HandedTo` and `FollowUpList` in memory: folded from the events at each question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from application.disclosing.courier import DueThing
from application.disclosing.courier_rows import CourierRows
from application.setup.register import CreationKey
from infrastructure.twin.memory_state import MemoryState


@dataclass(frozen=True, slots=True)
class MemoryCourier:
    """See the ports."""

    state: MemoryState
    marks: dict[UUID, int] = field(default_factory=dict)

    def due(self, tenant: UUID, now: datetime, limit: int) -> Sequence[DueThing]:
        """See the port."""
        found = [
            (due, id, DueThing(kind, id, stream, recipient))
            for (_, id), (kind, stream, recipient, due) in self._rows(tenant).entered.items()
            if due <= now
        ]
        due = [thing for _, _, thing in sorted(found, key=lambda one: one[:2])]
        changed = [
            DueThing(kind, event, stream)
            for _, position, kind, event, stream in self._rows(tenant).changed
            if position > self.marks.get(tenant, -1)
        ]
        return [*due, *changed][:limit]

    def done(self, tenant: UUID, change: UUID) -> None:
        """See the port."""
        mark = self.marks.get(tenant, -1)
        waiting = [one for one in self._rows(tenant).changed if one[1] > mark]
        if waiting and waiting[0][3] == change:
            self.marks[tenant] = waiting[0][1]

    def disclosures(self, tenant: UUID, subject: UUID) -> Sequence[UUID]:
        """See the port."""
        handed = self._rows(tenant).handed
        return sorted(disclosure for _, person, disclosure in handed if person == subject)

    def page(
        self, tenant: UUID, limit: int, after: CreationKey | None, *, is_open: bool | None
    ) -> Sequence[tuple[datetime, UUID]]:
        """See the port."""
        rows = self._rows(tenant)
        found = [
            (at, id)
            for (owner, id), (_, at, _) in rows.listed.items()
            if (after is None or (at, id) > after)
            and is_open in (None, (owner, id) not in rows.closed)
        ]
        return sorted(found)[:limit]

    def _rows(self, tenant: UUID) -> CourierRows:
        rows = CourierRows()
        with self.state.lock:
            for position, event in enumerate(self.state.log.get(tenant, [])):
                rows.take(event, position)
        return rows
