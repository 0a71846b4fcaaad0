"""Schemathesis makes the cases of an operation when its test is collected, which every worker does for all of them.

Half of the collection was that, in three workers, for a file that one of them runs. So a test is collected as a
function that makes its cases when it is called, and is then what it would have been.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import schemathesis.pytest._test_builder as builder

_build: Callable[..., Callable[..., Any]] = builder.build_operation_test


def _built_when_run(**wanted: Any) -> Callable[[], None]:
    @wraps(wanted["test_func"], updated=())  # it is not yet a test of Hypothesis's
    def test() -> None:
        built = _build(**wanted)
        # What the plugin looks for after the call: cases that could not be made, or not be sent.
        test.__dict__.update(built.__dict__)
        built()

    del test.__wrapped__  # pytest would ask for its arguments as fixtures
    return test


def build_when_run() -> None:
    """From now on, in this process."""
    builder.build_operation_test = _built_when_run
