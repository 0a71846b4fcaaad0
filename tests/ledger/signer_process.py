"""A signer in a process of its own, as `daybook up` runs it: to be killed, starved and asked."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import Unavailable
from infrastructure.ledger.signing.signer_socket import SignerClient
from infrastructure.server.processes import wait_until
from infrastructure.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SECONDS_MAX = 30.0


class SignerProcess:
    """`start` and `kill` it as often as needed; `client` asks whoever runs."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.settings = Settings(data)
        self.environment = environment
        self.client = SignerClient(self.settings.signer_socket)
        self.process: subprocess.Popen[str] | None = None

    def start(self, *, file_bytes_max: int | None = None) -> None:
        """Start it, with a limit to how long its files may grow; wait until it answers."""
        self.process = subprocess.Popen(
            [*COMMAND, "--data", str(self.settings.data)],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
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
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

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
        assert self.process is not None and self.process.stderr is not None
        return self.process.stderr.read() if self.has_ended() else ""

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
def signer_process(data: Path, **environment: str) -> Iterator[SignerProcess]:
    """One that is not running yet, and is gone afterwards."""
    made = SignerProcess(data, **environment)
    try:
        yield made
    finally:
        made.client.close()
        if made.process is not None and not made.has_ended():
            made.kill()
