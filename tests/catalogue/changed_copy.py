"""A copy of the source that is changed, and the tools run in it as processes."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = ("domain", "application", "infrastructure", "projections", "tools")
KEPT: Final = ("docs/events", "tests/golden/events")


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
        # Once, for all copies of the copy: what is not changed in them need not be compiled again.
        compileall.compile_dir(root, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        return copy

    def copied(self, root: Path) -> Copy:
        """The same once more."""
        shutil.copytree(self.root, root)
        return Copy(root)

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
        ran = subprocess.run(
            [sys.executable, "-m", tool, *words],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if ran.stderr:
            print(ran.stderr)
        return ran.returncode, ran.stdout.splitlines()

    def schemas(self) -> dict[str, str]:
        """Every schema, as it stands."""
        return {path.name: path.read_text() for path in (self.root / "docs/events").iterdir()}
