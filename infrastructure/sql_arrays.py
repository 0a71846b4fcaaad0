"""Arrays as parameters of SQL: spelled out when they are short, in PostgreSQL's binary format when they are long.

The driver writes a long array one element at a time, which costs more than the database takes to store it.
Format: `array_recv` (src/backend/utils/adt/arrayfuncs.c) of PostgreSQL.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

SPELLED_OUT_MAX: Final = 8
_HEAD: Final = struct.Struct(">iiiii")  # dimensions, has NULLs, element's oid, length, lower bound
_SIZE: Final = struct.Struct(">i")
_UUID_SIZE: Final = _SIZE.pack(16)


def _sized(values: Sequence[bytes]) -> bytes:
    size = _SIZE.pack
    return b"".join([part for value in values for part in (size(len(value)), value)])


_ELEMENTS: Final[dict[str, tuple[int, Callable[[Any], bytes]]]] = {
    "bytea": (17, _sized),
    "int": (23, lambda values: _sized([_SIZE.pack(value) for value in values])),
    "tid": (27, _sized),  # as `tidsend` writes them
    "text": (25, lambda values: _sized([value.encode() for value in values])),
    "uuid": (2950, lambda values: _UUID_SIZE + _UUID_SIZE.join([value.bytes for value in values])),
}


class WireArray(bytes):
    """One array in binary format; the statement says of what type."""


class WireArrayDumper(Dumper):
    """Sends a WireArray as it is."""

    format = Format.BINARY
    oid = 0  # the type is the cast's

    def dump(self, obj: WireArray) -> Buffer:
        """The bytes themselves."""
        return obj


def register(connection: psycopg.Connection[Any]) -> None:
    """Make the connection take `array`'s parameters."""
    connection.adapters.register_dumper(WireArray, WireArrayDumper)


def array(type_: str, values: Sequence[object] | None) -> tuple[str, list[object]]:
    """SQL for an array of `type_` (bytea, int, text, tid or uuid), and its parameters; None is NULL.

    >>> array("int", [7, 8])
    ('ARRAY[%b,%b]::int[]', [7, 8])
    >>> array("uuid", None)
    ('NULL::uuid[]', [])
    >>> sql, [sent] = array("int", range(9))
    >>> sql, sent[:20].hex(" ", 4)
    ('%b::int[]', '00000001 00000000 00000017 00000009 00000001')
    """
    if values is None:
        return f"NULL::{type_}[]", []
    if len(values) <= SPELLED_OUT_MAX:
        return f"ARRAY[{','.join(['%b'] * len(values))}]::{type_}[]", list(values)
    return f"%b::{type_}[]", [wire_array(type_, values)]


def wire_array(type_: str, values: Sequence[object]) -> WireArray:
    """A one-dimensional array without NULLs, from index 1."""
    oid, write = _ELEMENTS[type_]
    return WireArray(_HEAD.pack(1, 0, oid, len(values), 1) + write(values))
