"""Evidence about one subject: every leaf of their chain, and the map that says that these are all.

What is read is of one snapshot, so chain, map and leaves are of the same moment. It ends at a map leaf and shows
nobody else: envelopes of others are left out, and of an event about many only the subject's own branch is shown.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from time import monotonic, sleep
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from application.ledger.evidence import EvidenceBundle
from application.ledger.records import log_stream
from application.ports import Clock
from domain.errors import Behind, LedgerDamaged, TooMany
from domain.ledger import LogFrozen, MapCommitted
from domain.values import instant_text
from infrastructure.canonical import b64, canonical, parsed, unb64
from infrastructure.database import Database, WalledConnection
from infrastructure.ledger.copies.bundle_writer import BundleWriter
from infrastructure.ledger.publishing.ledger_reads import damage_told
from infrastructure.ledger.publishing.origins import Origins
from infrastructure.ledger.subjects.map_buckets import bucket_to_read, prove_from
from infrastructure.ledger.subjects.map_drawing import bucket_bounds, items_of
from infrastructure.ledger.subjects.subject_map import (
    Chain,
    MapProof,
    key_of,
    value_of,
    verify_proof,
)
from infrastructure.ledger.tree import merkle
from infrastructure.ledger.tree.intact import header_of, require_leaf, require_payload
from infrastructure.ledger.tree.stored_tree import StoredTree
from infrastructure.ledger.tree.tiles import TileId, TileReader

WAIT_SECONDS_MAX: Final = 8.0
LOOK_SECONDS: Final = 0.05
AT_ONCE_MAX: Final = 4
EVENTS_MAX: Final = 200_000

ENDED: Final = "SELECT 1 FROM event WHERE tenant_id = %b AND stream_id = %b AND type = %s LIMIT 1"
WISH: Final = "INSERT INTO map_wish VALUES (%b) ON CONFLICT DO NOTHING"
SIZE: Final = (
    "SELECT (SELECT size FROM ledger_head WHERE tenant_id = %b),"
    " (SELECT coalesce(sum(cardinality(event_ids)), 0)::bigint FROM event_queue WHERE tenant_id = %b)"
)
COVERS: Final = "SELECT covers FROM subject_map WHERE tenant_id = %b"
UNCOVERED: Final = (
    "SELECT s.position FROM sequenced s CROSS JOIN LATERAL (SELECT e.type FROM event e WHERE e.tenant_id = s.tenant_id"
    " AND e.stream_id = s.stream_id AND e.stream_version = s.stream_version OFFSET 0) e"
    " WHERE s.tenant_id = %b AND s.position >= %s AND s.position < %s AND e.type <> %s LIMIT 1"
)
MAP: Final = "SELECT covers, depth, nodes FROM subject_map WHERE tenant_id = %b"
BUCKET: Final = (
    "SELECT key, leaves, head FROM subject_chain"
    " WHERE tenant_id = %b AND key >= %b AND key <= %b ORDER BY key"
)
CHAIN: Final = "SELECT leaves, head FROM subject_chain WHERE tenant_id = %b AND key = %b"
SIGNED: Final = (
    "SELECT size, note FROM ledger_checkpoint WHERE tenant_id = %b ORDER BY size DESC LIMIT 1"
)
# One that is held while witnesses are asked about it stays afterwards, too.
KEEP: Final = (
    "UPDATE ledger_checkpoint SET kept = 'evidence'"
    " WHERE tenant_id = %b AND size = %s AND (kept IS NULL OR kept = 'cosigning')"
)
MAP_LEAF: Final = (
    "SELECT s.position, e.header, s.leaf_hash, e.state FROM map_leaf m JOIN sequenced s USING (tenant_id, position)"
    " JOIN event e USING (tenant_id, stream_id, stream_version)"
    " WHERE m.tenant_id = %b AND m.covers = %s ORDER BY m.position LIMIT 1"
)
# Each leaf by its key: a join could become a reading of the whole log.
LEAVES: Final = (
    "SELECT l.position, s.header, s.leaf_hash, s.state FROM subject_leaf l CROSS JOIN LATERAL ("
    " SELECT e.header, q.leaf_hash, e.state FROM sequenced q"
    " JOIN event e USING (tenant_id, stream_id, stream_version)"
    " WHERE q.tenant_id = l.tenant_id AND q.position = l.position OFFSET 0) s"
    " WHERE l.tenant_id = %b AND l.subject_id = %b AND l.position < %s ORDER BY l.position LIMIT %s"
)


class Attests(Protocol):
    """Who signs manifests: the signer, wherever it runs."""

    def attest(self, origin: str, manifest: bytes) -> str:
        """A signed note over a manifest. Raises Unavailable."""
        ...


class Leaf(NamedTuple):
    """An event as it is stored."""

    position: int
    header: bytes
    leaf_hash: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that one bundle is made of."""

    covers: int
    size: int
    note: str
    count: int
    map_leaf: Leaf
    proof: MapProof
    leaves: Sequence[Leaf]


