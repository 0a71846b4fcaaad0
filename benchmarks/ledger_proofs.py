"""Proofs from PostgreSQL, beside pymerkle: `python -m benchmarks.ledger_proofs [--peer-python PATH]`.

Ours are made from the tiles of a log of real events, through the port that the API uses: one look at the database a
proof. The peer keeps leaves of the same size in a SQLite file, and subroots in its memory. Same numbers of leaves and
proofs, same run, one after the other.

pymerkle is under the GPL and no dependency: it runs in a process of its own, by an interpreter that has it:

    python3 -m venv PATH && PATH/bin/pip install pymerkle==7.0.0
    python -m benchmarks.ledger_proofs --peer-python PATH/bin/python
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from application.ledger.reading import EventsQuery
from benchmarks.ledgers import FilledLedger, filled_ledger
from benchmarks.running import DURABLE
from benchmarks.table import percentile, show
from infrastructure.ledger.publishing.ledger_reads import PostgresLedger
from infrastructure.ledger.tree import merkle
from infrastructure.ledger.tree.stored_tree import StoredTree
from infrastructure.wall import bound_to

T = TypeVar("T")
Seconds = dict[str, list[float]]
PEER = Path(__file__).parent / "merkle_peer" / "run.py"
NAMES = ("inclusion", "verify inclusion", "consistency", "verify consistency", "receipt")
HOW = "not installed: python3 -m venv PATH && PATH/bin/pip install pymerkle==7.0.0, then --peer-python PATH/bin/python"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description="Merkle proofs, ours and a peer's")
    options.add_argument("--leaves", type=int, default=150_000)
    options.add_argument("--proofs", type=int, default=1_000)
    options.add_argument("--peer-python", type=Path, help="an interpreter with pymerkle 7.0.0")
    chosen = options.parse_args()
    with filled_ledger(chosen.leaves) as ledger:
        appended = ledger.events_a_second
        ours = measured(ledger, chosen.proofs)
    theirs = peer(chosen.peer_python, chosen.leaves, chosen.proofs)
    if theirs is None:
        print(f"pymerkle is {HOW}")
    rate = theirs["append"][0] if theirs else None
    show(
        f"Appends of 100, leaves a second ({chosen.leaves:,} leaves; {DURABLE}; ours are events with"
        " payloads, stored, sequenced, mirrored and signed)",
        ("", "ours", "pymerkle", "ours/peer"),
        [("leaves/s", f"{appended:,.0f}", *beside(appended, rate, "{:,.0f}"))],
    )
    rows = []
    for name, taken in ours.items():
        for share in (0.5, 0.99):
            mine = percentile(taken, share) * 1_000
            other = percentile(theirs[name], share) * 1_000 if theirs and name in theirs else None
            rows.append(
                (f"{name}, p{share * 100:g}", f"{mine:.3f}", *beside(mine, other, "{:.3f}"))
            )
    show(
        f"Milliseconds a proof ({chosen.leaves:,} leaves, {chosen.proofs:,} proofs)",
        ("", "ours", "pymerkle", "ours/peer"),
        rows,
    )


def beside(mine: float, other: float | None, pattern: str) -> tuple[str, str]:
    """The peer's figure and the ratio; dashes without a peer, or where it has no such thing."""
    if other is None:
        return "-", "-"
    return pattern.format(other), f"{mine / other:.2f}"


def measured(ledger: FilledLedger, proofs: int) -> Seconds:
    """Seconds of each proof, of its verification, and of receipts."""
    choice = random.Random(1)
    port, tenant = PostgresLedger(ledger.engine.app), ledger.tenant
    with bound_to(tenant):
        signed = port.checkpoint(tenant)
        assert signed is not None
        size, root = signed.size, signed.root
        found: Seconds = {name: [] for name in NAMES}
        read = StoredTree(ledger.engine.app.rows).reader(tenant, size)
        for index in [choice.randrange(size) for _ in range(proofs)]:
            (leaf,) = read([(0, index)])
            path = timed(found["inclusion"], partial(port.inclusion, tenant, index, size))
            check = partial(merkle.verify_inclusion, leaf, index, size, path, root)
            assert timed(found["verify inclusion"], check)
            (event,) = port.events(tenant, EventsQuery(after=index - 1, limit=1))
            assert timed(found["receipt"], partial(port.receipt, tenant, event)) is not None
        for old in [choice.randrange(1, size) for _ in range(proofs)]:
            before = merkle.root(old, read)
            path = timed(found["consistency"], partial(port.consistency, tenant, old, size))
            check = partial(merkle.verify_consistency, old, before, size, root, path)
            assert timed(found["verify consistency"], check)
    return found


def timed(into: list[float], act: Callable[[], T]) -> T:
    """What `act` gives; how long it took goes into the list."""
    began = time.perf_counter()
    result = act()
    into.append(time.perf_counter() - began)
    return result


def peer(python: Path | None, leaves: int, proofs: int) -> dict[str, Sequence[float]] | None:
    """The peer's figures; None where it is not installed."""
    command = [str(python or "python3"), str(PEER), str(leaves), str(proofs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        if "No module named 'pymerkle'" in done.stderr:
            return None
        raise SystemExit(f"the peer failed: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, Sequence[float]] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
