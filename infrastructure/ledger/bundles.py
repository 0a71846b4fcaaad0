"""A bundle: files in a zip, a manifest with the digest of each, and the log's signature over the manifest.

Its format is in docs/ledger.md, "Bundles". The same files make the same zip.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

from domain.values import instant_text
from infrastructure.canonical import b64, canonical, sha256

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
LONG_AGO: Final = (
    1980,
    1,
    1,
    0,
    0,
    0,
)  # the oldest time that a zip can tell: nothing is to be read from it


class Attests(Protocol):
    """Who signs manifests: the signer, wherever it runs."""

    def attest(self, origin: str, manifest: bytes) -> str:
        """A signed note over a manifest. Raises Unavailable."""
        ...


def manifest_of(
    kind: str, origin: str, at: datetime, digests: Mapping[str, bytes], **more: object
) -> bytes:
    """The manifest of files with these SHA-256 digests; `more` is what the kind of bundle adds."""
    files = {name: b64(digest) for name, digest in digests.items()}
    made = {"v": 1, "kind": kind, "origin": origin, "made_at": instant_text(at), "files": files}
    return canonical(made | more)


def zipped(
    files: Mapping[str, bytes], kind: str, origin: str, at: datetime, by: Attests, **more: object
) -> bytes:
    """A whole bundle of small files, in memory. Raises Unavailable."""
    digests = {name: sha256(data) for name, data in files.items()}
    manifest = manifest_of(kind, origin, at, digests, **more)
    signed = {MANIFEST: manifest, SIGNATURE: by.attest(origin, manifest).encode()}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (signed | dict(files)).items():
            archive.writestr(entry(name), data)
    return made.getvalue()


def entry(name: str) -> zipfile.ZipInfo:
    """A file's place in a zip, without a time or an owner."""
    found = zipfile.ZipInfo(name, LONG_AGO)
    found.compress_type = zipfile.ZIP_DEFLATED
    found.external_attr = 0o644 << 16
    return found
