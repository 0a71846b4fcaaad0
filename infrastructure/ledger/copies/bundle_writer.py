"""Writes a bundle: a zip that lists and signs what it holds. docs/ledger.md, "Bundles".

The same files, given in the same order, make the same bytes: nothing of the machine or the hour is in the zip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import IO, Final, Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from infrastructure.canonical import b64, canonical, sha256

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
UNIX: Final = 3
PLAIN_FILE: Final = 0o100644 << 16
# Most of what is packed is ciphertext: more effort takes three times as long, and saves a few percent.
PACKED_LEVEL: Final = 1

Attest = Callable[[str, bytes], str]
"""Signs a manifest, of the log with that origin. Raises Unavailable."""


class BundleWriter:
    """Enter it, `add` files, `finish`. One that is left without being finished writes nothing more."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = ZipFile(file, "w", ZIP_STORED, allowZip64=True)
        self._digests: dict[str, str] = {}

    def add(self, name: str, data: bytes, *, packed: bool = False) -> None:
        """Write one file. Raises OSError."""
        assert name not in self._digests, f"{name} is there already"
        self._digests[name] = b64(sha256(data))
        self._write(name, data, packed)

    def digest(self, name: str) -> str:
        """The base64 SHA-256 of a file that was added."""
        return self._digests[name]

    def finish(
        self, kind: str, origin: str, made_at: str, more: Mapping[str, object], attest: Attest
    ) -> None:
        """Write the manifest, `more` in it, and its signature. Raises Unavailable, OSError."""
        listed = {"kind": kind, "origin": origin, "made_at": made_at, "files": self._digests}
        manifest = canonical({"v": 1, **listed, **more})
        note = attest(origin, manifest)
        self._write(MANIFEST, manifest, packed=True)
        self._write(SIGNATURE, note.encode())
        self._zip.close()

    def _write(self, name: str, data: bytes, packed: bool = False) -> None:
        info = ZipInfo(name, EARLIEST)
        info.create_system = UNIX
        info.external_attr = PLAIN_FILE
        how = ZIP_DEFLATED if packed else ZIP_STORED
        self._zip.writestr(info, data, how, PACKED_LEVEL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Without a file there is nothing that closing, or being collected, could still write to it.
        self._zip.fp = None
