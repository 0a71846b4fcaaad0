"""Tell one process from another, across crashes and reused process ids.

A process id alone proves nothing: after a crash the same number may belong to somebody else's
program. So what we wrote down about a process is compared with the one that lives now by its start
time and its command as well, and only then is it signalled.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_POLL_SECONDS: Final = 0.02
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """One living process; `started` can be compared, not read (which boot, and ticks since)."""

    pid: int
    started: str
    command: str


def inspect(pid: int) -> ProcessRecord | None:
    """The process with that id; None when there is none, or only its remains (a zombie).

    >>> me = inspect(os.getpid())
    >>> me == inspect(os.getpid()) and me is not None
    True
    """
    if pid <= 0:
        return None
    return _inspect_proc(pid) if _has_proc() else _inspect_ps(pid)


def same(record: ProcessRecord) -> bool:
    """True when exactly that process still lives: same id, same start, same command."""
    return inspect(record.pid) == record


def working_in(folder: Path) -> Iterator[int]:
    """The ids of processes whose current folder is `folder`; none where the system cannot say.

    Every PostgreSQL process changes into its data folder, so this finds a server and its children
    whatever a pid file claims. Processes of other users are invisible, and are none of ours.
    """
    if not _has_proc():
        return
    wanted = str(folder.resolve())
    for name in os.listdir(_PROC):
        if name.isdigit() and _current_folder(int(name)) == wanted:
            yield int(name)


def works_in(pid: int, folder: Path) -> bool:
    """True when process `pid` lives and works in `folder` (is there, or names it)."""
    if pid <= 0:
        return False
    wanted = str(folder.resolve())
    if _has_proc():
        return _current_folder(pid) == wanted
    found = inspect(pid)
    return found is not None and wanted in found.command


def terminate(record: ProcessRecord, *, grace_seconds: float = 5.0) -> None:
    """Stop a process that is still the one recorded: SIGTERM, after the grace SIGKILL."""
    for number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, grace_seconds)):
        if not same(record):
            return
        send(record.pid, number)
        if wait_until(lambda: not same(record), seconds):
            return


def send(pid: int, number: signal.Signals) -> bool:
    """Send a signal; False when the process is gone or not ours to signal."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds; False when it did not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def die_with_parent(number: signal.Signals, parent: int | None = None) -> Callable[[], None] | None:
    """What a child runs between fork and exec, to get `number` when its starting thread dies.

    `parent` is its process, by default ours. Linux only; None elsewhere. Everything it needs is loaded before the fork.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    expected = os.getpid() if parent is None else parent

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        # The parent may have died before the line above; then nothing would ever tell us.
        if os.getppid() != expected:
            os.kill(os.getpid(), number)

    return arm


def _has_proc() -> bool:
    return (_PROC / "self" / "stat").exists()


def _inspect_proc(pid: int) -> ProcessRecord | None:
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
        command = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return None
    # The name in brackets may hold spaces and brackets: the fields are counted from its end.
    fields = stat.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    if state in {"Z", "X"}:
        return None
    words = command.rstrip(b"\0").replace(b"\0", b" ")
    return ProcessRecord(pid, f"{_boot()}/{started}", words.decode(errors="replace"))


def _inspect_ps(pid: int) -> ProcessRecord | None:
    answer = subprocess.run(
        ["ps", "-o", "state=,lstart=,command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    words = answer.stdout.split()
    if answer.returncode != 0 or len(words) < 7 or words[0].startswith("Z"):
        return None
    return ProcessRecord(pid, " ".join(words[1:6]), " ".join(words[6:]))


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "boot"


def _current_folder(pid: int) -> str | None:
    try:
        return os.readlink(_PROC / str(pid) / "cwd")
    except OSError:
        return None
