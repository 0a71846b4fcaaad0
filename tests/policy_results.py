"""How the tests that the policy matrix names went, kept in `build/policy-results.json` after every run.

A run keeps what it ran and leaves the rest as it was, so the parts of `make test` add up.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass(eq=False)
class PolicyResults:
    """Listens to a run, in the process that sees all reports."""

    named: frozenset[str]
    file: Path
    ended: dict[str, str] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a part of a test went; of a test with parameters, the worst counts."""
        id = report.nodeid.partition("[")[0].partition("@")[0]
        if id not in self.named:
            return
        if report.failed:
            self.ended[id] = "failed"
        elif report.skipped:
            self.ended[id] = max(self.ended.get(id, ""), "not run", key=WORST.index)
        elif report.when == "call":
            self.ended[id] = max(self.ended.get(id, ""), "passed", key=WORST.index)

    def pytest_sessionfinish(self) -> None:
        """Keep it."""
        if self.ended:
            before = json.loads(self.file.read_text()) if self.file.exists() else {}
            self.file.parent.mkdir(exist_ok=True)
            kept = dict(sorted({**before, **self.ended}.items()))
            fresh = self.file.with_suffix(f".{os.getpid()}")
            fresh.write_text(json.dumps(kept, indent=1) + "\n")
            fresh.replace(self.file)  # another run beside this one reads it whole


WORST = ["", "passed", "not run", "failed"]
