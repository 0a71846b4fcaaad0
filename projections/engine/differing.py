"""Which rows of a read model stand on one side only, by key: what a rebuild or a proof shows when digests differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, LiteralString
from uuid import UUID

from psycopg import sql

from projections.engine.read_model import Connection

ROWS_MAX: Final = 20  # of each table and side
KEY: Final = (
    "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)"
    " WHERE i.indrelid = %s::regclass AND i.indisprimary AND a.attname <> 'tenant_id'"
    " ORDER BY array_position(i.indkey::int[], a.attnum::int)"
)

Side = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Differing:
    """A row that only one side has. `key` is its primary key after the tenant, as text: ids, never what it says."""

    table: str
    side: str
    tenant: UUID
    key: str


def differing(
    connection: Connection, tables: tuple[LiteralString, ...], sides: tuple[Side, Side]
) -> Iterator[Differing]:
    """Some rows of which the other side has none like it. A side is what it is called, and the schema it stands in."""
    one, other = sides
    for table in tables:
        yield from _only(connection, table, one, other[1])
        yield from _only(connection, table, other, one[1])


def _only(connection: Connection, table: str, side: Side, other: str) -> Iterator[Differing]:
    name, schema = side
    has, lacks = sql.Identifier(schema, table), sql.Identifier(other, table)
    rows = connection.execute(KEY, (has.as_string(connection),)).fetchall()
    key = sql.SQL(", ").join(sql.Identifier(str(row[0])) for row in rows)
    statement = sql.SQL(
        "SELECT tenant_id, concat_ws(' ', {key}) FROM (TABLE {has} EXCEPT ALL TABLE {lacks}) AS o"
        " ORDER BY 1, 2 LIMIT {limit}"
    ).format(key=key, has=has, lacks=lacks, limit=sql.Literal(ROWS_MAX))
    for tenant, text in connection.execute(statement).fetchall():
        yield Differing(table, name, tenant, text)
