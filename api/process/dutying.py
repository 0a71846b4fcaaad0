"""What the worker does for requests by itself: end what is over, and count what is due."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from api.process.loops import Stop
from application.requests.duties import Duties, DutyCounts
from application.requests.ending import RequestEnding
from application.requests.steps import Steps
from application.requests.telling import Telling
from application.requests.timing import RequestTiming
from domain.errors import RangeTooLong
from infrastructure.calendars.public_holidays import PublicHolidays
from infrastructure.database import Database
from infrastructure.engine import Engine, tenants_of
from infrastructure.store.duty_totals import PostgresDutyTotals
from infrastructure.wall import bound_to
from projections.access_reads import PostgresAccesses
from projections.courier import PostgresCourier

DUTIES_SECONDS: Final = 60.0


def count_in_turns(stop: Stop, engine: Engine, follower_role: Database) -> None:
    """Every minute, tenant by tenant: close requests, let go of expired records, and count what is due."""
    store, book, clock, courier = (
        engine.store,
        engine.book,
        engine.clock,
        PostgresCourier(engine.app),
    )
    ending = RequestEnding(Steps(store, book, clock, engine.ids), book)
    duties = Duties(
        store,
        book,
        RequestTiming(PublicHolidays()),
        Telling(store, courier),
        PostgresAccesses(engine.app),
        courier,
        clock,
    )
    tenants, totals = tenants_of(follower_role), PostgresDutyTotals(follower_role)
    while not stop.asked():
        counted = DutyCounts(0, 0)
        for tenant in tenants():
            with bound_to(tenant):
                ending.sweep(tenant)
                counted = _added(counted, duties, tenant)
            if stop.asked():
                return
        totals.keep(counted, clock.now())
        stop.wait(DUTIES_SECONDS)


def _added(so_far: DutyCounts, duties: Duties, tenant: UUID) -> DutyCounts:
    try:
        found = duties.counts(tenant)
    except RangeTooLong:
        return so_far  # its own list says so
    return DutyCounts(so_far.late + found.late, so_far.soon + found.soon)
