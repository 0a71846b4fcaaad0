"""Wrap anew what stands under some bucket keys, row by row. README D9.

A re-keying is made of millions of these, so the loops are plain: what is wrapped is found by its place and its ids as
the database sends them (`tidsend`, `uuid_send`), and no object is made of either.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Unreadable
from infrastructure.keys.key_tree import (
    KEY_BYTES,
    NOBODY,
    NONCE_BYTES,
    index_key,
    inner_context_of,
    subject_context_of,
)
from infrastructure.sql_arrays import wire_array

SUSPECT_ROWS: Final = 8
"""So many rows of one bucket are not damaged all at once: where none opens, the bucket key is not theirs."""
BLOCK_BYTES: Final = 64  # of SHA-256


@dataclass(frozen=True, slots=True)
class Damaged:
    """A row that does not open: a key of a class, or (with the nil UUID) a row of the blind index of a kind."""

    tenant: UUID
    subject: UUID
    kind: str
    key_id: UUID
    bucket: int


class Swap:
    """Fresh keys for buckets, and what was under their old ones put under them."""

    def __init__(self, old: dict[int, bytes]) -> None:
        """`old` has the buckets' present keys by number."""
        self.fresh = {bucket: os.urandom(KEY_BYTES) for bucket in old}
        self.damaged: list[Damaged] = []
        self._opened: Counter[int] = Counter()
        self._digests = {bucket: keyed(index_key(key)) for bucket, key in self.fresh.items()}
        # A cipher costs more to make than to use.
        self._open = {bucket: AESGCM(key).decrypt for bucket, key in old.items()}
        self._seal = {bucket: AESGCM(key).encrypt for bucket, key in self.fresh.items()}

    def keys(self, rows: Sequence[tuple[Any, ...]]) -> tuple[object, ...]:
        """Places and wrapped keys, for rows of place, tenant, subject, class, key id, bucket, wrapped."""
        nonces = Nonces(len(rows))
        places, wrapped = [], []
        for place, tenant, subject, kind, key_id, bucket, was in rows:
            context = subject_context_of(tenant.hex(), subject.hex(), kind, key_id.hex())
            try:
                plain = self._open[bucket](was[:NONCE_BYTES], was[NONCE_BYTES:], context)
            except (InvalidTag, ValueError):
                self._pass_over(tenant, subject, kind, key_id, bucket)
                continue
            self._opened[bucket] += 1
            nonce = nonces.take()
            places.append(place)
            wrapped.append(nonce + self._seal[bucket](nonce, plain, context))
        return wire_array("tid", places), wire_array("bytea", wrapped)

    def rows(self, rows: Sequence[tuple[Any, ...]]) -> tuple[object, ...]:
        """Places, digests and sealed inner digests, for rows of place, tenant, kind, subject, bucket, sealed."""
        nonces = Nonces(len(rows))
        places, digests, inners = [], [], []
        for place, tenant, kind, subject, bucket, was in rows:
            context = inner_context_of(tenant.hex(), kind, subject.hex())
            try:
                inner = self._open[bucket](was[:NONCE_BYTES], was[NONCE_BYTES:], context)
            except (InvalidTag, ValueError):
                self._pass_over(tenant, subject, kind, NOBODY.bytes, bucket)
                continue
            self._opened[bucket] += 1
            nonce = nonces.take()
            places.append(place)
            digests.append(self._digests[bucket](inner))
            inners.append(nonce + self._seal[bucket](nonce, inner, context))
        return wire_array("tid", places), wire_array("bytea", digests), wire_array("bytea", inners)

    def require_some_to_open(self) -> None:
        """Raise Unreadable where a bucket has rows and its key opens none: it is not their key, or is no more."""
        closed = Counter(one.bucket for one in self.damaged)
        for bucket, count in closed.items():
            if count >= SUSPECT_ROWS and not self._opened[bucket]:
                raise Unreadable("A bucket key opens nothing in its bucket: nothing was re-keyed")

    def _pass_over(
        self, tenant: bytes, subject: bytes, kind: str, key_id: bytes, bucket: int
    ) -> None:
        ids = UUID(bytes=tenant), UUID(bytes=subject)
        self.damaged.append(Damaged(*ids, kind, UUID(bytes=key_id), bucket))


def keyed(key: bytes) -> Callable[[bytes], bytes]:
    """HMAC-SHA-256 (RFC 2104) under one key of at most 64 bytes, with the key's part of it done once.

    >>> from infrastructure.canonical import hmac_sha256
    >>> keyed(b"k")(b"data") == hmac_sha256(b"k", b"data")
    True
    """
    assert len(key) <= BLOCK_BYTES
    block = key.ljust(BLOCK_BYTES, b"\0")
    inside = sha256(bytes(byte ^ 0x36 for byte in block))
    outside = sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(data: bytes) -> bytes:
        inner, outer = inside.copy(), outside.copy()
        inner.update(data)
        outer.update(inner.digest())
        return outer.digest()

    return digest


class Nonces:
    """Random nonces, drawn from the operating system at once."""

    def __init__(self, count: int) -> None:
        self._bytes = os.urandom(count * NONCE_BYTES)
        self._at = 0

    def take(self) -> bytes:
        """The next one; none is given twice."""
        at, self._at = self._at, self._at + NONCE_BYTES
        assert self._at <= len(self._bytes)
        return self._bytes[at : self._at]
