"""Tests that need an instant to come: soon on a quick machine, later where the first ones were too soon."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

Found = TypeVar("Found")


def in_time(act: Callable[[datetime], Found], *seconds: float) -> Found:
    """Call `act` with an instant so many seconds to come, and again with a later one if it took longer than that.

    What was found before its instant came; instants are whole seconds, as the contract writes them. An `act` does all
    of its work anew, and what it tells must be what holds before the instant; what fails after it is tried again.

    Raises: AssertionError where each took too long.
    """
    for each in seconds:
        until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=each)
        try:
            found = act(until)
        except AssertionError:
            if datetime.now(UTC) < until:
                raise
        else:
            if datetime.now(UTC) < until:
                return found
    raise AssertionError(f"it takes more than {max(seconds)} seconds")
