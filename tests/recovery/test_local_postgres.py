"""The embedded server keeps what was committed, touches no stranger, and says what is wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from infrastructure.server.local_postgres import LocalPostgres, free_port
from infrastructure.server.postgres_binaries import find_binaries
from infrastructure.server.processes import inspect, wait_until
from infrastructure.server.start_faults import (
    DiskFull,
    FolderInUse,
    FolderNotWritable,
    NoBinaries,
    NotRunning,
    PortInUse,
    StartFault,
    WrongVersion,
)

ROOT = Path(__file__).resolve().parents[2]
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
LINUX = sys.platform.startswith("linux")
linux_only = pytest.mark.skipif(not LINUX, reason="the system kills orphans on Linux only")
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as somebody else")


@pytest.fixture
def server(folder: Path) -> Iterator[LocalPostgres]:
    server = LocalPostgres(folder, fast=True)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def stranger() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a process that is none of ours."""
    started: list[subprocess.Popen[bytes]] = []

    def start(cwd: Path | None = None) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(["sleep", "600"], cwd=cwd))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def run(dsn: str, statement: str) -> list[tuple[str | int, ...]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def keep_a_row(dsn: str) -> None:
    run(dsn, "DROP TABLE IF EXISTS kept; CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)")


def in_child(folder: Path, then: str) -> subprocess.Popen[str]:
    """A process that starts the server of `folder`, prints its pid, and does `then`."""
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "import infrastructure.server.local_postgres as module\n"
        f"{'module.die_with_parent = lambda number: None' if 'orphan' in then else ''}\n"
        f"server = module.LocalPostgres(Path({str(folder)!r}), fast=True)\n"
        "server.start(); print(server.pid, flush=True)\n"
        f"{'os.kill(os.getpid(), signal.SIGKILL)' if 'die' in then else 'signal.pause()'}\n"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=-1, text=True)


def pid_said_by(child: subprocess.Popen[str]) -> int:
    assert child.stdout is not None
    return int(child.stdout.readline())


def end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait()
    assert child.stdout is not None
    child.stdout.close()


def test_what_was_committed_is_there_after_a_restart_on_the_same_port(
    server: LocalPostgres,
) -> None:
    first = server.start()
    keep_a_row(first)
    server.stop()
    assert not server.is_running()
    assert server.start() == first
    assert run(first, "SELECT n FROM kept") == [(1,)]


def test_starting_twice_is_starting_once(server: LocalPostgres) -> None:
    first = server.start()
    pid = server.pid
    assert server.start() == first
    assert server.pid == pid


def test_a_new_cluster_is_safe_by_default(empty: Path) -> None:
    with LocalPostgres(empty) as server:
        rows = run(server.dsn(), "SELECT name, setting FROM pg_settings")
        settings = {row[0]: row[1] for row in rows}
        rules = run(server.dsn(), "SELECT DISTINCT auth_method FROM pg_hba_file_rules")
    wanted = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "log_statement": "none",
        "log_min_error_statement": "panic",
        "log_parameter_max_length_on_error": "0",
        "server_encoding": "UTF8",
    }
    assert {name: settings[name] for name in wanted} == wanted
    assert rules == [("scram-sha-256",)]
    password = empty / "postgres" / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert password.read_text() not in server.log_path.read_text()


def test_nobody_enters_without_the_password(server: LocalPostgres) -> None:
    dsn = server.start()
    password = (server.cluster.parent / "password").read_text()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dsn.replace(password, "guess"))


@linux_only
def test_the_server_gets_no_secret_of_ours(
    server: LocalPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYBOOK_KEYS_URL", "postgresql://canary")
    server.start()
    assert b"canary" not in Path(f"/proc/{server.pid}/environ").read_bytes()


def test_what_was_committed_survives_kill_9_of_the_server(server: LocalPostgres) -> None:
    dsn = server.start()
    keep_a_row(dsn)
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: server.poll() is not None, 60)
    assert server.start() == dsn
    assert run(dsn, "SELECT n FROM kept") == [(1,)]


def test_a_second_start_on_a_live_folder_is_refused(server: LocalPostgres, folder: Path) -> None:
    dsn = server.start()
    with pytest.raises(FolderInUse) as refusal:
        LocalPostgres(folder, fast=True).start()
    assert refusal.value.exit_code == 2
    assert run(dsn, "SELECT 1") == [(1,)]


def test_others_may_look_at_a_running_server_but_not_stop_it(
    server: LocalPostgres, folder: Path
) -> None:
    other = LocalPostgres(folder)
    with pytest.raises(NotRunning):
        other.dsn()
    dsn = server.start()
    assert other.is_running()
    assert (other.dsn(), other.pid) == (dsn, server.pid)
    other.stop()
    assert server.is_running()


@linux_only
def test_the_server_leaves_when_its_starter_is_killed(folder: Path) -> None:
    child = in_child(folder, "die")
    pid = pid_said_by(child)
    end(child)
    assert wait_until(lambda: inspect(pid) is None, 60)


def test_an_orphan_is_stopped_and_a_new_server_started(server: LocalPostgres, folder: Path) -> None:
    child = in_child(folder, "orphan, die")
    orphan = pid_said_by(child)
    end(child)
    assert LocalPostgres(folder).pid == orphan
    server.start()
    assert inspect(orphan) is None
    assert server.is_running()
    assert server.pid != orphan


def test_a_stale_pid_file_with_a_strangers_pid_is_dropped_and_the_stranger_lives(
    server: LocalPostgres, folder: Path, stranger: Callable[..., subprocess.Popen[bytes]]
) -> None:
    somebody = stranger()
    lines = [str(somebody.pid), str(server.cluster), "1700000000", "5432", "", "", "0 0", "ready"]
    (server.cluster / "postmaster.pid").write_text("\n".join(lines) + "\n")
    assert server.pid is None
    server.start()
    assert server.is_running()
    assert somebody.poll() is None


