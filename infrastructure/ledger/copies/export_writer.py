"""What stands in a full export, read from the stored ledger and checked on its way. docs/ledger.md, "Bundles".

What is held at any moment is a few hundred events and 32 bytes for every 256 before them. Whatever is not what was
entered ends the export: the tree must lead to the signed root, every leaf must be in the tree, every payload must be
the one that its leaf commits to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from application.ledger.exports import ExportPlan
from domain.errors import LedgerDamaged
from domain.values import instant_text
from infrastructure.canonical import b64, sha256
from infrastructure.ledger.copies.bundle_writer import Attest, BundleWriter
from infrastructure.ledger.copies.payload_bundles import payload_bundle, payload_path
from infrastructure.ledger.signed.checkpoints import parse_tree_head
from infrastructure.ledger.signed.notes import parse_note
from infrastructure.ledger.tree.intact import require_leaf, require_payload
from infrastructure.ledger.tree.merkle import HASH_SIZE, Frontier, tree_hash
from infrastructure.ledger.tree.tiles import (
    TILE_WIDTH,
    TileId,
    entries_path,
    entry_bundle,
    hashes_of,
    tiles_of,
)

TILES_AT_ONCE: Final = 64
BUNDLES_AT_ONCE: Final = 2


class Entry(NamedTuple):
    """An event as it is stored: its leaf, the hash that was taken of it, its payload (None: it is gone)."""

    position: int
    leaf: bytes
    leaf_hash: bytes
    payload: bytes | None


class Source(Protocol):
    """A stored ledger, read a part at a time. Nothing that it gives is checked yet."""

    def tiles(self, tenant: UUID, tiles: Sequence[TileId]) -> Sequence[bytes]:
        """The bytes of each tile. Raises LedgerDamaged for one that is not whole."""
        ...

    def entries(self, tenant: UUID, first: int, past: int) -> Sequence[Entry]:
        """The events that are there of [`first`, `past`), by position."""
        ...


@dataclass(frozen=True, slots=True)
class ExportWriter:
    """Writes one export into a bundle. Raises LedgerDamaged, Unavailable, OSError."""

    plan: ExportPlan
    source: Source
    bundle: BundleWriter

    def write(self, attest: Attest, told: Callable[[int], None]) -> None:
        """Write and finish the bundle; `told` hears how many events are written, now and then."""
        plan, signed = self.plan, self.plan.checkpoint
        self.bundle.add("checkpoint", signed.note.encode())
        self._write_hashes()
        self._write_events(told)
        origin = parse_tree_head(parse_note(signed.note).text).origin
        covered = {"from": plan.first, "to": plan.past}
        self.bundle.finish("export", origin, instant_text(plan.at), covered, attest)

    def _write_hashes(self) -> None:
        size = self.plan.checkpoint.size
        below, roots, rest = bytearray(), bytearray(), Frontier()
        level = 0
        for tile, data in self._hashes(size):
            if tile.level != level:
                level, below, roots = tile.level, roots, bytearray()
            start = tile.n * TILE_WIDTH * HASH_SIZE
            if level > 0 and data != below[start : start + len(data)]:
                raise LedgerDamaged(f"{tile.path()} does not follow from the tiles below it")
            if tile.width == TILE_WIDTH:
                roots += tree_hash(hashes_of(data))
            elif level == 0:
                rest = Frontier().extended(hashes_of(data))
            if level == 0 and (tile.n + 1) * TILE_WIDTH >= size:
                self._require_signed_root(Frontier().extended(hashes_of(bytes(roots))), rest)
            self.bundle.add(tile.path(), data)

    def _require_signed_root(self, full: Frontier, rest: Frontier) -> None:
        signed = self.plan.checkpoint
        # Tiles are subtrees of 256 leaves: the frontier over their roots is the upper part of the frontier over all.
        if Frontier(signed.size, full.hashes + rest.hashes).root() != signed.root:
            raise LedgerDamaged(
                f"The stored tree of {signed.size} leaves is not the one signed for"
            )

    def _hashes(self, size: int) -> Iterator[tuple[TileId, bytes]]:
        every = tiles_of(size)
        while part := list(islice(every, TILES_AT_ONCE)):
            yield from zip(part, self.source.tiles(self.plan.tenant, part), strict=True)

    def _write_events(self, told: Callable[[int], None]) -> None:
        bundles = self.plan.bundles()
        done = 0
        while part := list(islice(bundles, BUNDLES_AT_ONCE)):
            first, past = part[0][0], sum(part[-1])
            found = self.source.entries(self.plan.tenant, first, past)
            for start, width in part:
                rows = found[start - first : start - first + width]
                self._require_dense(start, width, rows)
                self._write_bundle(start // TILE_WIDTH, rows)
                done += width
            told(done)

    def _require_dense(self, start: int, width: int, rows: Sequence[Entry]) -> None:
        for position in range(start, start + width):
            at = position - start
            if at >= len(rows) or rows[at].position != position:
                raise LedgerDamaged(f"Event {position} is missing")

    def _write_bundle(self, n: int, rows: Sequence[Entry]) -> None:
        leaves = [require_leaf(row.position, row.leaf, row.leaf_hash) for row in rows]
        self._require_in_tree(TileId(0, n, len(rows)), rows)
        payloads = [
            None if row.payload is None else require_payload(row.position, row.leaf, row.payload)
            for row in rows
        ]
        self.bundle.add(entries_path(n, len(rows)), entry_bundle(leaves), packed=True)
        self.bundle.add(payload_path(n, len(rows)), payload_bundle(payloads), packed=True)

    def _require_in_tree(self, tile: TileId, rows: Sequence[Entry]) -> None:
        if b64(sha256(b"".join(row.leaf_hash for row in rows))) == self.bundle.digest(tile.path()):
            return
        (data,) = self.source.tiles(self.plan.tenant, [tile])
        for row, entered in zip(rows, hashes_of(data), strict=True):
            require_leaf(row.position, row.leaf, entered)
        raise LedgerDamaged(f"{tile.path()} changed while it was exported")
