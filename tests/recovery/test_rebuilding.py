"""`daybook rebuild` and `fsck --read-models` beside a running deployment, killed and started again. README D12."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL
from typing import Any, LiteralString

import httpx2
import psycopg
import pytest

from infrastructure.deployment import Deployment
from infrastructure.server.processes import wait_until
from infrastructure.settings import Settings
from projections.engine.filling import HELD
from projections.engine.rebuild import FORGET, HOLD
from projections.models import MODELS
from tests.running_demo import RunningDemo, command, running_demo, verb

__all__ = ["running_demo"]
READ_SECONDS = 0.05  # as often as it takes to meet the switch, and not as often as the machine can
PARTS = "SELECT count(*) FROM read_model_build WHERE name = 'keeping'"
WAITING = "SELECT query FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
Connection = psycopg.Connection[tuple[Any, ...]]
WINDOW = "from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&limit=50"


@contextmanager
def read_all_the_while(demo: RunningDemo) -> Iterator[list[int]]:
    """Somebody lists bookings until the block ends; the statuses that they got."""
    stop, statuses = threading.Event(), []

    def read() -> None:
        headers = {"authorization": f"Bearer {demo.keys['owner']}"}
        with httpx2.Client(base_url=demo.url, headers=headers, timeout=30) as client:
            while not stop.is_set():
                answer = client.get(f"/v1/bookings?{WINDOW}")
                statuses.append(answer.status_code if answer.json()["data"] else -1)
                stop.wait(READ_SECONDS)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield statuses
    finally:
        stop.set()
        reader.join()


def rebuilt(demo: RunningDemo, model: str, *more: str) -> dict[str, object]:
    done = verb("rebuild", model, "--json", *more, data=demo.data)
    assert done.returncode == 0, done.stderr + done.stdout
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_model_is_rebuilt_while_it_is_read_and_equals_what_it_replaces(
    running_demo: RunningDemo,
) -> None:
    with read_all_the_while(running_demo) as statuses:
        done = rebuilt(running_demo, "agenda", "--processes", "2")
    assert (done["equal"], done["switched"]) == (True, True)
    assert set(statuses) == {200}
    proved = verb("fsck", "--read-models", "--json", data=running_demo.data)
    assert proved.returncode == 0, proved.stderr + proved.stdout
    told = json.loads(proved.stdout)["read_models"]
    assert {one["name"]: one["equal"] for one in told} == {model.name: True for model in MODELS}
    dropped = verb("rebuild", "agenda", "--drop", data=running_demo.data)
    assert dropped.stdout == "dropped the tables of agenda that were replaced\n"


@contextmanager
def killed_at(demo: RunningDemo, statement: str, lock: LiteralString) -> Iterator[Connection]:
    """A rebuild of `keeping` that comes to a statement which `lock` lets go no further: there it is killed."""
    begins = statement.partition("%")[0]
    main = Deployment.locate(Settings(demo.data)).main
    with psycopg.connect(main) as holder, psycopg.connect(main, autocommit=True) as other:
        holder.execute(lock)
        process = subprocess.Popen(
            command("rebuild", "keeping", data=demo.data),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def waits() -> bool:
            held_up = other.execute(WAITING, (holder.info.backend_pid,)).fetchall()
            return any(query.startswith(begins) for (query,) in held_up)

        came = wait_until(waits, 60.0)
        process.kill()
        assert (came, process.wait()) == (True, -SIGKILL)
        holder.rollback()
        yield other


def test_a_rebuild_that_is_killed_goes_on_and_switches_once(running_demo: RunningDemo) -> None:
    with killed_at(running_demo, FORGET, "LOCK read_model_build IN SHARE MODE") as main:
        assert main.execute(PARTS).fetchone() == (0,), "it had not begun"
    switching = "SELECT FROM read_model WHERE name = 'keeping' FOR UPDATE"
    with killed_at(running_demo, HOLD, switching) as main:
        (parts,) = main.execute(PARTS).fetchone() or (0,)
        assert parts > 0, "it was about to be compared"
    filling = "SELECT FROM read_model_build WHERE name = 'keeping' FOR UPDATE"
    with killed_at(running_demo, HELD, filling) as main:
        assert main.execute(PARTS).fetchone() == (parts,), "it went on filling, and forgot nothing"
    done = rebuilt(running_demo, "keeping")
    assert (done["equal"], done["switched"]) == (True, True)
    with httpx2.Client(base_url=running_demo.url) as client:
        headers = {"authorization": f"Bearer {running_demo.keys['engineer']}"}
        standing = client.get("/v1/read-models", headers=headers).json()["data"]
    assert {one["state"] for one in standing} == {"following"}


def test_what_cannot_be_rebuilt_is_told_in_a_line(running_demo: RunningDemo) -> None:
    done = verb("rebuild", "diary", data=running_demo.data)
    assert done.returncode == 2
    assert done.stderr.startswith("daybook: diary is not a read model; there are agenda, ")
    assert verb("rebuild", "consents", "--abandon", data=running_demo.data).stdout == (
        "nothing was begun\n"
    )


@pytest.mark.parametrize("part", ["", "nonsense", "2/2", "1/2/3", "¹/2"])
def test_a_part_that_is_none_is_told_in_a_line(tmp_path: Path, part: str) -> None:
    done = verb("rebuild", "agenda", f"--part={part}", data=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (f"daybook: --part is a number below another, as 0/2, and not {part!r}\n")
