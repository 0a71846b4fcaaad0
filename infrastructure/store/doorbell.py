"""Doorbells: who waits for something is told at once that there may be some of it, by NOTIFY.

No ring is part of a transaction that does something: commits with a NOTIFY in them wait for one another, in the whole
server. So who has done something rings afterwards, and no more often than there is use in it. A ring may be lost, with
a connection or a process; then it is heard one poll later, since who listens looks by itself as well.
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

APPENDED: Final = "daybook_appended"  # for the sequencer: events wait for their places
SEQUENCED: Final = "daybook_sequenced"  # for followers: events have theirs
FOLLOWED: Final = "daybook_followed"  # for whoever waits for a read model
GAP_SECONDS: Final = 0.005
CONNECT_SECONDS_MAX: Final = 5
RING: Final = "SELECT pg_notify(%s, '')"

Connection = psycopg.Connection[Any]


def ring(connection: Connection, channel: LiteralString) -> None:
    """Ring once, on a connection in autocommit, outside of any transaction. A failure is no more than a lost ring."""
    with suppress(psycopg.Error):
        connection.execute(RING, (channel,))


class Doorbell:
    """Rings for all threads of a process: at once, then at most every 5 ms. Its thread begins with the first ring."""

    def __init__(self, dsn: str, channel: LiteralString) -> None:
        self._dsn = dsn
        self._channel = channel
        self._wanted = Event()
        self._ended = Event()
        self._starting = Lock()
        self._thread: Thread | None = None
        self._connection: Connection | None = None

    def ring(self) -> None:
        """Have it rung; this waits for nothing."""
        if not self._wanted.is_set():
            self._wanted.set()
            if self._thread is None:
                self._start()

    def close(self) -> None:
        """Ring no more."""
        self._ended.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None and not self._ended.is_set():
                self._thread = Thread(target=self._run, name=self._channel, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while self._wanted.wait() and not self._ended.is_set():
            self._wanted.clear()
            self._ring_or_forget()
            self._ended.wait(GAP_SECONDS)
        if self._connection is not None:
            self._connection.close()

    def _ring_or_forget(self) -> None:
        try:
            if self._connection is None:
                self._connection = psycopg.connect(
                    self._dsn, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX
                )
            self._connection.execute(RING, (self._channel,))
        except psycopg.Error:  # the next ring connects again
            if self._connection is not None:
                self._connection.close()
            self._connection = None


@dataclass(frozen=True, slots=True)
class Bell:
    """Hears the rings of some channels, on a connection that may do other work too."""

    connection: Connection

    def heard(self) -> bool:
        """True when it rang since it was last asked. Raises OperationalError when the connection is lost."""
        return len(list(self.connection.notifies(timeout=0))) > 0

    def wait(self, seconds: float, beside: int) -> bool:
        """Wait until it rings, `seconds` have passed, or the file number `beside` can be read; True when it rang.

        Raises OperationalError when the connection is lost.
        """
        if self.heard():
            return True
        waiting = select.poll()  # which takes any file number
        for number in (self.connection.fileno(), beside):
            waiting.register(number, select.POLLIN | select.POLLHUP | select.POLLERR)
        waiting.poll(1000 * seconds)
        return self.heard()


@contextmanager
def listening(connection: Connection, *channels: LiteralString) -> Iterator[Bell]:
    """A bell on `connection`, which is in autocommit, until the block ends."""
    for channel in channels:
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
    try:
        yield Bell(connection)
    finally:
        with suppress(psycopg.Error):
            connection.execute("UNLISTEN *")
