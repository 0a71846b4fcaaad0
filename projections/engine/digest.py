"""The digest of a read model's rows: the same rows give the same digest, in whatever order they stand. README D12.

Each row's text is hashed by SHA-256; the hashes are summed as four lanes of 64 bits, so that the order of rows does not
matter and a row that stands twice counts twice. It shows faults, not forgeries: who may write the rows can, with much
work, find others of the same sum. What is proved to outsiders is proved from the ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

LANES: Final = ", ".join(
    f"coalesce(sum(('x' || substr(h, {1 + 16 * lane}, 16))::bit(64)::bigint::numeric), 0)::text"
    for lane in range(4)
)
ROWS: Final = sql.SQL(
    "SELECT count(*), {lanes} FROM (SELECT encode(sha256(convert_to(t::text, 'UTF8')), 'hex') AS h"
    " FROM {table} t WHERE %b::uuid IS NULL OR tenant_id = %b::uuid) AS hashed"
)
LANE: Final = 2**64


@dataclass(frozen=True, slots=True)
class TableDigest:
    """`rows` rows, and the sum of their hashes: four numbers below 2^64."""

    table: str
    rows: int
    lanes: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Digest:
    """Of all tables of a model."""

    tables: tuple[TableDigest, ...]

    @property
    def rows(self) -> int:
        """In all tables together."""
        return sum(one.rows for one in self.tables)

    def __str__(self) -> str:
        """SHA-256 over the tables' digests, hexadecimal."""
        lines = [f"{one.table} {one.rows} {' '.join(map(str, one.lanes))}" for one in self.tables]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def digest(
    connection: psycopg.Connection[Any],
    tables: Sequence[LiteralString],
    schema: str | None = None,
    tenant: UUID | None = None,
) -> Digest:
    """Of the tables of that name in `schema` (the first of the search path), of all tenants or of one."""
    return Digest(tuple(_of_table(connection, table, schema, tenant) for table in tables))


def _of_table(
    connection: psycopg.Connection[Any], table: str, schema: str | None, tenant: UUID | None
) -> TableDigest:
    named = sql.Identifier(table) if schema is None else sql.Identifier(schema, table)
    statement = ROWS.format(lanes=sql.SQL(LANES), table=named)
    row = connection.execute(statement, (tenant, tenant)).fetchone()
    assert row is not None
    count, *sums = row
    one, two, three, four = (int(total) % LANE for total in sums)
    return TableDigest(table, count, (one, two, three, four))
