"""What it costs to keep the read models up: `python -m benchmarks.keeping_up [--events N] [--rate N] [--rounds N]`.

A log of bookings and disclosures whose events get their places a few at a time, as in live traffic: every 20 ms those
that have come, each time with a ring, as the sequencer does it. In turns, all models follow it alone (a thread, a
connection and a transaction for each) and together, as the worker has them. Printed: processor time for each event of
Python and of the PostgreSQL backends that serve the followers, whichever model it is for. Whoever feeds is not counted.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from threading import Thread
from typing import Final

import psycopg

from api.process.following import (
    committing_at_ease,
    follow_apart_while_connected,
    follow_while_connected,
    leading_no_longer,
    step_or_stop,
)
from api.process.loops import Idle, Stop, persistently
from api.process.rebuilding import events
from benchmarks.long_log import LongLog
from benchmarks.postgres_time import backends_seconds
from benchmarks.servers import served
from benchmarks.table import show
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.store.doorbell import FOLLOWED, SEQUENCED, Doorbell, listening, ring
from projections.engine.follower import Follower
from projections.models import MODELS

GATHER_SECONDS: Final = 0.02
PLACED: Final = (
    "INSERT INTO sequenced SELECT * FROM placed_later WHERE sequence > %s AND sequence <= %s"
)
Session = Callable[[], None]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--events", type=int, default=40_000)
    options.add_argument("--rate", type=int, default=1_000, help="events a second")
    options.add_argument("--rounds", type=int, default=2)
    chosen = options.parse_args()
    with served() as up:
        LongLog(chosen.events).put(up.deployment.main)
        with psycopg.connect(up.deployment.main) as owner:
            owner.execute("CREATE TABLE placed_later AS TABLE sequenced")
            owner.execute("CREATE UNIQUE INDEX ON placed_later (sequence)")
            owner.execute("TRUNCATE sequenced CASCADE")
        rows: list[Sequence[object]] = []
        size, reached = chosen.events // (2 * chosen.rounds), 0
        for turn in range(2 * chosen.rounds):
            how, sessions = (("alone", alone), ("together", together))[turn % 2]
            python, postgres = measured(up.deployment, sessions, reached, size, chosen.rate)
            reached += size
            each = [f"{1e6 * one / size:.0f}" for one in (python, postgres, python + postgres)]
            rows.append((how, *each))
        show(
            f"{len(MODELS)} models, {chosen.rate:,} events a second, {size:,} events a turn",
            ("", "us Python", "us PostgreSQL", "us both"),
            rows,
        )


def measured(
    deployment: Deployment,
    sessions: Callable[[Stop, Database, Doorbell], list[Session]],
    reached: int,
    size: int,
    rate: int,
) -> tuple[float, float]:
    """Seconds of processor time, of Python and of PostgreSQL, from the first event to the last that all have."""
    stop = Stop()
    database = Database(deployment.dsn_of("follower"), size=len(MODELS) + 2, walled=False)
    doorbell = Doorbell(deployment.dsn_of("follower"), FOLLOWED)
    threads = [
        Thread(target=persistently, args=(stop, "followers", one))
        for one in sessions(stop, database, doorbell)
    ]
    with ExitStack() as ends:
        for end in (database.close, doorbell.close, *(one.join for one in threads), stop.ask):
            ends.callback(end)
        for thread in threads:
            thread.start()
        time.sleep(1.0)  # all lead
        feeder = get_context("spawn").Process(
            target=feed, args=(deployment.main, reached, reached + size, rate)
        )
        with psycopg.connect(deployment.main) as owner:
            (folder,) = owner.execute("SHOW data_directory").fetchone() or ("",)
        before = _python(), backends_seconds(folder, "_follower ")
        feeder.start()
        feeder.join()
        assert feeder.exitcode == 0
        wait_for_all(deployment, reached + size)
        return _python() - before[0], backends_seconds(folder, "_follower ") - before[1]


def feed(dsn: str, reached: int, until: int, rate: int) -> None:
    """Give places to what comes, and ring."""
    begun, first = time.monotonic(), reached
    with psycopg.connect(dsn, autocommit=True, options="-c synchronous_commit=off") as owner:
        while reached < until:
            time.sleep(GATHER_SECONDS)
            to = min(until, first + int(rate * (time.monotonic() - begun)))
            owner.execute(PLACED, (reached, to))
            ring(owner, SEQUENCED)
            reached = to


def wait_for_all(deployment: Deployment, sequence: int) -> None:
    """Until every model is there."""
    deadline = time.monotonic() + 120
    with psycopg.connect(deployment.main, autocommit=True) as owner:
        while owner.execute("SELECT min(sequence) FROM read_model").fetchone() != (sequence,):
            assert time.monotonic() < deadline, "they do not keep up"
            time.sleep(0.02)


def together(stop: Stop, database: Database, doorbell: Doorbell) -> list[Session]:
    """As the worker does."""
    followers, apart = [Follower(model, events()) for model in MODELS], set[str]()
    own = [
        partial(follow_apart_while_connected, stop, database, doorbell, one, apart)
        for one in followers
    ]
    return [partial(follow_while_connected, stop, database, doorbell, followers, apart), *own]


def alone(stop: Stop, database: Database, doorbell: Doorbell) -> list[Session]:
    """Each model by itself."""
    return [partial(follow, stop, database, doorbell, Follower(one, events())) for one in MODELS]


def follow(stop: Stop, database: Database, followed: Doorbell, follower: Follower) -> None:
    """One model, until told to stop."""
    with (
        database.connection() as connection,
        leading_no_longer(connection),
        committing_at_ease(connection),
        listening(connection, SEQUENCED) as bell,
    ):
        assert follower.lead(connection)
        follower.begin(connection)
        idle = Idle(stop, bell)
        while not stop.asked():
            if worked := step_or_stop(follower, connection):
                followed.ring()
            idle.after(worked)


def _python() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
