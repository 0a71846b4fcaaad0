"""What an operator sees of read models, of all tenants together: where each stands, and why. README D12."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from projections.engine.read_model import Connection

# The event after the place where it stands is the one at which it stopped, and since when it is behind.
STANDING: Final = (
    "SELECT m.name, m.version, m.state, m.sequence, greatest(h.sequence - m.sequence, 0),"
    " coalesce(extract(epoch FROM greatest(now() - n.recorded_at, interval '0')), 0)::float8,"
    " m.error, m.failed_event, m.failed_type, CASE WHEN m.failed_event = n.event_id THEN n.tenant_id END,"
    " CASE WHEN m.failed_event = n.event_id THEN n.stream_id END"
    " FROM read_model m CROSS JOIN sequencer_head h LEFT JOIN sequenced n ON n.sequence = m.sequence + 1"
    " WHERE m.is_current ORDER BY m.name"
)
LEFT_OUT: Final = (
    "SELECT q.name, q.tenant_id, q.stream_id, q.after_sequence, q.by_whom, q.reason, q.recorded_at"
    " FROM read_model_quarantine q JOIN read_model m ON m.name = q.name AND m.generation = q.generation"
    " WHERE m.is_current ORDER BY q.name, q.recorded_at, q.stream_id"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One model. `sequence` is the last event in it, `failed` the one at which it stopped, `stream` of `tenant`."""

    name: str
    version: int
    state: str
    sequence: int
    lag_events: int
    lag_seconds: float
    error: str | None
    failed: UUID | None
    failed_type: str | None
    tenant: UUID | None
    stream: UUID | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A stream that a model leaves out after an event: who said so, why and when."""

    name: str
    tenant: UUID
    stream: UUID
    after_sequence: int
    by: str
    reason: str
    at: datetime


def standings(connection: Connection) -> list[Standing]:
    """Each model that is read, by name."""
    return [Standing(*row) for row in connection.execute(STANDING).fetchall()]


def all_left_out(connection: Connection) -> list[LeftOut]:
    """All that models leave out now, by name."""
    return [LeftOut(*row) for row in connection.execute(LEFT_OUT).fetchall()]
