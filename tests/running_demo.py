"""A whole Daybook with the demo loaded, as anyone runs it, for tests that stand outside.

One for all workers of a run: whoever asks first starts it, and stops it when nobody uses it any more.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.postgres import worker_name
from tests.running import ROOT, Running
from tests.scratch import scratch_folder

VERB_SECONDS_MAX = 120


@dataclass(frozen=True)
class RunningDemo:
    """Where it runs, and what `--ready-json` said."""

    url: str
    data: Path
    tenant: str
    keys: Mapping[str, str] = field(repr=False)


def command(*arguments: str, data: Path) -> list[str]:
    """A verb of the command line."""
    return [sys.executable, "-m", "api.cli", *arguments, "--data", str(data)]


def verb(*arguments: str, data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a verb of the command line to its end."""
    return subprocess.run(
        command(*arguments, data=data),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=VERB_SECONDS_MAX,
        check=False,
    )


@pytest.fixture(scope="session")
def running_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """The running demo. It is everybody's: book in it, but do not change what it is made of."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if worker_name() != "main" else base) / "running-demo"
    shared.mkdir(mode=0o700, exist_ok=True)
    published = shared / "ready.json"
    with (shared / "starting").open("w") as door, (shared / "in-use").open("w") as use:
        fcntl.flock(door, fcntl.LOCK_EX)
        if published.exists():
            fcntl.flock(use, fcntl.LOCK_SH)
            fcntl.flock(door, fcntl.LOCK_UN)
            yield as_published(published)
            fcntl.flock(use, fcntl.LOCK_UN)
            return
        with scratch_folder("demo") as folder:
            running = Running(folder / "data", "--demo")
            running.start()
            try:
                published.write_text(json.dumps({**running.ready, "data": str(running.data)}))
                fcntl.flock(door, fcntl.LOCK_UN)
                yield as_published(published)
                # Nobody new comes in any more; wait for those who are in.
                fcntl.flock(door, fcntl.LOCK_EX)
                published.unlink()
                fcntl.flock(use, fcntl.LOCK_EX)
            finally:
                assert running.stop() == 0


def as_published(path: Path) -> RunningDemo:
    """What whoever started it has written down."""
    found = json.loads(path.read_text())
    return RunningDemo(found["url"], Path(found["data"]), found["tenant"], found["keys"])
