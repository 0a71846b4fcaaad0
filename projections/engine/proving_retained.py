"""Proves retained states: each equals what a replay from the tenant's first event makes. README D12."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from psycopg import sql

from domain.errors import UnknownReference
from projections.engine.digest import Digest, digest
from projections.engine.looking_back import TenantEvents, begin, replay_of_tenant
from projections.engine.proving import PUBLIC, TEMPORARY
from projections.engine.read_model import Connection, ReadModel
from projections.engine.retained import OF_THE_CODE, UNREADABLE, made_by, put_back, temporary

POSITIONS: Final = (
    "SELECT tenant_id, array_agg(position ORDER BY position) FROM retained_state r"
    f" WHERE {OF_THE_CODE} GROUP BY 1 ORDER BY 1"
)
PACKED: Final = (
    f"SELECT packed FROM retained_state r WHERE {OF_THE_CODE} AND tenant_id = %s AND position = %s"
)
ASIDE: Final = sql.SQL("ALTER TABLE {} RENAME TO {}")
LIKE: Final = sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {} INCLUDING ALL) ON COMMIT DROP")
DIFFERS: Final = "it differs from a replay"
CANNOT_BE_READ: Final = "it cannot be read"
NO_SUCH_POSITION: Final = "the log has no such position"


@dataclass(frozen=True, slots=True)
class StateFault:
    """What is wrong with a tenant's state at a position."""

    tenant: UUID
    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class StatesProof:
    """How many states were looked at, and what is wrong with some."""

    count: int
    faults: tuple[StateFault, ...]


def prove_retained(connection: Connection, model: ReadModel, source: TenantEvents) -> StatesProof:
    """Replay each tenant's events once, and compare at each state that may be used.

    `connection` is in autocommit and keeps no prepared statements. What other code made is never used, and not
    looked at.
    """
    key = (model.name, model.version, made_by(connection, model))
    tenants = connection.execute(POSITIONS, key).fetchall()
    faults = [
        fault
        for tenant, positions in tenants
        for fault in _of_tenant(connection, model, source, tenant, positions)
    ]
    return StatesProof(sum(len(positions) for _, positions in tenants), tuple(faults))


def _of_tenant(
    connection: Connection,
    model: ReadModel,
    source: TenantEvents,
    tenant: UUID,
    positions: Sequence[int],
) -> Iterator[StateFault]:
    key = (model.name, model.version, made_by(connection, model), tenant)
    with connection.transaction(force_rollback=True):
        begin(connection, model)
        connection.execute("SET LOCAL statement_timeout = 0")
        reached = -1
        for position in positions:
            try:
                replay_of_tenant(connection, source, tenant, model, reached, position)
            except UnknownReference:
                yield StateFault(tenant, position, NO_SUCH_POSITION)
                continue
            reached = position
            row = connection.execute(PACKED, (*key, position)).fetchone()
            if row is None:
                continue  # it was thinned out since
            replayed = digest(connection, model.tables, TEMPORARY)
            try:
                retained = _retained(connection, model, row[0])
            except UNREADABLE:
                yield StateFault(tenant, position, CANNOT_BE_READ)
                continue
            if retained != replayed:
                yield StateFault(tenant, position, DIFFERS)


def _retained(connection: Connection, model: ReadModel, packed: Sequence[bytes]) -> Digest:
    """Of a state's rows, which take the place of those that were replayed for a moment."""
    with connection.transaction(force_rollback=True):
        for table in model.tables:
            aside = sql.Identifier(f"replayed_{table}")
            connection.execute(ASIDE.format(temporary(table), aside))
            public = sql.Identifier(PUBLIC, table)
            connection.execute(LIKE.format(sql.Identifier(table), public))
        put_back(connection, model.tables, packed)
        return digest(connection, model.tables, TEMPORARY)
