"""Where the read models stand, looked at once for all who wait in this process, however many they are.

One thread, on a connection of its own, looks when a follower or the sequencer rings, when somebody begins to wait, and
every 50 ms, for as long as anybody waits; it wakes those whose event is there. A connection that is lost is made anew.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any, Final

import psycopg

from infrastructure.store.doorbell import FOLLOWED, SEQUENCED, listening

HEAD: Final = ""  # in place of a model's name: the last event that has a place
POLL_SECONDS: Final = 0.05
RETRY_SECONDS: Final = 0.2
LINGER_SECONDS: Final = 10.0
CONNECT_SECONDS_MAX: Final = 5
LOOK: Final = (
    "SELECT name, sequence, state = 'following' FROM read_model WHERE is_current"
    " UNION ALL SELECT '', sequence, true FROM sequencer_head"
)

Looked = Mapping[str, tuple[int, bool]]


@dataclass(frozen=True, slots=True, eq=False)
class Waiter:
    """Somebody who waits for `model` to stand at `sequence`, or to follow no more."""

    model: str
    sequence: int
    woken: Event = field(default_factory=Event)

    def has_what_it_waits_for(self, looked: Looked) -> bool:
        """True when there is no need to wait any longer."""
        sequence, follows = looked.get(self.model, (-1, True))
        return sequence >= self.sequence or not follows


class Standings:
    """One for a process. Its thread begins with the first who waits."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._lock = Lock()
        self._waiting: set[Waiter] = set()
        self._thread: Thread | None = None
        self._wanted = Event()
        self._ended = Event()
        self._call, self._caller = -1, -1  # a pipe, while the thread lives

    def until(self, model: str, sequence: int, deadline: float) -> None:
        """Wait until a look shows `model` (or HEAD) at `sequence`, or following no more; not beyond `deadline`.

        `deadline` is monotonic. It may return early: who needs to be sure looks then.
        """
        waiter = Waiter(model, sequence)
        with self._lock:
            if self._ended.is_set():
                return
            self._waiting.add(waiter)
            self._wake()
        waiter.woken.wait(max(0.0, deadline - monotonic()))
        with self._lock:
            self._waiting.discard(waiter)

    def close(self) -> None:
        """Look no more; who still waits is woken."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._ended.set()
            if thread is not None:
                self._wake()
        if thread is not None:
            thread.join()
            os.close(self._call)
            os.close(self._caller)
        for waiter in self._now_waiting():
            waiter.woken.set()

    def _wake(self) -> None:
        """Have the thread look now, whatever it waits for."""
        alive = self._thread is not None and self._thread.is_alive()
        if not alive and not self._ended.is_set():
            if self._caller == -1:
                self._call, self._caller = os.pipe()
                os.set_blocking(self._call, False)
                os.set_blocking(self._caller, False)
            self._thread = Thread(target=self._run, name="standings", daemon=True)
            self._thread.start()
        self._wanted.set()
        with suppress(BlockingIOError):  # it has been called often enough
            os.write(self._caller, b"!")

    def _now_waiting(self) -> list[Waiter]:
        with self._lock:
            return list(self._waiting)

    def _run(self) -> None:
        while self._wanted.wait() and not self._ended.is_set():
            self._wanted.clear()
            while self._now_waiting() and not self._ended.is_set():
                try:
                    self._connect_and_look()
                except psycopg.Error:
                    self._ended.wait(RETRY_SECONDS)

    def _connect_and_look(self) -> None:
        """Look for as long as somebody waits, and a while longer: soon somebody will again."""
        with (
            psycopg.connect(
                self._dsn, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX
            ) as connection,
            listening(connection, FOLLOWED, SEQUENCED) as bell,
        ):
            last = monotonic()
            while not self._ended.is_set() and monotonic() - last < LINGER_SECONDS:
                if self._now_waiting():
                    last = monotonic()
                others_wait = self._look(connection)
                bell.wait(POLL_SECONDS if others_wait else LINGER_SECONDS, self._call)
                with suppress(BlockingIOError):  # nobody called
                    os.read(self._call, 4096)

    def _look(self, connection: psycopg.Connection[Any]) -> bool:
        """Look, if anybody waits, and wake whom it concerns; True when others still wait."""
        waiting = self._now_waiting()
        if not waiting:
            return False
        looked = {name: (sequence, on) for name, sequence, on in connection.execute(LOOK)}
        woken = {one for one in waiting if one.has_what_it_waits_for(looked)}
        with self._lock:
            self._waiting -= woken
        for one in woken:
            one.woken.set()
        return len(woken) < len(waiting)
