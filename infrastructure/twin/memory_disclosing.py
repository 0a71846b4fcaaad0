"""The ports of disclosing in memory. Visits are never behind, and what is recorded is mirrored at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from application.ports import AgendaRow
from domain.values import from_epoch
from infrastructure.twin.memory_reads import MemoryAgenda


@dataclass(frozen=True, slots=True)
class MemoryVisits:
    """See the ports `Visits` and `Visitors`."""

    agenda: MemoryAgenda

    def of(self, tenant: UUID, subjects: Sequence[UUID]) -> list[AgendaRow]:
        """See the port."""
        wanted = frozenset(subjects)
        rows = (row for row in self.agenda.rows(tenant) if row.subject in wanted)
        return sorted(rows, key=lambda row: (row.start, row.booking))

    def at(
        self, tenant: UUID, locations: Sequence[UUID], from_: datetime, to: datetime, limit: int
    ) -> list[UUID]:
        """See the port."""
        found = {
            row.subject
            for row in self.agenda.rows(tenant)
            if row.location in locations and from_ <= from_epoch(row.start) < to
        }
        return sorted(found)[:limit]


@dataclass(slots=True)
class MemoryMirrored:
    """See the port `Mirrored`. With `holds` False the mirror is away; `lacks` are events that it does not have yet.

    `waited` is how long it was waited for in vain, in seconds.
    """

    holds: bool = True
    lacks: set[UUID] = field(default_factory=set)
    waited: float = 0.0

    def wait(self, tenant: UUID, event: UUID, seconds: float) -> bool:  # noqa: ARG002
        """See the port."""
        if self.holds and event not in self.lacks:
            return True
        self.waited += seconds
        return False
