"""The hash tree as it is stored: full tiles by row, partial ones from leaf hashes and roots of the level below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from infrastructure.database import Row
from infrastructure.ledger.tree.merkle import HASH_SIZE
from infrastructure.ledger.tree.tile_writer import TreeDamaged
from infrastructure.ledger.tree.tiles import TILE_WIDTH, TileId, TileReader

FULL: Final = (
    "SELECT w.at, t.data FROM unnest(%b::int[], %b::uuid[], %b::int[], %b::bigint[]) AS w(at, tenant, level, n)"
    " JOIN ledger_tile t ON t.tenant_id = w.tenant AND t.level = w.level AND t.n = w.n"
)
# Each range is a query of its own: joined, they would be read by merging, which goes through the whole log.
LEAVES: Final = (
    "SELECT w.at, r.data FROM unnest(%b::int[], %b::uuid[], %b::bigint[], %b::bigint[]) AS w(at, tenant, first, past)"
    " CROSS JOIN LATERAL (SELECT string_agg(s.leaf_hash, ''::bytea ORDER BY s.position) AS data FROM sequenced s"
    " WHERE s.tenant_id = w.tenant AND s.position >= w.first AND s.position < w.past) r WHERE r.data IS NOT NULL"
)
ROOTS: Final = (
    "SELECT w.at, r.data"
    " FROM unnest(%b::int[], %b::uuid[], %b::int[], %b::bigint[], %b::bigint[]) AS w(at, tenant, level, first, past)"
    " CROSS JOIN LATERAL (SELECT string_agg(t.root, ''::bytea ORDER BY t.n) AS data FROM ledger_tile t"
    " WHERE t.tenant_id = w.tenant AND t.level = w.level AND t.n >= w.first AND t.n < w.past) r"
    " WHERE r.data IS NOT NULL"
)
Rows = Callable[[str, Sequence[object]], list[Row]]
Wanted = tuple[UUID, TileId]


@dataclass(frozen=True, slots=True)
class StoredTree:
    """Tiles of every log that `rows` can see (a function that runs a statement)."""

    rows: Rows

    def fetch(self, wanted: Sequence[Wanted]) -> list[bytes]:
        """The bytes of each tile, in at most three statements. Raises TreeDamaged for one that is not whole."""
        found: dict[int, bytes] = {}
        full = [(at, *one) for at, one in enumerate(wanted) if one[1].width == TILE_WIDTH]
        partial = [(at, *one) for at, one in enumerate(wanted) if one[1].width < TILE_WIDTH]
        if full:
            columns = [at for at, _, _ in full], [tenant for _, tenant, _ in full]
            tiles = [tile for _, _, tile in full]
            levels, numbers = [tile.level for tile in tiles], [tile.n for tile in tiles]
            found |= dict(self.rows(FULL, (*columns, levels, numbers)))
        for statement, ranges in (
            (LEAVES, [one for one in partial if one[2].level == 0]),
            (ROOTS, [one for one in partial if one[2].level > 0]),
        ):
            if ranges:
                found |= dict(self.rows(statement, _range_columns(ranges)))
        for at, (tenant, tile) in enumerate(wanted):
            if len(found.get(at, b"")) != tile.width * HASH_SIZE:
                raise TreeDamaged(f"tile {tile.path()} of {tenant} is not whole in the database")
        return [found[at] for at in range(len(wanted))]

    def reader(self, tenant: UUID, size: int) -> TileReader:
        """A reader of the tree of one log at `size`."""
        return TileReader(size, lambda tiles: self.fetch([(tenant, tile) for tile in tiles]))

    def prefetched(self, wanted: Sequence[tuple[UUID, int, int]]) -> dict[UUID, TileReader]:
        """Readers for many logs (tenant, old size, size); all that a proof between the sizes needs is read at once."""
        tiles = {
            (tenant, tile)
            for tenant, old, size in wanted
            for tile in (*edge(old, size), *edge(size, size))
        }
        keys = list(tiles)
        known = dict(zip(keys, self.fetch(keys), strict=True))
        return {tenant: self._reader_with(known, tenant, size) for tenant, _, size in wanted}

    def _reader_with(self, known: dict[Wanted, bytes], tenant: UUID, size: int) -> TileReader:
        def fetch(tiles: Sequence[TileId]) -> list[bytes]:
            missing = [(tenant, tile) for tile in tiles if (tenant, tile) not in known]
            more = dict(zip(missing, self.fetch(missing), strict=True)) if missing else {}
            return [known.get((tenant, tile)) or more[(tenant, tile)] for tile in tiles]

        return TileReader(size, fetch)


def edge(upto: int, size: int) -> Iterable[TileId]:
    """The tiles of a tree of `size` that hold the hashes at the right edge of its first `upto` leaves."""
    level, last = 0, upto
    while last > 0 and (hashes := size >> 8 * level) > 0:
        # The last hash of this level within the first `upto` leaves.
        n = (min(last, hashes) - 1) // TILE_WIDTH
        yield TileId(level, n, min(TILE_WIDTH, hashes - n * TILE_WIDTH))
        level, last = level + 1, last // TILE_WIDTH


def _range_columns(ranges: Sequence[tuple[int, UUID, TileId]]) -> tuple[list[object], ...]:
    """Columns for LEAVES, or for ROOTS (tiles of a level above 0 hold the roots of the level below)."""
    at: list[object] = [one[0] for one in ranges]
    tenants: list[object] = [one[1] for one in ranges]
    first: list[object] = [one[2].n * TILE_WIDTH for one in ranges]
    past: list[object] = [one[2].n * TILE_WIDTH + one[2].width for one in ranges]
    if ranges[0][2].level == 0:
        return at, tenants, first, past
    return at, tenants, [one[2].level - 1 for one in ranges], first, past
