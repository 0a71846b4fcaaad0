"""A scenario that stops before its `then` has checked nothing, so it fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import scenario


@pytest.fixture(autouse=True)
def every_scenario_is_told_to_its_end() -> Iterator[None]:
    """Look after each test whether a scenario was left open."""
    scenario.unfinished.clear()
    yield
    assert not scenario.unfinished, "a scenario never reached its then"
