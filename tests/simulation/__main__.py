"""`python -m tests.simulation`: run seeds one after another, and print each with the digest of its trace."""

from __future__ import annotations

import argparse
import sys
from random import SystemRandom

from tests.simulation.simulating import Broken, Simulation

SOAK_STEPS = 20_000


def main() -> int:
    """0 when nothing was broken, 1 when something was."""
    asked = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    asked.add_argument("--seed", type=int, help="the first seed; without it, any")
    asked.add_argument("--seeds", type=int, default=1, help="how many, one after another")
    asked.add_argument("--steps", type=int, default=1_000)
    asked.add_argument("--soak", action="store_true", help=f"{SOAK_STEPS} steps of each seed")
    given = asked.parse_args()
    first = SystemRandom().randrange(2**32) if given.seed is None else given.seed
    steps = SOAK_STEPS if given.soak else given.steps
    for seed in range(first, first + given.seeds):
        print(f"seed {seed}, {steps} steps", flush=True)
        run = Simulation(seed)
        try:
            digest = run.run(steps)
        except Broken as broken:
            print(broken, file=sys.stderr)
            return 1
        print(
            f"  nothing broken; {sum(side.audit.story.read for side in run.sides)} events, trace {digest}"
        )
        print("  " + ", ".join(f"{what}: {count}" for what, count in sorted(run.seen.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
