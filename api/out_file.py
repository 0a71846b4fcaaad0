"""A file that a verb writes: there whole, or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from infrastructure.server.start_faults import DiskFull, StartFault

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class OutFileRefused(StartFault):
    """The file is there already, or cannot be written."""


def require_free(path: Path, *, force: bool) -> None:
    """Refuse a name that cannot be written to. Raises OutFileRefused."""
    if path.is_dir():
        raise OutFileRefused(f"{path} is a folder")
    if path.exists() and not force:
        raise OutFileRefused(f"{path} is there already; --force replaces it")
    if not path.parent.is_dir():
        raise OutFileRefused(f"there is no folder {path.parent}")


@contextmanager
def out_file(path: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """The file to write, 0600, as FILE.part until the block ends well; it is durable then.

    Raises OutFileRefused, DiskFull; the part is removed then, and whatever else ends the block.
    """
    require_free(path, force=force)
    part = path.with_name(f"{path.name}.part")
    try:
        with _owned(part) as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                require_free(path, force=force)
                os.replace(part, path)
            except BaseException:
                with suppress(OSError):
                    part.unlink()
                raise
        _sync_folder(path.parent)
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull(f"no space is left for {path}; nothing was written") from None
        reason = error.strerror or "it cannot be written"
        raise OutFileRefused(f"{path}: {reason}") from None


@contextmanager
def _owned(part: Path) -> Iterator[IO[bytes]]:
    """The empty part, locked: two that write to one name would make a third thing of it."""
    handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    # Closed by hand where closing could fail on a full disk, which must not hide why.
    file = os.fdopen(handle, "w+b")
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = part.stat().st_ino == os.fstat(handle).st_ino
        except (BlockingIOError, FileNotFoundError):
            mine = False
        if not mine:
            raise OutFileRefused(f"somebody else is writing {part}")
        os.ftruncate(handle, 0)
        yield file
    finally:
        with suppress(OSError):
            file.close()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
