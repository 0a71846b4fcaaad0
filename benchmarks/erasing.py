"""What an erasure writes and how soon it holds: `python -m benchmarks.erasing`.

A person with so many events is erased on a PostgreSQL of our own, durable: rows written by the order, until nobody can
open (online), and until older copies of the keys are dead (complete). The same for a person with two events: the
figures must not differ. Meanwhile other processes, with the person's keys in memory, open their name as fast as they
can, and say when the first was refused. Without HTTP, and without waiting for the mirror.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from multiprocessing.connection import Connection
from uuid import UUID, uuid4

import psycopg

from api.composition import production
from api.platform import Platform
from application.erasing.eraser import Eraser
from application.erasing.key_shredding import Destroyed, KeyShredder, KeyState, Progress, Turned
from application.erasing.ordering import Wish
from application.permissions import operator
from benchmarks.filling import written
from benchmarks.reveal import full_day
from benchmarks.servers import served
from benchmarks.table import show
from domain.errors import Erased
from domain.sealing import RetentionClass
from infrastructure.deployment import Deployment, pin_zones
from infrastructure.engine import Engine
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.wall import bound_to

PROCESSES = 2
EVENTS_AT_ONCE = 100
STATISTICS_SECONDS = 1.0  # for what has just hung up
REFUSED_SECONDS_MAX = 30.0
BOOKED_EVENTS = 2  # a booking begins with two events about its person
CHANGED = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables"
TELL = "SELECT pg_stat_force_next_flush() IS NULL"
STEPS = ("ordered", "online", "complete")


@dataclass
class Cost:
    """What one erasure came to. Rows of both databases by step; seconds from before the order."""

    events: int
    rows: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    refused: float = 0.0


class AtOnce:
    """See the port `Mirrored`: everything is."""

    def wait(self, tenant: UUID, event: UUID, seconds: float) -> bool:
        """See the port."""
        return True


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description="an erasure: rows and seconds")
    options.add_argument("--events", type=int, default=100_000)
    chosen = options.parse_args()
    with served() as server:
        costs = [erased(server.deployment, events) for events in (2, chosen.events)]
    for name, unit in (("rows", "rows written so far"), ("seconds", "seconds since the order")):
        show(
            f"One erasure: {unit}",
            ("events of the person", *STEPS),
            [(one.events, *(_shown(it) for it in getattr(one, name))) for one in costs],
        )
    show(
        f"Seconds from the order until each of {PROCESSES} processes refused",
        ("events of the person", "the slowest"),
        [(one.events, f"{one.refused:.3f}") for one in costs],
    )


def _shown(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.3f}"


def erased(deployment: Deployment, events: int) -> Cost:
    """Two persons with so many events: one is erased while nothing else goes on, one while others look."""
    platform, engine = production(deployment, connections=1)
    tenant = engine.ids.uuid()
    cost = Cost(events)
    with bound_to(tenant):
        platform.tenancy.found_tenant("Benchmark", tenant)
        quiet, seen = full_day(platform, tenant, people=2).bookings
        for booking in (quiet, seen):
            fill(engine, tenant, subject_of(platform, tenant, booking), events - BOOKED_EVENTS)
        eraser = replace(platform.eraser, mirrored=AtOnce())
        subject = subject_of(platform, tenant, quiet)
        measured(lambda: changed(deployment, engine), eraser, tenant, subject, cost)
        with looking(deployment, tenant, seen) as refusals:
            subject = subject_of(platform, tenant, seen)
            begin = time.monotonic()
            eraser.orders.order(operator(tenant), Wish(subject, "request"))
        cost.refused = max(refusals) - begin
    engine.close()
    return cost


def measured(
    count: Callable[[], int], eraser: Eraser, tenant: UUID, subject: UUID, cost: Cost
) -> None:
    """Erase, noting rows and seconds after each step. The server's counts are waited for beside the clock."""
    before, spent = count(), 0.0
    begin = time.monotonic()

    def note() -> None:
        nonlocal begin, spent
        spent += time.monotonic() - begin
        cost.seconds.append(spent)
        cost.rows.append(count() - before)
        begin = time.monotonic()

    eraser.orders.order(operator(tenant), Wish(subject, "request"))
    note()
    replace(eraser, shredder=Noting(eraser.shredder, note)).round([tenant])
    note()


