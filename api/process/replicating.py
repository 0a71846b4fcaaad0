"""The part that runs the replica: made where there is none, followed on, started again when it dies. README D14.

1. What cannot follow any more (its slot has lost the write-ahead log, the primary is another one, or older than the
   copy) is made anew; the primary serves meanwhile.
2. It outlives the primary: what it has is read, and it follows again when the primary is back, whatever its port.
3. As a part of `up` it never gives up: a deployment without its replica is slower, and nothing else.
"""

from __future__ import annotations

import logging
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Final, NoReturn

import psycopg

from api.process.lifeline import say_ready, watch_supervisor
from api.process.loops import Stop
from infrastructure.deployment import Deployment
from infrastructure.replication import Replication, port_of
from infrastructure.server.local_postgres import LocalPostgres
from infrastructure.server.standby_postgres import StandbyPostgres, remove
from infrastructure.server.start_faults import FolderInUse, NotRunning, StartFault
from infrastructure.settings import Settings

LOOK_SECONDS: Final = 1.0
CHECK_SECONDS: Final = 5.0
# Twice as long after each fault: what is tried again may be a whole base backup.
RETRY_SECONDS: Final = 1.0
RETRY_SECONDS_MAX: Final = 60.0
_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger("daybook.replica")


def run_replica(settings: Settings, folder: Path | None, *, port: int, is_part: bool) -> int:
    """Run the replica in `folder` until told to stop; the exit code.

    Refuses, unless it is a part of `up`: what starting it for the first time refuses.
    """
    watch_supervisor()
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    say_ready()
    stop = Stop()
    keeper = Keeper(settings, folder or settings.replica, port, stop)
    is_patient, seconds = is_part, RETRY_SECONDS
    while not stop.asked():
        try:
            keeper.run(announce=not is_part)
            is_patient, seconds = True, RETRY_SECONDS
        except (StartFault, psycopg.Error, OSError) as fault:
            if not is_patient:
                raise
            said = fault if isinstance(fault, StartFault) else type(fault).__name__
            log.warning("%s; trying again", said)
            seconds = min(2 * seconds, RETRY_SECONDS_MAX)
        stop.wait(seconds)
    return 0


def run_drop(settings: Settings, folder: Path | None) -> int:
    """Remove the replica in `folder`, and what the primary keeps for it.

    Refuses: FolderInUse (it runs), NotRunning (the primary does not).
    """
    where = folder or settings.replica
    if LocalPostgres(where).pid is not None:
        raise FolderInUse(f"the replica in {where} runs: stop it first")
    was_kept = Replication(Deployment.locate(settings)).give_up()
    if remove(where):
        print(f"removed {where}")
    print("the primary keeps nothing for it any more" if was_kept else "there was no replica")
    return 0


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps the replica of one folder."""

    settings: Settings
    folder: Path
    port: int
    stop: Stop

    def run(self, *, announce: bool) -> None:
        """Start the replica, and look after it until it ends, or is to be started anew."""
        for number in _STOPPING:
            signal.signal(number, _leave)
        replication = Replication(Deployment.locate(self.settings))
        primary = replication.admit()
        standby = StandbyPostgres(self.folder, primary, port=self.port)
        if not primary.kept_all:
            standby.forget()
        try:
            url = standby.start()
            self.stop.listen()
            if announce:
                print(f"the replica runs: DAYBOOK_READ_URL={url}", flush=True)
            goes_on = self._look_after(standby)
        finally:
            standby.stop()
        if not goes_on:
            standby.forget()

    def _look_after(self, standby: StandbyPostgres) -> bool:
        """Until it ends, or we do, or it has to be started anew; False when it can follow no more."""
        check_at = monotonic()
        while not self.stop.asked():
            if (code := standby.poll()) is not None:
                log.warning("the replica ended (%s); it is started again", code)
                return True
            if monotonic() >= check_at:
                check_at = monotonic() + CHECK_SECONDS
                try:
                    found = Deployment.locate(self.settings)
                    if port_of(found.main) != standby.primary.port:
                        log.warning("the primary has another port; the replica is started again")
                        return True
                    if not may_follow(found, standby):
                        log.warning("the replica can follow no more; it is made anew")
                        return False
                except (NotRunning, psycopg.Error):
                    pass  # the primary is away, or the replica is about to be seen as ended
            self.stop.wait(LOOK_SECONDS)
        return True


def may_follow(primary: Deployment, standby: StandbyPostgres) -> bool:
    """Whether what the standby has is a part of the primary's history, and the rest of it can still be had."""
    replication = Replication(primary)
    return replication.has_slot() and replication.is_followed_by(
        primary.dsn_of_replica(standby.dsn())
    )


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """While the replica is being made or started, end at once."""
    sys.exit(0)
