"""Where lists are read: from a replica while it is fresh, else from the primary. README D14.

    fresh   it has what the primary had `STALE_SECONDS` ago: it is read
    behind  it has not
    down    it cannot be reached

Nothing is decided from a replica, and no key is looked for there. A unit of work that read anything from the primary
stays with it, so that what it waited for with `at_least` is in what it reads. A replica that was away is read again
when it has all that the primary had at that moment.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from threading import Event, Thread
from time import monotonic
from typing import Final, Protocol

import psycopg

from application.read_models import ReplicaState
from domain.errors import Unavailable
from infrastructure.database import Database, Row
from infrastructure.replication import FLUSHED, REPLAYED
from infrastructure.wall import bound_unit

LOG: Final = logging.getLogger("daybook.replica")
LOOK_SECONDS: Final = 0.5
STALE_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 0.5  # for a connection to the replica; the primary is another way


class Rows(Protocol):
    """Runs one statement for the bound tenant."""

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All its rows."""
        ...

    def row(self, statement: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row, None when there is none."""
        ...


class ReadSide:
    """Reads rows where they are best read. `start` it, and `close` it at the end."""

    def __init__(self, primary: Database, replica_dsn: str, *, size: int) -> None:
        self._primary = primary
        self._dsn = replica_dsn
        self._size = size
        self._fresh: Database | None = None  # never there but while the replica is fresh
        self._watching: psycopg.Connection[Row] | None = None
        self._state: ReplicaState = "down"
        self._looked_at = 0.0
        self._written: deque[tuple[float, int]] = deque()
        self._stop = Event()
        self._thread = Thread(target=self._run, name="replica watch", daemon=True)

    @property
    def state(self) -> ReplicaState:
        """How the replica is. One that does not answer who looks after it is down."""
        return self._state if monotonic() - self._looked_at < STALE_SECONDS else "down"

    def start(self) -> None:
        """Begin to look after the replica."""
        self.look()
        self._thread.start()

    def close(self) -> None:
        """Give all connections to the replica back."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._turn("down")
        self._hang_up()

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of one reading statement. Raises Unavailable."""
        unit, replica = bound_unit(), self._fresh
        if unit is None or unit.reads_primary or replica is None or self.state != "fresh":
            if unit is not None:
                unit.reads_primary = True
            return self._primary.rows(statement, parameters)
        try:
            return replica.rows(statement, parameters)
        except (Unavailable, psycopg.OperationalError) as error:
            if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
                raise
            unit.reads_primary = True
            return self._primary.rows(statement, parameters)

    def row(self, statement: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row, None when there is none. Raises Unavailable."""
        found = self.rows(statement, parameters)
        return found[0] if found else None

    # Looking after the replica

    def look(self) -> None:
        """Look once how far it is."""
        written, reached = self._asked_of_primary(), self._asked_of_replica()
        self._looked_at = monotonic()
        if reached is None:
            self._turn("down")
        elif written is not None:
            self._turn(self._judged(written, reached))

    def _asked_of_primary(self) -> int | None:
        """How far the primary has written; None while it cannot be asked: then nothing new can be said."""
        try:
            row = self._primary.row(FLUSHED)
        except Unavailable:
            return None
        return None if row is None else int(row[0])

    def _asked_of_replica(self) -> int | None:
        """How far the replica has come; None when it cannot be reached."""
        try:
            if self._watching is None:
                self._watching = psycopg.connect(self._dsn, connect_timeout=2, autocommit=True)
            row = self._watching.execute(REPLAYED).fetchone()
        except psycopg.Error:
            self._hang_up()
            return None
        return None if row is None else int(row[0])

    def _hang_up(self) -> None:
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.close()

    def _judged(self, written: int, reached: int) -> ReplicaState:
        now = monotonic()
        self._written.append((now, written))
        while len(self._written) > 1 and self._written[1][0] <= now - STALE_SECONDS:
            self._written.popleft()
        wanted = self._written[0][1] if self._state == "fresh" else written
        return "fresh" if reached >= wanted else "behind"

    def _turn(self, state: ReplicaState) -> None:
        if state == self._state:
            return
        LOG.warning("the replica is %s; lists are read from %s", state, _read_from(state))
        self._state, before, self._fresh = state, self._fresh, None
        if state == "fresh":
            self._fresh = Database(self._dsn, size=self._size, patience_seconds=PATIENCE_SECONDS)
        if before is not None:
            before.close()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.look()


def _read_from(state: ReplicaState) -> str:
    return "it" if state == "fresh" else "the primary"
