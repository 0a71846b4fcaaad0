"""Read a bundle's files, from a zip, which is never unpacked to disk, or from a folder."""

import io
import os
import zipfile
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final

from verifier.findings import MALFORMED, DoesNotHold, Unreadable, b64, strict_json, unb64
from verifier.notes import parse_note
from verifier.trust import Trust

FILES_MAX: Final = 1_000_000
FILE_BYTES_MAX: Final = 128 * 2**20  # of one file, unpacked; one at a time is in memory
SMALL_BYTES_MAX: Final = 2**20  # of a file that the auditor brings along
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
DAMAGE: Final = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError)


class Bundle:
    """A bundle whose manifest, if there is one, is signed and names its files and no others.

    Only a bare tlog-tiles folder has no manifest. Unreadable or DoesNotHold when that is not so."""

    def __init__(self, path: Path, trust: Trust) -> None:
        self._path = path
        self.reopen()
        self.unread = set(self.names)
        self.manifest: dict[str, Any] | None = None
        if path.is_dir() and not {MANIFEST, SIGNATURE} & self.names:
            return
        text, signed = self.read(MANIFEST), parse_note(self.read(SIGNATURE), SIGNATURE)
        try:
            self.manifest = strict_json(text)
            files, origin = self.manifest["files"], self.manifest["origin"]
            strange = self.names - {MANIFEST, SIGNATURE} ^ {*files}
        except MALFORMED:
            raise Unreadable("the manifest is malformed") from None
        trust.signers(signed, origin, SIGNATURE)
        if signed[0] != f"daybook/manifest/v1\n{origin}\n{b64(sha256(text).digest())}\n":
            raise DoesNotHold("the manifest is not the one that was signed")
        if strange:
            raise DoesNotHold(f"{min(strange)}: manifest and bundle do not hold the same files")

    def reopen(self) -> None:
        """Open it; once more in a second process, which must not share the first one's place in the file."""
        self._open, self.names = (_folder if self._path.is_dir() else _zip)(self._path)

    def read(self, name: str, index: int | None = None) -> bytes:
        """Give a file's bytes; `index` is the first entry of the log that a fault in it concerns."""
        if name not in self.names:
            raise DoesNotHold(f"{name} is missing", index)
        self.unread.discard(name)
        try:
            with self._open(name) as file:
                data = file.read(FILE_BYTES_MAX + 1)
        except DAMAGE:
            raise Unreadable(f"{name} cannot be read", index) from None
        if len(data) > FILE_BYTES_MAX:
            raise Unreadable(f"{name} is too large", index)
        return data

    def require_intact(self, name: str, data: bytes, index: int | None = None) -> bytes:
        """Give a file's bytes back, if they are those of the manifest; DoesNotHold otherwise."""
        if self.manifest and self.manifest["files"][name] != b64(sha256(data).digest()):
            raise DoesNotHold(f"{name} is not the file that the manifest names", index)
        return data


def _zip(path: Path) -> tuple[Callable[[str], IO[bytes]], set[str]]:
    try:
        # A certificate as it is answered: for whoever reads it, and with its proof.
        whole = strict_json(path.read_bytes()) if path.suffix == ".json" else None
        archive = zipfile.ZipFile(io.BytesIO(unb64(whole["proof"])) if whole else path)
        if whole and strict_json(archive.read("certificate.json")) != whole["certificate"]:
            raise DoesNotHold("the certificate that is shown is not the one in its proof")
    except (*DAMAGE, *MALFORMED):
        raise Unreadable("the bundle is no zip, or it is cut short") from None
    infos = {it.orig_filename: it for it in archive.infolist() if it.compress_type in (0, 8)}
    if len(infos) != len(archive.infolist()) or len(infos) > FILES_MAX:
        raise Unreadable("two files of one name, too many files, or one not stored or deflated")
    for info in infos.values():
        # The manifest's digests count, not the zip's sums: a changed byte is found where it does harm.
        del info.CRC
    return (lambda name: archive.open(infos[name])), set(infos)


def _folder(path: Path) -> tuple[Callable[[str], IO[bytes]], set[str]]:
    names: set[str] = set()
    for folder, folders, files in os.walk(path):
        inner = [Path(folder, name) for name in (*folders, *files)]
        if len(names) > FILES_MAX or any(it.is_symlink() for it in inner):
            raise Unreadable("the folder holds a link, or too many files")
        names |= {it.relative_to(path).as_posix() for it in inner if it.is_file()}
    return (lambda name: (path / name).open("rb")), names


def read_file(path: Path) -> bytes:
    """Give the bytes of a small file; Unreadable if there is none, or it is large."""
    try:
        with path.open("rb") as file:
            data = file.read(SMALL_BYTES_MAX + 1)
    except (OSError, ValueError):
        raise Unreadable(f"{path} cannot be read") from None
    if len(data) > SMALL_BYTES_MAX:
        raise Unreadable(f"{path} is larger than {SMALL_BYTES_MAX} bytes")
    return data
