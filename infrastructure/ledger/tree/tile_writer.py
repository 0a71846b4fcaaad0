"""Full tiles of the hash tree: written by the sequencer in the transaction that fills them. docs/ledger.md.

A tile is made from what is stored: leaf hashes below, roots of tiles above. So nothing is remembered between batches,
and the memory of the sequencer does not grow with the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import psycopg

from infrastructure.database import Row
from infrastructure.ledger.tree.merkle import HASH_SIZE, tree_hash
from infrastructure.ledger.tree.tiles import TILE_WIDTH, TileId, hashes_of, tiles_completed

TILES_AT_ONCE: Final = 256
Connection = psycopg.Connection[Any]

# Each range is a query of its own: joined, they would be read by merging, which goes through the whole log.
LEAVES: Final = (
    "SELECT w.tenant, w.n, r.data FROM unnest(%b::uuid[], %b::bigint[]) AS w(tenant, n) CROSS JOIN LATERAL ("
    " SELECT string_agg(s.leaf_hash, ''::bytea ORDER BY s.position) AS data FROM sequenced s"
    " WHERE s.tenant_id = w.tenant AND s.position >= w.n * 256 AND s.position < (w.n + 1) * 256"
    ") r WHERE r.data IS NOT NULL"
)
ROOTS: Final = (
    "SELECT w.tenant, w.n, r.data FROM unnest(%b::uuid[], %b::bigint[]) AS w(tenant, n) CROSS JOIN LATERAL ("
    " SELECT string_agg(t.root, ''::bytea ORDER BY t.n) AS data FROM ledger_tile t"
    " WHERE t.tenant_id = w.tenant AND t.level = %s AND t.n >= w.n * 256 AND t.n < (w.n + 1) * 256"
    ") r WHERE r.data IS NOT NULL"
)
WRITE: Final = (
    "INSERT INTO ledger_tile SELECT t, %s, n, r, d"
    " FROM unnest(%b::uuid[], %b::bigint[], %b::bytea[], %b::bytea[]) AS x(t, n, r, d)"
)
BEHIND: Final = (
    "SELECT h.tenant_id, h.size / 256, count(t.n) FROM ledger_head h"
    " LEFT JOIN ledger_tile t ON t.tenant_id = h.tenant_id AND t.level = 0 WHERE h.size >= 256"
    " GROUP BY h.tenant_id, h.size HAVING h.size / 256 > count(t.n)"
)


class TreeDamaged(Exception):
    """What a tile is made of is not there: rows were removed by hand. Names tenant, level and tile."""


def complete_tiles(connection: Connection, grown: Mapping[UUID, tuple[int, int]]) -> int:
    """Write every tile that logs filled by growing from size to size; how many. Raises TreeDamaged."""
    due: dict[int, list[tuple[UUID, TileId]]] = {}
    for tenant, (before, after) in grown.items():
        for tile in tiles_completed(before, after):
            due.setdefault(tile.level, []).append((tenant, tile))
    for level, tiles in sorted(due.items()):
        for first in range(0, len(tiles), TILES_AT_ONCE):
            _write(
                connection,
                level,
                [(tenant, tile.n) for tenant, tile in tiles[first : first + TILES_AT_ONCE]],
            )
    return sum(map(len, due.values()))


def catch_up(connection: Connection) -> int:
    """Write the tiles of logs that were numbered before there were tiles; how many."""
    return sum(
        complete_tiles(connection, {tenant: (done * TILE_WIDTH, full * TILE_WIDTH)})
        for tenant, full, done in connection.execute(BEHIND).fetchall()
    )


def _write(connection: Connection, level: int, due: list[tuple[UUID, int]]) -> None:
    wanted = [tenant for tenant, _ in due], [n for _, n in due]
    if level == 0:
        found = connection.execute(LEAVES, wanted, binary=True).fetchall()
    else:
        found = connection.execute(ROOTS, (*wanted, level - 1), binary=True).fetchall()
    _refuse_gaps(level, due, found)
    connection.execute(
        WRITE,
        (
            level,
            [row[0] for row in found],
            [row[1] for row in found],
            [tree_hash(hashes_of(row[2])) for row in found],
            [row[2] for row in found],
        ),
    )


def _refuse_gaps(level: int, due: list[tuple[UUID, int]], found: Iterable[Row]) -> None:
    whole = {(row[0], row[1]) for row in found if len(row[2]) == TILE_WIDTH * HASH_SIZE}
    if missing := [one for one in due if one not in whole]:
        tenant, n = missing[0]
        raise TreeDamaged(
            f"tile {n} of level {level} of {tenant} cannot be made: hashes are missing"
        )
