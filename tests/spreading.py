"""How the tests are spread over workers: a file stays together, and so do the files of one `xdist_group`.

Files share what is dear by module: databases, deployments that run. A group shares one by session. What takes longest
is begun first, so that the workers end at about the same time.

`--dist loadgroup` of pytest-xdist 3.8 does not see its groups under pytest 9.2: it writes them to an attribute that is
no longer read, and says nothing. So the scheduler is our own, and a test holds it to what it promises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler.loadscope import LoadScopeScheduling

ROOT = Path(__file__).resolve().parents[1]
GROUP = re.compile(r'^pytestmark = pytest\.mark\.xdist_group\("(\w+)"\)$', re.MULTILINE)
# Longest first, with what each took of processor time, in seconds, when this was written.
LONGEST = (
    "running_under_fire",  # 85
    "running_more",  # 80
    "running_search",  # 75
    "running",  # 60
    "tests/http/test_schemathesis.py",  # 60
    "replica",  # 55
    "tests/store/test_fsck.py",  # 50
    "tests/catalogue/test_gate.py",  # 35
    "tests/recovery/test_restore.py",  # 30
    "tests/recovery/test_rebuilding.py",  # 30
    "tests/test_demo.py",  # 25
    "witnesses",  # 20
    "tests/store/test_recovery.py",  # 15
)


@cache
def unit_of(file: str) -> str:
    """What a test file is run together with: its group, or nothing but itself."""
    path = ROOT / file
    found = GROUP.search(path.read_text()) if path.is_file() else None
    return found[1] if found else file


def place(nodeid: str) -> int:
    """Where a test comes: what takes long before the rest."""
    unit = unit_of(nodeid.partition("::")[0])
    return LONGEST.index(unit) if unit in LONGEST else len(LONGEST)


class Spread(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives a worker a whole unit at a time, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Spread:
    """Called by pytest-xdist in the process that gives out the tests."""
    config.option.loadscopereorder = False
    return Spread(config, log)


def in_order(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The tests as they are to be given out."""
    return sorted(items, key=lambda it: place(it.nodeid))
