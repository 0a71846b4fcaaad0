"""Where the processor time of a booking goes: `python -m benchmarks.where_time_goes [--bookings N] [--folded FILE]`.

`daybook up` as anyone runs it, and one more API process that is sampled and takes all bookings, each of a new
customer. Printed: processor time for each booking of every process of the deployment (PostgreSQL's by role), then that
of the sampled process by what its stacks were at: the figures of its flame graph. `--folded` keeps the stacks, for a
flame graph tool. Rates are not this benchmark's business: sampling costs some.
"""

from __future__ import annotations

import argparse
import json
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
from pathlib import Path

from benchmarks.bookings_http import ALWAYS, all_wishes, booked, business
from benchmarks.http_load import load
from benchmarks.postgres_time import TICKS
from benchmarks.running import DURABLE, Running, running
from benchmarks.table import show

WARM_UP = 300
SETTLE_SECONDS = 1.5
# What a stack was at: the first of these that one of its frames is in, from the innermost frame outwards.
AT = (
    ("driver and pool", re.compile(r"psycopg")),
    ("sealing, keys and blind index", re.compile(r"infrastructure\.keys|cryptography|hmac")),
    ("encoding, heading and storing events", re.compile(r"infrastructure\.store|eventsourcing")),
    ("deciding", re.compile(r"domain\.|application\.")),
    (
        "our HTTP edge: reading, refusing, answering",
        re.compile(r"api\.http|api\.platform|pydantic"),
    ),
    (
        "HTTP server, framework and event loop",
        re.compile(r"uvicorn|starlette|fastapi|asyncio|concurrent"),
    ),
)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--bookings", type=int, default=4_000)
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--folded", type=Path, help="where to keep the stacks")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch, running() as up:
        folded = chosen.folded or Path(scratch) / "stacks"
        keys = json.loads(up.verb("tenant", "create", "--name", "Benchmark", "--json"))["keys"]
        services = [business(up.url, keys["owner"], ALWAYS, 30) for _ in range(3)]
        wishes = all_wishes(services, random.Random(7))
        with sampled(up, folded) as (url, pid):
            load(url, booked(wishes[:WARM_UP], keys["booking"], 0), clients=chosen.clients)
            time.sleep(SETTLE_SECONDS)
            before = used(up.process.pid, pid)
            rest = wishes[WARM_UP : WARM_UP + chosen.bookings]
            load(url, booked(rest, keys["booking"], WARM_UP), clients=chosen.clients)
            time.sleep(SETTLE_SECONDS)
            after = used(up.process.pid, pid)
        show_processes(after - before, chosen.bookings, chosen.clients)
        show_stacks(folded)


@contextmanager
def sampled(up: Running, folded: Path) -> Iterator[tuple[str, int]]:
    """One more API process of the deployment: its address and process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    verb = ("serve", "--port", str(port), "--data", str(up.data))
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.sampled", str(folded), *verb])
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


def used(up: int, sampled: int) -> Counter[str]:
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
        label = "the sampled API process" if pid == sampled else label_of(name, command)
        seconds[pid] = label, (int(numbers[11]) + int(numbers[12])) / TICKS
    found: Counter[str] = Counter()
    for pid, (label, spent) in seconds.items():
        if pid == sampled or up in above(pid, parents):
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


def show_processes(spent: Counter[str], bookings: int, clients: int) -> None:
    """Microseconds for each booking."""
    rows = [(name, f"{1e6 * seconds / bookings:.0f}") for name, seconds in spent.most_common()]
    total = sum(spent.values())
    rows = [row for row in rows if int(row[1]) > 4]
    rows.append(("all", f"{1e6 * total / bookings:.0f}"))
    title = f"Processor time of a booking ({DURABLE}; {clients} clients)"
    show(title, ("process", "us a booking"), rows)


def show_stacks(folded: Path) -> None:
    """Shares of the sampled process, by what it was at."""
    at: Counter[str] = Counter()
    for line in folded.read_text().splitlines():
        stack, _, spent = line.rpartition(" ")
        at[what(stack.split(";"))] += int(spent)
    total = sum(at.values())
    rows = [(name, f"{100 * spent / total:.0f} %") for name, spent in at.most_common()]
    show("The sampled process, start and warm-up included", ("at", "of its time"), rows)


def what(frames: list[str]) -> str:
    """What a stack was at."""
    for frame in reversed(frames):
        for name, pattern in AT:
            if pattern.search(frame.partition(":")[0]):
                return name
    return "start, threads and the rest"


if __name__ == "__main__":
    main()
