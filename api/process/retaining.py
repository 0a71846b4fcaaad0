"""The worker's retained states: as logs grow, what looking back begins at is made, a little at a time."""

from __future__ import annotations

import logging
from typing import Final

import psycopg

from api.process.loops import Stop
from infrastructure.database import Database, WalledConnection
from infrastructure.store.event_mapper import EventMapper
from infrastructure.store.event_source import SequencedEvents
from projections.engine.retaining import Due, Retaining, leads
from projections.models import LOOKING_BACK, MODELS

LOOK_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 0.5  # after each state, about as long as one takes

log = logging.getLogger("daybook.retaining")


def retain_in_turns(stop: Stop, follower_role: Database, mapper: EventMapper) -> None:
    """Every half minute, make what is due, tenant by tenant, until told to stop."""
    source = SequencedEvents(mapper)
    models = [Retaining(model, source) for model in MODELS if model.name in LOOKING_BACK]
    while not stop.asked():
        with follower_role.fresh() as connection:
            if leads(connection):
                for one in models:
                    retain(stop, connection, one)
        stop.wait(LOOK_SECONDS)


def retain(stop: Stop, connection: WalledConnection, retaining: Retaining) -> None:
    """All that is due of one model; a tenant whose state cannot be made keeps no other waiting."""
    retaining.forget_others(connection)
    failed = set()
    while due := [one for one in retaining.due(connection) if one.tenant not in failed]:
        for one in due:
            if not made_or_passed_over(retaining, connection, one):
                failed.add(one.tenant)
            stop.wait(PAUSE_SECONDS)
            if stop.asked():
                return


def made_or_passed_over(retaining: Retaining, connection: WalledConnection, due: Due) -> bool:
    """One state; False where it cannot be made now."""
    try:
        if not retaining.make(connection, due):
            log.warning("a retained state of %s could not be read", retaining.model.name)
    except (psycopg.OperationalError, psycopg.InterfaceError):
        raise
    except (
        Exception
    ) as error:  # tidy: allow broad-except - whatever a model raises, others are not kept waiting
        name = retaining.model.name
        log.error("a state of %s was not retained: %s", name, type(error).__name__)
        return False
    return True
