"""An export as whoever receives it reads it: every digest, the signature, and the tree made anew from its entries."""

from __future__ import annotations

import io
from base64 import b64decode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from zipfile import ZipFile

import orjson

from infrastructure.ledger.copies.payload_bundles import parse_payload_bundle, payload_path
from infrastructure.ledger.signed.checkpoints import TreeHead, parse_tree_head
from infrastructure.ledger.signed.notes import VerifierKey, parse_note, verify
from infrastructure.ledger.tree.tiles import entries_path, parse_entry_bundle
from tests.ledger.naive_trees import NaiveTree, sha


@dataclass(frozen=True)
class Unpacked:
    """The files of a bundle by name, in their order."""

    files: dict[str, bytes]

    @classmethod
    def read(cls, bundle: bytes) -> Unpacked:
        with ZipFile(io.BytesIO(bundle)) as unzipped:
            assert unzipped.testzip() is None
            return cls({name: unzipped.read(name) for name in unzipped.namelist()})

    @property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.files["manifest.json"])
        return found

    @property
    def head(self) -> TreeHead:
        return parse_tree_head(parse_note(self.files["checkpoint"].decode()).text)

    def require_signed(self, key: VerifierKey) -> None:
        """The manifest lists every file by its digest; key and origin signed it and the checkpoint."""
        unlisted = {"manifest.json", "manifest.sig"}
        digests = {name: sha256(it).digest() for name, it in self.files.items()}
        listed = {name: b64decode(it) for name, it in self.manifest["files"].items()}
        assert listed == {name: it for name, it in digests.items() if name not in unlisted}
        note = parse_note(self.files["manifest.sig"].decode())
        assert verify(note, [key]) == [key]
        title, origin, digest, end = note.text.split("\n")
        assert (title, origin, end) == ("daybook/manifest/v1", self.manifest["origin"], "")
        assert b64decode(digest) == digests["manifest.json"]
        signed = parse_note(self.files["checkpoint"].decode())
        assert verify(signed, [key]) == [key] and self.head.origin == origin == key.name

    def entries(self, start: int) -> tuple[list[bytes], list[bytes | None]]:
        """Leaves and payloads of the 256 events from `start` on, or as many as there are."""
        width = min(256, self.head.size - start)
        leaves = parse_entry_bundle(self.files[entries_path(start // 256, width)], width)
        return leaves, parse_payload_bundle(self.files[payload_path(start // 256, width)], width)

    def require_tree(self) -> list[bytes]:
        """Its hash tiles are those of the tree over its entries (it must be a whole export); the leaves."""
        size = self.head.size
        leaves = [leaf for start in range(0, size, 256) for leaf in self.entries(start)[0]]
        tree = NaiveTree(0)
        tree.leaves = [sha(b"\x00", leaf) for leaf in leaves]
        assert tree.root(size) == self.head.root
        tiles: dict[str, bytes] = {}
        for level, name in enumerate("012"):
            span = 256**level
            for n in range(0, size // span, 256):
                nodes = range(n, min(n + 256, size // span))
                place = f"tile/{name}/{n // 256:03}" + (f".p/{len(nodes)}" * (len(nodes) < 256))
                tiles[place] = b"".join(tree.mth(at * span, at * span + span) for at in nodes)
        hashes = {
            n: it for n, it in self.files.items() if n.startswith(("tile/0", "tile/1", "tile/2"))
        }
        assert hashes == tiles
        return leaves
