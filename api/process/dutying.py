"""What the worker does for people's requests by itself: end what is over, and count what is due."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from api.composition import production
from api.process.loops import Stop
from application.gauges import (
    DUTIES_LATE,
    LOG_UNWITNESSED_SECONDS,
    LOGS_UNWITNESSED,
    Gauge,
)
from application.requests.desk import RequestDesk
from application.requests.duties import DUTY_KINDS, SOON, DutyCounts
from domain.errors import LedgerDamaged, RangeTooLong
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import tenants_of
from infrastructure.store.duty_totals import PostgresDutyTotals, tenants_due
from infrastructure.store.gauges import PostgresGauges, erasure_gauges
from infrastructure.wall import bound_to

DUTIES_SECONDS: Final = 60.0


def count_in_turns(stop: Stop, deployment: Deployment, follower_role: Database) -> None:
    """Every minute, tenant by tenant: close requests, let go of expired records, and count what is due."""
    platform, engine = production(deployment, connections=1)
    try:
        tenants, totals = tenants_of(follower_role), PostgresDutyTotals(follower_role)
        gauges = PostgresGauges(follower_role)
        while not stop.asked():
            counted, unwitnessed, unseen = DutyCounts(0, 0), 0, 0.0
            everyone = tenants()
            due = set(tenants_due(follower_role, everyone, platform.clock.now() + SOON))
            for tenant in everyone:
                with bound_to(tenant):
                    if tenant in due:  # of the others nothing is read
                        platform.request_desk.ending.sweep(tenant)
                        counted = _added(counted, platform.request_desk, tenant)
                    unwitnessed += platform.witnessing.is_overdue(tenant)
                    waits = platform.witnessing.unseen_for(tenant)
                    unseen = max(unseen, waits.total_seconds())
                if stop.asked():
                    return
            now = platform.clock.now()
            totals.keep(counted, now)
            gauges.keep(
                [
                    *(Gauge(DUTIES_LATE, one, counted.late_kinds[one]) for one in DUTY_KINDS),
                    *erasure_gauges(follower_role, now),
                    Gauge(LOGS_UNWITNESSED, "", unwitnessed),
                    Gauge(LOG_UNWITNESSED_SECONDS, "", unseen),
                ],
                now,
            )
            stop.wait(DUTIES_SECONDS)
    finally:
        engine.close()


def _added(so_far: DutyCounts, desk: RequestDesk, tenant: UUID) -> DutyCounts:
    try:
        found = desk.duties.counts(tenant)
    except (RangeTooLong, LedgerDamaged):
        return so_far  # its own list says so, and the others are counted all the same
    late = so_far.late_kinds + found.late_kinds
    return DutyCounts(so_far.late + found.late, so_far.soon + found.soon, late)
