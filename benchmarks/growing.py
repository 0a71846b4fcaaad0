"""How things cost as a log grows: `python -m benchmarks.growing --events N`, once for each size.

A log of N events of forty tenants (bookings and disclosures, half and half), put in by one process for each core. Then,
on that log: appending one event at a time, from one thread and from four; the read models `agenda` and `disclosures`
followed from the first event to the last, and rebuilt by two processes; slots of a week, of a business whose five
staff have together as many visits as a tenant of the log has bookings; and what is read for "who was given data", of a
person and of a recipient. Milliseconds are medians; one size a run, so that the memory is that of this size.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import psycopg

from api.composition import production
from api.platform import Platform
from application.answers.disclosure_reads import AsOf, Wanted
from application.booking.slots import SlotQuery
from application.recorded import Caller
from application.setup.locations import OpenLocation
from application.setup.services import OfferService
from application.setup.staffing import EngageStaff, SetSchedule
from benchmarks.filling import written
from benchmarks.following import Cost, follow, measured, rebuild
from benchmarks.long_log import LongLog
from benchmarks.running import DURABLE
from benchmarks.servers import Served, served
from benchmarks.table import median, show
from domain.location import LocationTerms
from domain.schedule import Hours, Schedule, WeeklyHours
from domain.service import ServiceTerms
from domain.staff import StaffTerms
from domain.values import Personal
from infrastructure.database import Database
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.wall import bound_to
from projections.models import MODELS

BYTES_EACH: Final = (
    3_000  # of disk, for an event in all that is made of it, and the write-ahead log meanwhile
)
FOLLOWED: Final = ("agenda", "disclosures")
PROCESSES: Final = 2
APPENDS, WRITERS = 1_000, (1, 4)
LOOKS: Final = 100
STAFF: Final = 5
TENANTS: Final = 40
EVENTS_OF_A_BOOKING: Final = 6  # with those of the disclosure that comes with each
DAY: Final = Schedule("UTC", (WeeklyHours((0, 1, 2, 3, 4, 5, 6), Hours(480, 1_200)),))
# Half-hour visits with three quarters of an hour between them, in which one more finds room, around the day after
# tomorrow.
VISITS: Final = (
    "INSERT INTO reservation SELECT %(tenant)s, gen_random_uuid(), 'booking', %(staff)s, %(service)s, t, t + 1800, t,"
    " t + 1800, 1, NULL FROM (SELECT %(middle)s + 4500 * (n - %(count)s / 2) AS t FROM generate_series(1, %(count)s) n)"
)
PERSON: Final = "SELECT tenant_id, subject_id FROM shared_v1 LIMIT 1"
RECIPIENT: Final = (
    "SELECT tenant_id, recipient_id FROM disclosure_v1 GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 1"
)
Row = tuple[object, ...]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description="what things cost on a log of a size")
    options.add_argument("--events", type=int, default=100_000)
    chosen = options.parse_args()
    needed = chosen.events * BYTES_EACH + 2_000_000_000
    if shutil.disk_usage(os.environ.get("TMPDIR", "/tmp")).free < needed:
        raise SystemExit(f"{needed / 1e9:.0f} GB of disk are needed in TMPDIR")
    with served() as server:
        rows = list(told(measures(server, chosen.events)))
    show(f"A log of {chosen.events:,} events ({DURABLE})", ("", "", ""), rows)


def told(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, each on the standard error as soon as it is known: the large sizes take long."""
    for row in rows:
        print("growing:", *row, sep="  ", file=sys.stderr, flush=True)
        yield row


def measures(server: Served, events: int) -> Iterator[Row]:
    """All that is measured, in order."""
    yield filled(server, events)
    for writers in WRITERS:
        yield appended(server, writers)
    yield from modelled(server, events)
    platform, engine = production(server.deployment, connections=2)
    yield from looked_up(server, platform, events)
    engine.close()
    yield from sizes(server, events)


def filled(server: Served, events: int) -> Row:
    """Put the log in."""
    begun = time.perf_counter()
    LongLog(events, TENANTS, processes=os.cpu_count() or 1).put(server.deployment.main)
    seconds = time.perf_counter() - begun
    return ("filling", f"{seconds:.0f} s", f"{events / seconds:,.0f} events/s")


def appended(server: Served, writers: int) -> Row:
    """One event an append, each to a stream of its own."""
    app = Database(server.deployment.dsn_of("app"), size=writers)
    tenant = uuid4()
    recorder = SequencedRecorder(app, home=tenant)
    times: list[float] = []

    def write() -> None:
        with bound_to(tenant):
            for _ in range(APPENDS):
                event = written(tenant, uuid4(), 1)
                begun = time.perf_counter()
                recorder.insert_events([event])
                times.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    with ThreadPoolExecutor(writers) as pool:
        for job in [pool.submit(write) for _ in range(writers)]:
            job.result()
    rate = writers * APPENDS / (time.perf_counter() - begun)
    app.close()
    return (f"append, {writers} at once", f"{1e3 * median(times):.2f} ms", f"{rate:,.0f} calls/s")


