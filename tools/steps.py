"""Run named steps one after the other; all of them, so that one call shows everything wrong."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: `run` gives True when it holds, and prints why not."""

    name: str
    run: Callable[[], bool]


def command(name: str, *words: str) -> Step:
    """A step that runs a Python module of this environment: `command("types", "mypy", ".")`."""

    def run() -> bool:
        return subprocess.call([sys.executable, "-m", *words], cwd=ROOT) == 0

    return Step(name, run)


def run_all(steps: Sequence[Step]) -> int:
    """Run every step; the exit code is 1 when any did not hold."""
    failed: list[str] = []
    for step in steps:
        begin = time.perf_counter()
        print(f"── {step.name}", flush=True)
        if not step.run():
            failed.append(step.name)
        print(f"   {time.perf_counter() - begin:.1f} s", flush=True)
    if failed:
        print(f"did not hold: {', '.join(failed)}", flush=True)
        return 1
    return 0
