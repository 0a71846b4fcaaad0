"""Run the verifier in this process, and say what it found."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.verifier.bundles import Files, Ledger, zipped
from verifier.command import main


@dataclass(frozen=True)
class Outcome:
    """Exit code and JSON report."""

    code: int
    report: dict[str, Any]

    @property
    def reason(self) -> str:
        return str((self.report["problem"] or {}).get("reason"))

    @property
    def index(self) -> int | None:
        found: int | None = (self.report["problem"] or {}).get("index")
        return found


def run(*arguments: object) -> Outcome:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main([*map(str, arguments), "--json"])
    report = json.loads(out.getvalue())
    assert report["verdict"] == ("holds", "does not hold", "cannot be checked")[code]
    assert (report["problem"] is None) == (code == 0)
    return Outcome(code, report)


def verify(folder: Path, files: Files | bytes, ledger: Ledger, *more: object) -> Outcome:
    """Verify a bundle under the ledger's own key."""
    path = folder / "bundle.zip"
    path.write_bytes(files if isinstance(files, bytes) else zipped(files))
    return run(path, "--vkey", ledger.vkey, *more)
