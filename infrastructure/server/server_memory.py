"""How much memory the server takes for its pages, and how much log it writes between two checkpoints.

The first is a part of the machine's memory, or of what the container may use of it: a re-keying of everything touches
each page of two tables, and took 1.5 times the processor time when they did not fit.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

MIB: Final = 1 << 20
PART: Final = 8  # an eighth: the pages are also in the operating system's cache, and the rest of Daybook needs some
LEAST_MIB: Final = 64
MOST_MIB: Final = 1024
LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def memory_settings(usable: int) -> dict[str, str]:
    """Settings of a server on a machine where `usable` bytes of memory may be used.

    >>> memory_settings(4 << 30)
    {'shared_buffers': '512MB', 'max_wal_size': '2GB'}
    >>> memory_settings(1 << 28)["shared_buffers"]
    '64MB'
    """
    pages = min(max(usable // PART // MIB, LEAST_MIB), MOST_MIB)
    return {"shared_buffers": f"{pages}MB", "max_wal_size": "2GB"}


def usable_memory() -> int:
    """Bytes of the machine's memory, or of the container's limit where that is less."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([physical, *(found for found in map(_limit, LIMITS) if found)])


def _limit(path: Path) -> int | None:
    """What a control group allows, in bytes; None where it says nothing, or "max"."""
    with suppress(OSError, ValueError):
        return int(path.read_text())
    return None
