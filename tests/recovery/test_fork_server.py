"""Parts are forked from a process that has imported what they need, and are the supervisor's own all the same."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.process.forking import Forked, ForkServer
from infrastructure.server.processes import inspect, wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there")
SECONDS = 60.0


@pytest.fixture(scope="module")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    with ForkServer().running(tmp_path_factory.mktemp("fork") / "log") as one:
        yield one


def parent_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(status[1])


def forked(fork_server: ForkServer, *arguments: str, **files: int) -> Forked:
    one = fork_server.fork("a-part", arguments, {}, {1: files["out"], 2: files["err"]})
    assert one is not None
    return one


def test_a_verb_runs_says_what_it_says_and_ends_with_its_code(
    fork_server: ForkServer, tmp_path: Path
) -> None:
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        good = forked(fork_server, "--help", out=out.fileno(), err=err.fileno())
        assert good.wait() == 0
        bad = forked(
            fork_server, "migrate", "--data", str(tmp_path), out=out.fileno(), err=err.fileno()
        )
        assert bad.wait() == 2
    assert "daybook" in (tmp_path / "out").read_text()
    assert (tmp_path / "err").read_text().startswith("daybook: ")


def test_it_is_our_own_child_a_session_of_its_own_and_has_a_name(
    fork_server: ForkServer, tmp_path: Path
) -> None:
    fifo = tmp_path / "policy"
    os.mkfifo(fifo)  # whoever opens it waits
    with (tmp_path / "log").open("wb") as log:
        files = {"out": log.fileno(), "err": log.fileno()}
        one = forked(fork_server, "verify", str(fifo), "--vkey", "x", **files)
    try:
        assert wait_until(lambda: os.getsid(one.pid) == one.pid, SECONDS)
        assert parent_of(one.pid) == os.getpid()
        comm = Path(f"/proc/{one.pid}/comm")
        assert wait_until(lambda: comm.read_text() == "a-part\n", SECONDS)
        assert one.poll() is None
    finally:
        one.kill()
    assert one.wait() == -signal.SIGKILL
    assert one.poll() == -signal.SIGKILL
    one.terminate()  # it is gone, and nobody else is signalled


def test_without_it_everything_starts_from_nothing(tmp_path: Path) -> None:
    with ForkServer().running(tmp_path / "log") as one, (tmp_path / "out").open("wb") as out:
        one.close()
        files = {1: out.fileno(), 2: out.fileno()}
        assert one.fork("a-part", ("--help",), {}, files) is None


def test_when_it_was_killed_everything_starts_from_nothing(tmp_path: Path) -> None:
    before = children()
    with ForkServer().running(tmp_path / "log") as one, (tmp_path / "out").open("wb") as out:
        (server,) = children() - before
        os.kill(server, signal.SIGKILL)
        files = {1: out.fileno(), 2: out.fileno()}
        assert one.fork("a-part", ("--help",), {}, files) is None
    assert inspect(server) is None


def children() -> set[int]:
    return {
        int(word)
        for it in Path("/proc/self/task").glob("*/children")
        for word in it.read_text().split()
    }
