"""Run verbs of the command line in processes of their own that need not start from nothing.

A Python that has imported what the verbs import waits, one for each test worker, and is forked for each call: the
imports are nine tenths of what a verb takes. What begins with `python -m api.cli` is what `up` and the tour run.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from subprocess import CompletedProcess

ROOT = Path(__file__).resolve().parents[1]
SECONDS_MAX = 120.0
IMPORTED = [
    "api.cli",
    "api.administration",
    "api.exporting",
    "api.ledger_end",
    "api.ledger_keys",
    "api.ledger_office",
    "api.process.checking",
    "api.process.scrub_report",
    "infrastructure.deployment",
    "tests.ledger.dying_verb",
    "tools.event_catalogue.__main__",
]
Kill = tuple[str, str, int]


def run_verb(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    given: bytes = b"",
    kill: Kill | None = None,
) -> CompletedProcess[bytes]:
    """Run `daybook ...` to its end, to be killed at a place or not (`tests/ledger/dying_verb.py`).

    `environment` is all that it has of one; by default it has ours. Raises TimeoutError.
    """
    sent = dict(os.environ if environment is None else environment)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("in", "out", "err")]
        files[0].write_bytes(given)
        process = waiting().Process(target=_be, args=(arguments, sent, files, kill))
        process.start()
        process.join(SECONDS_MAX)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"{arguments} takes more than {SECONDS_MAX} s")
        code = process.exitcode
        process.close()
        said = [path.read_bytes() if path.exists() else b"" for path in files[1:]]
    return CompletedProcess(arguments, code, *said)


def run_verb_in_text(
    *arguments: str, environment: Mapping[str, str] | None = None, kill: Kill | None = None
) -> CompletedProcess[str]:
    """The same, and what it said as text."""
    done = run_verb(*arguments, environment=environment, kill=kill)
    return CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@cache
def waiting() -> ForkServerContext:
    """What is forked; it ends with this process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


def _be(
    arguments: tuple[str, ...], environment: dict[str, str], files: list[Path], kill: Kill | None
) -> None:
    """Become the verb."""
    flags = (os.O_RDONLY, *(os.O_WRONLY | os.O_CREAT | os.O_TRUNC,) * 2)
    for number, (path, how) in enumerate(zip(files, flags, strict=True)):
        os.dup2(os.open(path, how, 0o600), number)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(it, "w", closefd=False) for it in (1, 2))
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.argv = ["daybook", *arguments]
    from api.cli import main
    from tests.ledger.dying_verb import arm

    if kill is not None:
        arm(*kill)
    main()
