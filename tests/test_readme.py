"""The README's blocks run, one after another in one shell, and give what is shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

from tests.running_demo import RunningDemo

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```bash\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
SEPARATOR = "-*- next block -*-"
VARYING = (
    (re.compile(r"\b([a-z]{3}_)[0-9a-f]{4,32}…?"), r"\1…"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)"), "<instant>"),
    (re.compile(r"\b\d{8}T\d{6}Z"), "<instant>"),
    (re.compile(r"(?i)(daybook-position: )\d+…?"), r"\1<n>"),
)


def blocks() -> list[tuple[str, str]]:
    """Each shell block, and the output shown below it."""
    return [(found[1], found[2] or "") for found in BLOCK.finditer(README)]


def without_what_varies(text: str) -> str:
    """Ids, instants and positions made alike.

    >>> without_what_varies("bkg_5b1f… at 2026-12-18T20:15:00Z")
    'bkg_… at <instant>'
    """
    for pattern, put in VARYING:
        text = pattern.sub(put, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


@pytest.mark.skipif(which("curl") is None, reason="the README's blocks call curl")
def test_the_ten_minutes_by_hand_work(running_demo: RunningDemo, tmp_path: Path) -> None:
    (tmp_path / ".daybook").symlink_to(running_demo.data)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    script = f"\necho '{SEPARATOR}'\n".join(code for code, _ in blocks())
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "LC_ALL": "C.UTF-8", "no_proxy": "*"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    printed = [without_what_varies(it) for it in run.stdout.split(SEPARATOR)]
    shown = [without_what_varies(output) for _, output in blocks()]
    assert printed == shown[: len(printed)], run.stderr
    assert run.returncode == 0, run.stderr
    assert len(printed) == len(shown)


def test_every_block_shows_what_it_prints() -> None:
    assert len(blocks()) >= 10
    assert README.count("```bash") == len(blocks())
    assert all(output for _, output in blocks())


def test_every_decision_that_the_code_cites_is_there() -> None:
    told = {int(number) for number in re.findall(r"^\*\*D(\d+)\. ", README, re.MULTILINE)}
    assert told == set(range(1, 19))
    files = [
        path
        for folder in ("domain", "application", "infrastructure", "projections", "api")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".sql")
    ]
    cited = {
        int(number)
        for path in files
        for phrase in re.findall(r"README (D\d+(?:, D\d+)*)", path.read_text(encoding="utf-8"))
        for number in re.findall(r"\d+", phrase)
    }
    assert cited
    assert cited <= told


def test_a_decision_has_ten_lines_at_most() -> None:
    decisions = re.findall(r"^\*\*D\d+\. .*?(?=\n\n)", README, re.MULTILINE | re.DOTALL)
    assert {text[:8]: len(text.splitlines()) for text in decisions if text.count("\n") >= 10} == {}


def test_every_setting_that_is_read_is_described() -> None:
    read: set[str] = set()
    for path in (ROOT / "infrastructure").rglob("*.py"):
        read |= set(re.findall(r"\"(DATABASE_URL|DAYBOOK_[A-Z_]+)\"", path.read_text()))
    assert len(read) > 5
    assert {name for name in read if f"`{name}`" not in README} == set()
