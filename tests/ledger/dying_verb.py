r"""Run a verb that is killed with SIGKILL at a chosen place: `before|after` of the n-th call of a function.

python -m tests.ledger.dying_verb after \
    infrastructure.ledger.signing.signer_seeds:SeedFolder.make 1 ledger rotate-key ...
"""

from __future__ import annotations

import importlib
import os
import signal
import sys


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


if __name__ == "__main__":
    when, place, call = sys.argv[1:4]
    arm(when, place, int(call))
    sys.argv[1:] = sys.argv[4:]
    from api.cli import main

    main()
