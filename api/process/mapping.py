"""The cartographer's process: keeps the index of subjects, and has their maps become leaves."""

from __future__ import annotations

from typing import Final

from api.process.lifeline import say_ready, watch_supervisor
from api.process.loops import RETRY_SECONDS, Stop, persistently
from application.ledger.records import LedgerRecords
from infrastructure.clock import SystemClock, SystemIds
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.ledger.subjects.cartographer import Cartographer
from infrastructure.store.event_mapper import EventMapper, NoKeys
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.store.event_store import PostgresEventStore

MUCH: Final = 500
STEP_SECONDS: Final = 0.1


def map_subjects(deployment: Deployment) -> int:
    """Run the cartographer until told to stop."""
    watch_supervisor()
    stop = Stop()
    stop.listen()
    database = Database(deployment.dsn_of("mapper"), size=1, walled=False)
    app = Database(deployment.dsn_of("app"), size=1)
    clock = SystemClock()
    # What it records of maps holds no sealed value: it has no keys.
    store = PostgresEventStore(app, EventMapper(NoKeys()), SequencedRecorder(app))
    cartographer = Cartographer(LedgerRecords(store, clock, SystemIds()), clock)
    persistently(stop, "cartographer", lambda: map_while_connected(stop, database, cartographer))
    database.close()
    app.close()
    return 0


def map_while_connected(stop: Stop, database: Database, cartographer: Cartographer) -> None:
    """Keep maps on one connection until it is lost or we are told to stop."""
    with database.connection() as connection:
        while not cartographer.take_office(connection):
            say_ready()  # a standby is as good as ready
            stop.wait(RETRY_SECONDS)
            if stop.asked():
                return
        cartographer.open(connection)
        say_ready()
        while not stop.asked():
            if cartographer.step(connection) < MUCH:
                stop.wait(STEP_SECONDS)
