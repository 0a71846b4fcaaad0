"""Processor time of a PostgreSQL server, its ended backends included, from /proc. Linux only."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def postgres_seconds(data_directory: str) -> float:
    """Seconds used by the postmaster of that data folder and by all its children, living and ended."""
    postmaster = int(Path(data_directory, "postmaster.pid").read_text().split("\n", 1)[0])
    living = [int(one) for one in _children(postmaster)]
    own = _fields(postmaster)
    return (sum(own[:4]) + sum(sum(_fields(pid)[:2]) for pid in living)) / TICKS


def backends_seconds(data_directory: str, whose: str) -> float:
    """Seconds used by those living children of that postmaster whose title has `whose` in it."""
    postmaster = int(Path(data_directory, "postmaster.pid").read_text().split("\n", 1)[0])
    ticks = 0
    for pid in _children(postmaster):
        with suppress(OSError):  # it may end meanwhile
            if whose.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                ticks += sum(_fields(int(pid))[:2])
    return ticks / TICKS


def _children(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def _fields(pid: int) -> tuple[int, int, int, int]:
    """utime, stime, cutime, cstime, in ticks (proc(5))."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return (0, 0, 0, 0)
    fields = text.rsplit(")", 1)[1].split()
    return (int(fields[11]), int(fields[12]), int(fields[13]), int(fields[14]))
