"""A rebuild beside bookings and reads: `python -m benchmarks.rebuilding [--events N]`.

A deployment with a long log, as `daybook up` runs it. Bookings come in at a steady rate, each of a new customer, and
somebody lists bookings twenty times a second: first with nothing else going on, then while `daybook rebuild agenda`
makes the agenda anew. Printed: what reading and booking cost in both, how many answers were no success, and how long
the rebuild took, its comparison and switch included.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psycopg

from application.event_types import catalogue
from benchmarks.bookings_http import ALWAYS, INSTANT, all_wishes, booked, business
from benchmarks.http_load import Result, load
from benchmarks.long_log import LongLog
from benchmarks.running import DURABLE, Running, running
from benchmarks.table import percentile, show
from infrastructure.deployment import Deployment, pin_zones
from infrastructure.server.local_postgres import LocalPostgres
from infrastructure.settings import Settings

READS_A_SECOND = 20
AT_ONCE_SECONDS = 2  # bookings are sent for so long at a time
QUIET_SECONDS = 20
CAUGHT_UP_SECONDS = 1_800.0
WAITING = (
    "SELECT (SELECT sequence FROM sequencer_head) - (SELECT sequence FROM subject_index)"
    " + (SELECT count(*) FROM ledger_head h WHERE NOT EXISTS (SELECT FROM ledger_checkpoint c"
    " WHERE c.tenant_id = h.tenant_id AND c.size >= h.size))"
)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--events", type=int, default=1_000_000)
    options.add_argument("--rate", type=int, default=100, help="bookings a second")
    options.add_argument("--processes", type=int, default=1, help="of the rebuild")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as scratch:
        data = Path(scratch) / "data"
        put(data, chosen.events)
        with running(data=data) as up:
            measure(up, chosen.events, chosen.rate, chosen.processes)


def put(data: Path, events: int) -> None:
    """A deployment with a long log, not running."""
    pin_zones()
    server = LocalPostgres(data)
    deployment = Deployment.locate(Settings(data), server.start())
    try:
        deployment.prepare(frozenset(catalogue()))
        LongLog(events).put(deployment.main)
    finally:
        server.stop()


def measure(up: Running, events: int, rate: int, processes: int) -> None:
    """Both sides."""
    keys = json.loads(up.verb("tenant", "create", "--name", "Benchmark", "--json"))["keys"]
    services = [business(up.url, keys["owner"], ALWAYS, 30) for _ in range(3)]
    wishes = iter(booked(all_wishes(services, random.Random(7)), keys["booking"], 0))
    caught_up(up, keys["owner"])
    quiet, beside = Side(), Side()
    begun = time.monotonic()
    both_go_on(
        up, keys["owner"], wishes, rate, quiet, lambda: time.monotonic() - begun < QUIET_SECONDS
    )
    verb = ["rebuild", "agenda", "--processes", str(processes), "--json", "--data", str(up.data)]
    command = [sys.executable, "-m", "api.cli", *verb]
    rebuild = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    begun = time.monotonic()
    both_go_on(up, keys["owner"], wishes, rate, beside, lambda: rebuild.poll() is None)
    seconds = time.monotonic() - begun
    said = json.loads(rebuild.communicate()[0])
    show(
        f"Reads and {rate} bookings a second, a log of {events:,} events ({DURABLE})",
        ("", "reads", "p50 ms", "p99 ms", "bookings", "p50 ms", "p99 ms", "no success"),
        [quiet.row("nothing else"), beside.row(f"agenda rebuilt by {processes}")],
    )
    print(f"\n  rebuilt in {seconds:.0f} s, equal: {said['equal']}, switched: {said['switched']}")
    print(f"  p99 of reads: {beside.read_p99 / quiet.read_p99:.1f} times")


@dataclass
class Side:
    """What was asked, and what it cost."""

    reads: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    made: Result = field(default_factory=Result)

    @property
    def read_p99(self) -> float:
        """Seconds."""
        return percentile(self.reads, 0.99)

    def row(self, name: str) -> tuple[object, ...]:
        """A line of the table."""
        failed = sum(status >= 300 for status in self.statuses)
        failed += sum(count for status, count in self.made.statuses.items() if status >= 300)
        times = [
            f"{1000 * percentile(seconds, part):.1f}"
            for seconds in (self.reads, self.made.seconds)
            for part in (0.5, 0.99)
        ]
        return (name, len(self.reads), *times[:2], len(self.made.seconds), *times[2:], failed)


def caught_up(up: Running, key: str) -> None:
    """Until every model has taken the log in, and it is indexed, mirrored and signed."""
    deadline = time.monotonic() + CAUGHT_UP_SECONDS
    with asking(up, key) as ask, psycopg.connect(up.verb("dsn").strip(), autocommit=True) as owner:
        while True:
            _, body = ask("/v1/read-models")
            lag = sum(model["lag_events"] for model in json.loads(body)["data"])
            (waiting,) = owner.execute(WAITING).fetchone() or (1,)
            if lag + waiting == 0:
                return
            if time.monotonic() > deadline:
                raise SystemExit(f"models are {lag} events behind, the ledger {waiting}")
            time.sleep(1)


def both_go_on(
    up: Running,
    key: str,
    wishes: Iterator[bytes],
    rate: int,
    side: Side,
    goes_on: Callable[[], bool],
) -> None:
    """Read and book while it goes on."""
    stop = threading.Event()
    reader = threading.Thread(target=read, args=(up, key, side, stop))
    reader.start()
    try:
        while goes_on():
            some = [next(wishes) for _ in range(rate * AT_ONCE_SECONDS)]
            found = load(up.url, some, clients=8, rate=rate)
            side.made.seconds += found.seconds
            for status, count in found.statuses.items():
                side.made.statuses[status] = side.made.statuses.get(status, 0) + count
    finally:
        stop.set()
        reader.join()


def read(up: Running, key: str, side: Side, stop: threading.Event) -> None:
    """List bookings of a week, again and again."""
    first = datetime.now(UTC) + timedelta(days=2)
    window = {"from": f"{first:{INSTANT}}", "to": f"{first + timedelta(days=7):{INSTANT}}"}
    path = "/v1/bookings?" + urlencode({**window, "limit": 50})
    with asking(up, key) as ask:
        while not stop.wait(1 / READS_A_SECOND):
            begun = time.perf_counter()
            status, _ = ask(path)
            side.reads.append(time.perf_counter() - begun)
            side.statuses.append(status)


@contextmanager
def asking(up: Running, key: str) -> Iterator[Callable[[str], tuple[int, bytes]]]:
    """GET over one connection that is kept."""
    place = urlsplit(up.url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)

    def ask(path: str) -> tuple[int, bytes]:
        connection.request("GET", path, headers={"authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        return answer.status, answer.read()

    try:
        yield ask
    finally:
        connection.close()


if __name__ == "__main__":
    main()
