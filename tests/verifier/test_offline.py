"""The verifier as an auditor has it: a folder of its own, no environment, no network."""

from __future__ import annotations

import ast
import io
import json
import shutil
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

from tests.verifier.bundles import Ledger, small_ledger, zipped

VERIFIER = Path(__file__).parents[2] / "verifier"
LINES_MAX = 1_000  # of what checks a ledger
CERTIFICATE = "certificate.py"
CERTIFICATE_LINES_MAX = 50


def lines_of_code(text: str) -> int:
    """Count as cloc does: neither empty lines nor comments nor docstrings."""
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    silent |= {tokenize.ENCODING, tokenize.ENDMARKER}
    spoken = set[int]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in silent:
            spoken.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            said = node.body[0]
            spoken.difference_update(range(said.lineno, (said.end_lineno or said.lineno) + 1))
    return len(spoken)


def test_lines_of_code_are_counted_as_cloc_counts_them() -> None:
    text = '"""Of a module,\n\nlong."""\n\n# why\nx = 1  # one\n\ndef f():\n    """Says."""\n    return """a\n\nb"""\n'
    assert lines_of_code(text) == 5


def test_the_verifier_is_small() -> None:
    lines = {path.name: lines_of_code(path.read_text()) for path in VERIFIER.glob("*.py")}
    assert 0 < lines.pop(CERTIFICATE) < CERTIFICATE_LINES_MAX
    assert 100 < sum(lines.values()) < LINES_MAX, sum(lines.values())


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verifier's folder, copied to where nothing else of the project is."""
    folder = tmp_path_factory.mktemp("auditor")
    shutil.copytree(VERIFIER, folder / "verifier", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return small_ledger()


def offline(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in a network namespace without interfaces, where the machine can make one."""
    command = ["env", "-i", sys.executable, *arguments]
    probe = ["unshare", "-rn", "true"]
    if (
        shutil.which("unshare")
        and subprocess.run(probe, capture_output=True, check=False).returncode == 0
    ):
        command = ["unshare", "-rn", *command]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("start", [["verifier/"], ["verifier"], ["-m", "verifier"]])
def test_a_folder_copied_elsewhere_verifies_without_network(
    alone: Path, ledger: Ledger, start: list[str]
) -> None:
    (alone / "bundle.zip").write_bytes(zipped(ledger.export()))
    found = offline(alone, *start, "bundle.zip", "--vkey", ledger.vkey, "--json")
    assert (found.returncode, found.stderr) == (0, "")
    assert json.loads(found.stdout)["verdict"] == "holds"


def test_one_changed_byte_is_refused_with_its_index(alone: Path, ledger: Ledger) -> None:
    whole = zipped(ledger.export())
    at = whole.index(b'"purpose":"service"') + 12
    (alone / "bent.zip").write_bytes(whole[:at] + b"X" + whole[at + 1 :])
    found = offline(alone, "verifier/", "bent.zip", "--vkey", ledger.vkey)
    assert (found.returncode, found.stderr) == (1, "")
    first = found.stdout.splitlines()[0]
    assert first == "DOES NOT HOLD: the entry does not hash to its leaf in the tile (index 5)"


def test_daybook_verify_is_the_same_program(tmp_path: Path, ledger: Ledger) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(zipped(ledger.export()))
    daybook = [sys.executable, "-m", "api.cli", "verify", str(path), "--vkey", ledger.vkey]
    for more, code in (["--json"], 0), (["--known-checkpoint", str(path)], 2), (["--nonsense"], 2):
        found = subprocess.run(
            [*daybook, *more], cwd=VERIFIER.parent, capture_output=True, text=True, check=False
        )
        assert found.returncode == code, found
        assert "Traceback" not in found.stderr
        assert code or json.loads(found.stdout)["verdict"] == "holds"


@pytest.mark.parametrize(
    "arguments", [[], ["--nonsense"], ["none.zip", "--vkey", "x"], ["none.zip"], ["a", "b"]]
)
def test_wrong_use_ends_with_two(alone: Path, arguments: list[str]) -> None:
    found = offline(alone, "verifier/", *arguments)
    assert found.returncode == 2
    assert "Traceback" not in found.stdout + found.stderr


def test_nothing_of_the_house_is_loaded(alone: Path, ledger: Ledger) -> None:
    (alone / "bundle.zip").write_bytes(zipped(ledger.export()))
    program = (
        "import sys; sys.path.insert(0, '.'); from verifier.command import main;"
        "assert main(['bundle.zip', '--vkey', sys.argv[1]]) == 0;"
        "house = {'api', 'infrastructure', 'domain', 'application', 'projections', 'socket', 'sqlite3'};"
        "print(sorted(house & {name.split('.')[0] for name in sys.modules}))"
    )
    found = offline(alone, "-c", program, ledger.vkey)
    assert found.stdout.splitlines()[-1] == "[]", found.stderr
