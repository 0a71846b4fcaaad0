"""Where the processor time of a booking goes: `python -m benchmarks.where_time_goes [--bookings N] [--profile FILE]`.

`daybook up` as anyone runs it, and one more API process that takes all bookings, each of a new customer. Printed:
processor time for each booking of every process of the deployment (PostgreSQL's by role), and of the event loop and the
worker threads of that API process. Then the same with an API process that is profiled: what of a call's time each step
takes, and what code it is spent in: the figures of its flame graph. `--profile` keeps the profile for what draws one.
"""

from __future__ import annotations

import argparse
import json
import os
import pstats
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.bookings_http import ALWAYS, all_wishes, booked, business
from benchmarks.http_load import load
from benchmarks.postgres_time import TICKS
from benchmarks.running import DURABLE, Running, running
from benchmarks.table import show

WARM_UP = 300
SETTLE_SECONDS = 1.5
# The steps of a booking, by the function that takes each.
STEPS = (
    ("choosing the slot", "application/booking/choice.py", "choose"),
    ("... reading its facts", "infrastructure/store/book.py", "facts"),
    ("finding the customer or making keys", "infrastructure/keys/people.py", "find_or_prepare"),
    ("storing", "infrastructure/store/event_store.py", "append"),
    ("... sealing and encoding", "infrastructure/store/event_mapper.py", "to_stored_event"),
    ("... the append", "infrastructure/store/event_recorder.py", "insert_events"),
)
# What code time is spent in, by its file: the first that fits.
IN = (
    (
        "driver, pool and connections",
        re.compile(r"psycopg|infrastructure/(database|sql_arrays)|select"),
    ),
    ("sealing, keys and blind index", re.compile(r"infrastructure/keys|hmac|cryptography")),
    ("encoding, heading and storing events", re.compile(r"infrastructure/|eventsourcing")),
    ("deciding", re.compile(r"domain/|application/")),
    ("HTTP edge: reading, refusing, answering", re.compile(r"api/|pydantic")),
    ("uuid, dataclasses, functools, JSON and the rest", re.compile(r"")),
)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--bookings", type=int, default=4_000)
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--profile", type=Path, help="where to keep the profile")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch, running() as up:
        profile = chosen.profile or Path(scratch) / "profile"
        keys = json.loads(up.verb("tenant", "create", "--name", "Benchmark", "--json"))["keys"]
        services = [business(up.url, keys["owner"], ALWAYS, 30) for _ in range(3)]
        wishes = all_wishes(services, random.Random(7))
        booking = partial(booked, key=keys["booking"])
        with serving(up, "-m", "api.cli") as (url, pid):
            load(url, booking(wishes[:WARM_UP], first=0), clients=chosen.clients)
            time.sleep(SETTLE_SECONDS)
            before, threads_before = used(up.process.pid, pid), threads(pid)
            rest = wishes[WARM_UP : WARM_UP + chosen.bookings]
            load(url, booking(rest, first=WARM_UP), clients=chosen.clients)
            time.sleep(SETTLE_SECONDS)
            spent = used(up.process.pid, pid) - before
            spent_in = threads(pid) - threads_before
        show_processes(spent, spent_in, chosen.bookings, chosen.clients)
        with serving(up, "-m", "benchmarks.profiled", str(profile)) as (url, pid):
            more = wishes[WARM_UP + chosen.bookings :][: WARM_UP + chosen.bookings // 2]
            load(url, booking(more[:WARM_UP], first=10**6), clients=chosen.clients)
            os.kill(pid, signal.SIGUSR1)
            load(url, booking(more[WARM_UP:], first=2 * 10**6), clients=chosen.clients)
        show_profile(pstats.Stats(str(profile)))


@contextmanager
def serving(up: Running, *program: str) -> Iterator[tuple[str, int]]:
    """One more API process of the deployment: its address and process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    verb = ("serve", "--port", str(port), "--data", str(up.data))
    process = subprocess.Popen([sys.executable, *program, *verb])
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url)
        yield url, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def wait_for(url: str) -> None:
    """Until it answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{url}/healthz").close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def used(up: int, serving: int) -> Counter[str]:
    """Processor seconds by process of the deployment, ended children of PostgreSQL left out."""
    processes = {int(path.name): path for path in Path("/proc").iterdir() if path.name.isdigit()}
    parents: dict[int, int] = {}
    seconds: dict[int, tuple[str, float]] = {}
    for pid, path in processes.items():
        try:
            name, fields = (path / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        numbers = fields.split()
        parents[pid] = int(numbers[1])
        label = "the API process" if pid == serving else label_of(name, command)
        seconds[pid] = label, (int(numbers[11]) + int(numbers[12])) / TICKS
    found: Counter[str] = Counter()
    for pid, (label, spent) in seconds.items():
        if pid == serving or up in above(pid, parents):
            found[label] += spent  # type: ignore[assignment]
    return found


def above(pid: int, parents: dict[int, int]) -> set[int]:
    """The process, its parent, and so on."""
    found = set()
    while pid in parents and pid not in found:
        found.add(pid)
        pid = parents[pid]
    return found


def label_of(name: str, command: str) -> str:
    """A part's name; of PostgreSQL, whom a backend serves or what it is for."""
    if not command.startswith("postgres:"):
        return re.sub(r"-\d+$", " (idle)", name)
    words = command.removeprefix("postgres:").split()
    role = words[0].removeprefix("daybook_")
    return f"PostgreSQL for {role}" if words[0].startswith("daybook_") else "PostgreSQL itself"


def threads(pid: int) -> Counter[str]:
    """Processor seconds of a process's main thread, which has the event loop, and of its others."""
    found: Counter[str] = Counter()
    for task in Path(f"/proc/{pid}/task").iterdir():
        nanoseconds = int((task / "schedstat").read_text().split()[0])
        label = "event loop" if task.name == str(pid) else "worker threads"
        found[label] += nanoseconds / 1e9  # type: ignore[assignment]
    return found


def show_processes(
    spent: Counter[str], spent_in: Counter[str], bookings: int, clients: int
) -> None:
    """Microseconds for each booking."""
    rows: list[tuple[str, str]] = []
    for name, seconds in spent.most_common():
        if 1e6 * seconds / bookings > 4:
            rows.append((name, f"{1e6 * seconds / bookings:.0f}"))
        if name == "the API process":
            rows += [(f"... {one}", f"{1e6 * n / bookings:.0f}") for one, n in spent_in.items()]
    rows.append(("all", f"{1e6 * sum(spent.values()) / bookings:.0f}"))
    title = f"Processor time of a booking ({DURABLE}; {clients} clients)"
    show(title, ("process", "us a booking"), rows)


def show_profile(stats: pstats.Stats) -> None:
    """Shares of a call's time in a worker thread: by step, what is called included, and by the code it is spent in."""
    total: float = stats.total_tt  # type: ignore[attr-defined]
    timings = stats.stats  # type: ignore[attr-defined]
    steps = [(name, share(step_seconds(timings, *where), total)) for name, *where in STEPS]
    show("A booking in its worker thread, by step (profiled)", ("step", "of its time"), steps)
    at: Counter[str] = Counter()
    for function, (_, _, own, _, callers) in timings.items():
        if function[0] != "~":
            at[code(function[0])] += own
            continue
        for caller, (
            _,
            _,
            spent,
            _,
        ) in callers.items():  # what is written in C counts as its caller's
            at[code(caller[0])] += spent
    rows = [(name, share(seconds, total)) for name, seconds in at.most_common()]
    show("The same by the code it is spent in", ("code", "of its time"), rows)


def step_seconds(timings: Any, file: str, name: str) -> float:
    """Seconds in a function and in what it calls."""
    found = [
        row[3] for where, row in timings.items() if where[0].endswith(file) and where[2] == name
    ]
    return max(found)


def share(seconds: float, total: float) -> str:
    """A share for reading."""
    return f"{100 * seconds / total:.0f} %"


def code(file: str) -> str:
    """What a file is counted to."""
    return next(name for name, pattern in IN if pattern.search(file))


if __name__ == "__main__":
    main()
