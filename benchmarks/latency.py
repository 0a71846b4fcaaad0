"""From the commit of an append to the agenda that shows it: `python -m benchmarks.latency [--rate N] [--seconds N]`.

Everything on this machine: `daybook up` as anyone runs it, the client that books, and an observer that looks at the
queue, the order and the agenda's place every three milliseconds or so: that is the resolution, and it costs the server
something. An event that waited in the queue for less than that is in no line. Every tenth booking is read in the agenda
with `at_least` as soon as it is answered.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from benchmarks.bookings_http import ALWAYS, INSTANT, all_wishes, booked, business
from benchmarks.http_load import answer, call, request
from benchmarks.running import DURABLE, Running, running
from benchmarks.table import percentile, show

WARM_UP = 100
LOOK_SECONDS = 0.0025
READ_EVERY = 10
SETTLE_SECONDS_MAX = 30.0
LOOK = (
    "SELECT (SELECT sequence FROM sequencer_head),"
    " (SELECT sequence FROM read_model WHERE name = 'agenda' AND is_current),"
    " (SELECT max(qid) FROM event_queue), (SELECT array_agg(e ORDER BY qid) FROM event_queue, unnest(event_ids) e"
    " WHERE qid > %s)"
)


@dataclass
class Observed:
    """When an event was first seen in the queue, and when each sequence was first reached; seconds of one clock."""

    queued: dict[UUID, float] = field(default_factory=dict)
    placed: list[tuple[int, float]] = field(default_factory=list)
    visible: list[tuple[int, float]] = field(default_factory=list)
    looks: int = 0


@dataclass
class Client:
    """One connection that books at a steady pace; what its answers were, and how long reads with `at_least` took."""

    url: str
    reading: str
    key: str
    statuses: dict[int, int] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)

    async def run(self, bookings: Sequence[bytes], interval: float, offset: float) -> None:
        """Send one booking every `interval` seconds."""
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        began = time.perf_counter()
        for number, booking in enumerate(bookings):
            await asyncio.sleep(max(0.0, began + offset + number * interval - time.perf_counter()))
            writer.write(booking)
            status, body = await answer(reader)
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if number % READ_EVERY == 0 and status == 201:
                path = f"{self.reading}&at_least={json.loads(body)['event_id']}"
                started = time.perf_counter()
                writer.write(request("GET", path, self.key))
                status, _ = await answer(reader)
                assert status == 200, status
                self.waits.append(time.perf_counter() - started)
        writer.close()


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--rate", type=int, default=200, help="bookings a second")
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--clients", type=int, default=16)
    options.add_argument("--seed", type=int, default=7)
    chosen = options.parse_args()
    with running() as up:
        measure(up, chosen)


def measure(up: Running, chosen: argparse.Namespace) -> None:
    """Set a business up, book, watch, and print the table."""
    keys = json.loads(up.verb("tenant", "create", "--name", "Benchmark", "--json"))["keys"]
    services = [business(up.url, keys["owner"], ALWAYS, 30) for _ in range(3)]
    bookings = booked(
        all_wishes(services, random.Random(chosen.seed))[: WARM_UP + chosen.rate * chosen.seconds],
        keys["booking"],
        0,
    )
    place = call(up.url, "GET", "/v1/locations", keys["owner"])["data"][0]["id"]
    day = datetime.now(UTC) + timedelta(days=10)
    window = f"from={day:{INSTANT}}&to={day + timedelta(hours=4):{INSTANT}}"
    reading = f"/v1/agenda?location_id={place}&{window}"
    clients = [Client(up.url, reading, keys["booking"]) for _ in range(chosen.clients)]
    asyncio.run(book(clients, bookings[:WARM_UP], chosen.rate))
    for one in clients:
        one.waits.clear()
        one.statuses.clear()
    with psycopg.connect(up.verb("dsn").strip(), autocommit=True) as connection:
        observed = watched(
            connection, lambda: asyncio.run(book(clients, bookings[WARM_UP:], chosen.rate))
        )
        places = dict(
            connection.execute(
                "SELECT event_id, sequence FROM sequenced WHERE event_id = ANY(%s)",
                (list(observed.queued),),
            ).fetchall()
        )
    report(chosen, clients, observed, places)


async def book(clients: Sequence[Client], bookings: Sequence[bytes], rate: int) -> None:
    """All clients side by side, at `rate` a second in all."""
    interval = len(clients) / rate
    await asyncio.gather(
        *(
            one.run(bookings[number :: len(clients)], interval, number * interval / len(clients))
            for number, one in enumerate(clients)
        )
    )


def watched(connection: psycopg.Connection[Any], act: Any) -> Observed:
    """What was seen while `act` ran, and until the agenda had all of it."""
    observed, done = Observed(), Event()
    watching = Thread(target=watch, args=(connection, observed, done))
    watching.start()
    act()
    done.set()
    watching.join()
    return observed


def watch(connection: psycopg.Connection[Any], observed: Observed, done: Event) -> None:
    """Look again and again; after `done`, until nothing waits and the agenda stands where the order does."""
    seen, deadline = 0, float("inf")
    while True:
        head, agenda, last, events = connection.execute(LOOK, (seen,)).fetchone() or (
            0,
            0,
            None,
            None,
        )
        now = time.perf_counter()
        observed.looks += 1
        seen = max(seen, last or 0)
        for event in events or ():
            observed.queued.setdefault(event, now)
        for reached, kept in ((head, observed.placed), (agenda, observed.visible)):
            if not kept or kept[-1][0] < reached:
                kept.append((reached, now))
        if done.is_set():
            deadline = min(deadline, now + SETTLE_SECONDS_MAX)
            if (last is None and agenda == head) or now > deadline:
                return
        time.sleep(LOOK_SECONDS)


def reached(sequence: int, seen: Sequence[tuple[int, float]]) -> float:
    """When `sequence` was first seen to be reached."""
    low, high = 0, len(seen) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if seen[middle][0] < sequence else (low, middle)
    assert seen[low][0] >= sequence, "it was never reached"
    return seen[low][1]


def report(
    chosen: argparse.Namespace,
    clients: Sequence[Client],
    observed: Observed,
    places: dict[UUID, int],
) -> None:
    """Print the table."""
    committed, placed = [], []
    for event, sequence in places.items():
        visible = reached(sequence, observed.visible)
        committed.append(visible - observed.queued[event])
        placed.append(visible - reached(sequence, observed.placed))
    statuses: dict[int, int] = {}
    for one in clients:
        for status, count in one.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    show(
        f"Position to visible at {chosen.rate} bookings a second for {chosen.seconds} s ({DURABLE};"
        f" {chosen.clients} clients; seed {chosen.seed}; {answers}; {observed.looks:,} looks)",
        ("milliseconds", "events", "p50", "p99", "max"),
        [
            line("append committed -> visible", committed),
            line("position given -> visible", placed),
            line(
                "agenda read with at_least, answered", [it for one in clients for it in one.waits]
            ),
        ],
    )


def line(name: str, seconds: Sequence[float]) -> tuple[object, ...]:
    """One line of the table."""
    figures = (percentile(seconds, 0.5), percentile(seconds, 0.99), max(seconds))
    return name, len(seconds), *(f"{1000 * one:.1f}" for one in figures)


if __name__ == "__main__":
    main()
