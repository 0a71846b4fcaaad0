"""A deployment of our own for a benchmark: `daybook up` as anyone runs it, durable, on a free port."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DURABLE = "fsync on, synchronous_commit on"


@dataclass(frozen=True)
class Running:
    """A deployment that runs: where, its data folder, and the process that holds it."""

    url: str
    data: Path
    process: subprocess.Popen[str]
    ready: dict[str, Any]

    def verb(self, *arguments: str) -> str:
        """Run a verb of the command line; what it printed."""
        command = [sys.executable, "-m", "api.cli", *arguments, "--data", str(self.data)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def running(*options: str, data: Path | None = None) -> Iterator[Running]:
    """`daybook up` until the block ends."""
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as scratch:
        folder = data or Path(scratch) / "data"
        command = [sys.executable, "-m", "api.cli", "up", "--port", "0", "--ready-json"]
        process = subprocess.Popen(
            [*command, "--data", str(folder), *options], stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise SystemExit("daybook up did not come up")
            ready = json.loads(line)
            yield Running(ready["url"], folder, process, ready)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
