"""Columns of a batch as parameters of SQL. Text goes in PostgreSQL's binary format, in which nothing has to be quoted.

Format: `array_recv` (src/backend/utils/adt/arrayfuncs.c) of PostgreSQL.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

TEXT_OID: Final = 25
HEAD: Final = struct.Struct(">iiiii")  # dimensions, has NULLs, element's oid, length, lower bound
SIZE: Final = struct.Struct(">i")
NULL: Final = SIZE.pack(-1)


class Texts(tuple[str | None, ...]):
    """A column of texts, for `%b::text[]`."""

    __slots__ = ()


class TextsDumper(Dumper):
    """Writes one."""

    format = Format.BINARY
    oid = 1009  # text[]

    def dump(self, obj: Texts) -> Buffer:
        """The bytes of the array."""
        if not obj:
            return HEAD.pack(0, 0, TEXT_OID, 0, 0)[:12]
        parts = [HEAD.pack(1, int(None in obj), TEXT_OID, len(obj), 1)]
        for one in obj:
            if one is None:
                parts.append(NULL)
            else:
                text = one.encode()
                parts += (SIZE.pack(len(text)), text)
        return b"".join(parts)


def teach(connection: psycopg.Connection[Any]) -> None:
    """Have the connection know columns of texts."""
    connection.adapters.register_dumper(Texts, TextsDumper)


def columns(rows: Sequence[Sequence[object]]) -> list[object]:
    """The columns of some rows, at least one: a list each, and texts where any value is one."""
    return [
        Texts(column) if any(type(one) is str for one in column) else list(column)
        for column in zip(*rows, strict=True)
    ]
