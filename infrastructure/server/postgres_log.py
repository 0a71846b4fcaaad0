"""Read from the server's log why it did not start. The log is for engineers; people get one line.

The server speaks English here (`LC_ALL=C`), so its own words can be looked for.
"""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path
from typing import Final

from infrastructure.server.start_faults import (
    DiskFull,
    FolderNotWritable,
    ServerFailed,
    StartFault,
    WrongVersion,
)

_READ_BYTES_MAX: Final = 200_000


class Cause(Enum):
    """Why PostgreSQL ended before it was ready."""

    PORT_TAKEN = auto()
    DISK_FULL = auto()
    REMAINS = auto()
    WRONG_VERSION = auto()
    NOT_WRITABLE = auto()
    UNKNOWN = auto()


_SIGNS: Final = (
    ("No space left on device", Cause.DISK_FULL),
    ("Check free disk space", Cause.DISK_FULL),  # a write that came back short
    ("Disk quota exceeded", Cause.DISK_FULL),
    ("File too large", Cause.DISK_FULL),
    ("Address already in use", Cause.PORT_TAKEN),
    ("pre-existing shared memory block", Cause.REMAINS),
    ("database files are incompatible with server", Cause.WRONG_VERSION),
    ("Permission denied", Cause.NOT_WRITABLE),
    ("Read-only file system", Cause.NOT_WRITABLE),
)


def cause_of(path: Path, begin: int) -> Cause:
    """What the log says from byte `begin` on; the first sign in our order wins."""
    with path.open("rb") as log:
        log.seek(begin)
        text = log.read(_READ_BYTES_MAX).decode(errors="replace")
    return next((cause for sign, cause in _SIGNS if sign in text), Cause.UNKNOWN)


def fault_for(path: Path, begin: int, folder: Path) -> StartFault:
    """The one line for the person who started us."""
    match cause_of(path, begin):
        case Cause.DISK_FULL:
            return DiskFull(f"no space is left for the database in {folder}")
        case Cause.WRONG_VERSION:
            return WrongVersion(f"{folder} was made by another version of PostgreSQL; see {path}")
        case Cause.NOT_WRITABLE:
            return FolderNotWritable(f"PostgreSQL may not write in {folder}; see {path}")
        case _:
            return ServerFailed(f"PostgreSQL did not start; see {path}")
