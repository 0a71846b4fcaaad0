"""`make test`: every test, and every branch of `domain/`.

The domain's own tests run in one process under coverage; they are pure and take seconds. The rest
runs in three workers without it: tests wait as much as they work, so three keep two cores busy.
With arguments it is plain pytest on those.
`make soak` is pytest on the full sizes, for which `make test` has smaller twins.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tools.steps import ROOT, Step, run_all

WORKERS = os.environ.get("DAYBOOK_TEST_WORKERS", "3")
# A file stays on one worker, and so do the tests that share a running deployment: `tests/spreading.py`.
SPREAD = ("-n", WORKERS, "--dist", "loadgroup")
MEASURED = ("domain", "tests/domain")


def steps() -> list[Step]:
    """What is tested, in order."""
    measured = [path for path in MEASURED if (ROOT / path).exists()]
    ignored = [f"--ignore={path}" for path in measured]
    return [
        Step("domain, measured", lambda: call("coverage", "run", "-m", "pytest", "-q", *measured)),
        Step("every branch of domain/", lambda: call("coverage", "report")),
        Step("all the rest", lambda: call("pytest", "-q", *SPREAD, *ignored)),
    ]


def call(*words: str) -> bool:
    """Run a module of this environment in the checkout."""
    return subprocess.call([sys.executable, "-m", *words], cwd=ROOT) == 0


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(0 if call("pytest", *SPREAD, *sys.argv[1:]) else 1)
    sys.exit(run_all(steps()))
