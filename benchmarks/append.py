"""Appending, ours beside the library's recorder and PostgreSQL's limit: `python -m benchmarks.append`.

Both recorders write the same rows (one event of about 400 bytes a transaction, then batches of 100) from threads of
one process, in turn, round by round; every writer has a connection. Under pgbench, without Python: a plain one-row
INSERT into a table with the same two indexes, and our append function with a header of its own. fsync and
synchronous_commit are on for all of them.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import product
from pathlib import Path
from uuid import uuid4

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from benchmarks.running import DURABLE
from benchmarks.servers import Served, served
from benchmarks.table import median, show
from infrastructure.database import Database
from infrastructure.migrate import ensure_database
from infrastructure.server.postgres_binaries import find_binaries
from infrastructure.store.event_recorder import SequencedRecorder

STATE = b"x" * 400
WRITERS = (1, 4, 16)
Insert = Callable[[list[StoredEvent]], object]

PLAIN = """INSERT INTO plain VALUES
 (gen_random_uuid(), gen_random_uuid(), 1, gen_random_uuid(), 'test.written.v1', decode(repeat('61', 300), 'hex'),
  decode(repeat('62', 400), 'hex'));
"""
OURS = """SELECT append_events('{tenant}', ARRAY[gen_random_uuid()], ARRAY[1], ARRAY[gen_random_uuid()],
 ARRAY['test.written.v1'], ARRAY[decode(repeat('61', 300), 'hex')], ARRAY[decode(repeat('62', 400), 'hex')],
 NULL, NULL, NULL, NULL, NULL, NULL, NULL);
"""


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description="appends a second, ours and others'")
    options.add_argument("--seconds", type=float, default=3.0, help="for each point and round")
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with served() as server:
        from_python(server, chosen.seconds, chosen.rounds)
        under_pgbench(server, chosen.seconds, chosen.rounds)


def from_python(server: Served, seconds: float, rounds: int) -> None:
    """Both recorders, at 1, 4 and 16 writers, one event at a time and in batches of 100."""
    library, close_library = library_recorder(server)
    ours, close_ours = our_recorder(server)
    rows: list[tuple[object, ...]] = []
    for batch, writers in product((1, 100), WRITERS):
        rates: dict[str, list[float]] = {"library": [], "ours": []}
        for _ in range(rounds):
            rates["library"].append(rate(library, writers, batch, seconds))
            rates["ours"].append(rate(ours, writers, batch, seconds))
        theirs, our = median(rates["library"]), median(rates["ours"])
        name = f"{writers} writer{'s' * (writers > 1)}, {batch} event{'s' * (batch > 1)} each"
        rows.append((name, f"{theirs:.0f}", f"{our:.0f}", f"{our / theirs:.1f}"))
    close_library()
    close_ours()
    show(
        f"Events a second from Python ({DURABLE}; medians of {rounds} rounds of {seconds:g} s)",
        ("", "library", "ours", "ours/library"),
        rows,
    )


def rate(insert: Insert, writers: int, batch: int, seconds: float) -> float:
    """Events a second of so many writers."""
    ends = time.perf_counter() + seconds

    def write() -> int:
        count = 0
        while time.perf_counter() < ends:
            stream = uuid4()
            insert(
                [StoredEvent(stream, at, "test.written.v1", STATE) for at in range(1, batch + 1)]
            )
            count += batch
        return count

    began = time.perf_counter()
    with ThreadPoolExecutor(writers) as pool:
        written = sum(job.result() for job in [pool.submit(write) for _ in range(writers)])
    return written / (time.perf_counter() - began)


def library_recorder(server: Served) -> tuple[Insert, Callable[[], None]]:
    """The library's recorder as it comes, on a database of its own of the same server."""
    options = conninfo_to_dict(ensure_database(server.dsn, "library"))
    datastore = PostgresDatastore(
        dbname=str(options["dbname"]),
        host=str(options["host"]),
        port=str(options["port"]),
        user=str(options["user"]),
        password=str(options["password"]),
        pool_size=max(WRITERS),
    )
    recorder = PostgresApplicationRecorder(datastore, events_table_name="stored_events")
    recorder.create_table()
    return recorder.insert_events, datastore.close


def our_recorder(server: Served) -> tuple[Insert, Callable[[], None]]:
    """Ours, as the app's role, behind row-level security."""
    database = Database(server.deployment.dsn_of("app"), size=max(WRITERS))
    recorder = SequencedRecorder(database, home=uuid4())
    return recorder.insert_events, database.close


def under_pgbench(server: Served, seconds: float, rounds: int) -> None:
    """The function itself, beside a plain one-row INSERT."""
    with psycopg.connect(server.deployment.main, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE plain (tenant_id uuid, stream_id uuid, stream_version int, event_id uuid, type text,"
            " header bytea, state bytea, PRIMARY KEY (tenant_id, stream_id, stream_version),"
            " UNIQUE (tenant_id, event_id))"
        )
    tenant = uuid4()
    rows: list[tuple[object, ...]] = []
    for clients in WRITERS:
        plain: list[float] = []
        ours: list[float] = []
        for _ in range(rounds):
            plain.append(pgbench(server.deployment.main, PLAIN, clients, seconds))
            ours.append(
                pgbench(
                    make_conninfo(
                        server.deployment.dsn_of("app"), options=f"-c daybook.tenant={tenant}"
                    ),
                    OURS.format(tenant=tenant),
                    clients,
                    seconds,
                )
            )
        share = median(ours) / median(plain)
        rows.append(
            (f"{clients} clients", f"{median(plain):.0f}", f"{median(ours):.0f}", f"{share:.0%}")
        )
    show(
        f"Transactions a second under pgbench ({DURABLE}; prepared; medians of {rounds} rounds)",
        ("", "plain INSERT", "append function", "share"),
        rows,
    )


def pgbench(dsn: str, script: str, clients: int, seconds: float) -> float:
    """Transactions a second of a script."""
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script.replace("\n", " ").strip() + "\n")
        done = subprocess.run(
            [
                str(find_binaries().tool("pgbench")),
                *("--no-vacuum", "--protocol", "prepared", "--file", str(file)),
                *("--client", str(clients), "--jobs", "2", "--time", str(max(1, round(seconds)))),
                dsn,
            ],
            capture_output=True,
            text=True,
            check=True,
        )
    for line in done.stdout.splitlines():
        with suppress(ValueError):
            if line.startswith("tps ="):
                return float(line.split()[2])
    raise SystemExit(f"pgbench said nothing of its rate: {done.stdout}")


if __name__ == "__main__":
    main()
