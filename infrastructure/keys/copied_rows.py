"""Rows as `COPY ... (FORMAT binary)` of PostgreSQL writes them, taken apart.

Format: "Binary Format" of the COPY command in PostgreSQL's manual.
"""

from __future__ import annotations

import struct
from typing import Final

from domain.errors import Unreadable

SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0"
_HEAD: Final = struct.Struct(">II")  # flags, length of the extension
_COUNT: Final = struct.Struct(">h")
_SIZE: Final = struct.Struct(">i")


def rows_in(data: bytes) -> list[tuple[bytes | None, ...]]:
    """The rows, each field as it was sent, None for NULL. Raises Unreadable when it is cut short.

    >>> rows_in(SIGNATURE + bytes(8) + bytes.fromhex("0002 00000001 2a ffffffff ffff"))
    [(b'*', None)]
    """
    if not data.startswith(SIGNATURE):
        raise Unreadable("These are no rows of a copy")
    try:
        at = len(SIGNATURE)
        at += _HEAD.size + _HEAD.unpack_from(data, at)[1]
        rows: list[tuple[bytes | None, ...]] = []
        while (count := _COUNT.unpack_from(data, at)[0]) >= 0:
            at += _COUNT.size
            fields: list[bytes | None] = []
            for _ in range(count):
                (size,) = _SIZE.unpack_from(data, at)
                at += _SIZE.size
                fields.append(None if size < 0 else data[at : at + size])
                at += max(size, 0)
            rows.append(tuple(fields))
    except struct.error as error:
        raise Unreadable("A copy is cut short") from error
    return rows
