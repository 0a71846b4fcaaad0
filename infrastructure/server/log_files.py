"""Logs that are appended to, and do not grow for ever."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Final

LOG_BYTES_MAX: Final = 10_000_000


def open_log(path: Path) -> IO[bytes]:
    """Open a log to append to; one that has grown too large first steps aside to `<name>.1`."""
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_name(path.name + ".1"))
    log = path.open("ab", buffering=0)
    log.seek(0, 2)
    return log
