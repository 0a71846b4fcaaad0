"""The port `CopyRoom`: files without a name, which the system removes with the process that holds them.

So nothing is left of a copy whose process was killed, and nothing has to be swept.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, cast

from domain.errors import Unavailable

COPIES_AT_ONCE: Final = 2
# The embedded database writes to the same disk: a copy never takes the last of it.
SPARE_BYTES_MIN: Final = 256 * 1024 * 1024
LOOK_EVERY_BYTES: Final = 8 * 1024 * 1024
RETRY_SECONDS: Final = 10
BUFFER_BYTES: Final = 256 * 1024
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class WatchedFile(io.BufferedRandom):
    """A file that stops growing, with ENOSPC, while the disk still has `spare` bytes."""

    def __init__(self, raw: io.RawIOBase, folder: str, spare: int) -> None:
        super().__init__(raw, BUFFER_BYTES)
        self._folder = folder
        self._spare = spare
        self._unwatched = 0
        self._look()

    def write(self, data: Any, /) -> int:
        """See the class. Raises OSError."""
        self._unwatched += len(data)
        if self._unwatched >= LOOK_EVERY_BYTES:
            self._unwatched = 0
            self._look()
        return super().write(data)

    def _look(self) -> None:
        if shutil.disk_usage(self._folder).free < self._spare:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@dataclass(slots=True)
class FileCopy:
    """See the port `Copy`. `given_back` runs once, when it is closed."""

    file: WatchedFile
    length: int
    given_back: Callable[[], None]

    def read(self, count: int) -> bytes:
        """See the port."""
        return self.file.read(count)

    def close(self) -> None:
        """See the port."""
        if not self.file.closed:
            self.file.close()
            self.given_back()


@dataclass(frozen=True, slots=True)
class FolderCopyRoom:
    """See the port. At most `at_once` copies are made or handed out by this process."""

    folder: Path
    at_once: int = COPIES_AT_ONCE
    spare: int = SPARE_BYTES_MIN
    places: threading.BoundedSemaphore = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", threading.BoundedSemaphore(self.at_once))

    def make(self, write: Callable[[IO[bytes]], None]) -> FileCopy:
        """See the port."""
        if not self.places.acquire(blocking=False):
            raise Unavailable("Other copies are being made", retry_after_seconds=RETRY_SECONDS)
        try:
            return self._made(write)
        except OSError as error:
            self.places.release()
            if error.errno in FULL:
                raise Unavailable("There is no room for a copy", retry_after_seconds=60) from None
            raise
        except BaseException:
            self.places.release()
            raise

    def _made(self, write: Callable[[IO[bytes]], None]) -> FileCopy:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        nameless = tempfile.TemporaryFile(dir=self.folder, buffering=0)  # noqa: SIM115 - it outlives this call
        raw = cast(io.RawIOBase, nameless)
        try:
            file = WatchedFile(raw, str(self.folder), self.spare)
            write(file)
            length = file.seek(0, io.SEEK_END)
            file.seek(0)
        except BaseException:
            raw.close()
            raise
        return FileCopy(file, length, self.places.release)
