"""Ledgers in memory, and bundles of them: made with the house's own hashing: another than the verifier's.

Everything can be bent: a test takes a good ledger or bundle, changes something, and signs again what it has keys for.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infrastructure.canonical import b64, canonical, sha256
from infrastructure.ledger.signed.checkpoints import TreeHead
from infrastructure.ledger.signed.notes import (
    COSIGNATURE,
    Note,
    Signature,
    VerifierKey,
    sign,
    verifier_key,
)
from infrastructure.ledger.signed.tlog_proof import TlogProof
from infrastructure.ledger.subjects.subject_map import Chain, key_of, map_root, prove, value_of
from infrastructure.ledger.tree import tiles
from infrastructure.ledger.tree.merkle import Node, inclusion_proof, leaf_hash, tree_hash

ORIGIN = "daybook.local/ledger/ten_test"
TENANT = "7" * 32
GONE = b"\xff\xff\xff\xff"

Files = dict[str, bytes]


class Entry(NamedTuple):
    """A leaf, its payload (None when it is gone) and whom it is about."""

    leaf: bytes
    payload: bytes | None
    tags: frozenset[bytes]


def hex_id() -> str:
    return os.urandom(16).hex()


def envelope(subject: str) -> tuple[bytes, dict[str, str]]:
    """An envelope's line and its entry in the header; nobody can open it, which is nobody's business here."""
    nonce, sealed, key = os.urandom(12), os.urandom(96), hex_id()
    line = canonical(
        {
            "v": 1,
            "tenant": TENANT,
            "subject": subject,
            "class": "booking",
            "key": key,
            "nonce": b64(nonce),
            "ct": b64(sealed),
        }
    )
    seal = {"s": subject, "c": "booking", "k": key, "cd": b64(sha256(nonce + sealed))}
    return line, seal | {"pc": b64(os.urandom(32))}


def entry(
    type_: str,
    plain: dict[str, Any],
    sealed: Sequence[str] = (),
    *,
    stream: str | None = None,
    version: int = 1,
    **more: Any,
) -> Entry:
    """An event as it is logged; `more` goes into the header as it is."""
    lines, seals = [canonical(plain)], []
    for subject in sealed:
        line, seal = envelope(subject)
        lines.append(line)
        seals.append(seal)
    header = {
        "v": 1,
        "id": hex_id(),
        "at": "2027-03-14T14:00:00.123456Z",
        "tenant": TENANT,
        "stream": stream or hex_id(),
        "ver": version,
        "type": type_,
        "actor": "key_test",
        "pd": b64(sha256(lines[0])),
    }
    tags = {bytes.fromhex(subject) for subject in sealed}
    if "subject" in plain:
        tags.add(bytes.fromhex(plain["subject"].replace("-", "")))
    if "subjects" in plain:
        pairs = [
            (bytes.fromhex(it["salt"]), bytes.fromhex(it["subject"])) for it in plain["subjects"]
        ]
        root = tree_hash([leaf_hash(salt + subject) for salt, subject in pairs])
        header["many"] = {"n": len(pairs), "root": b64(root)}
        tags |= {subject for _, subject in pairs}
    if seals:
        header["seals"] = seals
    leaf = b"daybook/leaf/v1\n" + canonical(header | more)
    return Entry(leaf, b"\n".join(lines), frozenset(tags))


def cosign(
    checkpoint: bytes, name: str, key: Ed25519PrivateKey, time: int = 1_805_032_800
) -> bytes:
    """A checkpoint with one more witness on it."""
    text = checkpoint.decode().rpartition("\n\n")[0] + "\n"
    signature = key.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
    vkey = witness_key(name, key)
    return (
        checkpoint + Signature(name, vkey.id, time.to_bytes(8, "big") + signature).line().encode()
    )


def witness_key(name: str, key: Ed25519PrivateKey) -> VerifierKey:
    return verifier_key(name, key, COSIGNATURE)


@dataclass
class Ledger:
    """A ledger of one tenant, held whole."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    origin: str = ORIGIN
    entries: list[Entry] = field(default_factory=list)

    @property
    def vkey(self) -> str:
        return verifier_key(self.origin, self.key).text()

    @property
    def size(self) -> int:
        return len(self.entries)

    def add(
        self, type_: str, plain: dict[str, Any], sealed: Sequence[str] = (), **more: Any
    ) -> int:
        """Append an event; its index."""
        self.entries.append(entry(type_, plain, sealed, **more))
        return self.size - 1

    def chains(self, covers: int) -> dict[bytes, Chain]:
        found: dict[bytes, Chain] = {}
        for index, (leaf, _, tags) in enumerate(self.entries[:covers]):
            for tag in tags:
                found[tag] = found.get(tag, Chain()).extended(index, leaf_hash(leaf))
        return found

    def items(self, covers: int) -> list[tuple[bytes, bytes]]:
        chains = self.chains(covers).items()
        return sorted((key_of(tag), value_of(chain)) for tag, chain in chains)

    def commit_map(self, **bent: Any) -> int:
        """Append a map leaf over everything so far; its index. `bent` replaces what it says."""
        items = self.items(bent.get("covers", self.size))
        said: dict[str, object] = {
            "covers": self.size,
            "keys": len(items),
            "root": b64(map_root(items)),
        }
        maps = [at for at, one in enumerate(self.entries) if b"ledger.map_committed" in one.leaf]
        said["previous"] = maps[-1] if maps else None
        return self.add("ledger.map_committed.v1", said | bent)

    def hashes(self, size: int | None = None) -> list[bytes]:
        return [leaf_hash(one.leaf) for one in self.entries[:size]]

    def checkpoint(self, size: int | None = None) -> bytes:
        size = self.size if size is None else size
        head = TreeHead(self.origin, size, tree_hash(self.hashes(size)))
        return sign(head.text(), self.origin, self.key).whole().encode()

    def inclusion(self, index: int) -> list[bytes]:
        hashes = self.hashes()

        def read(nodes: Sequence[Node]) -> list[bytes]:
            return [tree_hash(hashes[at << level : at + 1 << level]) for level, at in nodes]

        return inclusion_proof(index, self.size, read)

    def receipt(self, index: int, checkpoint: bytes | None = None) -> bytes:
        note = (checkpoint or self.checkpoint()).decode()
        return TlogProof(index, tuple(self.inclusion(index)), note).text().encode()

    # ---- Exports

    def export(self, first: int = 0, past: int | None = None, **bent: Any) -> Files:
        """The files of a signed export; `bent` replaces what the manifest says."""
        past = self.size if past is None else past
        files = self.tiles(first, past)
        return self.signed(files, **({"kind": "export", "from": first, "to": past} | bent))

    def tiles(self, first: int, past: int) -> Files:
        """The export's files without a manifest."""
        files = {"checkpoint": self.checkpoint()}
        rows = [self.hashes()]
        while len(rows[-1]) >= 256:
            row = rows[-1]
            rows.append([tree_hash(row[at : at + 256]) for at in range(0, len(row) - 255, 256)])
        for tile in tiles.tiles_of(self.size):
            begin = tile.n * 256
            files[tile.path()] = b"".join(rows[tile.level][begin : begin + tile.width])
        for n in range(first // 256, -(-past // 256) if past > first else 0):
            part = self.entries[n * 256 : n * 256 + 256]
            path = tiles.entries_path(n, len(part))
            files[path] = tiles.entry_bundle(one.leaf for one in part)
            files[path.replace("tile/entries/", "payload/")] = payload_bundle(part)
        return files

    def signed(self, named: Files, /, **said: Any) -> Files:
        """Files with a manifest of them, signed by the log's key."""
        manifest = {
            "v": 1,
            "origin": self.origin,
            "made_at": "2027-03-14T15:00:00Z",
            "files": {name: b64(sha256(data)) for name, data in named.items()},
        } | said
        return named | self.manifest_files(canonical(manifest))

    def manifest_files(self, text: bytes) -> Files:
        said = f"daybook/manifest/v1\n{self.origin}\n{b64(sha256(text))}\n"
        signature: Note = sign(said, self.origin, self.key)
        return {"manifest.json": text, "manifest.sig": signature.whole().encode()}

    # ---- Evidence

    def evidence(self, tag: str) -> dict[str, Any]:
        """What evidence.json says of a tag, under the newest map."""
        at = max(at for at, one in enumerate(self.entries) if b"ledger.map_committed" in one.leaf)
        covers = self.covers_of(at)
        key, mine = (
            bytes.fromhex(tag),
            [at for at, one in enumerate(self.entries[:covers]) if bytes.fromhex(tag) in one.tags],
        )
        proof = prove(key_of(key), self.items(covers))
        other = proof.other and {"key": b64(proof.other[0]), "value": b64(proof.other[1])}
        map_ = self.part(at) | {
            "proof": {"hashes": [b64(each) for each in proof.hashes], "other": other}
        }
        events = [self.part(index) | self.shown(index, tag) for index in mine]
        return {"v": 1, "tag": tag, "count": len(mine), "map": map_, "events": events}

    def covers_of(self, at: int) -> int:
        payload = self.entries[at].payload
        assert payload is not None
        return int(json.loads(payload)["covers"])

    def part(self, index: int) -> dict[str, Any]:
        leaf, payload, _ = self.entries[index]
        inclusion = [b64(each) for each in self.inclusion(index)]
        return {
            "index": index,
            "leaf": b64(leaf),
            "payload": payload and b64(payload),
            "inclusion": inclusion,
        }

    def shown(self, index: int, tag: str) -> dict[str, Any]:
        """Payload and branch of an event as the subject may see them."""
        payload = self.entries[index].payload
        if payload is None:
            return {"payload": None, "branch": None}
        plain, *lines = payload.split(b"\n")
        seen = json.loads(plain).get("subjects")
        if seen is None:
            mine = [line if f'"subject":"{tag}"'.encode() in line else b"" for line in lines]
            return {"payload": b64(b"\n".join([plain, *mine])), "branch": None}
        at = [one["subject"] for one in seen].index(tag)
        hashes = [leaf_hash(bytes.fromhex(one["salt"] + one["subject"])) for one in seen]

        def read(nodes: Sequence[Node]) -> list[bytes]:
            return [tree_hash(hashes[it << level : it + 1 << level]) for level, it in nodes]

        path = [b64(each) for each in inclusion_proof(at, len(seen), read)]
        return {"payload": None, "branch": {"position": at, "salt": seen[at]["salt"], "path": path}}

    def evidence_files(self, said: dict[str, Any]) -> Files:
        files = {"checkpoint": self.checkpoint(), "evidence.json": canonical(said)}
        return self.signed(files, kind="evidence", tag=said["tag"])


def payload_bundle(entries: Iterable[Entry]) -> bytes:
    parts = []
    for one in entries:
        if one.payload is None:
            parts.append(GONE)
        else:
            parts += [len(one.payload).to_bytes(4, "big"), one.payload]
    return b"".join(parts)


def zipped(files: Files, method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


SUBJECTS = ["a1" * 16, "b2" * 16, "c3" * 16]


def small_ledger() -> Ledger:
    """Some twenty events of three subjects and of nobody, one of many, an erasure, two maps."""
    ledger = Ledger()
    ledger.add("tenant.founded.v1", {"origin": ORIGIN})
    stream = hex_id()
    for version in (1, 2, 3):
        who = SUBJECTS[version % 2 :][:1]
        ledger.add("booking.revised.v1", {"n": version}, who, stream=stream, version=version)
    ledger.add("subject.registered.v1", {"subject": SUBJECTS[2]})
    ledger.add("booking.confirmed.v1", {"n": 1}, SUBJECTS[:2], purpose="service", cause=hex_id())
    ledger.commit_map()
    seen = [{"salt": hex_id(), "subject": subject} for subject in SUBJECTS]
    ledger.add("access.granted.v1", {"subjects": seen, "count": 3}, case="case-1")
    gone = ledger.add("booking.confirmed.v1", {"n": 2}, SUBJECTS[1:2])
    ledger.entries[gone] = ledger.entries[gone]._replace(payload=None)
    ledger.add("erasure.ordered.v1", {"subject": SUBJECTS[1]})
    ledger.commit_map()
    ledger.add("hold.placed.v1", {"n": 3})
    return ledger
