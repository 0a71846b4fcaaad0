"""Drawing one map: extend the chains of whom the leaves since the last one are about, then bring the tree up to date.

It is one transaction: chains and map are always of the same leaves, those below `covers`. Memory does not grow with
the number of subjects, only with how many of them the new leaves are about, which is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from infrastructure.ledger.subjects.map_buckets import (
    DEPTH_MAX,
    bucket_of,
    bucket_root,
    build_nodes,
    empty_nodes,
    nodes_root,
    update_nodes,
)
from infrastructure.ledger.subjects.subject_map import (
    HASH_SIZE,
    KEY_BITS,
    Chain,
    Item,
    Subtree,
    key_of,
    value_of,
)

LEAVES_MAX: Final = 65_536
SUBJECTS_MAX: Final = 100_000
ROWS_AT_ONCE: Final = 4_096
BUCKETS_AT_ONCE: Final = 256
KEYS_A_BUCKET: Final = 32
DEPTH_MIN: Final = 4
Connection = psycopg.Connection[Any]

DRAWN: Final = "SELECT covers, keys, depth, nodes FROM subject_map WHERE tenant_id = %b FOR UPDATE"
# Each leaf by its key: a join could become a reading of the whole log.
LEAVES: Final = (
    "SELECT l.position, l.subject_id, s.leaf_hash FROM subject_leaf l CROSS JOIN LATERAL (SELECT leaf_hash"
    " FROM sequenced q WHERE q.tenant_id = l.tenant_id AND q.position = l.position OFFSET 0) s"
    " WHERE l.tenant_id = %b AND l.position >= %s AND l.position < %s ORDER BY l.position"
)
CHAINS: Final = (
    "SELECT key, leaves, head FROM subject_chain WHERE tenant_id = %b AND key = ANY(%b::bytea[])"
)
EXTEND: Final = (
    "INSERT INTO subject_chain SELECT %b, k, n, h FROM unnest(%b::bytea[], %b::bigint[], %b::bytea[]) AS x(k, n, h)"
    " ON CONFLICT (tenant_id, key) DO UPDATE SET leaves = excluded.leaves, head = excluded.head"
)
BUCKETS: Final = (
    "SELECT c.key, c.leaves, c.head FROM unnest(%b::bytea[], %b::bytea[]) AS w(low, high) CROSS JOIN LATERAL ("
    " SELECT key, leaves, head FROM subject_chain WHERE tenant_id = %b AND key >= w.low AND key <= w.high"
    " ORDER BY key OFFSET 0) c"
)
ALL: Final = "SELECT key, leaves, head FROM subject_chain WHERE tenant_id = %b ORDER BY key"
KEEP: Final = (
    "INSERT INTO subject_map (tenant_id, covers, keys, previous, depth, root, nodes, drawn_at)"
    " VALUES (%b, %s, %s, %s, %s, %b, %b, %s) ON CONFLICT (tenant_id) DO UPDATE"
    " SET covers = excluded.covers, keys = excluded.keys, previous = excluded.previous, depth = excluded.depth,"
    " root = excluded.root, nodes = excluded.nodes, drawn_at = excluded.drawn_at"
)
GRANT_WISH: Final = "DELETE FROM map_wish WHERE tenant_id = %b"


@dataclass(frozen=True, slots=True)
class DrawnMap:
    """A map of all leaves below `covers`; `previous` is the index of the leaf of the map before."""

    covers: int
    keys: int
    previous: int | None
    root: bytes


@dataclass(slots=True)
class Chains:
    """The chains of whom the new leaves are about, by key, and which keys are new."""

    by_key: dict[bytes, Chain] = field(default_factory=dict)
    new: set[bytes] = field(default_factory=set)


def draw(
    connection: Connection, tenant: UUID, size: int, previous: int | None, now: datetime
) -> DrawnMap:
    """Draw the map of the first `size` leaves, or of fewer where they are too many for one step. Durable on return."""
    with connection.transaction():
        row = connection.execute(DRAWN, (tenant,), binary=True).fetchone()
        covers, keys, depth, nodes = row or (0, 0, DEPTH_MIN, empty_nodes(DEPTH_MIN))
        reached, touched = _extend_chains(
            connection, tenant, covers, min(size, covers + LEAVES_MAX)
        )
        keys += len(touched.new)
        wanted = depth_for(keys, depth)
        if wanted == depth:
            array = bytearray(nodes)
            update_nodes(array, depth, _changed_buckets(connection, tenant, depth, touched))
        else:
            array = build_nodes(_items(connection, ALL, (tenant,)), wanted)
        root = nodes_root(array)
        kept = (tenant, reached, keys, previous, wanted, root, bytes(array), now)
        connection.execute(KEEP, kept)
        connection.execute(GRANT_WISH, (tenant,))
    return DrawnMap(reached, keys, previous, root)


def depth_for(keys: int, depth: int) -> int:
    """The depth of the array for so many keys: it grows with them, in steps, and never shrinks."""
    while keys > 2 * KEYS_A_BUCKET << depth and depth < DEPTH_MAX:
        depth += 1
    return depth


def bucket_bounds(bucket: int, depth: int) -> tuple[bytes, bytes]:
    """The lowest and the highest key that a bucket can hold."""
    low = bucket << KEY_BITS - depth
    high = low + (1 << KEY_BITS - depth) - 1
    return low.to_bytes(HASH_SIZE, "big"), high.to_bytes(HASH_SIZE, "big")


def items_of(rows: Iterable[Sequence[Any]]) -> Iterator[Item]:
    """Rows of (key, leaves, head) as items of the map."""
    return ((bytes(key), value_of(Chain(leaves, bytes(head)))) for key, leaves, head in rows)


def _extend_chains(
    connection: Connection, tenant: UUID, first: int, past: int
) -> tuple[int, Chains]:
    """Extend the chains by the leaves in [first, past), and store them; how far that went."""
    touched = Chains()
    keys: dict[UUID, bytes] = {}
    with connection.cursor(name="leaves", binary=True) as cursor:
        cursor.execute(LEAVES, (tenant, first, past))
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            _load(connection, tenant, touched, rows, keys)
            for position, subject, leaf_hash in rows:
                if len(touched.by_key) >= SUBJECTS_MAX and position > first:
                    past = min(past, position)
                if position >= past:
                    break
                first = position
                key = keys[subject]
                chain = touched.by_key.get(key, Chain())
                touched.by_key[key] = chain.extended(position, bytes(leaf_hash))
            else:
                continue
            break
    touched.by_key = {key: chain for key, chain in touched.by_key.items() if chain.count}
    touched.new &= touched.by_key.keys()
    found = list(touched.by_key.items())
    for at in range(0, len(found), ROWS_AT_ONCE):
        some = found[at : at + ROWS_AT_ONCE]
        columns = (
            [key for key, _ in some],
            [chain.count for _, chain in some],
            [chain.head for _, chain in some],
        )
        connection.execute(EXTEND, (tenant, *columns))
    return past, touched


def _load(
    connection: Connection,
    tenant: UUID,
    touched: Chains,
    rows: Sequence[Sequence[Any]],
    keys: dict[UUID, bytes],
) -> None:
    """Read the chains, as they stood, of whom these rows are about."""
    fresh = {subject for _, subject, _ in rows if subject not in keys}
    if not fresh:
        return
    wanted = {subject: key_of(subject.bytes) for subject in fresh}
    keys |= wanted
    found = connection.execute(CHAINS, (tenant, list(wanted.values())), binary=True).fetchall()
    known = {bytes(key): Chain(leaves, bytes(head)) for key, leaves, head in found}
    touched.by_key |= known
    touched.new |= set(wanted.values()) - known.keys()


def _changed_buckets(
    connection: Connection, tenant: UUID, depth: int, touched: Chains
) -> Mapping[int, Subtree]:
    buckets = sorted({bucket_of(key, depth) for key in touched.by_key})
    changed: dict[int, Subtree] = {}
    for at in range(0, len(buckets), BUCKETS_AT_ONCE):
        some = buckets[at : at + BUCKETS_AT_ONCE]
        bounds = [bucket_bounds(bucket, depth) for bucket in some]
        low, high = [one[0] for one in bounds], [one[1] for one in bounds]
        found: dict[int, list[Item]] = {bucket: [] for bucket in some}
        for item in items_of(
            connection.execute(BUCKETS, (low, high, tenant), binary=True).fetchall()
        ):
            found[bucket_of(item[0], depth)].append(item)
        changed |= {bucket: bucket_root(items, depth) for bucket, items in found.items()}
    return changed


def _items(connection: Connection, statement: str, values: Sequence[object]) -> Iterator[Item]:
    with connection.cursor(name="items", binary=True) as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(statement.encode(), values)
        yield from items_of(cursor)
