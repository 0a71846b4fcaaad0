"""Bring rows of the blind index that stand under the epoch's key into the buckets of the tree. README D5, D9."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from infrastructure.canonical import hmac_sha256
from infrastructure.keys.key_tree import (
    BUCKETS,
    EpochKeys,
    bucket_of_inner,
    index_key,
    inner_context,
    secret_context,
    wrap,
)
from infrastructure.keys.rekeying import Connection, bucket_keys, hold_tree
from infrastructure.sql_arrays import register, wire_array

TOGETHER: Final = 1_000
OF_OLD: Final = (
    "SELECT ctid::text, tenant_id, kind, subject_id, inner_sealed FROM blind_index"
    " WHERE bucket IS NULL ORDER BY tenant_id, kind, digest LIMIT %s"
)
BRING: Final = (
    "UPDATE blind_index s SET bucket = x.b, digest = x.d, inner_sealed = x.i"
    " FROM unnest(%b::text[]::tid[], %b::int[], %b::bytea[], %b::bytea[]) AS x(t, b, d, i) WHERE s.ctid = x.t"
)


def bring_into_buckets(dsn: str, epoch_keys: EpochKeys, together: int = TOGETHER) -> int:
    """Bring all rows over, `together` in a transaction; how many. Before it is through, look-ups find only some.

    Resumed where a crash left it: what is brought has a bucket. `dsn` is the shredder's. Raises Unreadable when a
    row does not open.
    """
    brought = 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        register(connection)
        while True:
            with connection.transaction():
                some = bring_some(connection, epoch_keys, together)
            brought += some
            if some == 0:
                return brought


def bring_some(connection: Connection, epoch_keys: EpochKeys, together: int) -> int:
    """Bring the next rows over; how many."""
    if not connection.execute("SELECT 1 FROM blind_index WHERE bucket IS NULL LIMIT 1").fetchone():
        return 0
    epoch = hold_tree(connection).epoch
    rows: list[tuple[Any, ...]] = connection.execute(
        OF_OLD.encode(), (together,), binary=True
    ).fetchall()
    if not rows:
        return 0
    inners = epoch_keys.unwrap_all(
        epoch,
        [(sealed, secret_context(tenant, "inner", epoch)) for _, tenant, _, _, sealed in rows],
    )
    keys = bucket_keys(connection, epoch_keys, epoch, range(BUCKETS))
    buckets = [bucket_of_inner(inner) for inner in inners]
    digests = [
        hmac_sha256(index_key(keys[bucket]), inner)
        for bucket, inner in zip(buckets, inners, strict=True)
    ]
    sealed = [
        wrap(keys[bucket], inner, inner_context(tenant, kind, subject))
        for bucket, inner, (_, tenant, kind, subject, _) in zip(buckets, inners, rows, strict=True)
    ]
    arrays = (
        wire_array("text", [row[0] for row in rows]),
        wire_array("int", buckets),
        wire_array("bytea", digests),
        wire_array("bytea", sealed),
    )
    assert connection.execute(BRING.encode(), arrays).rowcount == len(rows)
    return len(rows)
