"""From commit to signed checkpoint, and what the ledger costs the bookings: `python -m benchmarks.checkpoints`.

First events are appended at a steady rate to the deployment that `daybook up` runs, to one log and then spread over a
thousand, and for each one is told how long after its commit a signed checkpoint covered it (seen by polling, so a
little too long). Then bookings through HTTP, round by round with the ledger at work (signer, publisher, and the
cartographer drawing a map every other second) and with those three processes stopped by a signal. Leaves and tiles are
written by the sequencer in both; benchmarks.sequencing says what they cost. At the end, the memory of each part.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import StoredEvent

from benchmarks.bookings_http import ALWAYS, all_wishes, booked, business
from benchmarks.http_load import load
from benchmarks.running import DURABLE, Running, running
from benchmarks.start_up import proportional_kib
from benchmarks.table import median, percentile, show
from infrastructure.database import Database
from infrastructure.deployment import Deployment, pin_zones
from infrastructure.settings import Settings
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.wall import bound_to

STATE = b"x" * 400
WRITERS = 8
POLL_SECONDS = 0.02
LEDGER_PARTS = ("signer", "publisher", "cartographer")
WISH = "INSERT INTO map_wish SELECT tenant_id FROM ledger_head ON CONFLICT DO NOTHING"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--rate", type=float, default=500.0, help="events a second")
    options.add_argument("--seconds", type=float, default=20.0, help="of appending, for each row")
    options.add_argument("--bookings", type=int, default=1_500, help="in each round")
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    pin_zones()
    with running() as up:
        deployment = Deployment.locate(Settings.read(up.data))
        latencies(deployment, chosen.rate, chosen.seconds)
        losses(up, deployment, chosen.bookings, chosen.rounds)
        memory(up)


# --- from commit to checkpoint ---------------------------------------------------------------------------------------


@dataclass
class Watched:
    """When each event was committed, and when a signed checkpoint was seen to cover each size of each log."""

    committed: list[tuple[UUID, UUID, float]] = field(default_factory=list)
    signed: dict[UUID, list[tuple[int, float]]] = field(default_factory=dict)

    def waited(self, positions: dict[UUID, int]) -> list[float]:
        """Seconds from commit to checkpoint, for each event."""
        found = []
        for tenant, event, at in self.committed:
            covered = (when for size, when in self.signed[tenant] if size > positions[event])
            found.append(next(covered) - at)
        return found


def latencies(deployment: Deployment, rate: float, seconds: float) -> None:
    """One log, then a thousand."""
    rows = []
    for logs in (1, 1_000):
        tenants = [uuid4() for _ in range(logs)]
        waited = latency(deployment, tenants, rate, seconds)
        rows.append(
            (
                f"{logs} log{'s' * (logs > 1)}",
                f"{len(waited) / seconds:.0f}",
                *(f"{percentile(waited, share) * 1000:.0f}" for share in (0.5, 0.99)),
                f"{max(waited) * 1000:.0f}",
            )
        )
    show(
        f"From commit to signed checkpoint ({DURABLE}; goal p99 1,000 ms)",
        ("", "events a second", "p50 ms", "p99 ms", "max ms"),
        rows,
    )


def latency(
    deployment: Deployment, tenants: Sequence[UUID], rate: float, seconds: float
) -> list[float]:
    """Append at a steady rate, and watch the checkpoints; the seconds that each event waited."""
    watched = Watched(signed={tenant: [] for tenant in tenants})
    done = threading.Event()
    watcher = threading.Thread(target=watch, args=(deployment, watched, done))
    watcher.start()
    app = Database(deployment.dsn_of("app"), size=WRITERS)
    append_steadily(app, tenants, rate, seconds, watched)
    app.close()
    wait_until_signed(deployment, tenants)
    time.sleep(5 * POLL_SECONDS)  # the watcher sees it, too
    done.set()
    watcher.join()
    with psycopg.connect(deployment.main) as connection:
        rows = connection.execute(
            "SELECT event_id, position FROM sequenced WHERE tenant_id = ANY(%s)", (list(tenants),)
        ).fetchall()
    return watched.waited(dict(rows))


def append_steadily(
    app: Database, tenants: Sequence[UUID], rate: float, seconds: float, watched: Watched
) -> None:
    """One event at a time, each in a stream of its own, from several threads in step with the clock."""
    recorder = SequencedRecorder(app)
    began = time.monotonic()
    count = int(rate * seconds)
    draw = random.Random(7)
    logs = [draw.choice(tenants) for _ in range(count)]

    def write(first: int) -> None:
        for number in range(first, count, WRITERS):
            wait = began + number / rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            stream = uuid4()
            with bound_to(logs[number]):
                recorder.insert_events([StoredEvent(stream, 1, "test.written.v1", STATE)])
            streams.append((logs[number], stream, time.monotonic()))

    streams: list[tuple[UUID, UUID, float]] = []
    with ThreadPoolExecutor(WRITERS) as pool:
        for job in [pool.submit(write, first) for first in range(WRITERS)]:
            job.result()
    for tenant in tenants:
        with bound_to(tenant):
            own = [stream for log, stream, _ in streams if log == tenant]
            rows = app.rows(
                "SELECT stream_id, event_id FROM event WHERE tenant_id = %b AND stream_id = ANY(%b::uuid[])"
                " AND stream_version = 1",
                (tenant, own),
            )
        ids = dict(rows)
        watched.committed += [
            (log, ids[stream], at) for log, stream, at in streams if log == tenant
        ]


def watch(deployment: Deployment, watched: Watched, done: threading.Event) -> None:
    """Note when checkpoints grow."""
    known: dict[UUID, int] = {}
    with psycopg.connect(deployment.main, autocommit=True) as connection:
        while not done.wait(POLL_SECONDS):
            rows = connection.execute(
                "SELECT tenant_id, max(size) FROM ledger_checkpoint GROUP BY tenant_id"
            ).fetchall()
            now = time.monotonic()
            for tenant, size in rows:
                if tenant in watched.signed and size > known.get(tenant, 0):
                    known[tenant] = size
                    watched.signed[tenant].append((size, now))


def wait_until_signed(deployment: Deployment, tenants: Sequence[UUID] | None = None) -> None:
    """Until nothing waits for its place, and the last checkpoint of every log covers it."""
    behind = (
        "SELECT (SELECT count(*) FROM event_queue) + (SELECT count(*) FROM ledger_head h"
        " WHERE NOT EXISTS (SELECT FROM ledger_checkpoint c WHERE c.tenant_id = h.tenant_id AND c.size >= h.size)"
        " AND (%s::uuid[] IS NULL OR h.tenant_id = ANY(%s)))"
    )
    asked = None if tenants is None else list(tenants)
    with psycopg.connect(deployment.main, autocommit=True) as connection:
        while connection.execute(behind, (asked, asked)).fetchone() != (0,):
            time.sleep(0.05)


# --- what bookings lose ----------------------------------------------------------------------------------------------


def losses(up: Running, deployment: Deployment, bookings: int, rounds: int) -> None:
    """Bookings a second with the ledger at work and with it stopped, in turn."""
    keys = json.loads(up.verb("tenant", "create", "--name", "Benchmark", "--json"))["keys"]
    services = [business(up.url, keys["owner"], ALWAYS, 30) for _ in range(3)]
    wishes = all_wishes(services, random.Random(7))
    at = 200
    load(up.url, booked(wishes[:at], keys["booking"], 0), clients=16)
    rates: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(rounds):
        for name in rates:
            requests = booked(wishes[at : at + bookings], keys["booking"], at)
            at += bookings
            with stopped(up) if name == "without" else drawing(deployment):
                rates[name].append(load(up.url, requests, clients=16).rate)
            wait_until_signed(deployment)
    with_it, without = median(rates["with"]), median(rates["without"])
    each = ", ".join(f"{a / b:.2f}" for a, b in zip(rates["with"], rates["without"], strict=True))
    show(
        f"Bookings a second through HTTP ({DURABLE}; 16 clients; medians of {rounds} rounds of {bookings})",
        ("", "a second", "share", "goal"),
        [
            ("ledger stopped", f"{without:.0f}", "100%", ""),
            ("ledger and maps at work", f"{with_it:.0f}", f"{with_it / without:.0%}", "80%"),
        ],
    )
    print(f"  round by round: {each}")


@contextmanager
def stopped(up: Running) -> Iterator[None]:
    """Signer, publisher and cartographer, stopped by a signal and sent on afterwards."""
    pids = [pid for name, pid in parts(up).items() if name in LEDGER_PARTS]
    assert len(pids) == len(LEDGER_PARTS)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def drawing(deployment: Deployment) -> Iterator[None]:
    """Somebody wishes for a map of every log all the time."""
    done = threading.Event()

    def wish() -> None:
        with psycopg.connect(deployment.main, autocommit=True) as connection:
            while not done.wait(0.5):
                connection.execute(WISH)

    wishing = threading.Thread(target=wish)
    wishing.start()
    try:
        yield
    finally:
        done.set()
        wishing.join()


# --- memory ----------------------------------------------------------------------------------------------------------


def parts(up: Running) -> dict[str, int]:
    """The process ids of the parts, by name."""
    rows = json.loads((up.data / "run" / "parts.json").read_text())
    return {row["part"]: int(row["pid"]) for row in rows}


def memory(up: Running) -> None:
    """What each part holds after all this."""
    rows = [
        (name, f"{proportional_kib(pid) / 1024:.0f} MiB", "150 MiB")
        for name, pid in parts(up).items()
        if name in (*LEDGER_PARTS, "sequencer")
    ]
    show("Memory after a thousand logs (proportional set size)", ("", "holds", "goal"), rows)


if __name__ == "__main__":
    main()
