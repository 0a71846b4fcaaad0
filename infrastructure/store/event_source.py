"""Sequenced events for followers, and where followers stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Final
from uuid import UUID

import psycopg

from application.following import (
    EVERY_TENANT,
    Batch,
    ReadModelStopped,
    Sequenced,
    Shard,
    note_stale,
)
from domain.errors import Behind, FieldError, LedgerDamaged, Unavailable, UnknownReference
from infrastructure.database import Database
from infrastructure.read_side import Rows
from infrastructure.store.event_mapper import EventMapper
from infrastructure.store.event_recorder import COLUMNS
from infrastructure.store.loading import load
from infrastructure.store.standings import HEAD, Standings

WAIT_SECONDS_MAX: Final = 5.0
REPLICA_SECONDS: Final = 0.01
LOST_SECONDS: Final = 0.1  # after a connection was lost, until it is tried again
ASK_AGAIN_SECONDS: Final = 0.02
ASK_AGAIN_SECONDS_MAX: Final = 0.32
# The batch first, then each event by its key: no plan may read more of the events than the batch has. What nobody asked
# for is seen to be there and left unread; the last row tells how far the batch goes.
PLACES: Final = (
    "WITH batch AS MATERIALIZED (SELECT sequence, tenant_id, position, event_id, stream_id, stream_version,"
    " recorded_at, leaf_hash FROM sequenced WHERE "
)
EVENTS: Final = (
    " LIMIT %s),"
    " whole AS MATERIALIZED (SELECT count(*) AS looked, max(sequence) AS last FROM batch)"
    " SELECT w.looked, b.sequence, b.position, b.recorded_at, e.type IS NULL, e.type = ANY(%s::text[]),"
    f" {', '.join(f'e.{name.strip()}' for name in COLUMNS.split(','))}, b.leaf_hash FROM whole w, batch b"
    f" LEFT JOIN LATERAL (SELECT {COLUMNS} FROM event e WHERE e.tenant_id = b.tenant_id"
    " AND e.stream_id = b.stream_id AND e.stream_version = b.stream_version AND e.event_id = b.event_id OFFSET 0) e"
    " ON true WHERE e.type IS NULL OR e.type = ANY(%s::text[]) OR b.sequence = w.last ORDER BY b.sequence"
)
AFTER: Final = (
    f"{PLACES} sequence > %s AND sequence <= %s"
    f" AND (%s = 1 OR (uuid_hash(tenant_id) & 2147483647) %% %s = %s) ORDER BY sequence{EVENTS}"
)
OF_TENANT: Final = (
    f"{PLACES} tenant_id = %b AND position > %s AND position <= %s ORDER BY position{EVENTS}"
)
STANDING: Final = (
    "SELECT coalesce((SELECT position FROM sequenced s WHERE s.tenant_id = %b AND s.sequence <= m.sequence"
    " ORDER BY position DESC LIMIT 1), -1), m.state FROM read_model m WHERE m.name = %s AND m.is_current"
)
PLACE: Final = (
    "SELECT h.sequence, s.position, s.sequence FROM sequencer_head h"
    " LEFT JOIN sequenced s ON s.tenant_id = %b"
)
PLACE_OF_EVENT: Final = f"{PLACE} AND s.event_id = %b"
PLACE_OF_POSITION: Final = f"{PLACE} AND s.position = %s"
# In the queue, or given its place since it was looked for.
QUEUED: Final = (
    "SELECT EXISTS (SELECT FROM event_queue WHERE tenant_id = %b AND %b = ANY(event_ids))"
    " OR EXISTS (SELECT FROM sequenced WHERE tenant_id = %b AND event_id = %b)"
)
NOT_FOLLOWED: Final = ("stopped", "changed", "paused")
STOPPED_SECONDS: Final = 60
LAST: Final = 2**63 - 1
MISSING, WANTED, EVENT = 4, 5, 6  # columns of its rows


@dataclass(frozen=True, slots=True)
class SequencedEvents:
    """The source of followers."""

    mapper: EventMapper

    def after(
        self,
        connection: psycopg.Connection[Any],
        sequence: int,
        limit: int,
        wanted: frozenset[type],
        shard: Shard = EVERY_TENANT,
        until: int = LAST,
    ) -> Batch:
        """Look at no more than `limit` events after `sequence` and up to `until`, in order. Raises LedgerDamaged."""
        names = self.mapper.names_of(wanted)
        part = (shard.shards, shard.shards, shard.shard)
        return self._batch(connection, AFTER, (sequence, until, *part, limit, names, names))

    def of_tenant(
        self,
        connection: psycopg.Connection[Any],
        tenant: UUID,
        position: int,
        until: int,
        limit: int,
        wanted: frozenset[type],
    ) -> Batch:
        """The same, of one tenant, after a position of its log and up to another. Raises LedgerDamaged."""
        names = self.mapper.names_of(wanted)
        return self._batch(connection, OF_TENANT, (tenant, position, until, limit, names, names))

    def _batch(
        self, connection: psycopg.Connection[Any], statement: str, parameters: Sequence[object]
    ) -> Batch:
        rows = connection.execute(statement.encode(), parameters, binary=True).fetchall()
        if not rows:
            return Batch([], 0, 0)
        if missing := next((row for row in rows if row[MISSING]), None):
            raise LedgerDamaged(f"The event at position {missing[2]} of a log is not stored")
        events = [
            Sequenced(row[1], row[2], row[3], load(self.mapper, row[EVENT:]))
            for row in rows
            if row[WANTED]
        ]
        return Batch(events, rows[0][0], rows[-1][1])


@dataclass(frozen=True, slots=True)
class Place:
    """An event's place in its tenant's log, and in the deployment's order."""

    position: int
    sequence: int


