"""The eraser's part of the worker: each second, carry through what was ordered erased."""

from __future__ import annotations

import logging
from typing import Final
from uuid import UUID

from api.composition import production
from api.process.loops import Stop
from application.erasing.eraser import Eraser
from domain.errors import DomainError
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.store.open_erasures import tenants_erased, tenants_erasing

LOOK_SECONDS: Final = 1.0
REST_SECONDS: Final = 5.0

log = logging.getLogger("daybook.eraser")


def erase_in_turns(stop: Stop, deployment: Deployment, follower_role: Database) -> None:
    """Carry erasures through until told to stop; what cannot be done now rests for a while, and is tried again."""
    platform, engine = production(deployment, connections=2)
    try:
        began = False
        while not stop.asked():
            began = began or _repeat(platform.eraser, tenants_erased(follower_role))
            tenants = tenants_erasing(follower_role) if began else []
            stop.wait(_round(platform.eraser, tenants) if began else REST_SECONDS)
    finally:
        engine.close()


def _repeat(eraser: Eraser, tenants: list[UUID]) -> bool:
    """Destroy again what an old copy of the key database brought back; False when that cannot be done now."""
    try:
        eraser.repeat(tenants)
    except DomainError as error:
        log.error("it cannot be made sure that what is erased has no key: %s", error.code)
        return False
    return True


def _round(eraser: Eraser, tenants: list[UUID]) -> float:
    """One round; how many seconds to rest after it."""
    try:
        eraser.round(tenants)
    except DomainError as error:
        log.error("an erasure cannot go on: %s", error.code)
        return REST_SECONDS
    return LOOK_SECONDS
