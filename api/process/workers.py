"""The worker: the part of `daybook up` that follows the events, sweeps, and scrubs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

import psycopg

from api.process.backing_up import back_up_in_turns
from api.process.couriering import carry_in_turns
from api.process.dutying import count_in_turns
from api.process.erasing import erase_in_turns
from api.process.following import follow_apart_while_connected, follow_while_connected
from api.process.keeping import keep_in_turns
from api.process.lifeline import watch_supervisor
from api.process.loops import Stop, persistently
from api.process.rebuild_jobs import carry_out_in_turns
from api.process.retaining import retain_in_turns
from application.access.denials import Denials
from application.booking.sweeping import Sweeping
from application.consents.expiry import ConsentExpiry
from application.ledger.withholding import Openings
from application.orders.legal_processes import StandingOrders
from application.orders.openings import DisclosureOpenings
from application.policy.policies import PoliciesInForce, PolicyKeepingStore
from application.ports import Clock
from infrastructure.database import Database, WalledConnection
from infrastructure.deployment import Deployment, pin_zones
from infrastructure.engine import Engine, tenants_of
from infrastructure.fsck.scrub import EVENTS_AT_ONCE, scrub_some
from infrastructure.store.denial_counts import PostgresDenialCounts
from infrastructure.store.doorbell import FOLLOWED, Doorbell
from infrastructure.store.event_source import SequencedEvents
from infrastructure.wall import bound_to
from projections.access_reads import PostgresAccesses
from projections.consents import PostgresConsents
from projections.engine.follower import Follower
from projections.models import MODELS
from projections.withheld import PostgresWithheld

SCRUB_SECONDS: Final = 10.0
SCRUB_PAUSE_SECONDS: Final = 0.1

log = logging.getLogger("daybook.worker")


def work(deployment: Deployment) -> int:
    """Follow the events, sweep and scrub until told to stop."""
    watch_supervisor()
    pin_zones()
    stop = Stop()
    stop.listen()
    engine = Engine.connect(deployment, connections=2)
    follower_role = Database(deployment.dsn_of("follower"), size=len(MODELS) + 8, walled=False)
    followers = [Follower(model, SequencedEvents(engine.mapper)) for model in MODELS]
    apart: set[str] = set()  # models that cannot keep up with the others
    doorbell = Doorbell(deployment.dsn_of("follower"), FOLLOWED)
    keeper_role = Database(deployment.dsn_of("keeper"), size=1, walled=False)
    days = deployment.settings.scrub_days
    follow = partial(follow_while_connected, stop, follower_role, doorbell, followers, apart)
    alone = partial(follow_apart_while_connected, stop, follower_role, doorbell)
    beside = [
        _thread(
            stop,
            "sweeper",
            lambda: sweep_in_turns(stop, engine, follower_role, deployment.settings.sweep_seconds),
        ),
        _thread(stop, "eraser", lambda: erase_in_turns(stop, deployment, follower_role)),
        _thread(stop, "key backups", lambda: back_up_in_turns(stop, deployment, engine)),
        _thread(stop, "duties", lambda: count_in_turns(stop, deployment, follower_role)),
        _thread(stop, "keeper", lambda: keep_in_turns(stop, deployment, follower_role)),
        _thread(stop, "deliveries", lambda: carry_in_turns(stop, deployment, follower_role)),
        _thread(
            stop, "retained states", lambda: retain_in_turns(stop, follower_role, engine.mapper)
        ),
        _thread(stop, "model jobs", lambda: carry_out_in_turns(stop, deployment, follower_role)),
        _thread(stop, "scrub", lambda: scrub_in_turns(stop, keeper_role, engine.clock, days)),
        *(_thread(stop, one.model.name, partial(alone, one, apart)) for one in followers),
    ]
    persistently(stop, "read models", follow)
    for thread in beside:
        thread.join(timeout=5.0)
    doorbell.close()
    keeper_role.close()
    follower_role.close()
    engine.close()
    return 0


def _thread(stop: Stop, name: str, session: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(
        target=persistently, args=(stop, name, session), name=name, daemon=True
    )
    thread.start()
    return thread


def sweep_in_turns(stop: Stop, engine: Engine, follower_role: Database, seconds: float) -> None:
    """Every so many seconds, tenant by tenant: end what has expired, forget kept answers of yesterday.

    Record the denials that were counted, and open to persons what was withheld until now.
    """
    clock, ids, book = engine.clock, engine.ids, engine.book
    store = PolicyKeepingStore(engine.store, PoliciesInForce(book, clock))
    orders = StandingOrders(book)
    expiry = ConsentExpiry(store, PostgresConsents(engine.app), clock, ids)
    sweeping = Sweeping(store, book, clock, ids)
    denials = Denials(store, PostgresDenialCounts(engine.app), clock, ids, orders)
    accesses = Openings(store, PostgresAccesses(engine.app), orders, clock, ids)
    disclosures = DisclosureOpenings(
        store, PostgresWithheld(engine.app, engine.positions), orders, clock, ids
    )
    tenants = tenants_of(follower_role)
    while not stop.asked():
        for tenant in tenants():
            with bound_to(tenant):
                sweeping.sweep(tenant)
                expiry.sweep(tenant)
                denials.sweep(tenant)
                accesses.sweep(tenant)
                disclosures.sweep(tenant)
                engine.people.sweep(tenant)
                engine.answers.sweep(tenant)
            if stop.asked():
                return
        stop.wait(seconds)


def scrub_in_turns(stop: Stop, keeper_role: Database, clock: Clock, days: int) -> None:
    """Every ten seconds, look at the events that are due by now, with pauses in which others work."""
    while not stop.asked():
        with keeper_role.connection() as connection:
            while scrub_or_pass_over(connection, clock, days) == EVENTS_AT_ONCE:
                stop.wait(SCRUB_PAUSE_SECONDS)
                if stop.asked():
                    return
        stop.wait(SCRUB_SECONDS)


def scrub_or_pass_over(connection: WalledConnection, clock: Clock, days: int) -> int:
    """Some events; a scrub that fails says so and is tried again in the next turn, and the service goes on."""
    try:
        return scrub_some(connection, clock.now(), days)
    except (psycopg.OperationalError, psycopg.InterfaceError):
        raise
    except Exception as error:  # tidy: allow broad-except - bytes that were changed may do anything
        log.error("the scrub failed: %s", type(error).__name__)
        return 0
