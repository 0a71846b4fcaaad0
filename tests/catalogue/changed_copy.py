"""A copy of the source that is changed, and the tools run in it, each time in a process of its own.

The process is forked from one that has imported what ours lean on; what is ours it imports from the copy.
"""

from __future__ import annotations

import compileall
import gc
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final
from unittest.mock import patch

from tests.verbs import waiting

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = ("domain", "application", "infrastructure", "projections", "tools")
KEPT: Final = ("docs/events", "tests/golden/events")
ASIDE: Final = "git-aside"
OURS: Final = frozenset({*SOURCE, "api", "tests"})
SECONDS_MAX: Final = 120.0


@dataclass(frozen=True)
class Copy:
    """A checkout of its own, with one commit."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> Copy:
        """Copy what the tools read and commit it; what `tests` tells is copied no further than the golden events."""
        unread = shutil.ignore_patterns("__pycache__", "*.html", "*.js", "*.css")
        for folder in (*SOURCE, *KEPT):
            shutil.copytree(ROOT / folder, root / folder, ignore=unread)
        shutil.copy(ROOT / "docs/events.md", root / "docs")
        copy = cls(root)
        copy.git("init", "--quiet", "--initial-branch=main")
        copy.commit()
        copy.git("tag", "made")
        # What is not changed need not be compiled again; a file is known by its content, not by its time.
        with patch.object(sys, "pycache_prefix", None):
            mode = PycInvalidationMode.CHECKED_HASH
            compileall.compile_dir(root, quiet=1, invalidation_mode=mode)
        return copy

    def restore(self) -> None:
        """Make it again as it was made, whatever was done to it."""
        if (aside := self.root / ASIDE).exists():
            aside.rename(self.root / ".git")
        self.git("reset", "--quiet", "--hard", "made")
        self.git("clean", "--quiet", "--force", "-d", "--exclude=*.pyc")

    def hide_git(self) -> None:
        """From now on it is no checkout."""
        (self.root / ".git").rename(self.root / ASIDE)

    def git(self, *words: str) -> None:
        """Run git in it, whoever else uses this machine."""
        who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        subprocess.run(["git", "-C", str(self.root), *who, *words], check=True, capture_output=True)

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "--all", "--force", "--", ".", ":!*.pyc")
        self.git("commit", "--quiet", "--message", "as it is")

    def change(self, path: str, before: str, after: str, within: str = "") -> None:
        """Put `after` in the place of `before`, where it first stands behind `within`."""
        text = (self.root / path).read_text()
        start = text.index(before, text.index(within))
        (self.root / path).write_text(text[:start] + after + text[start + len(before) :])

    def run(self, *words: str, tool: str = "tools.event_catalogue") -> tuple[int, list[str]]:
        """A tool's exit code, and the lines that it printed. What it complains of is shown where a test fails."""
        with tempfile.TemporaryDirectory() as folder:
            out, err = (Path(folder, name) for name in ("out", "err"))
            process = waiting().Process(target=_be, args=(self.root, tool, words, out, err))
            process.start()
            process.join(SECONDS_MAX)
            if process.exitcode is None:
                process.kill()
                process.join()
            print(err.read_text())
            return process.exitcode or 0, out.read_text().splitlines()

    def run_apart(self, *words: str, tool: str = "tools.event_catalogue") -> tuple[int, list[str]]:
        """The same as anyone runs it, from the command line."""
        ran = subprocess.run(
            [sys.executable, "-m", tool, *words],
            cwd=self.root,
            env=os.environ | {"PYTHONPATH": str(self.root), "PYTHONPYCACHEPREFIX": ""},
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        print(ran.stderr)
        return ran.returncode, ran.stdout.splitlines()

    def schemas(self) -> dict[str, str]:
        """Every schema, as it stands."""
        return {path.name: path.read_text() for path in (self.root / "docs/events").iterdir()}


def _be(root: Path, tool: str, words: tuple[str, ...], out: Path, err: Path) -> None:
    """Become the tool, of that copy."""
    gc.disable()
    for name in [one for one in sys.modules if one.partition(".")[0] in OURS]:
        del sys.modules[name]
    sys.path.insert(0, str(root))
    sys.pycache_prefix, sys.dont_write_bytecode = None, True
    os.chdir(root)
    sys.argv = [tool, *words]
    sys.stdout, sys.stderr = out.open("w"), err.open("w")  # flushed when this process ends
    runpy.run_module(tool, run_name="__main__", alter_sys=True)
