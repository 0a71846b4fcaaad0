"""Have a process die by SIGKILL at a chosen place: `before|after` of the n-th call of a function."""

from __future__ import annotations

import importlib
import os
import signal


def arm(when: str, place: str, call: int) -> None:
    """Have the function kill its process."""
    module_name, _, path = place.partition(":")
    owner: object = importlib.import_module(module_name)
    *holders, name = path.split(".")
    for holder in holders:
        owner = getattr(owner, holder)
    real = getattr(owner, name)
    calls = 0

    def dying(*arguments: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if (when, calls) == ("before", call):
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments, **named)
        if (when, calls) == ("after", call):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, dying)
