"""What events look like that are stored already: the schemas checked in, as they are here and as git has them.

Released is a type that has a golden event (`tests/golden/events`), here or in the last commit: events of it lie in
databases out there. What a commit says of a type counts, and not what stands in the folder, so that neither deleting a
schema nor writing it anew makes a change compatible.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.event_catalogue.compatibility import Schema

SCHEMAS: Final = Path("docs/events")
GOLDEN: Final = Path("tests/golden/events")

Files = Mapping[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Anchors:
    """By the names of types: the schemas here, those of commits (each under the commit's name), the golden events."""

    here: Files
    committed: Mapping[str, Files]
    golden: Files
    golden_committed: frozenset[str]

    @property
    def released(self) -> frozenset[str]:
        """The types whose events are for ever."""
        return self.golden_committed.union(self.golden)

    def of(self, name: str) -> list[Schema]:
        """The schemas that a released type had in the commits; where none has one, that which stands here."""
        found = [files[name] for files in self.committed.values() if name in files]
        if name in self.here and not (found and name in self.released):
            return [self.here[name]]
        return found

    def names(self) -> frozenset[str]:
        """Every type that has, or had in one of the commits, a schema or a golden event."""
        known = frozenset(self.here).union(*(files.keys() for files in self.committed.values()))
        return known | self.released


def read_anchors(root: Path, commits: tuple[str, ...]) -> Anchors:
    """Read what stands in the folders of `root`, and what stood there at each commit.

    Raises ValueError for a commit that is not known. Where there is no git at all the folders alone count.
    """
    committed: dict[str, Files] = {}
    golden_committed: set[str] = set()
    for commit in commits if _has_git(root) else ():
        committed[commit] = _committed(root, commit, SCHEMAS)
        golden_committed |= _committed(root, commit, GOLDEN).keys()
    here, golden = _here(root / SCHEMAS), _here(root / GOLDEN)
    return Anchors(here, committed, golden, frozenset(golden_committed))


def _here(folder: Path) -> Files:
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
    }


def _has_git(root: Path) -> bool:
    if shutil.which("git") is None or not (root / ".git").exists():
        return False
    return _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").returncode == 0


def _committed(root: Path, commit: str, folder: Path) -> Files:
    if _git(root, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").returncode != 0:
        raise ValueError(f"{commit} is no commit here")
    if not _git(root, "ls-tree", "--name-only", commit, f"{folder.as_posix()}/").stdout:
        return {}
    packed = _git(root, "archive", "--format=tar", commit, folder.as_posix())
    if packed.returncode != 0:
        raise ValueError(f"git cannot read {folder} of {commit}: {packed.stderr.decode().strip()}")
    files: dict[str, dict[str, Any]] = {}
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.name.endswith(".json") else None
            if content is not None:
                files[Path(member.name).stem] = json.loads(content.read())
    return files


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=False)
