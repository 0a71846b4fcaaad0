"""The port `Ledger` on PostgreSQL. Bytes are served as they were hashed; proofs are made from the stored tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from application.ledger.reading import Checkpoint, EventsQuery, LedgerEvent, Receipt
from domain.errors import LedgerDamaged
from infrastructure.database import Database, Row
from infrastructure.ledger.signed.tlog_proof import TlogProof
from infrastructure.ledger.tree import merkle
from infrastructure.ledger.tree.intact import require_leaf, require_payload
from infrastructure.ledger.tree.stored_tree import StoredTree
from infrastructure.ledger.tree.tile_writer import TreeDamaged
from infrastructure.ledger.tree.tiles import (
    TILE_WIDTH,
    TileId,
    entry_bundle,
    parse_entries_path,
    parse_tile_path,
)

LAST: Final = (
    "SELECT size, root, note, signed_at FROM ledger_checkpoint"
    " WHERE tenant_id = %b ORDER BY size DESC LIMIT 1"
)
KEEP: Final = (
    "UPDATE ledger_checkpoint SET kept = 'receipt'"
    " WHERE tenant_id = %b AND size = %s AND (kept IS NULL OR kept = 'cosigning')"
)
HEADERS: Final = (
    "SELECT e.header, s.leaf_hash FROM sequenced s JOIN event e USING (tenant_id, stream_id, stream_version)"
    " WHERE s.tenant_id = %b AND s.position >= %s AND s.position < %s ORDER BY s.position"
)
SHOWN: Final = "s.position, s.event_id, e.type, s.stream_id, s.stream_version, s.recorded_at, e.header, s.leaf_hash"
# `type` is a whole type, or a beginning that ends before a dot: a range of names, never a pattern.
EVENTS: Final = (
    f"SELECT {SHOWN} FROM sequenced s JOIN event e USING (tenant_id, stream_id, stream_version)"
    " WHERE s.tenant_id = %b AND s.position > %s "
    " AND (%s::text IS NULL OR e.type = %s OR starts_with(e.type, %s || '.')) ORDER BY s.position LIMIT %s"
)
# Each leaf by its key: a join could become a reading of the whole log.
EVENTS_OF: Final = (
    "SELECT it.* FROM subject_leaf l CROSS JOIN LATERAL ("
    f"SELECT {SHOWN} FROM sequenced s JOIN event e USING (tenant_id, stream_id, stream_version)"
    " WHERE s.tenant_id = l.tenant_id AND s.position = l.position OFFSET 0) it"
    " WHERE l.tenant_id = %b AND l.subject_id = %b AND l.position > %s"
    " AND (%s::text IS NULL OR it.type = %s OR starts_with(it.type, %s || '.')) ORDER BY l.position LIMIT %s"
)
EVENT: Final = (
    f"SELECT {SHOWN}, e.state FROM sequenced s JOIN event e USING (tenant_id, stream_id, stream_version)"
    " WHERE s.tenant_id = %b AND s.event_id = %b"
)
QUEUED: Final = "SELECT true FROM event_queue WHERE tenant_id = %b AND %b = ANY(event_ids)"


@dataclass(frozen=True, slots=True)
class PostgresLedger:
    """See the port."""

    database: Database

    def checkpoint(self, tenant: UUID) -> Checkpoint | None:
        """See the port."""
        row = self.database.row(LAST, (tenant,))
        return None if row is None else Checkpoint(*row)

    def tile(self, tenant: UUID, path: str) -> bytes | None:
        """See the port."""
        try:
            entries = path.startswith("tile/entries/")
            tile = TileId(0, *parse_entries_path(path)) if entries else parse_tile_path(path)
        except ValueError:
            return None
        signed = self.checkpoint(tenant)
        hashes = (signed.size if signed else 0) >> 8 * tile.level
        first = tile.n * TILE_WIDTH
        if first + tile.width > hashes:
            return None
        if entries:
            rows = self.database.rows(HEADERS, (tenant, first, first + tile.width))
            if len(rows) != tile.width:
                raise LedgerDamaged(f"Events between {first} and {first + tile.width} are missing")
            return entry_bundle(require_leaf(first + at, *row) for at, row in enumerate(rows))
        with damage_told():
            return StoredTree(self.database.rows).fetch([(tenant, tile)])[0]

    def events(self, tenant: UUID, query: EventsQuery) -> Sequence[LedgerEvent]:
        """See the port."""
        kind = query.type, query.type, query.type
        if query.subject is None:
            rows = self.database.rows(EVENTS, (tenant, query.after, *kind, query.limit))
        else:
            rows = self.database.rows(
                EVENTS_OF, (tenant, query.subject, query.after, *kind, query.limit)
            )
        return [shown(row) for row in rows]

    def event(self, tenant: UUID, event: UUID) -> LedgerEvent | Literal["queued"] | None:
        """See the port."""
        row = self.database.row(EVENT, (tenant, event))
        if row is not None:
            return shown(row)
        # Looked for in the queue after the ledger; it may have left the one for the other meanwhile.
        if self.database.row(QUEUED, (tenant, event)) is not None:
            return "queued"
        row = self.database.row(EVENT, (tenant, event))
        return None if row is None else shown(row)

    def inclusion(self, tenant: UUID, index: int, size: int) -> tuple[bytes, ...]:
        """See the port."""
        with damage_told():
            return tuple(merkle.inclusion_proof(index, size, self._read(tenant, size)))

    def consistency(self, tenant: UUID, old: int, size: int) -> tuple[bytes, ...]:
        """See the port."""
        with damage_told():
            return tuple(merkle.consistency_proof(old, size, self._read(tenant, size)))

    def receipt(self, tenant: UUID, event: LedgerEvent) -> Receipt | None:
        """See the port."""
        signed = self.checkpoint(tenant)
        if signed is None or signed.size <= event.position:
            return None
        hashes = self.inclusion(tenant, event.position, signed.size)
        self.database.rows(KEEP, (tenant, signed.size))
        proof = TlogProof(event.position, hashes, signed.note, event.header)
        return Receipt(event.position, proof.text())

    def _read(self, tenant: UUID, size: int) -> merkle.Reader:
        return StoredTree(self.database.rows).reader(tenant, size)


def shown(row: Row) -> LedgerEvent:
    """A row as an event. Raises LedgerDamaged unless it holds the bytes that were entered."""
    found = LedgerEvent(*row)
    require_leaf(found.position, found.header, found.leaf_hash)
    if found.payload is not None:
        require_payload(found.position, found.header, found.payload)
    return found


@contextmanager
def damage_told() -> Iterator[None]:
    """Tell damage of the tree as a refusal."""
    try:
        yield
    except TreeDamaged as damage:
        raise LedgerDamaged(str(damage)) from None
