"""The process tree of `daybook up`: start everything, watch it, restart what dies, stop it all.

1. Order: orphans of a killed predecessor, PostgreSQL, `prepare` (migrations), the parts,
   `announce`. Stopping is the reverse, PostgreSQL last.
2. A part that dies is restarted, at most 5 times a minute; then everything stops, exit code 1, and
   one line says which part and why.
3. SIGTERM, SIGINT and SIGHUP stop everything cleanly, exit code 0; a second one stops it by force.
4. No part outlives a killed supervisor (Linux: the system kills it; elsewhere: its lifeline ends).

This process stays small: it imports neither the web framework nor the database driver.
"""

from __future__ import annotations

import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from api.process.data_folder import DataFolder
from api.process.forking import ForkServer
from api.process.parts import RESTARTS_MAX, Deaths, Part, RunningPart
from infrastructure.server.local_postgres import LocalPostgres
from infrastructure.server.start_faults import StartFault

STOP_SECONDS_MAX: Final = 15.0
_STOPPING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_NOHUP: Final = (signal.SIGHUP, signal.SIG_IGN)


class _StopAsked(BaseException):
    """Somebody wants us to stop while we are in the middle of starting."""


class _GaveUp(Exception):
    """A part died too often."""


def supervise(
    parts: Callable[[str], Sequence[Part]],
    folder: DataFolder,
    *,
    database_url: str | None = None,
    prepare: Callable[[str], None] | None = None,
    announce: Callable[[], None] | None = None,
    say: Callable[[str], None] | None = None,
    fork_server: ForkServer | None = None,
) -> int:
    """Run a deployment in `folder` (entered by the caller) until told to stop; give the exit code.

    `database_url` is a server of somebody else; without it one of our own runs in the folder. Its
    superuser's dsn goes to `prepare`, once, and to `parts`, which names what to run. `announce` is
    called once, when every part is ready. `fork_server` is what the parts are forked from, if one
    runs. `say` takes lines for people (default: standard error).
    A fault of starting is said, and its exit code given; what `prepare` raises goes through.
    """
    postgres = None if database_url else LocalPostgres(folder.path)
    tree = _Tree(folder, postgres, say or _say, fork_server)
    try:
        with _signals(tree):
            try:
                dsn = tree.start_database(database_url)
                if prepare is not None:
                    prepare(dsn)
                tree.start_parts(parts(dsn))
                tree.watch(announce or (lambda: None))
            finally:
                tree.stop()
    except _StopAsked:
        return 0
    except _GaveUp as reason:
        tree.say(f"stopped: {reason}")
        return 1
    except StartFault as fault:
        tree.say(str(fault))
        return fault.exit_code
    return 0


def _say(line: str) -> None:
    with suppress(OSError):
        print(f"daybook: {line}", file=sys.stderr, flush=True)


@contextmanager
def _signals(tree: _Tree) -> Iterator[None]:
    """Let signals reach `tree`: those that stop us, and the death of a child."""
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    # Whoever started us with SIGHUP ignored (nohup) wants us to outlive the terminal.
    heeded = [it for it in _STOPPING if (it, signal.getsignal(it)) != _NOHUP]
    before = {number: signal.signal(number, tree.on_stop) for number in heeded}
    before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    tree.wake_on(reader)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        tree.close()
        os.close(reader)
        os.close(writer)


