"""A signer in a process of its own, as `daybook up` runs it: to be killed, starved and asked."""

from __future__ import annotations

import atexit
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile

from api.process.forking import Child, ForkServer
from domain.errors import Unavailable
from infrastructure.ledger.signing.signer_socket import SignerClient
from infrastructure.server.processes import wait_until
from infrastructure.settings import Settings
from tests.scratch import scratch_folder

ROOT = Path(__file__).resolve().parents[2]
SECONDS_MAX = 60.0


@cache
def fork_server() -> ForkServer:
    """What signers are forked from as `up` does it; one for each test worker, and it ends with this process."""
    stack = ExitStack()
    folder = stack.enter_context(scratch_folder("fork-server"))
    made = stack.enter_context(ForkServer().running(folder / "log"))
    atexit.register(stack.close)
    return made


class SignerProcess:
    """`start` and `kill` it as often as needed; `client` asks whoever runs.

    `forked` as `up` does it, or from nothing: then its memory is its own.
    """

    def __init__(self, data: Path, *, forked: bool = False, **environment: str) -> None:
        self.forked = forked
        self.settings = Settings(data)
        self.environment = environment
        self.client = SignerClient(self.settings.signer_socket)
        self.process: Child | None = None
        self._complaints = TemporaryFile("w+")  # noqa: SIM115 - closed with the signer

    def start(self, *, file_bytes_max: int | None = None) -> None:
        """Start it, with a limit to how long its files may grow; wait until it answers."""
        arguments = (*COMMAND[3:], "--data", str(self.settings.data))
        if self.forked and file_bytes_max is None:
            files = dict.fromkeys((1, 2), self._complaints.fileno())
            self.process = fork_server().fork("signer", arguments, self.environment, files)
            assert self.process is not None
        else:
            self.process = subprocess.Popen(
                [*COMMAND[:3], *arguments],
                cwd=ROOT,
                # With little room, bytecode that it wrote would be cut off, and break whoever reads it.
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._complaints,
                preexec_fn=None if file_bytes_max is None else lambda: limit(file_bytes_max),
            )
        assert wait_until(lambda: self.answers() or self.has_ended(), SECONDS_MAX)
        assert not self.has_ended(), self.said()

    def refuses_to_start(self) -> str:
        """Start it, and wait until it has ended; what it said."""
        done = subprocess.run(
            [*COMMAND, "--data", str(self.settings.data)],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
        )
        assert done.returncode != 0
        return done.stderr

    def give_room(self) -> None:
        """Take the limit away."""
        assert self.process is not None
        endless = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, endless)

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def answers(self) -> bool:
        """True when somebody answers at the socket."""
        try:
            return self.client.sizes(["anything"]) == [0]
        except Unavailable:
            return False

    def has_ended(self) -> bool:
        assert self.process is not None
        return self.process.poll() is not None

    def said(self) -> str:
        if not self.has_ended():
            return ""
        self._complaints.seek(0)
        return self._complaints.read()

    def close(self) -> None:
        """Kill it if it runs, and let go of everything."""
        self.client.close()
        if self.process is not None and not self.has_ended():
            self.kill()
        self._complaints.close()

    def resident_megabytes(self) -> float:
        """How much memory it holds."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024


COMMAND = (sys.executable, "-m", "api.cli", "work", "--part", "signer")


def limit(file_bytes_max: int) -> None:
    """Let no file of this process grow beyond so many bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, resource.RLIM_INFINITY))


@contextmanager
def signer_process(
    data: Path, *, forked: bool = False, **environment: str
) -> Iterator[SignerProcess]:
    """One that is not running yet, and is gone afterwards."""
    made = SignerProcess(data, forked=forked, **environment)
    try:
        yield made
    finally:
        made.close()
