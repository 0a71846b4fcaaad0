"""Give buckets of the key tree fresh keys, and wrap anew what is in them. README D9.

Every function here works in the caller's transaction, which holds the tree alone (`hold_tree`). Nothing that minting
does can come between, so what is read is what is written, and counts are compared.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg

from domain.errors import Unreadable
from infrastructure.keys.key_tree import EpochKeys, bucket_context
from infrastructure.keys.rewrapping import Damaged, Swap
from infrastructure.sql_arrays import wire_array

ROWS_TOGETHER: Final = 500

log = logging.getLogger("daybook.rekeying")

Connection = psycopg.Connection[tuple[Any, ...]]

# Rows are found by their place: nobody moves them while the tree is held. Another plan would read whole tables.
BY_PLACE: Final = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off"
KEYS_OF: Final = (
    "SELECT ctid, uuid_send(tenant_id), uuid_send(subject_id), retention_class, uuid_send(key_id), bucket, wrapped"
    " FROM subject_key"
    " WHERE bucket = ANY(%b::int[]) AND destroyed_at IS NULL"
)
ROWS_OF: Final = (
    "SELECT ctid, uuid_send(tenant_id), kind, uuid_send(subject_id), bucket, inner_sealed FROM blind_index"
    " WHERE bucket = ANY(%b::int[])"
)
REWRAP: Final = (
    "UPDATE subject_key s SET wrapped = x.w"
    " FROM unnest(%b::tid[], %b::bytea[]) AS x(t, w) WHERE s.ctid = x.t"
)
REPLACE: Final = (
    "UPDATE bucket_key b SET wrapped = x.w, revision = %s"
    " FROM unnest(%b::tid[], %b::bytea[]) AS x(t, w) WHERE b.ctid = x.t"
)
REDIGEST: Final = (
    "UPDATE blind_index s SET digest = x.d, inner_sealed = x.i"
    " FROM unnest(%b::tid[], %b::bytea[], %b::bytea[]) AS x(t, d, i) WHERE s.ctid = x.t"
)


@dataclass(frozen=True, slots=True)
class Held:
    """The tree as it stands while we hold it alone."""

    epoch: int
    revision: int


def hold_tree(connection: Connection) -> Held:
    """Hold the tree alone until the transaction ends: minting waits. Raises Unreadable when there is no epoch."""
    connection.execute("SELECT pg_advisory_xact_lock(mint_lock())")
    connection.execute(BY_PLACE.encode())
    row = connection.execute(
        "SELECT epoch, revision FROM epoch WHERE current FOR UPDATE"
    ).fetchone()
    if row is None:
        raise Unreadable("The key database has no epoch: run 'daybook migrate'")
    return Held(row[0], row[1])


def next_revision(connection: Connection, held: Held) -> int:
    """Count one re-keying; its number."""
    connection.execute("UPDATE epoch SET revision = %s WHERE current", (held.revision + 1,))
    return held.revision + 1


def rekey(
    connection: Connection, epoch_keys: EpochKeys, held: Held, revision: int, buckets: Sequence[int]
) -> int:
    """Give `buckets` fresh keys of `revision`, and wrap anew what is in them; how many keys and rows that was.

    The database writes what was wrapped while we wrap the next. What does not open is left as it is and listed in
    `damaged_key`. Raises Unreadable when a bucket key does not open, or nothing in a bucket does: then nothing may be
    written.
    """
    above = bucket_rows(connection, epoch_keys, held.epoch, buckets)
    swap = Swap({row.bucket: row.key for row in above})
    wanted = (wire_array("int", list(swap.fresh)),)
    keys = connection.execute(KEYS_OF.encode(), wanted, binary=True).fetchall()
    rows = connection.execute(ROWS_OF.encode(), wanted, binary=True).fetchall()
    wrapped = epoch_keys.wrap_all(
        held.epoch,
        [(swap.fresh[row.bucket], bucket_context(held.epoch, row.bucket)) for row in above],
    )
    written = []
    with connection.pipeline():
        for some in batched(keys):
            written.append(connection.execute(REWRAP.encode(), swap.keys(some)))
        for some in batched(rows):
            written.append(connection.execute(REDIGEST.encode(), swap.rows(some)))
        swap.require_some_to_open()
        places = wire_array("tid", [row.place for row in above])
        arrays = (revision, places, wire_array("bytea", wrapped))
        written.append(connection.execute(REPLACE.encode(), arrays))
    count = sum(cursor.rowcount for cursor in written)
    assert count == len(keys) + len(rows) + len(above) - len(swap.damaged), "what was read is there"
    list_damaged(connection, revision, swap.damaged)
    return len(keys) + len(rows) - len(swap.damaged)


def list_damaged(connection: Connection, revision: int, damaged: Sequence[Damaged]) -> None:
    """Keep which rows did not open."""
    for one in damaged:
        connection.execute(
            "INSERT INTO damaged_key (tenant_id, subject_id, kind, key_id, bucket, revision)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (one.tenant, one.subject, one.kind, one.key_id, one.bucket, revision),
        )
    if damaged:
        log.error("%d rows of the key database do not open; see fsck", len(damaged))


def batched(rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows, so many at a time."""
    for begin in range(0, len(rows), ROWS_TOGETHER):
        yield rows[begin : begin + ROWS_TOGETHER]


@dataclass(frozen=True, slots=True)
class BucketRow:
    """Where the database has a bucket key, and the key."""

    place: bytes
    bucket: int
    key: bytes

    def __repr__(self) -> str:
        return f"BucketRow({self.bucket}, <sealed>)"


def bucket_rows(
    connection: Connection, epoch_keys: EpochKeys, epoch: int, buckets: Sequence[int]
) -> list[BucketRow]:
    """The keys of `buckets`, unwrapped, by number. Raises Unreadable when one is missing."""
    rows = connection.execute(
        "SELECT ctid, bucket, wrapped FROM bucket_key"
        " WHERE epoch = %s AND bucket = ANY(%b::int[]) ORDER BY bucket",
        (epoch, wire_array("int", sorted(set(buckets)))),
        binary=True,
    ).fetchall()
    if len(rows) != len(set(buckets)):
        raise Unreadable("The key database lacks bucket keys")
    keys = epoch_keys.unwrap_all(
        epoch, [(wrapped, bucket_context(epoch, bucket)) for _, bucket, wrapped in rows]
    )
    return [BucketRow(row[0], row[1], key) for row, key in zip(rows, keys, strict=True)]


def bucket_keys(
    connection: Connection, epoch_keys: EpochKeys, epoch: int, buckets: Sequence[int]
) -> dict[int, bytes]:
    """The same keys by the numbers of their buckets."""
    return {row.bucket: row.key for row in bucket_rows(connection, epoch_keys, epoch, buckets)}


def destroyed_keys(
    connection: Connection, tenant: UUID, subject: UUID, classes: Sequence[str]
) -> list[tuple[str, UUID]]:
    """The subject's destroyed keys of `classes`: class and id, sorted."""
    rows = connection.execute(
        "SELECT retention_class, key_id FROM subject_key WHERE tenant_id = %s AND subject_id = %s"
        " AND retention_class = ANY(%s) AND destroyed_at IS NOT NULL",
        (tenant, subject, list(classes)),
    ).fetchall()
    return sorted((row[0], row[1]) for row in rows)
