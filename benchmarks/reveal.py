"""What opening costs: `python -m benchmarks.reveal`.

The same read with and without opening, in turn, one after the other in one run: a booking's calendar entry (one
person), a booking (one person, two envelopes and one read more, for the profile's e-mail), and a day's agenda of 200
bookings of 200 people. The use cases on a PostgreSQL of our own, durable; without HTTP, which costs both sides alike.
Beside them what one durable append of one small event costs here, for every opening waits for one.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from api.composition import production
from api.platform import Platform
from application.booking.agenda import AgendaQuery
from application.booking.placing import BookVisit
from application.ledger.records import LedgerRecords
from application.permissions import operator
from application.recorded import Caller
from application.setup.locations import OpenLocation
from application.setup.services import OfferService
from application.setup.staffing import EngageStaff, SetSchedule
from benchmarks.running import DURABLE
from benchmarks.servers import Served, served
from benchmarks.table import percentile, show
from domain.ledger import LedgerExported
from domain.location import LocationTerms
from domain.schedule import Hours, Schedule, WeeklyHours
from domain.service import ServiceTerms
from domain.staff import StaffTerms
from domain.subject import Profile
from domain.values import Personal
from infrastructure.database import Database
from infrastructure.engine import Engine
from infrastructure.store.event_source import SequencedEvents
from infrastructure.store.sequencer import Sequencer
from infrastructure.wall import bound_to
from projections.agenda import AgendaModel
from projections.engine.follower import Follower

PEOPLE = 200
MINUTES = 5
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
Look = Callable[[], object]


@dataclass(frozen=True)
class Day:
    """A day that is full of bookings, and who looks at it."""

    platform: Platform
    location: UUID
    start: datetime
    bookings: list[UUID]
    plain: Caller

    @property
    def opening(self) -> Caller:
        """The same caller, who says why."""
        return replace(self.plain, purpose="service")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description="the same reads with and without opening")
    options.add_argument("--runs", type=int, default=300)
    options.add_argument("--profile", action="store_true", help="show where the time goes")
    chosen = options.parse_args()
    with served() as server:
        platform, engine = production(server.deployment, connections=4)
        tenant = engine.ids.uuid()
        with bound_to(tenant):
            platform.tenancy.found_tenant("Benchmark", tenant)
            day = full_day(platform, tenant)
            follow(server, engine)
            copied = LedgerRecords(engine.store, engine.clock, engine.ids)
            measure(day, lambda: copied.record_copy(day.plain, LedgerExported(0, 1)), chosen.runs)
            if chosen.profile:
                profiled(lambda: days(day, day.opening))
        engine.close()


def full_day(platform: Platform, tenant: UUID, people: int = PEOPLE) -> Day:
    """Tomorrow's bookings of one staff member, each of another person."""
    by = operator(tenant)
    place = platform.locations.open(OpenLocation(LocationTerms("Here", "UTC", "GB")), by).state
    terms = ServiceTerms(
        location_ids=(place.id,),
        name="Quick",
        duration_minutes=MINUTES,
        slot_interval_minutes=MINUTES,
    )
    service = platform.services.offer(OfferService(terms), by).state
    who = StaffTerms((place.id,), "Sam", (service.id,))
    staff = platform.staffing.engage(EngageStaff(who, None), by).state
    always = Schedule("UTC", (WeeklyHours(EVERY_DAY, Hours(0, 24 * 60)),))
    platform.staffing.set_schedule(SetSchedule(staff.id, always), by)
    midnight = platform.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight + timedelta(days=1)
    bookings = [
        platform.bookings.make(
            BookVisit(
                service=service.id,
                start=start + number * timedelta(minutes=MINUTES),
                customer=Profile(
                    Personal(f"Customer {number}"), Personal(f"c{number}@example.org")
                ),
            ),
            by,
        ).state.id
        for number in range(people)
    ]
    return Day(platform, place.id, start, bookings, by)


def follow(server: Served, engine: Engine) -> None:
    """Sequence everything, and let the agenda take it in."""
    order = Database(server.deployment.dsn_of("sequencer"), size=1, walled=False)
    role = Database(server.deployment.dsn_of("follower"), size=1, walled=False)
    while Sequencer(order, engine.clock).sequence_now():
        pass
    follower = Follower(AgendaModel(), SequencedEvents(engine.mapper))
    with role.connection() as connection:
        follower.begin(connection)
        while follower.step(connection):
            pass
    order.close()
    role.close()


def measure(day: Day, appended: Look, runs: int) -> None:
    """Both sides of each pair in turn, and the table."""
    reads = day.platform.booking_reads
    one = day.bookings[0]
    pairs: dict[str, tuple[Look, Look]] = {
        "one person, a calendar entry": (
            lambda: reads.calendar(one, day.plain),
            lambda: reads.calendar(one, day.opening, include_customer=True),
        ),
        "one person, a booking with the profile": (
            lambda: reads.booking(one, day.plain),
            lambda: reads.with_customer(one, day.opening),
        ),
        f"a page of {PEOPLE} names": (
            lambda: days(day, day.plain),
            lambda: days(day, day.opening),
        ),
    }
    rows = [line(name, *pair, runs) for name, pair in pairs.items()]
    rows.insert(0, line("nothing, one append", lambda: None, appended, runs))
    show(
        f"Opening personal data ({DURABLE}; {runs} runs of each, in turn)",
        ("", "without p50 ms", "with p50 ms", "adds p50 ms", "with p95 ms"),
        rows,
    )


def days(day: Day, by: Caller) -> object:
    """The agenda of the full day."""
    query = AgendaQuery(day.location, day.start, day.start + timedelta(days=1))
    page = day.platform.agenda.days(query, by)
    assert sum(len(one.entries) for one in page.days) == PEOPLE
    return page


def line(name: str, without: Look, opening: Look, runs: int) -> tuple[object, ...]:
    """One pair."""
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for number in range(runs + 10):
        for opens, look in ((False, without), (True, opening)):
            began = time.perf_counter()
            look()
            if number >= 10:  # the first ones make plans and caches
                seconds[opens].append(time.perf_counter() - began)
    plain, opened = (percentile(seconds[side], 0.5) * 1000 for side in (False, True))
    late = percentile(seconds[True], 0.95) * 1000
    return name, f"{plain:.2f}", f"{opened:.2f}", f"{opened - plain:.2f}", f"{late:.2f}"


def profiled(look: Look) -> None:
    """Where the time of fifty looks goes."""
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(50):
        look()
    profile.disable()
    pstats.Stats(profile).sort_stats("cumulative").print_stats(35)


if __name__ == "__main__":
    main()