class _Tree:
    """Everything that runs, and what is to be done about it."""

    def __init__(
        self,
        folder: DataFolder,
        postgres: LocalPostgres | None,
        say: Callable[[str], None],
        fork_server: ForkServer | None,
    ) -> None:
        self.say = say
        self._fork_server = fork_server
        self._folder = folder
        self._postgres = postgres
        self._postgres_deaths = Deaths()
        self._parts: list[RunningPart] = []
        self._selector = selectors.DefaultSelector()
        self._lifeline = os.pipe()
        self._stops_asked = 0
        self._interruptible = True

    # Signals

    def on_stop(self, _number: int, _frame: FrameType | None) -> None:
        """Note that we are to stop; break off whatever is being started."""
        self._stops_asked += 1
        if self._interruptible:
            self._interruptible = False
            raise _StopAsked

    def wake_on(self, reader: int) -> None:
        """Wake up when a signal arrives: a byte is in `reader` then."""
        self._selector.register(reader, selectors.EVENT_READ)

    def close(self) -> None:
        """Give back what the system lent us."""
        self._selector.close()
        for end in self._lifeline:
            os.close(end)

    # Starting

    def start_database(self, database_url: str | None) -> str:
        """Reclaim what a killed predecessor left, and have a database."""
        for name in self._folder.reclaim_orphans():
            self.say(f"stopped {name}, left over by an up that was killed")
        if self._postgres is None:
            return database_url or ""
        dsn = self._postgres.start()
        self.say(f"PostgreSQL runs (pid {self._postgres.pid})")
        return dsn

    def start_parts(self, parts: Sequence[Part]) -> None:
        """Start every part; none is waited for."""
        self._interruptible = False
        for part in parts:
            self._parts.append(
                RunningPart(part, self._folder.log(part.name), lifeline=self._lifeline[0])
            )
        self._start_due()

    # Watching

    def watch(self, announce: Callable[[], None]) -> None:
        """Keep everything running until we are to stop. Raises `_GaveUp`."""
        announced = False
        while True:
            if not announced and all(part.ready for part in self._parts):
                announced = True
                self._announce(announce)
            self._wait()
            if self._stopping():
                return
            self._mind_postgres()
            self._mind_parts()
            self._start_due()

    def _announce(self, announce: Callable[[], None]) -> None:
        self._interruptible = True
        try:
            if not self._stopping():
                announce()
        finally:
            self._interruptible = False

    def _stopping(self) -> bool:
        return self._stops_asked > 0

    def _wait(self) -> None:
        due = min((part.due() for part in self._parts), default=float("inf"))
        seconds = None if due == float("inf") else max(0.0, due - time.monotonic())
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                with suppress(BlockingIOError):
                    os.read(key.fd, 4096)
            else:
                self._selector.unregister(key.fd)
                part: RunningPart = key.data
                part.hear()
                if part.ready_pipe is not None:
                    self._selector.register(part.ready_pipe, selectors.EVENT_READ, part)

    def _mind_postgres(self) -> None:
        if self._postgres is None or (code := self._postgres.poll()) is None:
            return
        delay = self._may_restart("postgres", f"exit {code}", self._postgres_deaths)
        self._interruptible = True
        try:
            if not self._stopping():
                time.sleep(delay)
                self._postgres.start()
        finally:
            self._interruptible = False

    def _mind_parts(self) -> None:
        for part in self._parts:
            reason = part.ended()
            if reason is None:
                continue
            if part.ready_pipe is not None:
                self._selector.unregister(part.ready_pipe)
            part.bury()
            delay = self._may_restart(part.part.name, reason, part.deaths)
            part.start_at = time.monotonic() + delay

    def _may_restart(self, name: str, reason: str, deaths: Deaths) -> float:
        delay = deaths.record(time.monotonic())
        if delay is None:
            log = self._folder.log(name)
            raise _GaveUp(f"{name} died {deaths.count()} times in a minute ({reason}); see {log}")
        self.say(f"{name} died ({reason}); restart {deaths.count()} of {RESTARTS_MAX}")
        return delay

    def _start_due(self) -> None:
        now = time.monotonic()
        started = False
        for part in self._parts:
            if part.waiting and part.start_at <= now:
                self._start(part)
                started = True
        if started:
            self._note_parts()

    def _note_parts(self) -> None:
        running = [(it.part.name, it.record) for it in self._parts if it.record is not None]
        with suppress(OSError):  # a full disk must not end what still works
            self._folder.note_parts(running)

    def _start(self, part: RunningPart) -> None:
        try:
            part.start(self._fork_server)
        except OSError:
            program = part.part.argv[0]
            raise _GaveUp(f"{part.part.name} cannot be started ({program})") from None
        if part.ready_pipe is not None:
            self._selector.register(part.ready_pipe, selectors.EVENT_READ, part)

    # Stopping

    def stop(self) -> None:
        """Stop the parts, those started last first, then PostgreSQL. A second signal hastens it."""
        self._interruptible = False
        asked = self._stops_asked
        for part in reversed(self._parts):
            part.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while any(part.alive for part in self._parts):
            if time.monotonic() > deadline or self._stops_asked > max(asked, 1):
                break
            time.sleep(0.01)
        for part in self._parts:
            part.bury()
        self._note_parts()
        if self._postgres is not None:
            self._postgres.stop()
