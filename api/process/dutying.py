"""What the worker does for people's requests by itself: end what is over, and count what is due."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from api.composition import production
from api.process.loops import Stop
from application.requests.desk import RequestDesk
from application.requests.duties import SOON, DutyCounts
from domain.errors import LedgerDamaged, RangeTooLong
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.store.duty_totals import PostgresDutyTotals, tenants_due
from infrastructure.wall import bound_to

DUTIES_SECONDS: Final = 60.0


def count_in_turns(stop: Stop, deployment: Deployment, follower_role: Database) -> None:
    """Every minute, tenant by tenant: close requests, let go of expired records, and count what is due."""
    platform, engine = production(deployment, connections=1)
    try:
        totals = PostgresDutyTotals(follower_role)
        while not stop.asked():
            counted = DutyCounts(0, 0)
            # Whoever has nothing due is not looked at.
            for tenant in tenants_due(follower_role, platform.clock.now() + SOON):
                with bound_to(tenant):
                    platform.request_desk.ending.sweep(tenant)
                    counted = _added(counted, platform.request_desk, tenant)
                if stop.asked():
                    return
            totals.keep(counted, platform.clock.now())
            stop.wait(DUTIES_SECONDS)
    finally:
        engine.close()


def _added(so_far: DutyCounts, desk: RequestDesk, tenant: UUID) -> DutyCounts:
    try:
        found = desk.duties.counts(tenant)
    except (RangeTooLong, LedgerDamaged):
        return so_far  # its own list says so, and the others are counted all the same
    return DutyCounts(so_far.late + found.late, so_far.soon + found.soon)
