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
    followed: set[UUID] = field(default_factory=set)

    def due(self, tenant: UUID, now: datetime, limit: int) -> Sequence[DueThing]:
        """See the port."""
        found = [
            (due, id, DueThing(kind, id, stream, recipient))
            for (_, id), (kind, stream, recipient, due) in self._rows(tenant).entered.items()
            if due <= now and id not in self.followed
        ]
        return [thing for _, _, thing in sorted(found, key=lambda one: one[:2])[:limit]]

    def done(self, tenant: UUID, change: UUID) -> None:  # noqa: ARG002
        """See the port."""
        self.followed.add(change)

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
            for event in self.state.log.get(tenant, []):
                rows.take(event)
        return rows
