"""A full export, checked and signed on its way: `python -m benchmarks.exporting`.

The memory told is the most that the process had resident meanwhile, and how much more that is than before (Linux).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from application.ledger_exports import ExportPlan
from benchmarks.ledgers import FilledLedger, filled_ledger
from benchmarks.running import DURABLE
from benchmarks.table import show
from infrastructure.ledger.exporter import PostgresExporter
from infrastructure.ledger.origins import default
from infrastructure.wall import bound_to

RESET_PEAK = "5"  # proc(5)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description="events exported a second")
    options.add_argument("--events", type=int, default=100_000)
    options.add_argument("--keep", type=Path, help="write the export there, and leave it")
    chosen = options.parse_args()
    with filled_ledger(chosen.events) as ledger, tempfile.TemporaryDirectory() as scratch:
        out: Path = chosen.keep or Path(scratch, "book.zip")
        peak_mib()
        before = peak_mib()
        began = time.perf_counter()
        size = export(ledger, out)
        taken = time.perf_counter() - began
        after = peak_mib()
        if chosen.keep:
            print("key:", ledger.signer.signer.verifier_keys(origin_of(ledger))[0])
    rows = [
        (
            f"{size:,}",
            f"{taken:.1f}",
            f"{size / taken:,.0f}",
            f"{after - before:.0f}",
            f"{after:.0f}",
        )
    ]
    head = ("events", "seconds", "events/s", "MiB more", "MiB in all")
    show(f"A full export ({DURABLE})", head, rows)


def export(ledger: FilledLedger, out: Path) -> int:
    """Export the log to a file; how many events."""
    exporter = PostgresExporter(ledger.engine.app, ledger.signer)
    with bound_to(ledger.tenant), out.open("wb") as file:
        kept = exporter.keep_last(ledger.tenant)
        assert kept is not None
        plan = ExportPlan(ledger.tenant, kept, 0, kept.size, ledger.engine.clock.now())
        exporter.write(plan, file, lambda _: None)
    return kept.size


def origin_of(ledger: FilledLedger) -> str:
    """The name of its log."""
    return default(ledger.tenant)


def peak_mib() -> float:
    """The most memory that was resident since this was last asked."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    Path("/proc/self/clear_refs").write_text(RESET_PEAK)
    return int(peak) / 1024


if __name__ == "__main__":
    main()
