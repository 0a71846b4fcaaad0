"""Rows that are only added, by arrays and by COPY: `python -m benchmarks.copying [--events N] [--rounds N]`.

The read model `disclosures` takes a log in; of two tables that it adds to, the rows are read back and written again, as
the role that follows, with all indexes: by arrays (`INSERT ... SELECT FROM unnest`, as the models do it) into the table
as it is; then into a copy of it without the wall between tenants, since PostgreSQL refuses COPY into a table with row
security: by arrays, by COPY in text and by COPY in binary, each through the driver. So many rows a transaction, which
does not wait for the disk; in turns; medians. Printed: processor time for each row, of Python and of the server process
that writes, and what PostgreSQL says to COPY into the table as it is.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg

from benchmarks.following import follow
from benchmarks.long_log import LongLog
from benchmarks.servers import served
from benchmarks.table import median, show
from projections.disclosures import ADD_SHARED, ADD_STEPS
from projections.engine.arrays import columns, teach
from projections.models import MODELS

BATCHES: Final = (1, 10, 100, 1_000, 5_000)
ROWS_MAX: Final = 40_000
SMALL, SMALL_ROWS_MAX = 10, 2_000  # so few at once: not all rows
TABLES: Final[dict[LiteralString, LiteralString]] = {
    "disclosure_step_v1": ADD_STEPS,
    "shared_v1": ADD_SHARED,
}
Connection = psycopg.Connection[tuple[Any, ...]]
Rows = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Added:
    """One table, its twin without a wall, its rows, and how the model adds them."""

    table: LiteralString
    insert: LiteralString
    types: tuple[str, ...]
    rows: Rows

    @property
    def twin(self) -> LiteralString:
        """The name of the table without a wall."""
        return self.table + "_open"

    def as_it_is(self, connection: Connection, rows: Rows) -> None:
        """As the read models do."""
        connection.execute(self.insert, columns(rows))

    def by_arrays(self, connection: Connection, rows: Rows) -> None:
        """The same, without a wall."""
        connection.execute(self.insert.replace(self.table, self.twin).encode(), columns(rows))

    def by_text(self, connection: Connection, rows: Rows) -> None:
        """COPY, each value written and read as text."""
        with connection.cursor().copy(f"COPY {self.twin} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def by_binary(self, connection: Connection, rows: Rows) -> None:
        """COPY, each value as the type of its column."""
        with connection.cursor().copy(f"COPY {self.twin} FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(self.types)
            for row in rows:
                copy.write_row(row)


Write = Callable[[Added, Connection, Rows], None]
WAYS: Final[dict[str, Write]] = {
    "arrays, behind the wall": Added.as_it_is,
    "arrays": Added.by_arrays,
    "COPY, text": Added.by_text,
    "COPY, binary": Added.by_binary,
}


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description="rows that are only added, by arrays and by COPY")
    options.add_argument("--events", type=int, default=60_000, help="of the log that is followed")
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    with served() as up:
        LongLog(chosen.events).put(up.deployment.main)
        follow(up.deployment, next(one for one in MODELS if one.name == "disclosures"))
        with (
            psycopg.connect(up.deployment.main, autocommit=True) as owner,
            psycopg.connect(up.deployment.dsn_of("follower")) as follower,
        ):
            teach(follower)
            follower.execute("SET synchronous_commit = off")
            follower.commit()
            tables = [read_back(owner, table) for table in TABLES]
            refusals = [refusal(follower, one) for one in tables]
            lines = [
                line for one in tables for line in compared(owner, follower, one, chosen.rounds)
            ]
    show(
        "Adding rows", ("table", "rows at once", "", "us Python", "us PostgreSQL", "us both"), lines
    )
    print("", *refusals, sep="\n")


def read_back(owner: Connection, table: LiteralString) -> Added:
    """What the model has put there, in the order of its columns; and a twin of the table, for the same role."""
    found = owner.execute(f"SELECT * FROM {table} ORDER BY ctid LIMIT {ROWS_MAX}", binary=True)
    assert found.description is not None
    types = tuple(owner.adapters.types[one.type_code].name for one in found.description)
    added = Added(table, TABLES[table], types, found.fetchall())
    owner.execute(f"CREATE TABLE {added.twin} (LIKE {table} INCLUDING ALL)")
    owner.execute(f"GRANT INSERT ON {added.twin} TO PUBLIC")
    return added


def refusal(follower: Connection, added: Added) -> str:
    """What PostgreSQL says to COPY into the table as it is."""
    try:
        with follower.cursor().copy(f"COPY {added.table} FROM STDIN") as copy:
            copy.write_row(added.rows[0])
    except psycopg.errors.FeatureNotSupported as refused:
        follower.rollback()
        return f"COPY {added.table}: {refused.diag.message_primary}"
    raise AssertionError("COPY is not refused any more: compare it with the table as it is")


def compared(
    owner: Connection, follower: Connection, added: Added, rounds: int
) -> Iterator[tuple[str, ...]]:
    """A line for each batch and way."""
    for batch in BATCHES:
        times: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way, write in WAYS.items():
                owner.execute(f"TRUNCATE {added.table}, {added.twin}")
                times[way].append(written(follower, added, batch, write))
        for way, found in times.items():
            python, postgres = (median(one) for one in zip(*found, strict=True))
            told = (f"{1e6 * one:.1f}" for one in (python, postgres, python + postgres))
            yield (added.table, f"{batch:,}", way, *told)


def written(connection: Connection, added: Added, batch: int, write: Write) -> tuple[float, float]:
    """Seconds of processor time for each row, of Python and of the server."""
    rows = added.rows if batch > SMALL else added.rows[:SMALL_ROWS_MAX]
    python, postgres = time.thread_time(), server_seconds(connection)
    for start in range(0, len(rows), batch):
        write(added, connection, rows[start : start + batch])
        connection.commit()
    return (
        (time.thread_time() - python) / len(rows),
        (server_seconds(connection) - postgres) / len(rows),
    )


def server_seconds(connection: Connection) -> float:
    """Of the process that serves this connection, to the nanosecond (/proc/PID/schedstat; Linux only)."""
    path = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    return int(path.read_text().split()[0]) / 1e9


if __name__ == "__main__":
    main()
