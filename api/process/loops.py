"""Loops of the parts behind the API: they idle when there is nothing to do, end when told, and outlive the database."""

from __future__ import annotations

import logging
import os
import select
import signal
from collections.abc import Callable
from typing import Final

import psycopg

from domain.errors import DomainError, Unavailable
from infrastructure.store.doorbell import Bell
from infrastructure.store.sequencer import NotTheSequencer

GATHER_SECONDS: Final = 0.02
POLL_SECONDS: Final = 0.1
RETRY_SECONDS: Final = 0.5
MUCH: Final = 128
QUICK: Final = 24  # events in a batch of the sequencer, at some 500 bookings a second
QUICK_SECONDS: Final = 0.04

log = logging.getLogger("daybook.loops")


class Stop:
    """Set by SIGTERM and SIGINT: the loops below end after the step they are in.

    A pipe, and no `threading.Event`: the handler runs in the thread that waits, and may find it holding the event's
    lock. It would wait for that for ever, until the supervisor ends the process by force.
    """

    def __init__(self) -> None:
        self._asked = False
        self._reader, self._writer = os.pipe()

    def __del__(self) -> None:
        os.close(self._reader)
        os.close(self._writer)

    def listen(self) -> None:
        """Take the signals; only in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.ask())

    def asked(self) -> bool:
        """True once someone asked."""
        return self._asked

    def ask(self) -> None:
        """Ask the loops to end."""
        if not self._asked:
            self._asked = True
            os.write(self._writer, b"!")  # never read: it wakes whoever waits, now or later

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than until someone asks."""
        select.select([self._reader], [], [], seconds)

    def fileno(self) -> int:
        """A file number that can be read from once someone asked."""
        return self._reader


class Idle:
    """Waits between two looks.

    After much work not at all; else until the bell rings, which it may fail to: so not for ever. But where events come
    in quick succession, or with `gathers` after any work, long enough for more to gather, since a batch costs about the
    same whatever its size.
    """

    def __init__(self, stop: Stop, bell: Bell, *, gathers: bool = False) -> None:
        self._stop = stop
        self._bell = bell
        self._gathers = gathers

    def after(self, worked: int) -> None:
        """Wait as long as the last look suggests. Raises OperationalError when the bell's connection is lost."""
        if worked >= MUCH:
            return
        gather = GATHER_SECONDS if self._gathers else QUICK_SECONDS
        if worked >= (1 if self._gathers else QUICK):
            self._stop.wait(gather)
            self._bell.heard()  # the next look answers it
        else:
            self._bell.wait(POLL_SECONDS, self._stop.fileno())


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
