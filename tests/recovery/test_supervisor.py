"""`daybook up` starts everything, restarts what dies, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.process.data_folder import DataFolder
from api.process.listening import listen
from api.process.parts import RESTARTS_MAX, WINDOW_SECONDS, Deaths
from infrastructure.server.local_postgres import LocalPostgres
from infrastructure.server.processes import ProcessRecord, inspect, same, wait_until
from infrastructure.server.start_faults import FolderInUse, FolderNotWritable, PortInUse

ROOT = Path(__file__).resolve().parents[2]
TREE = Path(__file__).with_name("tree.py")
SECONDS = 60.0

GOOD = "watch_supervisor(); say_ready(); threading.Event().wait()"
SERVES = """
watch_supervisor(); say_ready()
sock = socket.socket(fileno=int(os.environ["SOCKET"]))
while True:
    with sock.accept()[0] as client:
        client.sendall(str(os.getpid()).encode())
"""


class Up:
    """A running tree, and what can be seen of it from outside."""

    def __init__(self, folder: Path, parts: dict[str, str], *flags: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, str(TREE), str(folder), json.dumps(parts), *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> int:
        """Wait for the ready line; give the port."""
        assert self.process.stdout is not None
        word, port = self.process.stdout.readline().split()
        assert word == "ready"
        return int(port)

    def records(self) -> dict[str, ProcessRecord]:
        return dict(DataFolder(self.folder).noted_parts())

    def kill(self, part: str) -> ProcessRecord:
        """Kill one part, and wait until another process has taken its place."""
        killed = self.records()[part]
        os.kill(killed.pid, signal.SIGKILL)
        assert wait_until(lambda: self.records().get(part) not in {None, killed}, SECONDS)
        return self.records()[part]

    def end(self, number: signal.Signals | None = None) -> tuple[int, str]:
        """Send a signal, if any, and wait; give the exit code and what people were told."""
        if number is not None:
            self.process.send_signal(number)
        _, said = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, said


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    trees: list[Up] = []

    def start(parts: dict[str, str], *flags: str, folder: Path = tmp_path / "daybook") -> Up:
        trees.append(Up(folder, parts, *flags))
        return trees[-1]

    yield start
    for tree in trees:
        if tree.process.poll() is None:
            tree.end(signal.SIGTERM)
        for stream in (tree.process.stdout, tree.process.stderr):
            if stream is not None:
                stream.close()


def gone(records: dict[str, ProcessRecord]) -> bool:
    return wait_until(lambda: not any(same(it) for it in records.values()), SECONDS)


def test_ready_is_said_only_when_every_part_is(tmp_path: Path, up: Callable[..., Up]) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    tree = up({"api": GOOD, "work": f"open({str(gate)!r}).read(); {GOOD}"})
    assert wait_until(lambda: len(tree.records()) == 2, SECONDS)
    stream = tree.process.stdout
    assert stream is not None
    assert select.select([stream], [], [], 0)[0] == []
    gate.write_text("go")
    assert tree.ready() > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_cleanly(
    tmp_path: Path, up: Callable[..., Up], number: signal.Signals
) -> None:
    left = tmp_path / "left"
    polite = f"signal.signal(15, lambda *_: (open({str(left)!r}, 'w').close(), sys.exit())); {GOOD}"
    tree = up({"api": GOOD, "work": polite})
    tree.ready()
    records = tree.records()
    assert tree.end(number) == (0, "")
    assert left.exists()
    assert gone(records)
    assert tree.records() == {}


def test_a_part_that_will_not_stop_is_stopped_by_force_when_asked_twice(
    tmp_path: Path, up: Callable[..., Up]
) -> None:
    asked = tmp_path / "asked"
    deaf = f"signal.signal(15, lambda *_: open({str(asked)!r}, 'w').close()); {GOOD}"
    tree = up({"api": deaf})
    tree.ready()
    records = tree.records()
    tree.process.send_signal(signal.SIGINT)
    assert wait_until(asked.exists, SECONDS)
    assert tree.end(signal.SIGINT)[0] == 0
    assert gone(records)


def test_a_part_that_dies_is_restarted(up: Callable[..., Up]) -> None:
    tree = up({"api": GOOD, "work": GOOD})
    tree.ready()
    before = tree.records()
    after = tree.kill("work")
    assert same(after)
    assert tree.records()["api"] == before["api"]
    code, said = tree.end(signal.SIGTERM)
    assert code == 0
    assert said == "daybook: work died (signal SIGKILL); restart 1 of 5\n"


def test_a_part_that_keeps_dying_stops_everything_and_says_why(up: Callable[..., Up]) -> None:
    tree = up({"api": GOOD, "work": "sys.exit(3)"})
    code, said = tree.end()
    assert code == 1
    last = said.splitlines()[-1]
    assert "stopped: work died 6 times in a minute (exit 3); see" in last
    assert last.endswith("work.log")
    assert said.count("restart") == RESTARTS_MAX


def test_deaths_are_counted_over_one_minute_only() -> None:
    deaths = Deaths()
    slowly = [deaths.record(now * WINDOW_SECONDS / RESTARTS_MAX) for now in range(100)]
    assert None not in slowly
    at_once = [deaths.record(10_000.0) for _ in range(RESTARTS_MAX + 1)]
    assert at_once.index(None) == RESTARTS_MAX


def test_a_part_that_is_not_ready_in_time_counts_as_dead(up: Callable[..., Up]) -> None:
    tree = up({"late": "threading.Event().wait()"})
    code, said = tree.end()
    assert code == 1
    assert "late died (not ready in 0.05 s); restart 1 of 5" in said


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from api.process.data_folder import DataFolder\n"
        "from api.process.parts import Part\n"
        "from api.process.supervisor import supervise\n"
        f"with DataFolder(Path({str(tmp_path)!r})) as folder:\n"
        "    parts = lambda dsn: [Part('api', ('/no/such/program',))]\n"
        "    sys.exit(supervise(parts, folder, database_url='postgresql:///none'))\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert said.returncode == 1
    assert said.stderr == "daybook: stopped: api cannot be started (/no/such/program)\n"


def test_no_part_outlives_a_killed_supervisor(up: Callable[..., Up]) -> None:
    tree = up({"api": GOOD, "deaf": f"signal.signal(15, signal.SIG_IGN); {GOOD}"})
    tree.ready()
    records = tree.records()
    assert len(records) == 2
    tree.end(signal.SIGKILL)
    assert gone(records)


def test_a_part_ends_by_itself_when_its_lifeline_does() -> None:
    reader, writer = os.pipe()
    code = (
        "from api.process.lifeline import watch_supervisor; import threading\n"
        "watch_supervisor(); print('there', flush=True); threading.Event().wait()"
    )
    part = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "DAYBOOK_LIFELINE_FD": str(reader)},
        pass_fds=(reader,),
        stdout=subprocess.PIPE,
    )
    os.close(reader)
    assert part.stdout is not None
    assert part.stdout.readline() == b"there\n"
    os.close(writer)
    assert part.wait(SECONDS) == -signal.SIGTERM
    part.stdout.close()


def test_a_second_up_says_so_and_leaves_the_first_alone(up: Callable[..., Up]) -> None:
    first = up({"api": GOOD})
    first.ready()
    code, said = up({"api": GOOD}).end()
    assert code == 2
    assert said == f"{first.folder} is in use by another daybook up (pid {first.process.pid})\n"
    assert same(first.records()["api"])


def test_the_next_up_stops_orphans_and_spares_strangers(
    tmp_path: Path, up: Callable[..., Up]
) -> None:
    orphan, stranger = (subprocess.Popen(["sleep", "600"]) for _ in range(2))
    records = [inspect(it.pid) for it in (orphan, stranger)]
    assert records[0] is not None
    assert records[1] is not None
    # The same number, but another start: the id was given to somebody else since.
    reused = ProcessRecord(records[1].pid, "another boot/1", records[1].command)
    folder = DataFolder(tmp_path / "daybook")
    with folder:
        folder.note_parts([("api", records[0]), ("work", reused)])
    try:
        tree = up({"api": GOOD})
        tree.ready()
        assert orphan.wait(SECONDS) == -signal.SIGTERM
        assert stranger.poll() is None
        assert "stopped api, left over by an up that was killed" in tree.end(signal.SIGTERM)[1]
    finally:
        stranger.kill()
        stranger.wait()


def test_the_port_stays_open_while_its_part_restarts(up: Callable[..., Up]) -> None:
    tree = up({"api": SERVES})
    port = tree.ready()

    def answer() -> int:
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as client:
            return int(client.recv(100))

    killed = answer()
    os.kill(killed, signal.SIGKILL)
    assert wait_until(lambda: inspect(killed) is None, SECONDS)
    assert answer() not in {0, killed}


def test_a_port_in_use_is_one_line() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"^port {port} is in use; .*--port 0$") as refusal:
            listen("127.0.0.1", port)
    assert refusal.value.exit_code == 2


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "daybook").write_text("")
    with pytest.raises(FolderNotWritable), DataFolder(tmp_path / "daybook"):
        pass


def test_the_folder_is_free_after_its_owner_left(tmp_path: Path) -> None:
    with DataFolder(tmp_path), pytest.raises(FolderInUse), DataFolder(tmp_path):
        pass
    with DataFolder(tmp_path):
        pass


def test_postgres_comes_first_leaves_last_and_is_restarted_in_place(
    folder: Path, up: Callable[..., Up]
) -> None:
    asks = f"assert os.environ['DSN'].startswith('postgresql://'); {GOOD}"
    tree = up({"api": asks}, "--postgres", folder=folder)
    tree.ready()
    server = LocalPostgres(tree.folder)
    dsn, pid = server.dsn(), server.pid
    assert dsn == (tree.folder / "dsn").read_text()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: server.pid not in {None, pid} and server.is_running(), SECONDS)
    assert server.dsn() == dsn
    code, said = tree.end(signal.SIGTERM)
    assert code == 0
    assert "postgres died" in said
    assert server.pid is None
    assert "database system is shut down" in server.log_path.read_text().splitlines()[-1]


def test_a_fault_of_preparing_stops_postgres_and_starts_no_part(
    folder: Path, up: Callable[..., Up]
) -> None:
    tree = up({"never": GOOD}, "--postgres", "--fail-to-prepare", folder=folder)
    code, said = tree.end()
    assert code == 2
    assert said.splitlines()[-1] == "daybook: the schema is not ours"
    assert LocalPostgres(tree.folder).pid is None
    assert tree.records() == {}
    assert not (tree.folder / "logs" / "never.log").exists()


def test_the_supervisor_stays_small() -> None:
    code = "import api.process.supervisor, api.process.listening, sys; print(*sorted(sys.modules))"
    loaded = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).split()
    heavy = {"fastapi", "starlette", "pydantic", "psycopg", "eventsourcing", "asyncio", "ssl"}
    assert heavy.isdisjoint(loaded)
