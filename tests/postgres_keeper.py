"""Keep one throw-away PostgreSQL for a whole test run, and stop it when the run is gone.

    python tests/postgres_keeper.py FOLDER PID

starts a server, writes its superuser dsn to FOLDER/dsn, and stops it as soon as process PID (the
run's controller) has ended, however it ended. A server that several test workers share can be the
child of none of them.
"""

from __future__ import annotations

import os
import select
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def keep(folder: Path, run: int) -> None:
    """Serve until process `run` ends."""
    from infrastructure.server.local_postgres import LocalPostgres
    from infrastructure.server.start_faults import StartFault
    from tests.scratch import scratch_folder

    with scratch_folder("tests") as scratch:
        try:
            server = LocalPostgres(scratch, fast=True)
            dsn = server.start()
        except StartFault as fault:
            _publish(folder / "fault", str(fault))
            raise SystemExit(fault.exit_code) from None
        try:
            _publish(folder / "dsn", dsn)
            _wait_for_end(run)
        finally:
            server.stop()


def _publish(path: Path, text: str) -> None:
    half_made = path.with_suffix(".new")
    half_made.write_text(text)
    half_made.rename(path)


def _wait_for_end(run: int) -> None:
    if hasattr(os, "pidfd_open"):
        try:
            handle = os.pidfd_open(run)
        except ProcessLookupError:
            return
        select.select([handle], [], [])
        return
    while True:
        try:
            os.kill(run, 0)
        except OSError:
            return
        time.sleep(0.2)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    keep(Path(sys.argv[1]), int(sys.argv[2]))
