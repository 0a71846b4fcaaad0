"""The sequencer's process. It imports no more than it needs: it has to stay small."""

from __future__ import annotations

from time import monotonic

from api.process.lifeline import say_ready, watch_supervisor
from api.process.loops import RETRY_SECONDS, Idle, Stop, persistently
from infrastructure.clock import SystemClock
from infrastructure.database import Database, WalledConnection
from infrastructure.deployment import Deployment
from infrastructure.store.doorbell import APPENDED, SEQUENCED, listening, ring
from infrastructure.store.sequencer import MARK_SECONDS, Sequencer


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
        with listening(connection, APPENDED) as bell:
            sequence_when_it_rings(stop, connection, sequencer, Idle(stop, bell, gathers=True))


def sequence_when_it_rings(
    stop: Stop, connection: WalledConnection, sequencer: Sequencer, idle: Idle
) -> None:
    """Batch after batch; each is told to the followers once it is committed."""
    marked = monotonic()
    while not stop.asked():
        numbered = sequencer.run_once(connection)
        if numbered:
            ring(connection, SEQUENCED)
        idle.after(numbered)
        if monotonic() - marked > MARK_SECONDS:
            sequencer.raise_mark(connection)
            sequencer.mark_time(connection)
            marked = monotonic()
