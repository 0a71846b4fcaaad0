"""Sequenced events for followers, and where followers stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Final
from uuid import UUID

import psycopg

from application.recorded import Recorded
from domain.errors import Behind, FieldError, UnknownReference
from infrastructure.database import Database
from infrastructure.store.event_mapper import EventMapper
from infrastructure.store.event_recorder import COLUMNS
from infrastructure.store.loading import load

WAIT_SECONDS_MAX: Final = 5.0
LOOK_SECONDS: Final = 0.01
# The batch first, then each event by its key: no plan may read more of the events than the batch has.
AFTER: Final = (
    "WITH batch AS MATERIALIZED (SELECT sequence, tenant_id, stream_id, stream_version, leaf_hash FROM sequenced"
    " WHERE sequence > %s ORDER BY sequence LIMIT %s)"
    " SELECT b.sequence, e.*, b.leaf_hash FROM batch b CROSS JOIN LATERAL ("
    f"SELECT {COLUMNS} FROM event e WHERE e.tenant_id = b.tenant_id AND e.stream_id = b.stream_id"
    " AND e.stream_version = b.stream_version OFFSET 0) e ORDER BY b.sequence"
)


@dataclass(frozen=True, slots=True)
class SequencedEvents:
    """The source of followers: `make(sequence, event)` is what the read side calls a sequenced event."""

    mapper: EventMapper
    make: Callable[[int, Recorded[object]], Any]

    def after(self, connection: psycopg.Connection[Any], sequence: int, limit: int) -> list[Any]:
        """At most `limit` events of all tenants after `sequence`, in order."""
        rows = connection.execute(AFTER, (sequence, limit), binary=True).fetchall()
        return [self.make(row[0], load(self.mapper, row[1:])) for row in rows]


@dataclass(frozen=True, slots=True)
class PostgresPositions:
    """The port `Positions`."""

    database: Database

    def current(self, tenant: UUID, model: str) -> int:
        """See the port."""
        row = self.database.row(
            "SELECT position FROM sequenced WHERE tenant_id = %b"
            " AND sequence <= (SELECT sequence FROM read_model WHERE name = %s)"
            " ORDER BY position DESC LIMIT 1",
            (tenant, model),
        )
        return row[0] if row else -1

    def wait(self, tenant: UUID, model: str, at_least: UUID | int) -> int:
        """See the port."""
        deadline = monotonic() + WAIT_SECONDS_MAX
        while True:
            wanted = self._position(tenant, at_least)
            reached = self.current(tenant, model)
            if wanted is not None and reached >= wanted:
                return reached
            if monotonic() > deadline:
                raise Behind(retry_after_seconds=1)
            sleep(LOOK_SECONDS)

    def head(self, tenant: UUID) -> int:
        """See the port."""
        row = self.database.row(
            "SELECT (SELECT coalesce(max(position), -1) FROM sequenced WHERE tenant_id = %b),"
            " (SELECT coalesce(sum(cardinality(event_ids)), 0)::int FROM event_queue WHERE tenant_id = %b)",
            (tenant, tenant),
        )
        assert row is not None
        return int(row[0] + row[1])

    def _position(self, tenant: UUID, at_least: UUID | int) -> int | None:
        """The position asked for; None while the event waits for one."""
        if isinstance(at_least, int):
            if at_least > self.head(tenant):
                raise unknown()
            return at_least
        row = self.database.row(
            "SELECT (SELECT position FROM sequenced WHERE tenant_id = %b AND event_id = %b),"
            " EXISTS (SELECT FROM event_queue WHERE tenant_id = %b AND %b = ANY(event_ids))",
            (tenant, at_least, tenant, at_least),
        )
        assert row is not None
        if row[0] is not None:
            return int(row[0])
        if not row[1]:
            raise unknown()
        return None


def unknown() -> UnknownReference:
    """The refusal of an event or position that is not there."""
    return UnknownReference(
        errors=(FieldError("/at_least", "unknown_reference", "There is no such event here."),)
    )
