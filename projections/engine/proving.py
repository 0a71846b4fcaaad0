"""Proves a read model: its rows at the event where it stands equal those that a replay to that event makes. README D12.

Everything happens in one transaction that sees one instant and leaves nothing behind: the replay fills temporary tables
of the same names, which statements without a schema find first. Followers and readers are not held up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, LiteralString

from psycopg import sql

from projections.engine.arrays import teach
from projections.engine.differing import Differing, differing
from projections.engine.digest import Digest, digest
from projections.engine.quarantine import LeftOut, left_out, without
from projections.engine.read_model import Connection, EventSource, ReadModel

BATCH_EVENTS_MAX: Final = 2_000
PUBLIC: Final = "public"
TEMPORARY: Final = "pg_temp"
SIDES: Final = (("followed", PUBLIC), ("replayed", TEMPORARY))

Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a replay showed. `sequence` is the event at which both sides stand.

    `left_out` is of how many streams neither side has all events, because somebody had the model leave them out.
    """

    model: str
    version: int
    sequence: int
    followed: Digest
    replayed: Digest
    differing: tuple[Differing, ...]
    left_out: int = 0

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
    teach(connection)
    with _one_instant(connection):
        row = connection.execute(
            "SELECT sequence FROM read_model WHERE name = %s AND version = %s",
            (model.name, model.version),
        ).fetchone()
        if row is None:
            return None
        lay_out_temporary(connection, model.tables)
        out = left_out(connection, model)
        replay(connection, model, source, row[0], told, out)
        connection.execute("SET LOCAL enable_seqscan = on")
        followed = digest(connection, model.tables, PUBLIC)
        replayed = digest(connection, model.tables, TEMPORARY)
        rows = () if followed == replayed else tuple(differing(connection, model.tables, SIDES))
        return Proof(model.name, model.version, row[0], followed, replayed, rows, len(out))


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
    connection: Connection,
    model: ReadModel,
    source: EventSource,
    until: int,
    told: Told,
    out: LeftOut,
) -> None:
    """Every event up to sequence `until` but for those left out, into the tables that are found first."""
    reached = 0
    while reached < until:
        limit = min(BATCH_EVENTS_MAX, until - reached)
        batch = source.after(connection, reached, limit, model.consumes)
        if events := without(batch.events, out):
            model.apply(connection, events)
        assert batch.looked == limit, "sequences have no gaps"
        reached = batch.last
        told(batch.looked)
