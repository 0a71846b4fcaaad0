"""Looking back at read models: `python -m benchmarks.looking_back [--events 10000] [--times 5]`.

A log of one tenant, of bookings and disclosures. Then the agenda of a day as it was at the last position and half way,
made from the events each time, and the log read out as `daybook replay` does, without printing: processor time of
Python and of PostgreSQL, and time of the clock.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from uuid import UUID

from application.ledger.records import LedgerRecords
from application.ledger.replaying import ReplayAsked, Replays
from application.permissions import operator
from benchmarks.following import measured
from benchmarks.long_log import BEGINNING, PLACES, LongLog
from benchmarks.servers import served
from benchmarks.table import show
from domain.values import epoch_seconds
from infrastructure.engine import Engine
from infrastructure.ledger.copies.replay_log import PostgresLog
from infrastructure.store.event_source import SequencedEvents
from infrastructure.wall import bound_to
from projections.engine.looking_back import LookingBack
from projections.past import PostgresPast

DAY_SECONDS = 86_400


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--events", type=int, default=10_000)
    options.add_argument("--times", type=int, default=5)
    chosen = options.parse_args()
    with served() as up:
        log = LongLog(chosen.events, tenants=1)
        log.put(up.deployment.main)
        (tenant,) = log.positions
        engine = Engine.connect(up.deployment, connections=2)
        past = PostgresPast(engine.app, LookingBack(engine.app, SequencedEvents(engine.mapper)))
        ways: dict[str, Callable[[], object]] = {
            "agenda, at the end": partial(agenda, past, tenant, chosen.events - 1),
            "agenda, half way": partial(agenda, past, tenant, chosen.events // 2),
            "read out, all of it": partial(read_out, engine, tenant),
        }
        rows = []
        for name, act in ways.items():
            cost = measured(up.deployment, partial(repeat, act, chosen.times))
            rows.append(
                (
                    name,
                    *(
                        f"{1_000 * it / chosen.times:.0f}"
                        for it in (cost.python, cost.postgres, cost.wall)
                    ),
                )
            )
        engine.close()
        head = ("", "ms Python", "ms PostgreSQL", "ms by the clock")
        show(f"One tenant with {chosen.events:,} events", head, rows)


def repeat(act: Callable[[], object], times: int) -> None:
    """Do it so often."""
    for _ in range(times):
        act()


def agenda(past: PostgresPast, tenant: UUID, position: int) -> int:
    """A day of a location, as it was; how many visits."""
    first = epoch_seconds(BEGINNING)
    with bound_to(tenant), past.agenda(tenant, position) as then:
        return len(then.between(tenant, PLACES[0], first, first + DAY_SECONDS))


def read_out(engine: Engine, tenant: UUID) -> int:
    """Every event once; how many there were."""
    records = LedgerRecords(engine.store, engine.clock, engine.ids)
    replays = Replays(PostgresLog(engine.app), engine.store, records)
    with bound_to(tenant):
        plan = replays.begin(ReplayAsked(), operator(tenant))
        return sum(len(page) for page in replays.pages(plan))


if __name__ == "__main__":
    main()