@dataclass(frozen=True, slots=True)
class PostgresEvidence:
    """See the port `Evidence`."""

    database: Database
    signer: Attests
    clock: Clock
    _places: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(AT_ONCE_MAX))

    def bundle(self, tenant: UUID, subject: UUID) -> EvidenceBundle:
        """See the port."""
        return self.made(tenant, subject, "evidence", {})

    def made(
        self, tenant: UUID, subject: UUID, kind: str, beside: Mapping[str, bytes]
    ) -> EvidenceBundle:
        """The evidence about a subject in a bundle of `kind`, with the files `beside` it. Raises as the port does."""
        if not self._places.acquire(timeout=WAIT_SECONDS_MAX):
            raise TooMany(retry_after_seconds=5)
        try:
            return self._bundle(tenant, subject, kind, beside)
        finally:
            self._places.release()

    def _bundle(
        self, tenant: UUID, subject: UUID, kind: str, beside: Mapping[str, bytes]
    ) -> EvidenceBundle:
        ended = self.database.row(ENDED, (tenant, log_stream(tenant), LogFrozen.TYPE)) is not None
        # A log that has ended gets no map any more: its last one is what can be proved.
        wanted = 0 if ended else self._covered_or_wished(tenant)
        deadline = monotonic() + (0 if ended else WAIT_SECONDS_MAX)
        while True:
            found = self._snapshot(tenant, subject) if self._is_covered(tenant, wanted) else None
            if found is not None:
                break
            if monotonic() > deadline:
                raise Behind("The map of subjects is not drawn yet", retry_after_seconds=2)
            sleep(LOOK_SECONDS)
        self.database.rows(KEEP, (tenant, found.size))
        with damage_told():
            evidence = self._evidence(tenant, subject, found)
        origin = Origins(self.database).of([tenant])[tenant]
        data = io.BytesIO()
        with BundleWriter(data) as bundle:
            bundle.add("checkpoint", found.note.encode())
            bundle.add("evidence.json", evidence, packed=True)
            for name, data_beside in beside.items():
                bundle.add(name, data_beside, packed=True)
            made_at = instant_text(self.clock.now())
            bundle.finish(kind, origin, made_at, {"tag": subject.hex}, self.signer.attest)
        return EvidenceBundle(found.covers, found.count, data.getvalue())

    def _covered_or_wished(self, tenant: UUID) -> int:
        """The size of the log with all that was appended until now; a map of it is wished for.

        What waits for its place is part of it: somebody may have recorded it a moment ago, to be proved here.
        """
        placed, queued = self._size(tenant)
        if not self._is_covered(tenant, placed + queued):
            self.database.rows(WISH, (tenant,))
        return placed + queued

    def _size(self, tenant: UUID) -> tuple[int, int]:
        """How many events have their place, and how many wait for it."""
        row = self.database.row(SIZE, (tenant, tenant))
        assert row is not None
        return int(row[0] or 0), int(row[1])

    def _is_covered(self, tenant: UUID, size: int) -> bool:
        row = self.database.row(COVERS, (tenant,))
        if row is None:
            return False
        if row[0] >= size:
            return True
        asked = (tenant, row[0], size, MapCommitted.TYPE)
        return self._size(tenant)[0] >= size and self.database.row(UNCOVERED, asked) is None

    def _snapshot(self, tenant: UUID, subject: UUID) -> Snapshot | None:
        """What the map and the last checkpoint say at one moment; None while the map's leaf is not signed for."""
        with one_moment(self.database) as connection:

            def row(statement: str, *values: object) -> Any:
                return connection.execute(statement.encode(), values, binary=True).fetchone()

            drawn, signed = row(MAP, tenant), row(SIGNED, tenant)
            map_leaf = row(MAP_LEAF, tenant, drawn[0]) if drawn else None
            if signed is None or map_leaf is None or signed[0] <= map_leaf[0]:
                return None
            covers, depth, nodes = drawn
            key = key_of(subject.bytes)
            low, high = bucket_bounds(bucket_to_read(nodes, depth, key), depth)
            items = connection.execute(BUCKET, (tenant, low, high), binary=True).fetchall()
            counted = row(CHAIN, tenant, key)
            asked = (tenant, subject, covers, EVENTS_MAX + 1)
            leaves = connection.execute(LEAVES, asked, binary=True).fetchall()
        chain = Chain(int(counted[0]), bytes(counted[1])) if counted else Chain()
        if len(leaves) != chain.count:
            raise LedgerDamaged("The index of subjects and the map do not agree: see daybook fsck")
        try:
            proof = prove_from(nodes, depth, key, items_of(items))
        except ValueError:
            raise LedgerDamaged("The map of subjects is not the one that was drawn") from None
        found = [Leaf(*map(_plain, one)) for one in (map_leaf, *leaves)]
        committed = unb64(parsed(found[0].payload)["root"])
        if not verify_proof(committed, key, value_of(chain) if chain.count else None, proof):
            raise LedgerDamaged("The map of subjects is not the one that was committed")
        return Snapshot(covers, signed[0], signed[1], chain.count, found[0], proof, found[1:])

    def _evidence(self, tenant: UUID, subject: UUID, it: Snapshot) -> bytes:
        read = kept_reader(StoredTree(self.database.rows), tenant, it.size)

        def common(leaf: Leaf) -> dict[str, Any]:
            require_leaf(leaf.position, leaf.header, leaf.leaf_hash)
            require_payload(leaf.position, leaf.header, leaf.payload)
            path = merkle.inclusion_proof(leaf.position, it.size, read)
            return {
                "index": leaf.position,
                "leaf": b64(leaf.header),
                "inclusion": [b64(each) for each in path],
            }

        other = it.proof.other
        shown = {
            "hashes": [b64(each) for each in it.proof.hashes],
            "other": {"key": b64(other[0]), "value": b64(other[1])} if other else None,
        }
        return canonical(
            {
                "v": 1,
                "tag": subject.hex,
                "count": it.count,
                "map": common(it.map_leaf) | {"payload": b64(it.map_leaf.payload), "proof": shown},
                "events": [common(leaf) | own_part(leaf, subject) for leaf in it.leaves],
            }
        )


