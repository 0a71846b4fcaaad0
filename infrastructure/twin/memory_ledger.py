"""The port `Ledger` in memory: real headers, trees and signatures over the twin's log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from application.ledger.reading import Checkpoint, EventsQuery, LedgerEvent, Receipt
from application.recorded import Recorded
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.signed.checkpoints import TreeHead
from infrastructure.ledger.signed.notes import sign
from infrastructure.ledger.signed.tlog_proof import TlogProof
from infrastructure.ledger.tree import merkle
from infrastructure.ledger.tree.tiles import (
    TILE_WIDTH,
    TileId,
    entry_bundle,
    parse_entries_path,
    parse_tile_path,
)
from infrastructure.store.event_header import leaf_bytes
from infrastructure.twin.memory_state import MemoryState

KEY: Final = Ed25519PrivateKey.from_private_bytes(bytes(32))
PLAIN: Final = b"{}"


@dataclass(frozen=True, slots=True)
class MemoryLedger:
    """See the port. Every event is signed for at once."""

    state: MemoryState

    def checkpoint(self, tenant: UUID, size: int | None = None) -> Checkpoint | None:
        """See the port; or the checkpoint of an earlier `size`."""
        with self.state.lock:
            log = self.state.log.get(tenant, [])[:size]
            if not log or size not in (None, len(log)):
                return None
            head = TreeHead(default(tenant), len(log), merkle.root(len(log), self._read(tenant)))
            note = sign(head.text(), head.origin, KEY).whole()
            return Checkpoint(head.size, head.root, note, log[-1].occurred_at)

    def tile(self, tenant: UUID, path: str) -> bytes | None:
        """See the port."""
        entries = path.startswith("tile/entries/")
        try:
            tile = TileId(0, *parse_entries_path(path)) if entries else parse_tile_path(path)
        except ValueError:
            return None
        leaves = self._leaves(tenant)
        first = tile.n * TILE_WIDTH
        if first + tile.width > len(leaves) >> 8 * tile.level:
            return None
        if entries:
            return entry_bundle(leaves[first : first + tile.width])
        nodes = [(8 * tile.level, first + at) for at in range(tile.width)]
        return b"".join(self._read(tenant)(nodes))

    def events(self, tenant: UUID, query: EventsQuery) -> Sequence[LedgerEvent]:
        """See the port."""
        with self.state.lock:
            log = list(enumerate(self.state.log.get(tenant, [])))
        wanted = [_shown(at, one) for at, one in log[query.after + 1 :] if _asked_for(one, query)]
        return wanted[: query.limit]

    def event(self, tenant: UUID, event: UUID) -> LedgerEvent | Literal["queued"] | None:
        """See the port."""
        with self.state.lock:
            for at, one in enumerate(self.state.log.get(tenant, [])):
                if one.event_id == event:
                    return replace(_shown(at, one), payload=PLAIN)
        return None

    def inclusion(self, tenant: UUID, index: int, size: int) -> tuple[bytes, ...]:
        """See the port."""
        return tuple(merkle.inclusion_proof(index, size, self._read(tenant)))

    def consistency(self, tenant: UUID, old: int, size: int) -> tuple[bytes, ...]:
        """See the port."""
        return tuple(merkle.consistency_proof(old, size, self._read(tenant)))

    def receipt(self, tenant: UUID, event: LedgerEvent) -> Receipt | None:
        """See the port."""
        signed = self.checkpoint(tenant)
        if signed is None:
            return None
        hashes = self.inclusion(tenant, event.position, signed.size)
        proof = TlogProof(event.position, hashes, signed.note, event.header)
        return Receipt(event.position, proof.text())

    def _leaves(self, tenant: UUID) -> list[bytes]:
        with self.state.lock:
            return [_leaf(one) for one in self.state.log.get(tenant, [])]

    def _read(self, tenant: UUID) -> merkle.Reader:
        return merkle.reader_of([merkle.leaf_hash(leaf) for leaf in self._leaves(tenant)])


def _leaf(event: Recorded[object]) -> bytes:
    return leaf_bytes(event, _type(event), PLAIN, [])


def _type(event: Recorded[object]) -> str:
    return str(getattr(event.decision, "TYPE", ""))


def _shown(position: int, event: Recorded[object]) -> LedgerEvent:
    leaf = _leaf(event)
    return LedgerEvent(
        position=position,
        event_id=event.event_id,
        type=_type(event),
        stream=event.stream,
        version=event.version,
        recorded_at=event.occurred_at,
        header=leaf,
        leaf_hash=merkle.leaf_hash(leaf),
    )


def _asked_for(event: Recorded[object], query: EventsQuery) -> bool:
    kind = _type(event)
    if query.subject not in (None, getattr(event.decision, "subject", None)):
        return False
    return query.type is None or kind == query.type or kind.startswith(f"{query.type}.")
