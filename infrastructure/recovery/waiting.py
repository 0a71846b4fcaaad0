"""What waits for its place in a database that was restored: committed before its backup, not sequenced yet.

Such an event has its place in the mirror by now, and gets that one. One that the mirror lacks goes on waiting, unless
the mirror's history leaves no room for it: then database and mirror contradict each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import psycopg

from domain.values import public_id
from infrastructure.ledger.publishing.mirror import MirroredEvent
from infrastructure.server.start_faults import StartFault

QUEUE: Final = (
    "SELECT qid, tenant_id, event_ids, stream_ids, stream_versions FROM event_queue ORDER BY qid"
)
PLACED: Final = (
    "SELECT q.qid, w.event_id FROM event_queue q CROSS JOIN LATERAL unnest(q.event_ids) AS w(event_id)"
    " JOIN sequenced s ON s.tenant_id = q.tenant_id AND s.event_id = w.event_id"
)


class RecoveryRefused(StartFault):
    """The mirror cannot give back what the database lacks, or contradicts it. Nothing was changed by then."""

    exit_code = 1


@dataclass(slots=True)
class Waiting:
    """The queue: for each row what of it has no place yet, and for each stream which versions wait."""

    rows: dict[int, set[UUID]] = field(default_factory=dict)
    places: dict[tuple[UUID, UUID, int], tuple[UUID, int]] = field(default_factory=dict)
    streams: dict[tuple[UUID, UUID], set[int]] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)

    @classmethod
    def read(cls, connection: psycopg.Connection[Any]) -> Waiting:
        """The queue as it stands."""
        self = cls()
        for qid, tenant, events, streams, versions in connection.execute(
            QUEUE, binary=True
        ).fetchall():
            self.rows[qid] = set(events)
            for event, stream, version in zip(events, streams, versions, strict=True):
                self.places[tenant, stream, version] = event, qid
                self.streams.setdefault((tenant, stream), set()).add(version)
        for qid, event in connection.execute(PLACED, binary=True).fetchall():
            self.rows[qid].discard(event)
            self.begun.add(qid)
        for (tenant, stream, version), (event, qid) in self.places.items():
            if event not in self.rows[qid]:
                self.streams[tenant, stream].discard(version)
        return self

    def take(self, event: MirroredEvent) -> int | None:
        """Give an event of the mirror its place; the row of the queue that nothing waits in any more.

        Raises RecoveryRefused: something else waits there, or an earlier version of its stream.
        """
        versions = self.streams.get((event.tenant, event.stream))
        if not versions:
            return None
        waiting, qid = self.places.get((event.tenant, event.stream, event.version), (None, 0))
        if waiting not in (None, event.event_id):
            raise contradiction(event, "the database has another event there, not sequenced yet")
        versions.discard(event.version)
        if versions and min(versions) < event.version:
            raise contradiction(event, "the database has an earlier one that the mirror lacks")
        if waiting is None:
            return None
        self.begun.add(qid)
        self.rows[qid].discard(event.event_id)
        return None if self.rows[qid] else qid

    def is_waiting(self, event: MirroredEvent) -> bool:
        """True for an event that is stored here, and waits for its place."""
        return (event.tenant, event.stream, event.version) in self.places

    def left(self) -> int:
        """How many events go on waiting. Raises RecoveryRefused: an append has a place for a part of it only."""
        for qid in self.begun:
            if self.rows[qid]:
                raise RecoveryRefused(
                    f"the mirror has a part only of what was appended with event {min(self.rows[qid]).hex}"
                )
        return sum(map(len, self.rows.values()))


def contradiction(event: MirroredEvent, why: str) -> RecoveryRefused:
    """The refusal of an event of the mirror that the database leaves no room for."""
    return RecoveryRefused(
        f"the mirror contradicts the database: tenant {public_id('tenant', event.tenant)},"
        f" stream {event.stream}, version {event.version}: {why}"
    )
