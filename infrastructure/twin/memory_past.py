"""The port `Past` in memory: the first events of a log, on their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from infrastructure.twin.memory_reads import MemoryAgenda
from infrastructure.twin.memory_state import MemoryState


@dataclass(frozen=True, slots=True)
class MemoryPast:
    """See the port."""

    state: MemoryState

    def known_position(self, tenant: UUID, known_at: datetime) -> int:
        """See the port."""
        with self.state.lock:
            log = self.state.log.get(tenant, [])
            known = [at for at, one in enumerate(log) if one.occurred_at <= known_at]
        return max(known, default=-1)

    @contextmanager
    def agenda(self, tenant: UUID, position: int) -> Iterator[MemoryAgenda]:
        """See the port."""
        then = MemoryState()
        with self.state.lock:
            for event in self.state.log.get(tenant, [])[: position + 1]:
                stream = (tenant, event.stream)
                then.streams[stream] = (*then.streams.get(stream, ()), event)
        yield MemoryAgenda(then)
