"""Columns of a batch as parameters of SQL, in PostgreSQL's binary format: nothing has to be quoted, or asked its type.

The driver looks at every element of a list; a rebuild sends tens of millions of them.
Formats: `array_recv` (src/backend/utils/adt/arrayfuncs.c) of PostgreSQL, and the `recv` function of each type.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from uuid import UUID

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

HEAD: Final = struct.Struct(">iiiii")  # dimensions, has NULLs, element's oid, length, lower bound
SIZE: Final = struct.Struct(">i")
NULL: Final = SIZE.pack(-1)
BIGINT: Final = struct.Struct(">iq")  # its size, and the value
UUID_SIZE: Final = SIZE.pack(16)
TRUE, FALSE = SIZE.pack(1) + b"\1", SIZE.pack(1) + b"\0"
YEAR_2000: Final = datetime(2000, 1, 1, tzinfo=UTC)


def _text(value: str) -> bytes:
    data = value.encode()
    return SIZE.pack(len(data)) + data


def _uuid(value: UUID) -> bytes:
    return UUID_SIZE + value.bytes


def _bigint(value: int) -> bytes:
    return BIGINT.pack(8, value)


def _bool(value: bool) -> bytes:
    return TRUE if value else FALSE


def _instant(value: datetime) -> bytes:
    """Microseconds since the year 2000 (`timestamptz_recv`)."""
    since = value - YEAR_2000
    return BIGINT.pack(8, (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


class Column(tuple[object, ...]):
    """Values of one type, or None."""

    __slots__ = ()


class Texts(Column):
    """A column of texts, for `%b::text[]`."""

    __slots__ = ()


class Uuids(Column):
    """A column of ids, for `%b::uuid[]`."""

    __slots__ = ()


class Integers(Column):
    """A column of integers, for `%b::bigint[]` or `%b::int[]`."""

    __slots__ = ()


class Booleans(Column):
    """A column of truth values, for `%b::bool[]`."""

    __slots__ = ()


class Instants(Column):
    """A column of instants that know their zone, for `%b::timestamptz[]`."""

    __slots__ = ()


class ColumnDumper(Dumper):
    """Writes one kind of column."""

    format = Format.BINARY
    element: ClassVar[int]
    write: ClassVar[Callable[[Any], bytes]]

    def dump(self, obj: Column) -> Buffer:
        """The bytes of the array."""
        if not obj:
            return HEAD.pack(0, 0, self.element, 0, 0)[:12]
        write = type(self).write
        head = HEAD.pack(1, int(None in obj), self.element, len(obj), 1)
        return head + b"".join([NULL if one is None else write(one) for one in obj])


class TextsDumper(ColumnDumper):
    """text[]"""

    oid, element, write = 1009, 25, _text


class UuidsDumper(ColumnDumper):
    """uuid[]"""

    oid, element, write = 2951, 2950, _uuid


class IntegersDumper(ColumnDumper):
    """bigint[]"""

    oid, element, write = 1016, 20, _bigint


class BooleansDumper(ColumnDumper):
    """bool[]"""

    oid, element, write = 1000, 16, _bool


class InstantsDumper(ColumnDumper):
    """timestamptz[]"""

    oid, element, write = 1185, 1184, _instant


DUMPERS: Final[dict[type[Column], type[ColumnDumper]]] = {
    Texts: TextsDumper,
    Uuids: UuidsDumper,
    Integers: IntegersDumper,
    Booleans: BooleansDumper,
    Instants: InstantsDumper,
}
COLUMN_OF: Final[dict[type, type[Column]]] = {
    str: Texts,
    UUID: Uuids,
    int: Integers,
    bool: Booleans,
    datetime: Instants,
}


def teach(connection: psycopg.Connection[Any]) -> None:
    """Have the connection know columns."""
    for column, dumper in DUMPERS.items():
        connection.adapters.register_dumper(column, dumper)


def columns(rows: Sequence[Sequence[object]]) -> list[object]:
    """The columns of some rows, at least one; lists where the values are of no type, or of one that is rare."""
    return [_column(values) for values in zip(*rows, strict=True)]


def _column(values: tuple[object, ...]) -> object:
    kinds = set(map(type, values)) - {type(None)}
    column = COLUMN_OF.get(kinds.pop()) if len(kinds) == 1 else None
    return list(values) if column is None else column(values)
