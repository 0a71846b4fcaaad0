"""The key tree: one epoch key in a file, 4,096 bucket keys under it, subject keys under those. README D9.

The epoch key lives outside any database, in `keys/epoch-<n>.key` (0600). Whoever destroys it kills every copy of the
key database of that epoch, backups included. `EpochKeys` is the port that a key management service would stand
behind: it wraps and unwraps, and never shows the key.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Unreadable
from infrastructure.canonical import hmac_sha256

BUCKETS: Final = 4_096
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class EpochKeys(Protocol):
    """Holds epoch keys, and destroys them."""

    def wrap(self, epoch: int, plain: bytes, context: bytes) -> bytes:
        """`plain` under the epoch's key, bound to `context`. Raises Unreadable when there is no such key."""
        ...

    def unwrap(self, epoch: int, wrapped: bytes, context: bytes) -> bytes:
        """What `wrap` was given. Raises Unreadable when key or context does not fit."""
        ...

    def digest(self, epoch: int, data: bytes) -> bytes:
        """HMAC-SHA-256 of `data` under a key derived from the epoch's key."""
        ...


def wrap(key: bytes, plain: bytes, context: bytes) -> bytes:
    """`plain` under `key` with AES-256-GCM, bound to `context`: nonce, then ciphertext."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def unwrap(key: bytes, wrapped: bytes, context: bytes) -> bytes:
    """What `wrap` was given. Raises Unreadable when key or context does not fit."""
    try:
        return AESGCM(key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
    except InvalidTag as error:
        raise Unreadable("A wrapped key does not open") from error


class EpochKeyFiles:
    """Epoch keys as files of one folder, readable by their owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[int, bytes] = {}

    def create(self, epoch: int) -> None:
        """Make the key of `epoch`, durably; does nothing when it is there."""
        path = self._path(epoch)
        if path.exists():
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        passing = path.with_suffix(f".{os.getpid()}.new")
        handle = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, os.urandom(KEY_BYTES))
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.link(passing, path)  # never over a key that someone else has just made
        except FileExistsError:
            pass
        finally:
            passing.unlink()
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def wrap(self, epoch: int, plain: bytes, context: bytes) -> bytes:
        """See EpochKeys."""
        return wrap(self._key(epoch), plain, context)

    def unwrap(self, epoch: int, wrapped: bytes, context: bytes) -> bytes:
        """See EpochKeys."""
        return unwrap(self._key(epoch), wrapped, context)

    def digest(self, epoch: int, data: bytes) -> bytes:
        """See EpochKeys."""
        return hmac_sha256(hmac_sha256(self._key(epoch), b"daybook/blind-index/v1"), data)

    def _path(self, epoch: int) -> Path:
        return self._folder / f"epoch-{epoch}.key"

    def _key(self, epoch: int) -> bytes:
        if epoch not in self._known:
            try:
                key = self._path(epoch).read_bytes()
            except OSError as error:
                raise Unreadable(f"The key of epoch {epoch} is not here") from error
            if len(key) != KEY_BYTES:
                raise Unreadable(f"The key of epoch {epoch} is damaged")
            self._known[epoch] = key
        return self._known[epoch]


def bucket_context(epoch: int, bucket: int) -> bytes:
    """What a bucket key's wrapping is bound to."""
    return f"daybook/bucket/v1\n{epoch}\n{bucket}".encode("ascii")


def subject_context(tenant: UUID, subject: UUID, retention_class: str, key_id: UUID) -> bytes:
    """What a subject key's wrapping is bound to."""
    return "\n".join(
        ("daybook/subject/v1", tenant.hex, subject.hex, retention_class, key_id.hex)
    ).encode("ascii")


def secret_context(tenant: UUID, name: str, epoch: int) -> bytes:
    """What a tenant secret's wrapping is bound to."""
    return "\n".join(("daybook/secret/v1", tenant.hex, name, str(epoch))).encode("ascii")


def bucket_of(key_id: UUID) -> int:
    """The bucket of a subject key: twelve of its id's random bits."""
    return key_id.int % BUCKETS


def plant(dsn: str, keys: EpochKeyFiles, at: datetime) -> None:
    """Make the first epoch: its key file first, then its bucket keys. Does nothing when there is an epoch.

    Crash before the commit: a key file without an epoch, taken up the next time. `dsn` is the owner's.
    """
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(mint_lock())")
        if connection.execute("SELECT 1 FROM epoch").fetchone():
            return
        keys.create(1)
        connection.execute("INSERT INTO epoch VALUES (1, true, %s)", (at,))
        rows = [
            (1, bucket, keys.wrap(1, os.urandom(KEY_BYTES), bucket_context(1, bucket)))
            for bucket in range(BUCKETS)
        ]
        with connection.cursor().copy("COPY bucket_key FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def current_epoch(rows: Sequence[tuple[int]]) -> int:
    """The one current epoch. Raises Unreadable when there is none."""
    if not rows:
        raise Unreadable("The key database has no epoch: run 'daybook migrate'")
    return rows[0][0]
