"""Proves a read model: its rows at the event where it stands equal those that a replay to that event makes. README D12.

Everything happens in one transaction that sees one instant and leaves nothing behind: the replay fills temporary tables
of the same names, which statements without a schema find first. Followers and readers are not held up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from projections.engine.digest import Digest, digest
from projections.engine.read_model import Connection, EventSource, ReadModel

BATCH_EVENTS_MAX: Final = 2_000
DIFFERING_MAX: Final = 20
PUBLIC: Final = "public"
TEMPORARY: Final = "pg_temp"

Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Differing:
    """A row that only one side has: `side` is followed or replayed; `key` the row's key as text."""

    table: str
    side: str
    tenant: UUID
    key: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What a replay showed. `sequence` is the event at which both sides stand."""

    model: str
    version: int
    sequence: int
    followed: Digest
    replayed: Digest
    differing: tuple[Differing, ...]

    @property
    def holds(self) -> bool:
        """True when the rows are those of a replay."""
        return self.followed == self.replayed


def prove(
    connection: Connection,
    model: ReadModel,
    source: EventSource,
    told: Told = lambda _count: None,
) -> Proof | None:
    """Replay every event that the model has taken in, and compare. None: this version of it has taken nothing in.

    `told` hears how many events each batch had. `connection` is in autocommit and keeps no prepared statements: one
    that was planned before would still mean the followed tables.
    """
    assert connection.autocommit
    assert connection.prepare_threshold is None
    with _one_instant(connection):
        row = connection.execute(
            "SELECT sequence FROM read_model WHERE name = %s AND version = %s",
            (model.name, model.version),
        ).fetchone()
        if row is None:
            return None
        lay_out_temporary(connection, model.tables)
        replay(connection, model, source, row[0], told)
        connection.execute("SET LOCAL enable_seqscan = on")
        followed = digest(connection, model.tables, PUBLIC)
        replayed = digest(connection, model.tables, TEMPORARY)
        differing = () if followed == replayed else tuple(_differing(connection, model.tables))
        return Proof(model.name, model.version, row[0], followed, replayed, differing)


@contextmanager
def _one_instant(connection: Connection) -> Iterator[None]:
    """A transaction that sees one instant, however long it takes, and is rolled back."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SET LOCAL statement_timeout = 0")
        yield


def lay_out_temporary(connection: Connection, tables: tuple[LiteralString, ...]) -> None:
    """Empty tables of the same shape, of this transaction alone."""
    for table in tables:
        statement = sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {} INCLUDING ALL) ON COMMIT DROP")
        connection.execute(statement.format(sql.Identifier(table), sql.Identifier(PUBLIC, table)))


def replay(
    connection: Connection, model: ReadModel, source: EventSource, until: int, told: Told
) -> None:
    """Every event up to sequence `until`, into the tables that are found first."""
    reached = 0
    while reached < until:
        limit = min(BATCH_EVENTS_MAX, until - reached)
        batch = source.after(connection, reached, limit, model.consumes)
        if batch.events:
            model.apply(connection, batch.events)
        assert batch.looked == limit, "sequences have no gaps"
        reached = batch.last
        told(batch.looked)


def _differing(connection: Connection, tables: tuple[LiteralString, ...]) -> Iterator[Differing]:
    """Some rows of which one side has none like it."""
    for table in tables:
        followed, replayed = sql.Identifier(PUBLIC, table), sql.Identifier(TEMPORARY, table)
        for side, has, lacks in (
            ("followed", followed, replayed),
            ("replayed", replayed, followed),
        ):
            yield from _only(connection, table, side, has, lacks)


def _only(
    connection: Connection, table: str, side: str, has: sql.Identifier, lacks: sql.Identifier
) -> Iterator[Differing]:
    key = _key_columns(connection, table)
    shown = sql.SQL(", ").join(map(sql.Identifier, key))
    statement = sql.SQL(
        "SELECT tenant_id, concat_ws(' ', {shown}) FROM (TABLE {has} EXCEPT ALL TABLE {lacks}) AS o"
        " ORDER BY 1, 2 LIMIT {limit}"
    ).format(shown=shown, has=has, lacks=lacks, limit=sql.Literal(DIFFERING_MAX))
    for tenant, text in connection.execute(statement).fetchall():
        yield Differing(table, side, tenant, text)


def _key_columns(connection: psycopg.Connection[tuple[object, ...]], table: str) -> list[str]:
    """The columns of a table's primary key after `tenant_id`: ids, never what a row says."""
    rows = connection.execute(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)"
        " WHERE i.indrelid = %s::regclass AND i.indisprimary AND a.attname <> 'tenant_id'"
        " ORDER BY array_position(i.indkey::int[], a.attnum::int)",
        (f"{PUBLIC}.{table}",),
    ).fetchall()
    return [str(row[0]) for row in rows]
