"""What a slot search costs when many work there: `python -m benchmarks.slot_search --staff 50 --days 92`.

The use case on a PostgreSQL of our own, without HTTP. Processor time, for the machines this runs on are shared: of
Python as a whole, of that what reading the facts takes and what listing them takes, and of PostgreSQL.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg

from api.composition import production
from api.platform import Platform
from application.booking.slots import REACH_AFTER_SECONDS, REACH_BEFORE_SECONDS, SlotQuery
from application.permissions import operator
from application.recorded import Caller
from application.setup.locations import OpenLocation
from application.setup.services import OfferService
from application.setup.staffing import EngageStaff, SetSchedule
from benchmarks.postgres_time import postgres_seconds
from benchmarks.servers import served
from benchmarks.table import show
from domain.location import LocationTerms
from domain.schedule import Hours, Schedule, WeeklyHours
from domain.service import ServiceTerms
from domain.staff import StaffTerms
from domain.values import epoch_seconds
from infrastructure.wall import bound_to

NINE_TO_FIVE = Schedule("America/New_York", (WeeklyHours((0, 1, 2, 3, 4, 5, 6), Hours(540, 1020)),))
# So many of an hour's half are taken, of every staff member on every day, from 13:00 UTC (nine in New York, in winter).
TAKEN = (
    "INSERT INTO reservation (tenant_id, owner_id, kind, staff_id, service_id, visit_start, visit_end, starts_at,"
    " ends_at, capacity) SELECT %(tenant)s, gen_random_uuid(), 'booking', who, %(service)s, at, at + 1800, at,"
    " at + 1800, 1 FROM unnest(%(staff)s::uuid[]) who, generate_series(0, %(days)s - 1) day,"
    " generate_series(0, %(bookings)s - 1) n, LATERAL (SELECT %(first)s + day * 86400 + n * 3600 AS at) x"
)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description="a slot search over many staff and days")
    for name, default in (("--staff", 50), ("--days", 92), ("--bookings", 6), ("--runs", 20)):
        options.add_argument(name, type=int, default=default)
    chosen = options.parse_args()
    with served() as server:
        platform, engine = production(server.deployment, connections=2)
        tenant = engine.ids.uuid()
        with bound_to(tenant), psycopg.connect(server.deployment.main) as owner:
            by = operator(tenant)
            platform.tenancy.found_tenant("Benchmark", tenant)
            service, staff = set_up(platform, by, chosen.staff)
            midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            first = midnight + timedelta(days=1)
            filled = {"tenant": tenant, "service": service, "staff": staff}
            filled |= {"days": chosen.days, "bookings": chosen.bookings}
            owner.execute(TAKEN, filled | {"first": epoch_seconds(first) + 13 * 3_600})
            owner.commit()
            owner.autocommit = True
            owner.execute("ANALYZE reservation")
            last = first + timedelta(days=chosen.days)
            bounds = (
                epoch_seconds(first) - REACH_BEFORE_SECONDS,
                epoch_seconds(last) + REACH_AFTER_SECONDS,
            )
            now = epoch_seconds(datetime.now(UTC))
            folder = str(owner.execute("SHOW data_directory").fetchone()[0])  # type: ignore[index]

            def read() -> int:
                facts = engine.book.slot_facts(tenant, service, *bounds, now)
                return sum(map(len, facts.taken.values()))

            def search() -> int:
                return len(platform.slots.free(SlotQuery(service, first, last), by))

            rows = [
                (name, *measured(work, chosen.runs, folder))
                for name, work in (("reading the facts", read), ("the whole search", search))
            ]
        engine.close()
    title = f"A search of {chosen.days} days for {chosen.staff} staff, {chosen.bookings} bookings a day each"
    show(
        f"{title} (processor ms, means of {chosen.runs})",
        ("", "found", "Python", "PostgreSQL"),
        rows,
    )


def set_up(platform: Platform, by: Caller, count: int) -> tuple[UUID, list[UUID]]:
    """A service at a location, and those who give it."""
    place = OpenLocation(LocationTerms("Main", "America/New_York", "US"))
    here = platform.locations.open(place, by).state.id
    terms = ServiceTerms((here,), "Cut", 30, booking_window_days=365)
    service = platform.services.offer(OfferService(terms), by).state.id
    staff = []
    for _ in range(count):
        engaged = platform.staffing.engage(EngageStaff(StaffTerms((here,), "Sam", (service,))), by)
        platform.staffing.set_schedule(SetSchedule(engaged.state.id, NINE_TO_FIVE), by)
        staff.append(engaged.state.id)
    return service, staff


def measured(work: Callable[[], int], runs: int, folder: str) -> tuple[int, str, str]:
    """What it found, and milliseconds of Python and of PostgreSQL; the first run is not counted."""
    found = work()
    server, own = postgres_seconds(folder), time.process_time()
    for _ in range(runs):
        work()
    own, server = time.process_time() - own, postgres_seconds(folder) - server
    return found, f"{own / runs * 1000:.1f}", f"{server / runs * 1000:.1f}"


if __name__ == "__main__":
    main()