def own_part(leaf: Leaf, subject: UUID) -> dict[str, Any]:
    """What of an event's payload is shown to one of its subjects: `payload` and `branch`."""
    header = header_of(leaf.header)
    plain, *envelopes = leaf.payload.split(b"\n")
    if "many" in header:
        seen = [
            bytes.fromhex(one["salt"]) + UUID(one["subject"]).bytes
            for one in parsed(plain)["subjects"]
        ]
        at = next(at for at, one in enumerate(seen) if one[16:] == subject.bytes)
        hashes = [merkle.leaf_hash(one) for one in seen]
        path = merkle.inclusion_proof(at, len(seen), merkle.reader_of(hashes))
        branch = {"position": at, "salt": seen[at][:16].hex(), "path": [b64(one) for one in path]}
        return {"payload": None, "branch": branch}
    own = [
        envelope if seal["s"] == subject.hex else b""
        for seal, envelope in zip(header.get("seals", []), envelopes, strict=True)
    ]
    return {"payload": b64(b"\n".join([plain, *own])), "branch": None}


def kept_reader(tree: StoredTree, tenant: UUID, size: int) -> TileReader:
    """A reader of a log that reads no tile twice: the paths of many leaves share most of theirs."""
    kept: dict[TileId, bytes] = {}

    def fetch(tiles: Sequence[TileId]) -> list[bytes]:
        missing = [tile for tile in tiles if tile not in kept]
        if missing:
            found = tree.fetch([(tenant, tile) for tile in missing])
            kept.update(zip(missing, found, strict=True))
        return [kept[tile] for tile in tiles]

    return TileReader(size, fetch)


@contextmanager
def one_moment(database: Database) -> Iterator[WalledConnection]:
    """A connection whose statements all see the same moment."""
    with database.connection() as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value
