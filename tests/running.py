"""A deployment that runs as anyone runs it: `daybook up`, real processes, real PostgreSQL, in a folder of its own.

running    one for the whole session of a worker; tests keep apart by tenant, and leave it running
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.administration import found_tenant
from api.process.data_folder import DataFolder
from api.process.parts import RESTARTS_MAX, WINDOW_SECONDS
from infrastructure.deployment import Deployment
from infrastructure.server.local_postgres import LocalPostgres
from infrastructure.server.processes import inspect, send, wait_until, working_in
from infrastructure.settings import Settings
from tests.scratch import scratch_folder
from tests.verbs import run_verb_in_text

ROOT = Path(__file__).resolve().parents[1]
READY_SECONDS_MAX = 120.0
STOP_SECONDS_MAX = 60.0


class Running:
    """`daybook up` in `data`, and what can be done to it from outside. `url` is new after each start.

    `settings` are environment variables on top of ours.
    """

    def __init__(self, data: Path, *options: str, **settings: str) -> None:
        self.data = data
        self.options = options
        self.settings = settings
        self.url = ""
        self.ready: dict[str, Any] = {}
        self.process: subprocess.Popen[str] | None = None
        self.killed: list[tuple[float, str]] = []

    # Starting and stopping

    def start(self) -> None:
        """Start, and wait for the ready line."""
        said = (self.data.parent / f"{self.data.name}.stderr").open("a")
        with said:
            self.process = subprocess.Popen(
                [*self._command("up"), "--port", "0", "--ready-json", *self.options],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env=_environment() | self.settings,
            )
        assert self.process.stdout is not None
        heard, _, _ = select.select([self.process.stdout], [], [], READY_SECONDS_MAX)
        line = self.process.stdout.readline() if heard else ""
        if not line:
            self.process.kill()
            self.process.wait()
            self._forget()
        assert line, f"daybook up did not come up: {Path(said.name).read_text()[-2_000:]}"
        self.ready = json.loads(line)
        self.url = self.ready["url"]

    def ensure_up(self) -> None:
        """Start it again if it is not there any more."""
        if self.process is not None and self.has_died_often():
            self.stop()
        if self.process is None or self.process.poll() is not None:
            self._forget()
            self.start()
            self.killed.clear()

    def has_died_often(self) -> bool:
        """True when the tests before have killed a part so often that one kill more may make `up` give up."""
        lately = [name for at, name in self.killed if at > time.monotonic() - WINDOW_SECONDS]
        return any(lately.count(name) > RESTARTS_MAX // 2 - 1 for name in lately)

    def stop(self) -> int:
        """Stop it as a user does; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_SECONDS_MAX)
        self._forget()
        return code

    # Killing

    def parts(self) -> dict[str, int]:
        """The process ids of its parts, by name."""
        return {name: it.pid for name, it in DataFolder(self.data).noted_parts()}

    def kill(self, part: str) -> None:
        """kill -9 one part, and wait until another process stands in its place."""
        killed = self.parts()[part]
        self.killed.append((time.monotonic(), part))
        os.kill(killed, signal.SIGKILL)
        assert wait_until(lambda: self.parts().get(part) not in (None, killed), READY_SECONDS_MAX)

    def kill_postgres(self) -> None:
        """kill -9 the PostgreSQL server and every process of it; wait until another one takes connections."""
        server = LocalPostgres(self.data)
        self.killed.append((time.monotonic(), "postgres"))
        killed = server.pid
        for pid in list(working_in(server.cluster)):
            send(pid, signal.SIGKILL)
        assert wait_until(lambda: server.pid not in (None, killed), READY_SECONDS_MAX)
        assert wait_until(server.is_running, READY_SECONDS_MAX)

    def kill_all(self) -> None:
        """kill -9 everything at once, the supervisor first; wait until all of it is gone."""
        assert self.process is not None
        server = LocalPostgres(self.data)
        pids = [self.process.pid, *self.parts().values(), *working_in(server.cluster)]
        for pid in pids:
            send(pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS_MAX)
        assert wait_until(lambda: not any(inspect(pid) for pid in pids), STOP_SECONDS_MAX)
        self._forget()

    # Looking inside

    @property
    def deployment(self) -> Deployment:
        """Its databases and roles."""
        return Deployment.locate(Settings(self.data))

    def tenant(self, name: str = "Glow") -> dict[str, Any]:
        """A new tenant: `{"tenant": id, "keys": {role: key}}`."""
        return found_tenant(self.deployment, name)

    def rows(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """What the owner of the main database reads, whatever the walls."""
        with psycopg.connect(self.deployment.main, autocommit=True) as connection:
            return connection.execute(statement.encode(), parameters).fetchall()

    def verb(self, *arguments: str) -> str:
        """Run a verb of the command line; what it printed."""
        done = run_verb_in_text(*arguments, "--data", str(self.data), environment=_environment())
        done.check_returncode()
        return done.stdout

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "api.cli", *arguments, "--data", str(self.data)]

    def _forget(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None


def _environment() -> dict[str, str]:
    """Ours, without what would make it use another database; it sweeps often, so that nobody waits for it."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("DAYBOOK_")}
    kept.pop("DATABASE_URL", None)
    return kept | {"DAYBOOK_SWEEP_SECONDS": "1"}


# Each on a worker, with a deployment of its own.
GROUPS = ("running", "running_more", "running_search", "running_under_fire")
_shared: list[Running] = []


@pytest.fixture(scope="session")
def running_session() -> Iterator[Running]:
    with scratch_folder("running") as scratch:
        one = Running(scratch / "data")
        one.start()
        _shared.append(one)
        try:
            yield one
        finally:
            if one.process is not None:
                one.stop()


@pytest.fixture
def running(running_session: Running) -> Running:
    """A deployment that runs, whatever the test before did to it."""
    running_session.ensure_up()
    return running_session


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Stop it when its group is done: even idle, its processes take time from the tests that follow."""
    if is_of_its_group(item) and not is_of_its_group(nextitem):
        for one in _shared:
            if one.process is not None:
                one.stop()


def is_of_its_group(item: pytest.Item | None) -> bool:
    """True for a test that shares the running deployment of its worker."""
    marker = item.get_closest_marker("xdist_group") if item is not None else None
    return marker is not None and marker.args[0] in GROUPS
