"""Every full tile, made again from what is below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from infrastructure.fsck.finding import OF_TENANT, Finding, Row, Scope
from infrastructure.ledger.tree.merkle import HASH_SIZE, tree_hash
from infrastructure.ledger.tree.tiles import TILE_WIDTH

LEVEL_MAX: Final = 7
LEAVES: Final = (
    "SELECT s.tenant_id, s.position / 256, string_agg(s.leaf_hash, ''::bytea ORDER BY s.position)"
    f" FROM sequenced s WHERE {OF_TENANT.format('s')} GROUP BY 1, 2 ORDER BY 1, 2"
)
ROOTS: Final = (
    "SELECT t.tenant_id, t.n / 256, string_agg(t.root, ''::bytea ORDER BY t.n) FROM ledger_tile t"
    f" WHERE t.level = %(level)s - 1 AND {OF_TENANT.format('t')} GROUP BY 1, 2 ORDER BY 1, 2"
)
TILES: Final = (
    "SELECT t.tenant_id, t.n, t.root, t.data FROM ledger_tile t"
    f" WHERE t.level = %(level)s AND {OF_TENANT.format('t')} ORDER BY 1, 2"
)
Place = tuple[UUID, int]


def tree(scope: Scope) -> Iterator[Finding]:
    """Tiles of every log, level by level from the left."""
    for level in range(LEVEL_MAX + 1):
        below = scope.rows(f"below_{level}", ROOTS if level else LEAVES, level=level)
        any_below = False
        for finding in _compared(
            level, scope.counted(below), scope.rows(f"tiles_{level}", TILES, level=level)
        ):
            if finding is None:
                any_below = True
            else:
                yield finding
        if not any_below:
            return


def _compared(level: int, below: Iterable[Row], tiles: Iterator[Row]) -> Iterator[Finding | None]:
    """Findings of one level; a None for each full tile that there should be."""
    tile = next(tiles, None)
    for row in below:
        place = (row[0], row[1])
        while tile is not None and (tile[0], tile[1]) < place:
            yield _extra(level, tile)
            tile = next(tiles, None)
        stands = tile is not None and (tile[0], tile[1]) == place
        if len(row[2]) == TILE_WIDTH * HASH_SIZE:
            yield None
            yield from tile_flaws(level, place, row[2], tile[2:] if stands and tile else None)
        elif stands and tile is not None:
            yield _extra(level, tile)
        if stands:
            tile = next(tiles, None)
    while tile is not None:
        yield _extra(level, tile)
        tile = next(tiles, None)


def tile_flaws(level: int, place: Place, hashes: bytes, tile: Row | None) -> Iterator[Finding]:
    """What is wrong with a full tile: its row (root, data), if there is one, beside the hashes that fill it."""
    tenant, n = place
    first = n << 8 * (level + 1)
    if tile is None:
        yield Finding("tree", tenant, first, f"tile {n} of level {level} is missing")
        return
    root, data = tile
    if data != hashes:
        differs = next(at for at in range(TILE_WIDTH) if _nth(data, at) != _nth(hashes, at))
        reason = f"tile {n} of level {level} has another hash than the tree"
        yield Finding("tree", tenant, first + (differs << 8 * level), reason)
    if root != tree_hash(_nth(hashes, at) for at in range(TILE_WIDTH)):
        yield Finding("tree", tenant, first, f"tile {n} of level {level} has another root")


def _nth(hashes: bytes, at: int) -> bytes:
    return hashes[at * HASH_SIZE : (at + 1) * HASH_SIZE]


def _extra(level: int, tile: Row) -> Finding:
    reason = f"tile {tile[1]} of level {level} is there, but the log does not fill it"
    return Finding("tree", tile[0], tile[1] << 8 * (level + 1), reason)
