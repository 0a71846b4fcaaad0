"""Payloads of 256 events in a row, beside the bundle of their entries. docs/ledger.md, "Bundles"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from infrastructure.ledger.tree.tiles import TILE_WIDTH, entries_path

LENGTH_BYTES: Final = 4
GONE: Final = 0xFFFFFFFF


def payload_path(n: int, width: int = TILE_WIDTH) -> str:
    """Name the file of the payloads beside the `n`-th bundle of entries.

    Refuses with ValueError: what `entries_path` refuses.

    >>> payload_path(1_234), payload_path(0, 17)
    ('payload/x001/234', 'payload/000.p/17')
    """
    return entries_path(n, width).replace("tile/entries/", "payload/")


def payload_bundle(payloads: Iterable[bytes | None]) -> bytes:
    """Join payloads, each after its length in four bytes; None is one that is gone."""
    parts: list[bytes] = []
    for payload in payloads:
        if payload is None:
            parts.append(GONE.to_bytes(LENGTH_BYTES, "big"))
        else:
            parts += (len(payload).to_bytes(LENGTH_BYTES, "big"), payload)
    return b"".join(parts)


def parse_payload_bundle(data: bytes, width: int) -> list[bytes | None]:
    """Take a bundle of exactly `width` payloads apart.

    Refuses with ValueError: a bundle that is cut short, or goes on after its last payload.

    >>> parse_payload_bundle(payload_bundle([b"{}", None]), 2)
    [b'{}', None]
    """
    payloads: list[bytes | None] = []
    place = 0
    for _ in range(width):
        begin = place + LENGTH_BYTES
        length = int.from_bytes(data[place:begin], "big")
        place = begin if length == GONE else begin + length
        if place > len(data):
            raise ValueError("the bundle is cut short")
        payloads.append(None if length == GONE else data[begin:place])
    if place != len(data):
        raise ValueError("the bundle goes on after its last payload")
    return payloads
