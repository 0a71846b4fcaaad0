"""`make check`: everything that can be seen without running Daybook.

A new generated file is one more line in GENERATED: a module that answers `--check` with 0 when the
file that is checked in says what it would write.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from tools import locks
from tools.steps import ROOT, Step, command, run_all

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
GENERATED = {
    "OpenAPI description": "api.openapi",
    "API beyond its contract": "tools.api_extensions",
    "golden events": "tools.golden_events",
    "event catalogue": "tools.event_catalogue",
    "policy matrix": "tools.policy_matrix",
}


def steps() -> list[Step]:
    """What is checked, in order."""
    always = [
        command("lint", "ruff", "check", "."),
        command("format", "ruff", "format", "--check", "."),
        command("types", "mypy"),
        Step("imports", lambda: subprocess.call([LINT_IMPORTS], cwd=ROOT) == 0),
        Step("lock files", locks.hold),
    ]
    generated = [
        command(name, module, "--check")
        for name, module in GENERATED.items()
        if importlib.util.find_spec(module) is not None
    ]
    return always + generated


if __name__ == "__main__":
    sys.exit(run_all(steps()))
