"""`make lock`: resolve the lock files anew. They name versions and hashes, never where from.

`ARGS=--upgrade` takes the newest versions that pyproject.toml allows; else what is locked stays.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools import locks
from tools.steps import ROOT

COMPILE = ("pip", "compile", "--quiet", "--system-certs", "--universal", "--generate-hashes")
PLAIN = ("--no-header", "--no-annotate", "--python-version", "3.11")


def main(arguments: list[str]) -> int:
    """Write both lock files; give the exit code."""
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        print("uv is not in this environment: make setup without DAYBOOK_NO_UV")
        return 2
    base = (str(uv), *COMPILE, *PLAIN, *arguments, "pyproject.toml")
    for words in (
        (*base, "-o", "requirements.lock"),
        (*base, "--group", "dev", "-c", "requirements.lock", "-o", "requirements-dev.lock"),
    ):
        if subprocess.call(words, cwd=ROOT, stdout=subprocess.DEVNULL) != 0:
            return 1
    return 0 if locks.hold() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
