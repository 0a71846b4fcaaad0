"""Slots beside a peer: `python -m benchmarks.slots`.

One staff member, Monday to Friday 09:00-17:00 New York, 60 days, visits of 30 minutes every 30 minutes, with the busy
blocks of the recorded fixtures. The peer is `slot-calculator` from npm (MIT), installed into a temporary folder by its
lock file; it needs Node.js. Its rule is another one: it starts its grid anew after each busy block, so it lists some
starts that are not on ours, and lacks some that are.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
import zoneinfo
from pathlib import Path

from benchmarks.slots_core import FIXTURES, OFFICE, at
from benchmarks.table import median, show
from domain.availability import SlotRules, StaffTime, free_starts, relevant_range
from domain.schedule import working_intervals

PEER = Path(__file__).parent / "slots_peer"
RULES = SlotRules(duration_minutes=30, slot_interval_minutes=30)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description="slots of 60 days, ours and a peer's")
    options.add_argument("--runs", type=int, default=20)
    runs = options.parse_args().runs
    zoneinfo.reset_tzpath(())
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as scratch:
        peer = install(Path(scratch))
        rows = [row(FIXTURES / name, runs, peer) for name in ("slots_100.json", "slots_500.json")]
    show(
        f"Slots of one staff member, 60 days, 30-minute steps (medians of {runs} runs)",
        ("", "ours: slots", "ms", "slot-calculator: slots", "ms", "ours/peer"),
        rows,
    )


def row(fixture: Path, runs: int, peer: Path | None) -> tuple[object, ...]:
    """One fixture, both sides in turn."""
    slots, ours = measure(fixture, runs)
    if peer is None:
        return fixture.stem, slots, f"{ours:.2f}", "needs Node.js", "-", "-"
    done = subprocess.run(
        ["node", "run.mjs", str(fixture), str(runs)],
        cwd=peer,
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(done.stdout)
    taken = median(theirs["milliseconds"])
    return (
        fixture.stem,
        slots,
        f"{ours:.2f}",
        theirs["slots"],
        f"{taken:.1f}",
        f"{ours / taken:.4f}",
    )


def measure(fixture: Path, runs: int) -> tuple[int, float]:
    """How many slots we list, and the median milliseconds, working time included."""
    said = json.loads(fixture.read_text())
    first, last = at(said["from"]), at(said["to"])
    busy = tuple((at(block["start"]), at(block["end"])) for block in said["busy"])
    taken: list[float] = []
    found: list[int] = []
    for _ in range(runs):
        began = time.perf_counter()
        relevant = relevant_range(RULES, first, last, now=first)
        assert relevant is not None
        found = free_starts(
            RULES, StaffTime(working_intervals(OFFICE, *relevant), busy), first, last, now=first
        )
        taken.append((time.perf_counter() - began) * 1000)
    return len(found), median(taken)


def install(scratch: Path) -> Path | None:
    """The peer, installed from its lock file; None where there is no Node.js."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return None
    folder = scratch / "peer"
    shutil.copytree(PEER, folder)
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
    return folder


if __name__ == "__main__":
    main()
