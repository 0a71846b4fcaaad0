"""The keeper's part of the worker: erase what nothing keeps any more, and tell of holds whose gag is over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import UUID

from api.composition import production
from api.platform import Platform
from api.process.loops import Stop
from application.holding.hold_log import StandingHolds
from domain.errors import DomainError
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import tenants_of

log = logging.getLogger("daybook.keeping")


def keep_in_turns(stop: Stop, deployment: Deployment, follower_role: Database) -> None:
    """At each sweep, tenant by tenant, until told to stop; what cannot be done now is tried again."""
    platform, engine = production(deployment, connections=2)
    tenants, overdue = tenants_of(follower_role), StandingHolds(engine.book, engine.clock)
    told: dict[UUID, int] = {}
    try:
        while not stop.asked():
            for tenant in tenants():
                if stop.asked():
                    return
                with platform.bound(tenant):
                    look(platform, tenant)
                    warn(overdue, tenant, told)
            stop.wait(deployment.settings.sweep_seconds)
    finally:
        engine.close()


def look(platform: Platform, tenant: UUID) -> None:
    """One tenant's turn; what one part of it cannot do keeps neither the other nor the next tenant waiting."""
    sweeps: tuple[Callable[[UUID], int], ...] = (
        platform.hold_openings.sweep,
        platform.expiry.sweep,
    )
    for sweep in sweeps:
        try:
            sweep(tenant)
        except DomainError as error:
            log.warning("what is kept was not all looked at: %s", error.code)


def warn(holds: StandingHolds, tenant: UUID, told: dict[UUID, int]) -> None:
    """Say it when more legal holds than before are past the day on which somebody was to look at them."""
    count = holds.overdue(tenant, holds.clock.now().date())
    if count > told.get(tenant, 0):
        log.warning("legal holds that nobody looked at in time: %d of tenant %s", count, tenant)
    told[tenant] = count