def test_somebody_who_stands_in_the_folder_is_not_taken_for_the_server(
    server: LocalPostgres, stranger: Callable[..., subprocess.Popen[bytes]]
) -> None:
    visitor = stranger(cwd=server.cluster)
    (server.cluster / "postmaster.pid").write_text(f"{visitor.pid}\n")
    server.start()
    assert server.is_running()
    assert visitor.poll() is None


def test_a_killed_initdb_leaves_no_cluster_and_the_next_start_makes_one(empty: Path) -> None:
    home = empty / "postgres"
    child = in_child(empty, "wait")
    assert wait_until(lambda: any(home.glob("data.new-*/data/base")), 60)
    end(child)
    assert not (home / "data").exists()
    with LocalPostgres(empty, fast=True) as server:
        assert run(server.dsn(), "SELECT 1") == [(1,)]
    assert not any(home.glob("data.new-*"))


def test_a_cluster_of_another_version_is_refused_with_what_to_do(server: LocalPostgres) -> None:
    (server.cluster / "PG_VERSION").write_text("12\n")
    with pytest.raises(WrongVersion, match=r"PostgreSQL 12, but .* DAYBOOK_PG_BINDIR") as refusal:
        server.start()
    assert refusal.value.exit_code == 2
    assert "\n" not in str(refusal.value)


def test_after_a_refusal_the_folder_is_free_again(server: LocalPostgres) -> None:
    version = server.cluster / "PG_VERSION"
    right = version.read_text()
    version.write_text("12\n")
    with pytest.raises(WrongVersion):
        server.start()
    version.write_text(right)
    server.start()
    assert server.is_running()


def test_a_port_asked_for_that_is_taken_is_refused(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=str(port)):
            LocalPostgres(folder, fast=True, port=port).start()


def test_when_its_last_port_is_taken_it_moves_to_another(server: LocalPostgres) -> None:
    first = server.start()
    server.stop()
    port = int((server.cluster.parent / "port").read_text())
    with socket.create_server(("127.0.0.1", port)):
        second = server.start()
    assert second != first
    assert run(second, "SELECT 1") == [(1,)]


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "daybook").write_text("")
    with pytest.raises(FolderNotWritable, match="not a folder we can write"):
        LocalPostgres(tmp_path / "daybook").start()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_we_may_not_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FolderNotWritable):
        LocalPostgres(tmp_path / "daybook").start()


@root_only
def test_a_cluster_of_another_user_is_refused(server: LocalPostgres) -> None:
    os.chown(server.cluster, 12345, 12345)
    with pytest.raises(FolderNotWritable, match="belongs to another user"):
        server.start()


@root_only
def test_root_without_namespaces_runs_it_as_nobody(empty: Path) -> None:
    server = LocalPostgres(empty, fast=True, namespaces=False)
    try:
        dsn = server.start()
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
        keep_a_row(dsn)
        server.stop()
        assert run(server.start(), "SELECT n FROM kept") == [(1,)]
    finally:
        server.stop()
        shutil.rmtree(server.cluster.parent)


def on_a_small_disk(megabytes: int, folder: Path) -> subprocess.CompletedProcess[str]:
    """Start a server on a disk of that size, in name spaces of our own; its answer as JSON."""
    code = (
        "import json, sys; from pathlib import Path\n"
        "from infrastructure.server.local_postgres import LocalPostgres\n"
        "from infrastructure.server.start_faults import StartFault\n"
        f"server = LocalPostgres(Path({str(folder)!r}) / 'daybook', fast=True)\n"
        "try:\n    server.start(); answer = ['started', 0, '']\n"
        "except StartFault as fault:\n"
        "    answer = [type(fault).__name__, fault.exit_code, str(fault)]\n"
        "server.stop(); print(json.dumps(answer))\n"
    )
    mount = f'mount -t tmpfs -o size={megabytes}m tmpfs "$1" && exec "$2" -c "$3"'
    return subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"),
            *(str(folder), sys.executable, code),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@linux_only
@pytest.mark.parametrize("megabytes", [1, 20])
def test_a_full_disk_is_said_in_one_line(tmp_path: Path, megabytes: int) -> None:
    if shutil.which("unshare") is None or on_a_small_disk(200, tmp_path).returncode != 0:
        pytest.skip("this machine lets us mount no small disk")
    said = on_a_small_disk(megabytes, tmp_path)
    name, code, line = json.loads(said.stdout)
    assert (name, code) == (DiskFull.__name__, 1)
    assert "no space is left" in line
    assert "\n" not in line


def test_programs_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NoBinaries, match="DAYBOOK_PG_BINDIR"):
        LocalPostgres(tmp_path, binaries=tmp_path).start()


@pytest.mark.skipif(not DEBIAN_15.exists(), reason="Debian's PostgreSQL 15 is not installed")
def test_debians_programs_serve_as_well(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_PG_BINDIR", str(DEBIAN_15))
    assert find_binaries().major == 15
    with LocalPostgres(empty, fast=True) as server:
        assert str(run(server.dsn(), "SHOW server_version_num")[0][0]).startswith("15")


def test_a_fault_is_one_line_with_an_exit_code() -> None:
    def walk(kind: type[StartFault]) -> list[type[StartFault]]:
        return [kind, *(each for below in kind.__subclasses__() for each in walk(below))]

    for kind in walk(StartFault):
        assert kind.exit_code in {1, 2}
        assert kind.__doc__


def test_a_free_port_can_be_bound() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as bound:
        assert bound.getsockname()[1] > 0
