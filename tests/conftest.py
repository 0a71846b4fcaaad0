"""Fixtures that every test may ask for."""

from __future__ import annotations

import gc
import os
import signal
import zoneinfo
from collections.abc import Generator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from _pytest.doctest import DoctestModule

import tests.compiled  # noqa: F401 - what is imported after it is compiled once
from infrastructure.policy.policy_file import policy_matrix
from tests.engines import (
    deployment,
    engine,
    module_deployment,
    module_mould,
    own_deployment,
    own_mould,
    sequencer,
    tenant,
)
from tests.policy_results import PolicyResults
from tests.postgres import database, postgres_server
from tests.running import pytest_runtest_teardown, running, running_session
from tests.running_demo import running_demo
from tests.spreading import in_order, pytest_xdist_make_scheduler
from tools.policy_matrix import RESULTS
from tools.steps import ROOT

# Zone rules come from the pinned package, as in a running deployment, not from this machine.
zoneinfo.reset_tzpath(())

# Started in the background of a shell we would inherit that interrupts are ignored, and so would whatever we start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says nothing on a busy machine; what failed is to be found again. `make soak` tries more.
for profile, examples in (("daybook", 40), ("soak", 500)):
    hypothesis.settings.register_profile(
        profile, deadline=None, print_blob=True, max_examples=examples
    )
hypothesis.settings.load_profile("soak" if os.environ.get("DAYBOOK_SOAK") else "daybook")


# What was imported and collected stays until the end: it is not looked through again and again for what could go.
gc.disable()


def pytest_collection_finish() -> None:
    """From here on, garbage is collected, out of what the tests make."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path) -> Generator[None, Any, Any]:
    """Only a file with an example in it is looked through for examples: that takes long, and importing it longer."""
    found = yield
    if ">>>" in file_path.read_text():
        return found
    return [one for one in found if not isinstance(one, DoctestModule)]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first."""
    items[:] = in_order(items)


def pytest_configure(config: pytest.Config) -> None:
    """Keep how the tests of the policy matrix go, where all reports come together."""
    if not hasattr(config, "workerinput"):
        named = frozenset(id for row in policy_matrix().rows for id in row.tests)
        config.pluginmanager.register(PolicyResults(named, ROOT / RESULTS))


__all__ = [
    "database",
    "deployment",
    "engine",
    "module_deployment",
    "module_mould",
    "own_deployment",
    "own_mould",
    "postgres_server",
    "pytest_runtest_teardown",
    "pytest_xdist_make_scheduler",
    "running",
    "running_demo",
    "running_session",
    "sequencer",
    "tenant",
]
