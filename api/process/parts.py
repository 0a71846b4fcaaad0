"""One part of the process tree: how it is started, when it is ready, and when it is given up.

A part is any command, or a verb of ours that the fork server can be. It inherits the numbers of two
pipes (see `lifeline.py`), writes its output to a log of its own, and dies with the supervisor.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from api.process.forking import Child, ForkServer
from api.process.lifeline import LIFELINE, READY
from infrastructure.server.log_files import open_log
from infrastructure.server.processes import ProcessRecord, die_with_parent, inspect

RESTARTS_MAX: Final = 5
WINDOW_SECONDS: Final = 60.0
_DELAYS_SECONDS: Final = (0.0, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Part:
    """What to run; `environment` comes on top of ours, `passes` are file numbers it inherits.

    `arguments` are those of the verb of ours that `argv` runs, if it runs one.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    passes: tuple[int, ...] = ()
    ready_seconds: float = 60.0
    arguments: tuple[str, ...] = ()


class Deaths:
    """How often something died lately, and whether it may be started again."""

    def __init__(self) -> None:
        self._at: deque[float] = deque()

    def record(self, now: float) -> float | None:
        """Note a death; give the seconds to wait before the restart, None when it is too often."""
        self._at.append(now)
        while self._at[0] <= now - WINDOW_SECONDS:
            self._at.popleft()
        if len(self._at) > RESTARTS_MAX:
            return None
        return _DELAYS_SECONDS[len(self._at) - 1]

    def count(self) -> int:
        """Deaths within the last minute before the latest one, that included."""
        return len(self._at)


class RunningPart:
    """A part over its restarts."""

    def __init__(self, part: Part, log: Path, lifeline: int) -> None:
        self.part = part
        self.log = log
        self.deaths = Deaths()
        self.ready = False
        self.record: ProcessRecord | None = None
        self.ready_pipe: int | None = None
        self.start_at = time.monotonic()
        self._deadline = 0.0
        self._lifeline = lifeline
        self._process: Child | None = None

    @property
    def alive(self) -> bool:
        """True while its process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def waiting(self) -> bool:
        """True while it has no process, and is to be started at `start_at`."""
        return self._process is None

    def start(self, fork_server: ForkServer | None = None) -> None:
        """Start its process; `ready_pipe` is where it will say that it is ready."""
        reader, writer = os.pipe()
        environment = {
            **os.environ,
            **self.part.environment,
            READY: str(writer),
            LIFELINE: str(self._lifeline),
        }
        try:
            with open_log(self.log) as log:
                passed = (*self.part.passes, writer, self._lifeline)
                # What dies again and again is given a start of its own: what it was forked from may be at fault.
                if fork_server is not None and self.part.arguments and self.deaths.count() <= 1:
                    files = {1: log.fileno(), 2: log.fileno(), **{it: it for it in passed}}
                    self._process = fork_server.fork(
                        self.part.name, self.part.arguments, environment, files
                    )
                if self._process is None:
                    self._process = self._from_nothing(log, environment, passed)
        except BaseException:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        os.set_blocking(reader, False)
        self.ready_pipe = reader
        self.ready = False
        self.record = inspect(self._process.pid)
        self._deadline = time.monotonic() + self.part.ready_seconds

    def _from_nothing(
        self, log: IO[bytes], environment: Mapping[str, str], passed: tuple[int, ...]
    ) -> Child:
        return subprocess.Popen(
            self.part.argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            pass_fds=passed,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )

    def hear(self) -> None:
        """Read what it said on its pipe: a line means ready."""
        if self.ready_pipe is None:
            return
        with suppress(BlockingIOError):
            said = os.read(self.ready_pipe, 4096)
            if b"\n" in said:
                self.ready = True
            if not said or self.ready:
                self._hang_up()

    def ended(self) -> str | None:
        """How it ended, in words; None while it lives and is not late. A late one is killed."""
        if self._process is None:
            return None
        code = self._process.poll()
        if code is not None:
            return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
        if not self.ready and time.monotonic() > self._deadline:
            return f"not ready in {self.part.ready_seconds:g} s"
        return None

    def due(self) -> float:
        """The instant (monotonic) at which to look at it again without being woken."""
        if self._process is None:
            return self.start_at
        return float("inf") if self.ready else self._deadline

    def ask_to_stop(self) -> None:
        """Send SIGTERM to its process."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def bury(self) -> None:
        """End its process and all that it started, by force where needed, and forget it."""
        if self._process is None:
            return
        # Its session is its own: the group holds it and what it left behind, and nothing else.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        self.record = None
        self.ready = False
        self._hang_up()

    def _hang_up(self) -> None:
        if self.ready_pipe is not None:
            os.close(self.ready_pipe)
            self.ready_pipe = None
