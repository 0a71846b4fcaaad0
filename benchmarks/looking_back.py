"""Looking back at read models: `python -m benchmarks.looking_back [--events 10000] [--times 5]`.

A log of one tenant, of bookings and disclosures. Then the agenda of a day as it was at the last position and half way,
made from all events each time, and the log read out as `daybook replay` does, without printing; then the states of the
agenda are retained that the worker retains, and the same days are made from the nearest of them: processor time of
Python and of PostgreSQL, and time of the clock. Last what retaining cost for each event, and what the states take.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

import psycopg

from application.ledger.records import LedgerRecords
from application.ledger.replaying import ReplayAsked, Replays
from application.permissions import operator
from benchmarks.following import follow, measured
from benchmarks.long_log import BEGINNING, PLACES, LongLog
from benchmarks.servers import served
from benchmarks.table import show
from domain.values import epoch_seconds
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.ledger.copies.replay_log import PostgresLog
from infrastructure.store.event_mapper import EventMapper
from infrastructure.store.event_source import SequencedEvents
from infrastructure.wall import bound_to
from projections.agenda import AgendaModel
from projections.engine.looking_back import LookingBack
from projections.engine.retaining import Retaining
from projections.past import PostgresPast

DAY_SECONDS = 86_400
AGENDA = AgendaModel()


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
        days: dict[str, Callable[[], object]] = {
            "agenda, at the end": partial(agenda, past, tenant, chosen.events - 1),
            "agenda, half way": partial(agenda, past, tenant, chosen.events // 2),
        }
        ways = {**days, "read out, all of it": partial(read_out, engine, tenant)}
        rows = [line(up.deployment, *way, chosen.times) for way in ways.items()]
        follow(up.deployment, AGENDA)
        cost = measured(up.deployment, partial(retain_all, up.deployment, engine.mapper))
        for name, act in days.items():
            rows.append(line(up.deployment, f"{name}, retained", act, chosen.times))
        engine.close()
        head = ("", "ms Python", "ms PostgreSQL", "ms by the clock")
        show(f"One tenant with {chosen.events:,} events", head, rows)
        each = [f"{1e6 * it / chosen.events:.0f}" for it in (cost.python, cost.postgres)]
        show(
            "States of the agenda",
            ("us Python for each event", "us PostgreSQL", "states", "MB", "followed rows, MB"),
            [(*each, *kept(up.deployment))],
        )


def line(
    deployment: Deployment, name: str, act: Callable[[], object], times: int
) -> Sequence[object]:
    """What it costs, of so many times the average."""
    cost = measured(deployment, partial(repeat, act, times))
    costs = (cost.python, cost.postgres, cost.wall)
    return (name, *(f"{1_000 * it / times:.0f}" for it in costs))


def retain_all(deployment: Deployment, mapper: EventMapper) -> None:
    """As the worker does, without pauses."""
    role = Database(deployment.dsn_of("follower"), size=1, walled=False)
    retaining = Retaining(AGENDA, SequencedEvents(mapper))
    with role.fresh() as connection:
        while due := retaining.due(connection):
            for one in due:
                retaining.make(connection, one)
    role.close()


def kept(deployment: Deployment) -> Sequence[object]:
    """How many states there are, what they take, and what the followed rows take without their indexes."""
    with psycopg.connect(deployment.main) as owner:
        row = owner.execute(
            "SELECT count(*), round(coalesce(sum(pg_column_size(packed)), 0) / 1e6, 1),"
            " round(pg_table_size('agenda_v1') / 1e6, 1) FROM retained_state"
        ).fetchone()
    assert row is not None
    return row


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
