"""The index of subjects: for each leaf, whom it is about. Kept up with the log, behind everybody's back.

It follows by sequence; what it writes and where it stands are one transaction, so a crash repeats and loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import psycopg

from infrastructure.ledger.subject_tags import tags_of

BATCH_EVENTS_MAX: Final = 2_000
Connection = psycopg.Connection[Any]

HEAD: Final = "SELECT sequence FROM subject_index FOR UPDATE"
# The batch first, then each event by its key: no plan may read more of the events than the batch has.
AFTER: Final = (
    "WITH batch AS MATERIALIZED ("
    " SELECT sequence, tenant_id, position, stream_id, stream_version FROM sequenced"
    " WHERE sequence > %s ORDER BY sequence LIMIT %s)"
    " SELECT b.sequence, b.tenant_id, b.position, e.header, e.state FROM batch b CROSS JOIN LATERAL ("
    " SELECT header, state FROM event e WHERE e.tenant_id = b.tenant_id AND e.stream_id = b.stream_id"
    " AND e.stream_version = b.stream_version OFFSET 0) e ORDER BY b.sequence"
)
WRITE: Final = "INSERT INTO subject_leaf SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[])"
MOVE: Final = "UPDATE subject_index SET sequence = %s"


class IndexDamaged(Exception):
    """Events that were sequenced are not there any more: somebody removed rows by hand."""


def index_some(
    connection: Connection, limit: int = BATCH_EVENTS_MAX
) -> tuple[int, Mapping[UUID, int]]:
    """Take in at most `limit` events: how many, and how far each log that they are of is indexed (a size).

    Raises IndexDamaged.
    """
    with connection.transaction():
        head = connection.execute(HEAD).fetchone()
        assert head is not None
        rows = connection.execute(AFTER, (head[0], limit), binary=True).fetchall()
        if not rows:
            return 0, {}
        if rows[-1][0] != head[0] + len(rows):
            raise IndexDamaged(f"events after sequence {head[0]} are missing")
        tenants: list[UUID] = []
        subjects: list[UUID] = []
        positions: list[int] = []
        reached: dict[UUID, int] = {}
        for _, tenant, position, leaf, payload in rows:
            reached[tenant] = position + 1
            for tag in tags_of(leaf, payload):
                tenants.append(tenant)
                subjects.append(tag)
                positions.append(position)
        if tenants:
            connection.execute(WRITE, (tenants, subjects, positions))
        connection.execute(MOVE, (rows[-1][0],))
    return len(rows), reached
