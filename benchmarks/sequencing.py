"""Sequencing, with leaf hashes and tiles: `python -m benchmarks.sequencing`.

The queue is filled first; then one sequencer numbers what is in it, a batch a transaction, durable. Events are queued
by appends of 100 and, as bookings are, of one each. `--profile` shows where the time of the last point goes.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from uuid import UUID, uuid4

import psycopg

from benchmarks.filling import APPEND_EVENTS, fill
from benchmarks.running import DURABLE
from benchmarks.servers import Served, served
from benchmarks.table import median, show
from infrastructure.clock import SystemClock
from infrastructure.database import Database
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.store.sequencer import Sequencer

POINTS = ((APPEND_EVENTS, 3), (APPEND_EVENTS, 10), (APPEND_EVENTS, 100), (1, 256), (1, 2_048))
# As many appends of one event as the rows hold events, in the same order.
SPLIT = (
    "WITH taken AS (DELETE FROM event_queue RETURNING *)"
    " INSERT INTO event_queue (tenant_id, event_ids, stream_ids, stream_versions)"
    " SELECT t.tenant_id, ARRAY[x.e], ARRAY[x.s], ARRAY[x.v] FROM taken t,"
    " unnest(t.event_ids, t.stream_ids, t.stream_versions) WITH ORDINALITY AS x(e, s, v, at) ORDER BY t.qid, x.at"
)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description="events sequenced a second")
    options.add_argument("--events", type=int, default=40_000, help="for each point and round")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--profile", action="store_true")
    chosen = options.parse_args()
    rates: dict[tuple[int, int], list[float]] = {point: [] for point in POINTS}
    with served() as server:
        app = Database(server.deployment.dsn_of("app"), size=1)
        order = Database(server.deployment.dsn_of("sequencer"), size=1, walled=False)
        tenant = uuid4()
        for _ in range(chosen.rounds):
            for point in POINTS:
                queue(server, SequencedRecorder(app, home=tenant), tenant, chosen.events, point[0])
                rates[point].append(rate(order, point[1], chosen.events))
        if chosen.profile:
            queue(server, SequencedRecorder(app, home=tenant), tenant, chosen.events, 1)
            profiled(order, chosen.events)
        app.close()
        order.close()
    show(
        f"Events sequenced a second, leaves and tiles with them ({DURABLE}; medians of {chosen.rounds} rounds)",
        ("appends of", "appends a batch", "events a batch", "events/s"),
        [
            (f"{each}", f"{limit}", f"{each * limit}", f"{median(found):,.0f}")
            for (each, limit), found in rates.items()
        ],
    )


def queue(
    server: Served, recorder: SequencedRecorder, tenant: UUID, events: int, each: int
) -> None:
    """Append so many events, and leave them in the queue as appends of `each`."""
    fill(recorder, tenant, events)
    with psycopg.connect(server.deployment.main, autocommit=True) as owner:
        if each == 1:
            owner.execute(SPLIT)
        # As autovacuum would leave it: without the rows that were split, and with statistics.
        owner.execute("VACUUM ANALYZE event_queue, event, sequenced, ledger_tile")
        owner.execute("CHECKPOINT")


def rate(order: Database, limit: int, events: int) -> float:
    """Events a second until the queue is empty."""
    sequencer = Sequencer(order, SystemClock())
    with order.connection() as connection:
        assert sequencer.take_office(connection)
        began, done = time.perf_counter(), 0
        while found := sequencer.run_once(connection, limit):
            done += found
        taken = time.perf_counter() - began
        connection.execute("SELECT pg_advisory_unlock_all()")
    assert done == events, "the queue held what was put there"
    return done / taken


def profiled(order: Database, events: int) -> None:
    """Print where the time goes."""
    profile = cProfile.Profile()
    profile.runcall(rate, order, POINTS[-1][1], events)
    pstats.Stats(profile).sort_stats("tottime").print_stats(14)


if __name__ == "__main__":
    main()
