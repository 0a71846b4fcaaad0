"""The lock files say what pyproject.toml asks for, and nothing about where it came from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools import locks

ROOT = Path(__file__).resolve().parents[1]
FILES = ("pyproject.toml", "requirements.lock", "requirements-dev.lock", "bootstrap.lock")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_lock_files_hold() -> None:
    assert list(locks.find_faults(ROOT)) == []


def test_a_host_in_a_lock_is_seen(copy: Path) -> None:
    with (copy / "bootstrap.lock").open("a") as lock:
        lock.write("--index-url somewhere\n")
    assert any("names a place" in fault for fault in locks.find_faults(copy))


def test_a_requirement_that_is_not_locked_is_seen(copy: Path) -> None:
    change(copy / "pyproject.toml", "dependencies = [", 'dependencies = [\n  "unheard-of>=1",')
    assert "requirements.lock: unheard-of is not locked (make lock)" in locks.find_faults(copy)


def test_a_locked_version_that_is_not_asked_for_is_seen(copy: Path) -> None:
    change(copy / "pyproject.toml", '"fastapi>=', '"fastapi>=99,>=')
    assert any("fastapi" in fault for fault in locks.find_faults(copy))


def test_a_package_that_nobody_needs_is_seen(copy: Path) -> None:
    change(copy / "pyproject.toml", '"icalendar>=7.3,<8",', "")
    assert "requirements.lock: nothing needs icalendar (make lock)" in locks.find_faults(copy)


def test_a_package_without_a_hash_is_seen(copy: Path) -> None:
    with (copy / "requirements.lock").open("a") as lock:
        lock.write("fastapi==0.165.0\n")
    assert "requirements.lock: fastapi has no hash" in locks.find_faults(copy)


def test_two_versions_of_one_package_are_seen(copy: Path) -> None:
    change(copy / "requirements-dev.lock", "annotated-doc==", "annotated-doc==9")
    assert any("annotated-doc is not the" in fault for fault in locks.find_faults(copy))
