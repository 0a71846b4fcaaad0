"""What the signer remembers: for each log the last size and root that it signed, durable before a signature leaves.

The journal is a file of lines, each `<sha256, 16 hex> <canonical JSON>`, written and fsynced a batch at a time, and
rewritten short when it has grown. A last line without its newline is a batch that was never answered, and is dropped.
Anything else that does not read is refused: a memory with a hole could sign two histories.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from infrastructure.canonical import b64, canonical, parsed, sha256, unb64
from infrastructure.ledger.tree.merkle import HASH_SIZE
from infrastructure.server.start_faults import StartFault

REWRITE_BYTES: Final = 4 * 1024 * 1024
REWRITE_TIMES: Final = 4  # so often longer than what it says
CHECK_DIGITS: Final = 16


class MemoryDamaged(StartFault):
    """The signer's memory is gone or does not read. Nothing may be signed without it."""


class MemoryInUse(StartFault):
    """Another signer runs on this memory."""


class MemoryUnwritable(StartFault):
    """The signer's memory cannot be written: no signer can work on it."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Remembered:
    """The last tree of a log that was signed. `frozen` says why no other will be."""

    size: int
    root: bytes
    frozen: str | None = None


class SignerMemory:
    """Enter it to hold it, alone. `known` says what is remembered; `remember` is durable on return."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None
        self._file: int | None = None
        self._bytes = 0
        self._unsettled = False
        self._known: dict[str, Remembered] = {}

    @classmethod
    def begin(cls, path: Path) -> None:
        """Make an empty memory; does nothing when there is one."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            write_whole(path, b"")

    def __enter__(self) -> Self:
        """Read the journal. Raises MemoryDamaged, MemoryInUse, MemoryUnwritable."""
        try:
            self._lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._open()
        except BlockingIOError:
            self._let_go()
            raise MemoryInUse(f"another signer runs on {self.path}") from None
        except FileNotFoundError:
            self._let_go()
            raise MemoryDamaged(
                f"{self.path} is gone: a signer that forgot what it signed must be retired, not restarted"
            ) from None
        except OSError as error:
            self._let_go()
            raise MemoryUnwritable(
                f"{self.path} cannot be written: {error.strerror or error}"
            ) from error
        except BaseException:
            self._let_go()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._let_go()

    def _open(self) -> None:
        data = self.path.read_bytes()
        self._known = read_journal(data, self.path)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._bytes = data.rfind(b"\n") + 1
        self._settle()
        self._shorten()

    def _let_go(self) -> None:
        for handle in (self._file, self._lock):
            if handle is not None:
                os.close(handle)
        self._file = self._lock = None

    def known(self, origin: str) -> Remembered | None:
        """The last tree of a log; None for one that was never signed."""
        return self._known.get(origin)

    def logs(self) -> Mapping[str, Remembered]:
        """All of them."""
        return dict(self._known)

    def remember(self, trees: Mapping[str, Remembered]) -> None:
        """Write a batch down. Raises OSError, and then nothing may be signed of it."""
        assert self._file is not None, "the memory is held"
        if not trees:
            return
        if self._unsettled:
            self._settle()
        data = b"".join(map(line_of, trees.items()))
        self._unsettled = True
        try:
            write_all(self._file, data)
            os.fsync(self._file)
        except OSError:
            # What may stand there of it must not stay: half a line in the middle would damage the rest.
            self._settle()
            raise
        self._unsettled = False
        self._bytes += len(data)
        self._known |= trees
        if self._bytes > max(REWRITE_BYTES, REWRITE_TIMES * len(self._known) * 256):
            self._shorten()

    def _settle(self) -> None:
        """Leave nothing in the journal but whole batches that are known, under a name that lasts."""
        assert self._file is not None
        os.ftruncate(self._file, self._bytes)
        os.fsync(self._file)
        sync_folder(self.path.parent)
        self._unsettled = False

    def _shorten(self) -> None:
        """Write the journal anew, short. One that cannot be (a full disk) goes on as it is: it says the same."""
        data = b"".join(map(line_of, self._known.items()))
        passing = self.path.with_suffix(".new")
        try:
            # This handle is the journal's from the rename on: no name is looked up between the two.
            handle = written(passing, data)
        except OSError:
            passing.unlink(missing_ok=True)
            return
        try:
            passing.rename(self.path)
        except OSError:
            os.close(handle)
            return
        assert self._file is not None
        os.close(self._file)
        self._file, self._bytes, self._unsettled = handle, len(data), True
        self._settle()


def read_journal(data: bytes, path: Path) -> dict[str, Remembered]:
    """What a journal says, the last word for each log. Raises MemoryDamaged."""
    known: dict[str, Remembered] = {}
    lines = data.split(b"\n")
    for number, line in enumerate(lines[:-1], 1):
        check, _, text = line.partition(b" ")
        if check != check_of(text):
            raise MemoryDamaged(
                f"line {number} of {path} does not read: restore it, or retire the signer"
            )
        entry = parsed(text)
        known[entry["origin"]] = Remembered(
            entry["size"], unb64(entry["root"]), entry.get("frozen")
        )
    return known


def line_of(item: tuple[str, Remembered]) -> bytes:
    """A line of the journal."""
    origin, tree = item
    assert len(tree.root) == HASH_SIZE
    entry: dict[str, object] = {"origin": origin, "size": tree.size, "root": b64(tree.root)}
    if tree.frozen is not None:
        entry["frozen"] = tree.frozen
    text = canonical(entry)
    return check_of(text) + b" " + text + b"\n"


def check_of(text: bytes) -> bytes:
    """What tells a whole line from a torn one."""
    return sha256(text).hex()[:CHECK_DIGITS].encode()


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in place, whole and durable, readable by its owner alone. Raises OSError, and then it is not there."""
    passing = path.with_suffix(".new")
    os.close(written(passing, data))
    passing.rename(path)
    sync_folder(path.parent)


def written(path: Path, data: bytes) -> int:
    """A handle that appends to a new file, in which `data` stands durably. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
    handle = os.open(path, flags, 0o600)
    try:
        write_all(handle, data)
        os.fsync(handle)
    except BaseException:
        os.close(handle)
        raise
    return handle


def write_all(handle: int, data: bytes) -> None:
    """Write every byte: a disk that is nearly full takes a part, and says so only at the next call. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def sync_folder(folder: Path) -> None:
    """Make what was created or renamed in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
