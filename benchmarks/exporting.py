"""A full export, as an operator takes it: `python -m benchmarks.exporting`.

The command runs beside the database in a process of its own; its memory is the most that was resident when it was last
looked at (Linux), start-up and libraries included. A small export first tells what those are alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.ledgers import FilledLedger, filled_ledger
from benchmarks.running import DURABLE
from benchmarks.table import show

LOOK_SECONDS = 0.02


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description="events exported a second")
    options.add_argument("--events", type=int, default=100_000)
    options.add_argument("--keep", type=Path, help="write the export there, and leave it")
    chosen = options.parse_args()
    with filled_ledger(chosen.events) as ledger, tempfile.TemporaryDirectory() as scratch:
        out: Path = chosen.keep or Path(scratch, "book.zip")
        start, least = export(ledger, Path(scratch, "small.zip"), "--to", "1")
        ledger.settle()
        taken, most = export(ledger, out)
        size = out.stat().st_size
    if chosen.keep:
        print(f"{chosen.keep} verifies with {ledger.log_vkey}")
    show(
        f"daybook export of {chosen.events:,} events ({size / 2**20:.0f} MiB; {DURABLE})",
        ("", "seconds", "events/s", "MiB of memory"),
        [
            ("256 events", f"{start:.1f}", "-", f"{least:.0f}"),
            ("all", f"{taken:.1f}", f"{chosen.events / (taken - start):,.0f}", f"{most:.0f}"),
        ],
    )


def export(ledger: FilledLedger, out: Path, *arguments: str) -> tuple[float, float]:
    """Run the command; the seconds that it took, and its memory at its most, in MiB."""
    data = str(ledger.deployment.settings.data)
    command = [sys.executable, "-m", "api.cli", "export", "--out", str(out), "--data", data]
    began = time.perf_counter()
    process = subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL)
    most = 0.0
    while process.poll() is None:
        most = max(most, peak_mib(process.pid))
        time.sleep(LOOK_SECONDS)
    if process.returncode:
        raise SystemExit("the export failed")
    return time.perf_counter() - began, most


def peak_mib(pid: int) -> float:
    """The most memory that a process had so far; 0 when it has ended."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return max((int(it.split()[1]) / 1024 for it in lines if it.startswith("VmHWM:")), default=0.0)


if __name__ == "__main__":
    main()
