"""The house stands as it is drawn: who may import whom (contracts in pyproject.toml)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def imports_of(path: Path) -> Iterator[str]:
    """The top-level names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def strangers(path: Path, allowed: set[str]) -> set[str]:
    return set(imports_of(path)) - set(sys.stdlib_module_names) - allowed


def test_the_import_contracts_hold() -> None:
    lint = subprocess.run(
        [str(LINT_IMPORTS), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert lint.returncode == 0, lint.stdout


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("domain", {"domain"}),
        ("application", {"domain", "application"}),
        ("verifier", {"verifier", "cryptography"}),
    ],
)
def test_the_inner_rooms_know_only_the_standard_library_and_each_other(
    package: str, allowed: set[str]
) -> None:
    found = {
        str(path.relative_to(ROOT)): unknown
        for path in sorted((ROOT / package).rglob("*.py"))
        if (unknown := strangers(path, allowed))
    }
    assert found == {}


def test_the_bootstrap_needs_nothing_but_python() -> None:
    assert strangers(ROOT / "bootstrap.py", set()) == set()


def test_a_stranger_would_be_seen(tmp_path: Path) -> None:
    path = tmp_path / "intruder.py"
    path.write_text("import os\ndef f():\n    from psycopg.rows import dict_row\n")
    assert strangers(path, {"domain"}) == {"psycopg"}
