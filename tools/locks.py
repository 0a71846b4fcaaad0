"""Do the lock files say what pyproject.toml asks for, and nothing about where it came from?

Checked offline, from the lock files and the packages installed here: every requirement is locked in
a version that satisfies it, nothing is locked that nobody needs, every package has hashes, what
running and developing share is the same version, and no line names a host.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools.steps import ROOT

_HOST = re.compile(r"://|--(extra-)?index|--find-links")
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?P<rest>[^\n]*)")
_HASH = "--hash=sha256:"


@dataclass(frozen=True, slots=True)
class Pin:
    """One locked package; `here` is False when its marker leaves this machine out."""

    name: str
    version: Version
    hashes: int
    here: bool


def hold(root: Path = ROOT) -> bool:
    """Print what is wrong with the lock files; True when nothing is."""
    faults = list(find_faults(root))
    for fault in faults:
        print(fault)
    return not faults


def find_faults(root: Path) -> Iterable[str]:
    """What is wrong, one line each."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    running = [Requirement(text) for text in project["project"]["dependencies"]]
    developing = [Requirement(text) for text in project["dependency-groups"]["dev"]]
    files = {name: root / name for name in ("requirements.lock", "requirements-dev.lock")}
    for path in (*files.values(), root / "bootstrap.lock"):
        yield from _hosts(path)
    locked = {name: read_lock(path.read_text()) for name, path in files.items()}
    yield from _unsatisfied("requirements.lock", locked["requirements.lock"], running)
    everything = [*running, *developing]
    yield from _unsatisfied("requirements-dev.lock", locked["requirements-dev.lock"], everything)
    yield from _needless("requirements.lock", locked["requirements.lock"], running)
    yield from _needless("requirements-dev.lock", locked["requirements-dev.lock"], everything)
    for name, pin in locked["requirements.lock"].items():
        other = locked["requirements-dev.lock"].get(name)
        if other is None or other.version != pin.version:
            yield f"requirements-dev.lock: {name} is not the {pin.version} of requirements.lock"


def read_lock(text: str) -> dict[str, Pin]:
    """The packages of a lock file by canonical name.

    >>> read_lock("Some_Name==1.0 ; python_version >= '3' \\\\\\n    --hash=sha256:00\\n")
    {'some-name': Pin(name='some-name', version=<Version('1.0')>, hashes=1, here=True)}
    """
    pins: dict[str, Pin] = {}
    for block in re.split(r"\n(?=\S)", text.strip()):
        found = _PIN.match(block)
        if found is None:
            continue
        name = canonicalize_name(found["name"])
        marker = found["rest"].partition(";")[2].rstrip("\\ ").strip()
        here = not marker or _holds(marker)
        if name in pins and not here:
            continue
        pins[name] = Pin(name, Version(found["version"]), block.count(_HASH), here)
    return pins


def _holds(marker: str) -> bool:
    requirement = Requirement(f"x ; {marker}")
    return requirement.marker is None or requirement.marker.evaluate()


def _hosts(path: Path) -> Iterable[str]:
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if _HOST.search(line):
            yield f"{path.name}:{number}: names a place to install from"


def _unsatisfied(file: str, pins: dict[str, Pin], wanted: list[Requirement]) -> Iterable[str]:
    for requirement in wanted:
        pin = pins.get(canonicalize_name(requirement.name))
        if pin is None:
            yield f"{file}: {requirement.name} is not locked (make lock)"
        elif not requirement.specifier.contains(pin.version, prereleases=True):
            yield f"{file}: {pin.name} {pin.version} is not {requirement.specifier} (make lock)"
    for pin in pins.values():
        if not pin.hashes:
            yield f"{file}: {pin.name} has no hash"


def _needless(file: str, pins: dict[str, Pin], wanted: list[Requirement]) -> Iterable[str]:
    needed = _closure(wanted)
    for pin in pins.values():
        if pin.here and pin.name not in needed:
            yield f"{file}: nothing needs {pin.name} (make lock)"


def _closure(wanted: list[Requirement]) -> set[str]:
    """Everything that installing `wanted` brings, by what the installed packages say they need."""
    needed: set[str] = set()
    seen: set[tuple[str, str]] = set()
    queue = [(requirement, "") for requirement in wanted]
    while queue:
        requirement, extra = queue.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        needed.add(name)
        for asked in ("", *sorted(requirement.extras)):
            if (name, asked) not in seen:
                seen.add((name, asked))
                queue += [(Requirement(text), asked) for text in _requires(name)]
    return needed


def _requires(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