def modelled(server: Served, events: int) -> Iterator[Row]:
    """The models followed, then rebuilt."""
    for model in (one for one in MODELS if one.name in FOLLOWED):
        ways = {
            "followed": partial(follow, server.deployment, model),
            f"rebuilt by {PROCESSES}": partial(rebuild, server.deployment, model, PROCESSES),
        }
        for how, act in ways.items():
            cost = measured(server.deployment, act)
            yield (
                f"{model.name}, {how}",
                f"{events / cost.wall:,.0f} events/s",
                each(cost, events),
            )
    yield ("memory of a process that rebuilds", f"{children_megabytes():.0f} MB", "at most")


def each(cost: Cost, events: int) -> str:
    """Processor time for each event."""
    python, postgres = (1e6 * one / events for one in (cost.python, cost.postgres))
    return f"{python:.1f} + {postgres:.1f} us each (Python + PostgreSQL)"


def children_megabytes() -> float:
    """The most that any ended child held."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def looked_up(server: Served, platform: Platform, events: int) -> list[Row]:
    """What people wait for."""
    shop = Shop.opened(platform)
    shop.fill(server.deployment.main, max(2, events // EVENTS_OF_A_BOOKING // TENANTS // STAFF))
    with psycopg.connect(server.deployment.main, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
        (tenant, person), (of, recipient) = (
            owner.execute(one).fetchone() or (None, None) for one in (PERSON, RECIPIENT)
        )
    asked = platform.disclosure_answers.disclosures
    now = AsOf(platform.clock.now(), None, None)
    looks: dict[str, tuple[UUID, Callable[[], object]]] = {
        "slots of a week": (shop.by.tenant, shop.slots),
        "disclosures of a person": (
            tenant,
            lambda: (
                asked.totals(tenant, person, "officer", now),
                asked.of_subject(tenant, person, "officer", now, 51, None),
            ),
        ),
        "disclosures to a recipient, a page of 50": (
            of,
            lambda: asked.page(of, Wanted(recipient=recipient), now, 51, None, with_withheld=True),
        ),
    }
    return [(what, f"{milliseconds(*look):.2f} ms", "") for what, look in looks.items()]


def milliseconds(tenant: UUID, look: Callable[[], object]) -> float:
    """The median of some calls, the first ones left out."""
    times = []
    with bound_to(tenant):
        for _ in range(LOOKS + 5):
            begun = time.perf_counter()
            assert look()
            times.append(1e3 * (time.perf_counter() - begun))
    return median(times[5:])


@dataclass(frozen=True, slots=True)
class Shop:
    """A business with one location, one service and five staff."""

    platform: Platform
    by: Caller
    service: UUID
    staff: Sequence[UUID]

    @classmethod
    def opened(cls, platform: Platform) -> Shop:
        """A new one."""
        tenant = platform.ids.uuid()
        by = Caller(tenant, "key_1", frozenset({"owner", "booking"}))
        with bound_to(tenant):
            platform.tenancy.found_tenant("Benchmark", tenant)
            place = platform.locations.open(OpenLocation(LocationTerms("Main", "UTC", "US")), by)
            terms = ServiceTerms((place.state.id,), "Cut", 30, slot_interval_minutes=15)
            service = platform.services.offer(OfferService(terms), by).state.id
            staff = [
                platform.staffing.engage(
                    EngageStaff(
                        StaffTerms((place.state.id,), f"Sam {n}", (service,)), Personal("Sam")
                    ),
                    by,
                ).state.id
                for n in range(STAFF)
            ]
            for one in staff:
                platform.staffing.set_schedule(SetSchedule(one, DAY), by)
        return cls(platform, by, service, staff)

    def fill(self, dsn: str, visits: int) -> None:
        """So many visits for each of the staff."""
        middle = int(self._from().timestamp())
        with psycopg.connect(dsn) as owner:
            for staff in self.staff:
                given = {"tenant": self.by.tenant, "staff": staff, "service": self.service}
                owner.execute(VISITS.encode(), {**given, "middle": middle, "count": visits})

    def slots(self) -> object:
        """A week's."""
        start = self._from()
        return self.platform.slots.free(
            SlotQuery(self.service, start, start + timedelta(days=7)), self.by
        )

    def _from(self) -> datetime:
        now = self.platform.clock.now()
        return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)


def sizes(server: Served, events: int) -> list[Row]:
    """What lies on the disk."""
    with psycopg.connect(server.deployment.main, autocommit=True) as owner:
        row = owner.execute(
            "SELECT pg_database_size(current_database()), pg_total_relation_size('event'),"
            " pg_total_relation_size('sequenced'), (SELECT sum(size)::bigint FROM pg_ls_waldir())"
        ).fetchone()
    assert row is not None
    names = ("the database", "of it events", "of it their places", "write-ahead log")
    return [
        (f"disk, {name}", f"{size / 1e6:,.0f} MB", f"{size / events:,.0f} bytes an event")
        for name, size in zip(names, row, strict=True)
    ]


if __name__ == "__main__":
    main()
