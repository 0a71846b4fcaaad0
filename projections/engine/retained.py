"""Retained states: a tenant's rows of a read model as they were after a position, packed. README D12.

A state is made by a replay, from the one before it (`retaining.py`), and is used by looking back. It holds what the
followed rows held, sealed as they are, and nothing else. One that other code made, or for another filling of the
model's tables, is never used; one that cannot be read is passed over.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from projections.engine.fingerprint import fingerprint
from projections.engine.read_model import Connection, ReadModel

CHUNK_BYTES: Final = 1 << 20
FASTEST: Final = (
    1  # half of what is packed are random ids, and sealed: more effort finds little more
)
COPY_OUT: Final = sql.SQL("COPY {} TO STDOUT (FORMAT binary)")
COPY_IN: Final = sql.SQL("COPY {} FROM STDIN (FORMAT binary)")
# Rows are packed column by column, in this order: other columns are other code.
SHAPE: Final = (
    "SELECT string_agg(format('%%s %%s', attname, format_type(atttypid, atttypmod)), ',' ORDER BY attnum)"
    " FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
)
OF_THE_CODE: Final = (
    "r.name = %s AND r.version = %s AND r.fingerprint = %s AND r.generation ="
    " (SELECT m.generation FROM read_model m WHERE m.name = r.name AND m.version = r.version)"
)
NEAREST: Final = (
    f"SELECT position, packed FROM retained_state r WHERE {OF_THE_CODE} AND r.tenant_id = %b"
    " AND r.position <= %s AND r.position >= %s ORDER BY r.position DESC LIMIT 1"
)
# A model's code stays what it is while a process lives.
_fingerprint: Final = cache(fingerprint)
UNREADABLE: Final = (zlib.error, psycopg.DataError, psycopg.IntegrityError)


def made_by(connection: Connection, model: ReadModel) -> str:
    """What a state has to be made by: SHA-256, hexadecimal, of the model's code and of the columns of its tables."""
    shapes = [
        connection.execute(SHAPE, (f"public.{table}",)).fetchone() or ("",)
        for table in model.tables
    ]
    lines = [_fingerprint(model), *(row[0] for row in shapes)]  # type: ignore[arg-type]  # a frozen dataclass
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def put_back_nearest(
    connection: Connection, tenant: UUID, model: ReadModel, position: int, events_max: int
) -> int:
    """Fill the model's temporary tables, which are empty, from the nearest state at or before `position`.

    It gives the position of that state: -1, and empty tables, where none is near enough that no more than
    `events_max` events come after it.
    """
    key = (model.name, model.version, made_by(connection, model), tenant)
    bound = position
    while row := connection.execute(NEAREST, (*key, bound, position - events_max)).fetchone():
        reached, packed = int(row[0]), row[1]
        try:
            with connection.transaction():
                put_back(connection, model.tables, packed)
        except UNREADABLE:
            bound = reached - 1
        else:
            return reached
    return -1


def put_back(
    connection: Connection, tables: Sequence[LiteralString], packed: Sequence[bytes]
) -> None:
    """Fill temporary tables of these names with what was packed. Raises one of UNREADABLE."""
    if len(packed) != len(tables):
        raise zlib.error("it has another number of tables")
    for table, data in zip(tables, packed, strict=True):
        with connection.cursor().copy(COPY_IN.format(temporary(table))) as copy:
            for part in _unpacked(data):
                copy.write(part)


def pack(connection: Connection, tables: Sequence[LiteralString]) -> list[bytes]:
    """Every row of temporary tables of these names."""
    return [b"".join(_packed(connection, table)) for table in tables]


def temporary(table: str) -> sql.Identifier:
    """A table of this transaction alone."""
    return sql.Identifier("pg_temp", table)


def _packed(connection: Connection, table: str) -> Iterator[bytes]:
    deflating = zlib.compressobj(FASTEST)
    with connection.cursor().copy(COPY_OUT.format(temporary(table))) as copy:
        for part in copy:
            yield deflating.compress(part)
    yield deflating.flush()


def _unpacked(data: bytes) -> Iterator[bytes]:
    inflating = zlib.decompressobj()
    while data:
        yield inflating.decompress(data, CHUNK_BYTES)
        data = inflating.unconsumed_tail
    yield inflating.flush()
    if not inflating.eof or inflating.unused_data:
        raise zlib.error("it is not whole")
