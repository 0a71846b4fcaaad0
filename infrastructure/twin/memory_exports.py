"""The port `Exporter` in memory: real bundles over the twin's log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO
from uuid import UUID

from application.ledger.exports import ExportPlan, Told
from application.ledger.reading import Checkpoint, EventsQuery
from infrastructure.canonical import b64, canonical, sha256
from infrastructure.ledger.copies.bundle_writer import BundleWriter
from infrastructure.ledger.copies.export_writer import Entry, ExportWriter
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.signed.notes import sign
from infrastructure.ledger.tree.tiles import TileId
from infrastructure.twin.memory_ledger import KEY, PLAIN, MemoryLedger


@dataclass(frozen=True, slots=True)
class MemoryExporter:
    """See the port. Every checkpoint can be made again, so none has to be kept."""

    ledger: MemoryLedger

    def keep_last(self, tenant: UUID) -> Checkpoint | None:
        """See the port."""
        return self.ledger.checkpoint(tenant)

    def write(self, plan: ExportPlan, file: IO[bytes], told: Told) -> None:
        """See the port."""
        with BundleWriter(file) as bundle:
            ExportWriter(plan, self, bundle).write(attest, told)

    def tiles(self, tenant: UUID, tiles: Sequence[TileId]) -> Sequence[bytes]:
        """See `export_writer.Source`."""
        found = [self.ledger.tile(tenant, tile.path()) for tile in tiles]
        return [each for each in found if each is not None]

    def entries(self, tenant: UUID, first: int, past: int) -> Sequence[Entry]:
        """See `export_writer.Source`."""
        asked = EventsQuery(after=first - 1, limit=past - first)
        return [
            Entry(one.position, one.header, one.leaf_hash, PLAIN)
            for one in self.ledger.events(tenant, asked)
        ]


class MemoryReceipts:
    """See the port `ReceiptSigner`: signs with the twin's key."""

    def sign(self, tenant: UUID, document: Mapping[str, object]) -> str | None:
        """See the port."""
        return attest(default(tenant), canonical(dict(document)))


def attest(origin: str, manifest: bytes) -> str:
    """Sign a manifest as the signer does, with the twin's key."""
    return sign(f"daybook/manifest/v1\n{origin}\n{b64(sha256(manifest))}\n", origin, KEY).whole()
