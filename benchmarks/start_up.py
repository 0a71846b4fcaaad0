"""How long `daybook up --demo` takes, and what it keeps in memory: `python -m benchmarks.start_up`.

First start (nothing there: the database cluster is made and the demo loaded), second start, and the memory of
everything that runs, idle: the sum of proportional set sizes, so that shared pages count once. Linux only.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.running import running
from benchmarks.table import show

IDLE_SECONDS = 5.0


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as scratch:
        data = Path(scratch) / "data"
        began = time.perf_counter()
        with running("--demo", data=data) as up:
            first = time.perf_counter() - began
            time.sleep(IDLE_SECONDS)
            memory = sum(proportional_kib(pid) for pid in tree(up.process.pid)) / 1024
        began = time.perf_counter()
        with running("--demo", data=data):
            second = time.perf_counter() - began
    rows = [
        ("first start, demo loaded", f"{first:.1f} s"),
        ("second start", f"{second:.1f} s"),
        (f"memory of all processes, idle for {IDLE_SECONDS:.0f} s", f"{memory:.0f} MiB"),
    ]
    show("Starting", ("", "measured"), rows)


def tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                after_name = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(after_name[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def proportional_kib(pid: int) -> int:
    """The proportional set size of a process in KiB; 0 for one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    main()
