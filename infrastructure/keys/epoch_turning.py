"""Put the whole key tree under a new epoch, in one transaction, and assert that nothing of the old one is left."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from domain.errors import Unreadable
from infrastructure.keys.key_tree import BUCKETS, EpochKeys, bucket_context, secret_context
from infrastructure.keys.rekeying import Connection, Held, bucket_rows
from infrastructure.sql_arrays import wire_array

LEFT: Final = (
    "SELECT (SELECT count(*) FROM bucket_key WHERE epoch <> %(new)s),"
    " (SELECT count(*) FROM sealed_secret WHERE epoch <> %(new)s),"
    " (SELECT count(*) FROM blind_index WHERE bucket IS NULL),"
    " (SELECT count(*) FROM bucket_key WHERE epoch = %(new)s)"
)


def turn_tree(connection: Connection, epoch_keys: EpochKeys, held: Held, at: datetime) -> int:
    """Wrap bucket keys and secrets under the epoch after `held`'s, and make it current; its number.

    The caller's transaction holds the tree alone, and the new epoch's key is durable. What the tree's leaves are
    wrapped under does not change: they stay as they are.
    """
    old, new = held.epoch, held.epoch + 1
    connection.execute("UPDATE epoch SET current = false WHERE epoch = %s", (old,))
    connection.execute(
        "INSERT INTO epoch (epoch, current, begun_at, revision) VALUES (%s, true, %s, %s)",
        (new, at, held.revision + 1),
    )
    turn_buckets(connection, epoch_keys, old, new)
    turn_secrets(connection, epoch_keys, old, new)
    left = connection.execute(LEFT.encode(), {"new": new}).fetchone()
    if left != (0, 0, 0, BUCKETS):
        raise Unreadable("Something of the old epoch is left: the epoch was not turned")
    return new


def turn_buckets(connection: Connection, epoch_keys: EpochKeys, old: int, new: int) -> None:
    """Wrap the bucket keys under the new epoch; each keeps the revision that made it."""
    rows = bucket_rows(connection, epoch_keys, old, range(BUCKETS))
    wrapped = epoch_keys.wrap_all(new, [(row.key, bucket_context(new, row.bucket)) for row in rows])
    connection.execute(
        "UPDATE bucket_key b SET epoch = %s, wrapped = x.w"
        " FROM unnest(%b::tid[], %b::bytea[]) AS x(t, w) WHERE b.ctid = x.t",
        (new, wire_array("tid", [row.place for row in rows]), wire_array("bytea", wrapped)),
    )


def turn_secrets(connection: Connection, epoch_keys: EpochKeys, old: int, new: int) -> None:
    """Wrap the tenants' secrets under the new epoch."""
    rows = connection.execute(
        "SELECT ctid, tenant_id, name, wrapped FROM sealed_secret WHERE epoch = %s",
        (old,),
        binary=True,
    ).fetchall()
    if not rows:
        return
    plain = epoch_keys.unwrap_all(
        old, [(wrapped, secret_context(tenant, name, old)) for _, tenant, name, wrapped in rows]
    )
    wrapped = epoch_keys.wrap_all(
        new,
        [
            (secret, secret_context(tenant, name, new))
            for secret, (_, tenant, name, _) in zip(plain, rows, strict=True)
        ],
    )
    connection.execute(
        "UPDATE sealed_secret s SET epoch = %s, wrapped = x.w"
        " FROM unnest(%b::tid[], %b::bytea[]) AS x(t, w) WHERE s.ctid = x.t",
        (new, wire_array("tid", [row[0] for row in rows]), wire_array("bytea", wrapped)),
    )
