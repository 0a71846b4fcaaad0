"""The parts of `daybook up` that work behind the API: the sequencer, the followers, the sweeper."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

import psycopg

from api.lifeline import say_ready, watch_supervisor
from application.sweeping import Sweeping
from domain.errors import DomainError, Unavailable
from infrastructure.clock import SystemClock
from infrastructure.database import Database, WalledConnection
from infrastructure.deployment import Deployment, pin_zones
from infrastructure.engine import Engine, tenants_of
from infrastructure.event_source import SequencedEvents
from infrastructure.sequencer import MARK_SECONDS, NotTheSequencer, Sequencer
from infrastructure.wall import bound_to
from projections.agenda import AgendaModel
from projections.follower import Follower, Sequenced

IDLE_SECONDS: Final = 0.01
IDLE_SECONDS_MAX: Final = 0.05
RETRY_SECONDS: Final = 0.5
SWEEP_SECONDS: Final = 20.0

log = logging.getLogger("daybook.worker")


class Stop:
    """Set by SIGTERM and SIGINT: the loops below end after the step they are in."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def listen(self) -> None:
        """Take the signals; only in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._event.set())

    def asked(self) -> bool:
        """True once someone asked."""
        return self._event.is_set()

    def ask(self) -> None:
        """Ask the loops to end."""
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than until someone asks."""
        self._event.wait(seconds)


class Idle:
    """Looks again at once after work, soon after none, and less often when there has been none for long."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._seconds = IDLE_SECONDS

    def after(self, worked: int) -> None:
        """Wait as long as the last look suggests."""
        if worked:
            self._seconds = IDLE_SECONDS
            return
        self._stop.wait(self._seconds)
        self._seconds = min(IDLE_SECONDS_MAX, self._seconds * 1.05)


def sequence(deployment: Deployment) -> int:
    """Run the sequencer until told to stop."""
    watch_supervisor()
    stop = Stop()
    stop.listen()
    database = Database(deployment.dsn_of("sequencer"), size=1, walled=False)
    sequencer = Sequencer(database, SystemClock())
    persistently(stop, "sequencer", lambda: sequence_while_connected(stop, database, sequencer))
    database.close()
    return 0


def sequence_while_connected(stop: Stop, database: Database, sequencer: Sequencer) -> None:
    """Sequence on one connection until it is lost or we are told to stop."""
    with database.connection() as connection:
        while not sequencer.take_office(connection):
            say_ready()  # a standby is as good as ready
            stop.wait(RETRY_SECONDS)
            if stop.asked():
                return
        say_ready()
        marked = monotonic()
        idle = Idle(stop)
        while not stop.asked():
            idle.after(sequencer.run_once(connection))
            if monotonic() - marked > MARK_SECONDS:
                sequencer.raise_mark(connection)
                marked = monotonic()


def work(deployment: Deployment) -> int:
    """Follow the events and sweep until told to stop."""
    watch_supervisor()
    pin_zones()
    stop = Stop()
    stop.listen()
    engine = Engine.connect(deployment, connections=2)
    follower_role = Database(deployment.dsn_of("follower"), size=2, walled=False)
    agenda = Follower(AgendaModel(), SequencedEvents(engine.mapper, Sequenced))
    sweeper = threading.Thread(
        target=persistently,
        args=(stop, "sweeper", lambda: sweep_in_turns(stop, engine, follower_role)),
        name="sweeper",
        daemon=True,
    )
    sweeper.start()
    persistently(stop, "agenda", lambda: follow_while_connected(stop, follower_role, agenda))
    sweeper.join(timeout=5.0)
    follower_role.close()
    engine.close()
    return 0


def follow_while_connected(stop: Stop, database: Database, follower: Follower) -> None:
    """Follow on one connection until it is lost or we are told to stop."""
    with database.connection() as connection:
        follower.begin(connection)
        say_ready()
        idle = Idle(stop)
        while not stop.asked():
            idle.after(step_or_stop(follower, connection))


def step_or_stop(follower: Follower, connection: WalledConnection) -> int:
    """One step; a model that fails has stopped itself, and the rest of the process goes on."""
    try:
        return follower.step(connection)
    except (psycopg.OperationalError, psycopg.InterfaceError):
        raise
    except (
        Exception
    ) as error:  # tidy: allow broad-except - the model has stopped and says so itself
        log.error("read model %s stopped: %s", follower.model.name, type(error).__name__)
        return 0


def sweep_in_turns(stop: Stop, engine: Engine, follower_role: Database) -> None:
    """Every 20 seconds, tenant by tenant: end what has expired, forget kept answers of yesterday."""
    sweeping = Sweeping(engine.store, engine.book, engine.clock, engine.ids)
    tenants = tenants_of(follower_role)
    while not stop.asked():
        for tenant in tenants():
            with bound_to(tenant):
                sweeping.sweep(tenant)
                engine.answers.sweep(tenant)
            if stop.asked():
                return
        stop.wait(SWEEP_SECONDS)


def persistently(stop: Stop, name: str, session: Callable[[], None]) -> None:
    """Run `session` again and again while the database comes and goes; any other error ends the process."""
    while not stop.asked():
        try:
            session()
        except (
            Unavailable,
            psycopg.OperationalError,
            psycopg.InterfaceError,
            NotTheSequencer,
        ) as error:
            log.warning("%s lost the database (%s); trying again", name, type(error).__name__)
            stop.wait(RETRY_SECONDS)
        except DomainError as error:
            log.error("%s was refused: %s", name, error.code)
            stop.wait(RETRY_SECONDS)
