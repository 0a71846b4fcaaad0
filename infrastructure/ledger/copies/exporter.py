"""The port `Exporter` on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final, Protocol
from uuid import UUID

from application.ledger.exports import ExportPlan, Told
from application.ledger.reading import Checkpoint
from domain.errors import Unavailable
from infrastructure.database import Database
from infrastructure.ledger.copies.bundle_writer import BundleWriter
from infrastructure.ledger.copies.export_writer import Entry, ExportWriter
from infrastructure.ledger.publishing.ledger_reads import damage_told
from infrastructure.ledger.tree.stored_tree import StoredTree
from infrastructure.ledger.tree.tiles import TileId

KEEP_TRIES_MAX: Final = 20
KEEP: Final = (
    "UPDATE ledger_checkpoint SET kept = coalesce(kept, 'export') WHERE tenant_id = %b"
    " AND size = (SELECT max(size) FROM ledger_checkpoint WHERE tenant_id = %b)"
    " RETURNING size, root, note, signed_at"
)
ANY_SIGNED: Final = "SELECT true FROM ledger_checkpoint WHERE tenant_id = %b LIMIT 1"
ENTRIES: Final = (
    "SELECT s.position, e.header, s.leaf_hash, e.state"
    " FROM sequenced s JOIN event e USING (tenant_id, stream_id, stream_version)"
    " WHERE s.tenant_id = %b AND s.position >= %s AND s.position < %s ORDER BY s.position"
)


class Attests(Protocol):
    """The signer, wherever it runs."""

    def attest(self, origin: str, manifest: bytes) -> str:
        """Sign a bundle's manifest. Raises Unavailable."""
        ...

    def sizes(self, origins: Sequence[str]) -> list[int]:
        """The sizes that it signed for. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class PostgresExporter:
    """See the port. Reads with the connections of the app, behind the wall."""

    database: Database
    signer: Attests

    def keep_last(self, tenant: UUID) -> Checkpoint | None:
        """See the port."""
        self.signer.sizes([])
        for _ in range(KEEP_TRIES_MAX):
            row = self.database.row(KEEP, (tenant, tenant))
            if row is not None:
                return Checkpoint(*row)
            # The last one was replaced between being found and being kept; or there is none.
            if self.database.row(ANY_SIGNED, (tenant,)) is None:
                return None
        raise Unavailable("Checkpoints follow each other too fast", retry_after_seconds=1)

    def write(self, plan: ExportPlan, file: IO[bytes], told: Told) -> None:
        """See the port."""
        with BundleWriter(file) as bundle:
            ExportWriter(plan, self, bundle).write(self.signer.attest, told)

    def tiles(self, tenant: UUID, tiles: Sequence[TileId]) -> Sequence[bytes]:
        """See `export_writer.Source`."""
        with damage_told():
            return StoredTree(self.database.rows).fetch([(tenant, tile) for tile in tiles])

    def entries(self, tenant: UUID, first: int, past: int) -> Sequence[Entry]:
        """See `export_writer.Source`."""
        return [Entry(*row) for row in self.database.rows(ENTRIES, (tenant, first, past))]