@dataclass(frozen=True, slots=True)
class PostgresPositions:
    """The port `Positions`. Who waits asks when it begins and when it is woken, and not in between.

    Where models stand is read from `lists`, which may be a replica; by default from where the rest is read. A replica
    rings no bell: once the primary has what is waited for, the replica is asked until it has come there.
    """

    database: Database
    standings: Standings
    lists: Rows | None = None

    def current(self, tenant: UUID, model: str) -> int:
        """See the port."""
        return self._standing(tenant, model)[0]

    def _standing(self, tenant: UUID, model: str) -> tuple[int, str]:
        """The position, and the state of the version that is read."""
        row = (self.lists or self.database).row(STANDING, (tenant, model))
        if row is None:
            return -1, "following"
        if row[1] in NOT_FOLLOWED:
            note_stale(model, row[0])
        return row[0], row[1]

    def wait(self, tenant: UUID, model: str, at_least: UUID | int) -> int:
        """See the port. Who waits outlives a connection that is lost meanwhile."""
        deadline = monotonic() + WAIT_SECONDS_MAX
        pause = 0.0
        while True:
            try:
                place, head = self._place(tenant, at_least)
                reached, state = self._standing(tenant, model)
            except Unavailable:
                if monotonic() > deadline:
                    raise
                sleep(LOST_SECONDS)
                continue
            if place is not None and reached >= place.position:
                return reached
            if state in NOT_FOLLOWED:
                raise ReadModelStopped(
                    f"{model} stands at {reached}", retry_after_seconds=STOPPED_SECONDS
                )
            if monotonic() > deadline:
                raise Behind(retry_after_seconds=1)
            if place is not None:
                self.standings.until(model, place.sequence, deadline)
                if self.lists is not None:
                    sleep(REPLICA_SECONDS)
                continue
            # It has no place yet. Most have at the next look; where many events wait it is not asked at each of them.
            sleep(pause)
            pause = min(ASK_AGAIN_SECONDS_MAX, 2 * pause or ASK_AGAIN_SECONDS)
            self.standings.until(HEAD, head + 1, deadline)

    def head(self, tenant: UUID) -> int:
        """See the port."""
        row = self.database.row(
            "SELECT (SELECT coalesce(max(position), -1) FROM sequenced WHERE tenant_id = %b),"
            " (SELECT coalesce(sum(cardinality(event_ids)), 0)::int FROM event_queue WHERE tenant_id = %b)",
            (tenant, tenant),
        )
        assert row is not None
        return int(row[0] + row[1])

    def _place(self, tenant: UUID, at_least: UUID | int) -> tuple[Place | None, int]:
        """The place asked for, None while it is not given; and the last sequence that is. Refuses: UnknownReference."""
        if isinstance(at_least, int):
            row = self.database.row(PLACE_OF_POSITION, (tenant, at_least))
        else:
            row = self.database.row(PLACE_OF_EVENT, (tenant, at_least))
        head = row[0] if row else 0
        if row is not None and row[1] is not None:
            return Place(row[1], row[2]), head
        if not self._waits_for_a_place(tenant, at_least):
            raise unknown()
        return None, head

    def _waits_for_a_place(self, tenant: UUID, at_least: UUID | int) -> bool:
        if isinstance(at_least, int):
            return at_least <= self.head(tenant)
        row = self.database.row(QUEUED, (tenant, at_least, tenant, at_least))
        return row == (True,)


def unknown() -> UnknownReference:
    """The refusal of an event or position that is not there."""
    return UnknownReference(
        errors=(FieldError("/at_least", "unknown_reference", "There is no such event here."),)
    )