@dataclass
class Noting:
    """See the port `KeyShredder`: notes when everything is online, before the epoch turns."""

    shredder: KeyShredder
    note: Callable[[], None]

    def destroy(
        self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass], at: datetime
    ) -> Destroyed:
        """See the port."""
        return self.shredder.destroy(tenant, subject, classes, at)

    def turn_epoch(self, at: datetime) -> Turned:
        """See the port."""
        self.note()
        return self.shredder.turn_epoch(at)

    def full_rekey(self, at: datetime, progress: Progress) -> Turned:
        """See the port."""
        return self.shredder.full_rekey(at, progress)

    def state(self, tenant: UUID, subject: UUID) -> dict[RetentionClass, KeyState]:
        """See the port."""
        return self.shredder.state(tenant, subject)

    def living(
        self, tenant: UUID, subjects: Sequence[UUID]
    ) -> Mapping[UUID, tuple[RetentionClass, ...]]:
        """See the port."""
        return self.shredder.living(tenant, subjects)


def subject_of(platform: Platform, tenant: UUID, booking: UUID) -> UUID:
    """Whose booking it is."""
    return platform.booking_reads.booking(booking, operator(tenant)).state.subject


def fill(engine: Engine, tenant: UUID, subject: UUID, events: int) -> None:
    """More events about a person, a hundred to a stream."""
    recorder = SequencedRecorder(engine.app, home=tenant)
    for first in range(0, events, EVENTS_AT_ONCE):
        stream, last = uuid4(), min(EVENTS_AT_ONCE, events - first)
        batch = [written(tenant, stream, version, subject) for version in range(1, last + 1)]
        recorder.insert_events(list(batch))


def changed(deployment: Deployment, engine: Engine) -> int:
    """How many rows were ever written in both databases; the engine's own connections, one each, tell theirs first."""
    for own in (engine.app, engine.keys):
        own.rows(TELL)
    time.sleep(STATISTICS_SECONDS)
    found = 0
    for dsn in (deployment.main, deployment.keys):
        with psycopg.connect(dsn) as owner:
            row = owner.execute(CHANGED.encode()).fetchone()
            assert row is not None
            found += int(row[0])
    return found


# --- others who look -------------------------------------------------------------------------------------------------


@contextmanager
def looking(deployment: Deployment, tenant: UUID, booking: UUID) -> Iterator[list[float]]:
    """Other processes that open the customer of a booking; when each was first refused, once the block has ended."""
    spawn = multiprocessing.get_context("spawn")
    pairs = [spawn.Pipe() for _ in range(PROCESSES)]
    processes = [
        spawn.Process(target=look, args=(deployment, tenant, booking, there)) for _, there in pairs
    ]
    for process in processes:
        process.start()
    refusals: list[float] = []
    for here, _ in pairs:
        here.recv()  # it has opened once
    yield refusals
    for here, _ in pairs:
        assert here.poll(REFUSED_SECONDS_MAX), "a process still opens"
        refusals.append(here.recv())
    for process in processes:
        process.join()


def look(deployment: Deployment, tenant: UUID, booking: UUID, pipe: Connection) -> None:
    """What such a process does. Clocks of one machine are one."""
    pin_zones()
    platform, engine = production(deployment, connections=1)
    by = replace(operator(tenant), purpose="service")
    with bound_to(tenant):
        platform.booking_reads.with_customer(booking, by)
        pipe.send("opened")
        try:
            while True:
                platform.booking_reads.with_customer(booking, by)
        except Erased:
            pipe.send(time.monotonic())
    engine.close()


if __name__ == "__main__":
    main()
