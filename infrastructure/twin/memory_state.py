"""What the in-memory twin knows, under one lock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from uuid import UUID

from application.access.denials import Counted
from application.ports import CatalogEntry
from application.recorded import Answer, Recorded
from infrastructure.twin.memory_reservations import Reservations

Block = tuple[int, int]


@dataclass(slots=True)
class KeptAnswer:
    """One call that carried an Idempotency-Key; `answer` is None while it runs."""

    row: UUID
    fingerprint: bytes
    begun_at: float
    answer: Answer | None = None


@dataclass(slots=True)
class MemoryState:
    """Everything durable, keyed by tenant first. `log` is each tenant's ledger order, a position its index."""

    lock: RLock = field(default_factory=RLock)
    streams: dict[tuple[UUID, UUID], tuple[Recorded[object], ...]] = field(default_factory=dict)
    log: dict[UUID, list[Recorded[object]]] = field(default_factory=dict)
    catalog: dict[tuple[UUID, UUID], CatalogEntry] = field(default_factory=dict)
    reservations: dict[UUID, Reservations] = field(default_factory=dict)
    busy: dict[tuple[UUID, UUID], tuple[Block, ...]] = field(default_factory=dict)
    fences: dict[tuple[UUID, UUID, str], datetime] = field(default_factory=dict)
    answers: dict[tuple[UUID, bytes], KeptAnswer] = field(default_factory=dict)
    denials: dict[tuple[UUID, UUID], tuple[Counted, int]] = field(default_factory=dict)

    def answer_row(self, tenant: UUID, row: UUID) -> KeptAnswer | None:
        """The call that has this row, while it runs."""
        for (owner, _), kept in self.answers.items():
            if owner == tenant and kept.row == row and kept.answer is None:
                return kept
        return None
