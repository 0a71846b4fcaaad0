"""The supervisor's side of the fork server: have a process forked, and treat it as a child like any other.

Linux only, as only there an orphan can be adopted by the process that wants it. Elsewhere, and whenever the fork
server is not what it should be, `fork` gives None, and the caller starts the process from nothing.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from infrastructure.server.log_files import open_log
from infrastructure.server.processes import die_with_parent

_PR_SET_CHILD_SUBREAPER: Final = 36
ANSWER_SECONDS_MAX: Final = 30.0


class Child(Protocol):
    """What the supervisor asks of a child, as `subprocess.Popen` has it."""

    pid: int

    def poll(self) -> int | None:
        """Its exit code (a signal's is negative), None while it lives."""
        ...

    def wait(self) -> int:
        """The same, when it has ended."""
        ...

    def terminate(self) -> None:
        """SIGTERM."""
        ...

    def kill(self) -> None:
        """SIGKILL."""
        ...


class Forked:
    """A child that was forked for us, and adopted."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """See the protocol."""
        return self._awaited(os.WNOHANG)

    def wait(self) -> int:
        """See the protocol."""
        code = self._awaited(0)
        assert code is not None
        return code

    def terminate(self) -> None:
        """See the protocol."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """See the protocol."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _awaited(self, how: int) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self.pid, how)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code


class ForkServer:
    """The process that is forked, while it runs; `fork` gives None when it does not."""

    def __init__(self) -> None:
        self._wishes: socket.socket | None = None

    @contextmanager
    def running(self, log: Path) -> Iterator[ForkServer]:
        """Have it run, where that is possible; it imports while the caller goes on."""
        if not _adopt(False):
            yield self
            return
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its, open_log(log) as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "api.process.fork_server", str(its.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                pass_fds=(its.fileno(),),
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
        ours.settimeout(ANSWER_SECONDS_MAX)
        self._wishes = ours
        try:
            yield self
        finally:
            self.close()
            process.kill()
            process.wait()

    def close(self) -> None:
        """Have it end; from now on all start from nothing."""
        if self._wishes is not None:
            self._wishes.close()
            self._wishes = None

    def fork(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        files: Mapping[int, int],
    ) -> Forked | None:
        """Have `daybook ARGUMENTS` run with our `files` under these numbers, and with `environment` on top of ours.

        None when it cannot be.
        """
        if self._wishes is None:
            return None
        wish = {
            "name": name,
            "arguments": list(arguments),
            "environment": {**os.environ, **environment},
            "numbers": list(files),
            "supervisor": os.getpid(),
        }
        _adopt(True)
        try:
            socket.send_fds(self._wishes, [json.dumps(wish).encode()], list(files.values()))
            answer = self._wishes.recv(20)
        except OSError:
            answer = b""
        finally:
            _adopt(False)  # what others leave behind is no affair of ours
        if not answer:
            self.close()
            return None
        return Forked(int(answer))


def _adopt(orphans: bool) -> bool:
    """Become, or be no more, the parent of what our children leave behind; False where that cannot be."""
    if not sys.platform.startswith("linux"):
        return False
    with suppress(OSError, AttributeError):
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        return bool(prctl(_PR_SET_CHILD_SUBREAPER, int(orphans), 0, 0, 0) == 0)
    return False
