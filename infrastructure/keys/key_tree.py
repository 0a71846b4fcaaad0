"""The key tree: one epoch key in a file, 4,096 bucket keys under it, subject keys under those. README D9.

The epoch key lives outside any database (`epoch_files.py`). Whoever destroys it kills every copy of the key database
of that epoch, backups included. `EpochKeys` is the port that a key management service would stand behind: it wraps
and unwraps, and never shows the key. A bucket key can be replaced too, and then what older copies hold of its bucket
is dead once the epoch is: subject keys, and rows of the blind index.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Unreadable
from infrastructure.canonical import hmac_sha256

BUCKETS: Final = 4_096
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
NOBODY: Final = UUID(int=0)  # the tenant and subject of the canary's key
CANARY_CLASS: Final = "audit"

Bound = tuple[bytes, bytes]
"""Bytes, and the context that their wrapping is bound to."""


class EpochKeys(Protocol):
    """Holds epoch keys, and destroys them."""

    def create(self, epoch: int) -> None:
        """Make the key of `epoch`, durable in every place; does nothing when it is there. Raises Unavailable."""
        ...

    def wrap_all(self, epoch: int, plain: Sequence[Bound]) -> list[bytes]:
        """Each under the epoch's key, bound to its context. Raises Unreadable when there is no such key."""
        ...

    def unwrap_all(self, epoch: int, wrapped: Sequence[Bound]) -> list[bytes]:
        """What `wrap_all` was given. Raises Unreadable when key or context does not fit."""
        ...

    def destroy(self, epoch: int, successor: int) -> None:
        """Destroy the key of `epoch` in every place, and make sure of it. Idempotent.

        Raises Unavailable when a place cannot be reached or does not hold the key of `successor`: then it is not the
        place we know, and nothing was destroyed.
        """
        ...

    def is_destroyed(self, epoch: int) -> bool:
        """True when no place holds the key of `epoch`. Raises Unavailable."""
        ...


def wrap(key: bytes, plain: bytes, context: bytes) -> bytes:
    """`plain` under `key` with AES-256-GCM, bound to `context`: nonce, then ciphertext."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def unwrap(key: bytes, wrapped: bytes, context: bytes) -> bytes:
    """What `wrap` was given. Raises Unreadable when key or context does not fit."""
    try:
        return AESGCM(key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise Unreadable("A wrapped key does not open") from error


def bucket_context(epoch: int, bucket: int) -> bytes:
    """What a bucket key's wrapping is bound to."""
    return f"daybook/bucket/v1\n{epoch}\n{bucket}".encode("ascii")


def subject_context(tenant: UUID, subject: UUID, retention_class: str, key_id: UUID) -> bytes:
    """What a subject key's wrapping is bound to."""
    return subject_context_of(tenant.hex, subject.hex, retention_class, key_id.hex)


def subject_context_of(tenant: str, subject: str, retention_class: str, key_id: str) -> bytes:
    """The same of ids that are written in hexadecimal: to make a million of UUIDs costs more than to wrap keys."""
    return f"daybook/subject/v1\n{tenant}\n{subject}\n{retention_class}\n{key_id}".encode("ascii")


def secret_context(tenant: UUID, name: str, epoch: int) -> bytes:
    """What a tenant secret's wrapping is bound to."""
    return "\n".join(("daybook/secret/v1", tenant.hex, name, str(epoch))).encode("ascii")


def inner_context(tenant: UUID, kind: str, subject: UUID) -> bytes:
    """What the wrapping of a blind index row's inner digest is bound to."""
    return inner_context_of(tenant.hex, kind, subject.hex)


def inner_context_of(tenant: str, kind: str, subject: str) -> bytes:
    """The same of ids that are written in hexadecimal."""
    return f"daybook/inner/v2\n{tenant}\n{kind}\n{subject}".encode("ascii")


def bucket_of(key_id: UUID) -> int:
    """The bucket of a subject key: twelve of its id's random bits."""
    return key_id.int % BUCKETS


def bucket_of_inner(inner: bytes) -> int:
    """The bucket of a blind index row: twelve bits of its inner digest.

    They say under which bucket key a row stands, and never whose it is: look-ups compare the whole digest (256 bits).
    """
    return int.from_bytes(inner[:2], "big") % BUCKETS


def index_key(bucket_key: bytes) -> bytes:
    """The key that digests of a bucket's index rows are made with."""
    return hmac_sha256(bucket_key, b"daybook/blind-index/v2")


@dataclass(frozen=True, slots=True)
class Tree:
    """The bucket keys by their number, unwrapped, as of one revision; `wrapped` is how the database has them."""

    epoch: int
    revision: int
    keys: tuple[bytes, ...]
    wrapped: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"Tree({self.epoch}, {self.revision}, <sealed>)"

    def digest(self, inner: bytes) -> bytes:
        """Where the blind index has `inner`."""
        return hmac_sha256(index_key(self.keys[bucket_of_inner(inner)]), inner)


READ_TREE: Final = (
    "SELECT e.epoch, e.revision, b.bucket, b.wrapped FROM epoch e JOIN bucket_key b ON b.epoch = e.epoch"
    " WHERE e.current ORDER BY b.bucket"
)


def open_tree(
    rows: Sequence[tuple[Any, ...]], epoch_keys: EpochKeys, before: Tree | None = None
) -> Tree:
    """The tree from the rows of READ_TREE; what did not change since `before` is not opened again.

    Raises Unreadable when there is no epoch, a bucket is missing, or the epoch's key is not here.
    """
    if not rows:
        raise Unreadable("The key database has no epoch: run 'daybook migrate'")
    if len(rows) != BUCKETS:
        raise Unreadable("The key database lacks bucket keys")
    epoch, revision = rows[0][0], rows[0][1]
    wrapped = tuple(bytes(row[3]) for row in rows)
    keys: list[bytes | None] = [None] * BUCKETS
    if before is not None and before.epoch == epoch:
        pairs = zip(before.keys, before.wrapped, wrapped, strict=True)
        keys = [key if was == now else None for key, was, now in pairs]
    news = [bucket for bucket, key in enumerate(keys) if key is None]
    opened = epoch_keys.unwrap_all(
        epoch, [(wrapped[bucket], bucket_context(epoch, bucket)) for bucket in news]
    )
    for bucket, key in zip(news, opened, strict=True):
        keys[bucket] = key
    return Tree(epoch, revision, tuple(key for key in keys if key is not None), wrapped)


def plant(dsn: str, keys: EpochKeys, at: datetime) -> int:
    """Make the first epoch: its key first, then its bucket keys. Does nothing when there is one; the present epoch.

    Crash before the commit: a key without an epoch, taken up the next time. `dsn` is the owner's.
    """
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(mint_lock())")
        found = connection.execute("SELECT epoch FROM epoch WHERE current").fetchone()
        if found:
            return int(found[0])
        keys.create(1)
        connection.execute(
            "INSERT INTO epoch (epoch, current, begun_at) VALUES (1, true, %s)", (at,)
        )
        plain = [(os.urandom(KEY_BYTES), bucket_context(1, bucket)) for bucket in range(BUCKETS)]
        with connection.cursor().copy(
            "COPY bucket_key (epoch, bucket, wrapped) FROM STDIN"
        ) as copy:
            for bucket, wrapped in enumerate(keys.wrap_all(1, plain)):
                copy.write_row((1, bucket, wrapped))
        return 1
