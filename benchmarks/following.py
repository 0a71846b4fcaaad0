"""Following and rebuilding read models: `python -m benchmarks.following [--events N] [--models agenda,disclosures]`.

A log of bookings and disclosures of forty tenants (three events each), then, one after the other on the same events:
each model followed by one follower, and rebuilt by one process and by two. Events a second, processor time for each
event (Python's and PostgreSQL's), and the memory of the largest process. A model's wanted events are about half of the
log: what it does not want is passed over, and counts, since that is what a follower has to get through.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import psycopg

from api.process.rebuilding import events, fill, opened
from benchmarks.long_log import LongLog
from benchmarks.postgres_time import postgres_seconds
from benchmarks.servers import served
from benchmarks.table import show
from infrastructure.deployment import Deployment
from infrastructure.filler import filler
from projections.engine.follower import Follower
from projections.engine.read_model import ReadModel
from projections.models import MODELS


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one pass over the log: seconds of the clock, of Python and of PostgreSQL."""

    wall: float
    python: float
    postgres: float


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--events", type=int, default=200_000)
    options.add_argument("--models", default="agenda,disclosures", help="names, with commas")
    options.add_argument("--processes", default="1,2", help="with how many each is rebuilt")
    chosen = options.parse_args()
    wanted = chosen.models.split(",")
    models = [model for model in MODELS if model.name in wanted]
    with served() as up:
        begun = time.perf_counter()
        LongLog(chosen.events).put(up.deployment.main)
        print(f"{chosen.events:,} events put in {time.perf_counter() - begun:.0f} s", flush=True)
        rows = []
        for model in models:
            ways = {"followed": partial(follow, up.deployment, model)}
            for processes in map(int, chosen.processes.split(",")):
                ways[f"rebuilt by {processes}"] = partial(rebuild, up.deployment, model, processes)
            for how, act in ways.items():
                rows.append(row(model, how, chosen.events, measured(up.deployment, act)))
        show(
            f"A log of {chosen.events:,} events",
            ("model", "", "events/s", "us Python", "us PostgreSQL", "MB at most"),
            rows,
        )


def follow(deployment: Deployment, model: ReadModel) -> None:
    """As the worker does, from the first event to the last."""
    follower = Follower(model, events())
    with filler(deployment) as connection:
        follower.begin(connection)
        while follower.step(connection):
            pass


def rebuild(deployment: Deployment, model: ReadModel, processes: int) -> None:
    """As `daybook rebuild` does, up to the comparison."""
    with opened(deployment, model) as rebuilding, rebuilding.held():
        rebuilding.abandon()
        rebuilding.begin(processes)
        fill(deployment, rebuilding, lambda _progress: None)
        progress = rebuilding.progress()
        assert progress.least == progress.target


def measured(deployment: Deployment, act: Callable[[], None]) -> Cost:
    """What an act costs."""
    with psycopg.connect(deployment.main, autocommit=True) as owner:
        owner.execute("CHECKPOINT")
        (pid_file,) = owner.execute("SHOW data_directory").fetchone() or ("",)
    before, begun = (_python(), postgres_seconds(pid_file)), time.perf_counter()
    act()
    wall = time.perf_counter() - begun
    return Cost(wall, _python() - before[0], postgres_seconds(pid_file) - before[1])


def _python() -> float:
    """Seconds of this process and of its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def row(model: ReadModel, how: str, events: int, cost: Cost) -> Sequence[object]:
    """A line of the table."""
    largest = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return (
        model.name,
        how,
        f"{events / cost.wall:,.0f}",
        f"{1e6 * cost.python / events:.1f}",
        f"{1e6 * cost.postgres / events:.1f}",
        f"{largest / 1024:.0f}",
    )


if __name__ == "__main__":
    main()
