"""The index of subjects: for each leaf, whom it is about; and which leaves commit to maps. It follows the log.

It follows by sequence; what it writes and where it stands are one transaction, so a crash repeats and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

import psycopg

from domain.ledger import MapCommitted
from infrastructure.canonical import parsed
from infrastructure.ledger.subjects.subject_tags import tags_of
from infrastructure.ledger.tree.intact import header_of

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
WRITE_MAPS: Final = (
    "INSERT INTO map_leaf SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[])"
)
MOVE: Final = "UPDATE subject_index SET sequence = %s"


MARK: Final = MapCommitted.TYPE.encode()


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
        abouts: list[tuple[UUID, UUID, int]] = []
        maps: list[tuple[UUID, int, int]] = []
        reached: dict[UUID, int] = {}
        for _, tenant, position, leaf, payload in rows:
            reached[tenant] = position + 1
            abouts += ((tenant, tag, position) for tag in tags_of(leaf, payload))
            if MARK in leaf:
                maps += ((tenant, position, covers) for covers in covered(leaf, payload))
        for statement, found in ((WRITE, abouts), (WRITE_MAPS, maps)):
            if found:
                connection.execute(statement, [list(column) for column in zip(*found, strict=True)])
        connection.execute(MOVE, (rows[-1][0],))
    return len(rows), reached


def covered(leaf: bytes, payload: bytes) -> Iterator[int]:
    """How many leaves the map that a leaf commits to covers; nothing for a leaf of another type."""
    if header_of(leaf)["type"] == MapCommitted.TYPE:
        yield int(parsed(payload.split(b"\n", 1)[0])["covers"])
