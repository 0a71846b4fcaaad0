"""Give buckets of the key tree fresh keys, and wrap anew what is in them. README D9.

Every function here works in the caller's transaction, which holds the tree alone (`hold_tree`). Nothing that minting
does can come between, so what is read is what is written, and counts are compared.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Unreadable
from infrastructure.canonical import hmac_sha256
from infrastructure.keys.key_tree import (
    KEY_BYTES,
    NONCE_BYTES,
    EpochKeys,
    bucket_context,
    index_key,
    inner_context,
    subject_context,
)
from infrastructure.sql_arrays import wire_array

Connection = psycopg.Connection[tuple[Any, ...]]

# Rows are found by their place: nobody moves them while the tree is held. Another plan would read whole tables.
BY_PLACE: Final = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off"
KEYS_OF: Final = (
    "SELECT ctid::text, tenant_id, subject_id, retention_class, key_id, bucket, wrapped FROM subject_key"
    " WHERE bucket = ANY(%b::int[]) AND destroyed_at IS NULL"
)
ROWS_OF: Final = (
    "SELECT ctid::text, tenant_id, kind, subject_id, bucket, inner_sealed FROM blind_index"
    " WHERE bucket = ANY(%b::int[])"
)
REWRAP: Final = (
    "UPDATE subject_key s SET wrapped = x.w"
    " FROM unnest(%b::text[]::tid[], %b::bytea[]) AS x(t, w) WHERE s.ctid = x.t"
)
REDIGEST: Final = (
    "UPDATE blind_index s SET digest = x.d, inner_sealed = x.i"
    " FROM unnest(%b::text[]::tid[], %b::bytea[], %b::bytea[]) AS x(t, d, i) WHERE s.ctid = x.t"
)


@dataclass(frozen=True, slots=True)
class Held:
    """The tree as it stands while we hold it alone."""

    epoch: int
    revision: int


def hold_tree(connection: Connection) -> Held:
    """Hold the tree alone until the transaction ends: minting waits. Raises Unreadable when there is no epoch."""
    connection.execute("SELECT pg_advisory_xact_lock(mint_lock())")
    connection.execute(BY_PLACE.encode())
    row = connection.execute(
        "SELECT epoch, revision FROM epoch WHERE current FOR UPDATE"
    ).fetchone()
    if row is None:
        raise Unreadable("The key database has no epoch: run 'daybook migrate'")
    return Held(row[0], row[1])


def next_revision(connection: Connection, held: Held) -> int:
    """Count one re-keying; its number."""
    connection.execute("UPDATE epoch SET revision = %s WHERE current", (held.revision + 1,))
    return held.revision + 1


def rekey(
    connection: Connection, epoch_keys: EpochKeys, held: Held, revision: int, buckets: Sequence[int]
) -> int:
    """Give `buckets` fresh keys of `revision`, and wrap anew what is in them; how many keys and rows that was.

    Raises Unreadable when something in them does not open: then nothing may be written.
    """
    old = bucket_keys(connection, epoch_keys, held.epoch, buckets)
    new = {bucket: os.urandom(KEY_BYTES) for bucket in old}
    done = rewrap_keys(connection, old, new) + rewrap_rows(connection, old, new)
    order = sorted(new)
    wrapped = epoch_keys.wrap_all(
        held.epoch, [(new[bucket], bucket_context(held.epoch, bucket)) for bucket in order]
    )
    changed = connection.execute(
        "UPDATE bucket_key b SET wrapped = x.w, revision = %s FROM unnest(%b::int[], %b::bytea[]) AS x(n, w)"
        " WHERE b.epoch = %s AND b.bucket = x.n",
        (revision, wire_array("int", order), wire_array("bytea", wrapped), held.epoch),
    )
    assert changed.rowcount == len(old)
    return done


def bucket_keys(
    connection: Connection, epoch_keys: EpochKeys, epoch: int, buckets: Sequence[int]
) -> dict[int, bytes]:
    """The keys of `buckets`, unwrapped, by number. Raises Unreadable when one is missing."""
    rows = connection.execute(
        "SELECT bucket, wrapped FROM bucket_key WHERE epoch = %s AND bucket = ANY(%b::int[]) ORDER BY bucket",
        (epoch, wire_array("int", sorted(set(buckets)))),
        binary=True,
    ).fetchall()
    if len(rows) != len(set(buckets)):
        raise Unreadable("The key database lacks bucket keys")
    keys = epoch_keys.unwrap_all(
        epoch, [(wrapped, bucket_context(epoch, bucket)) for bucket, wrapped in rows]
    )
    return {row[0]: key for row, key in zip(rows, keys, strict=True)}


def rewrap_keys(connection: Connection, old: dict[int, bytes], new: dict[int, bytes]) -> int:
    """Wrap the live subject keys of these buckets anew; how many."""
    rows = connection.execute(
        KEYS_OF.encode(), (wire_array("int", list(old)),), binary=True
    ).fetchall()
    if not rows:
        return 0
    opening, sealing = ciphers(old), ciphers(new)
    nonces = Nonces(len(rows))
    places, wrapped = [], []
    for place, tenant, subject, retention_class, key_id, bucket, was in rows:
        context = subject_context(tenant, subject, retention_class, key_id)
        plain = opened(opening[bucket], was, context)
        nonce = nonces.take()
        places.append(place)
        wrapped.append(nonce + sealing[bucket].encrypt(nonce, plain, context))
    arrays = (wire_array("text", places), wire_array("bytea", wrapped))
    assert connection.execute(REWRAP.encode(), arrays).rowcount == len(rows)
    return len(rows)


def rewrap_rows(connection: Connection, old: dict[int, bytes], new: dict[int, bytes]) -> int:
    """Digest and seal the blind index rows of these buckets anew; how many."""
    rows = connection.execute(
        ROWS_OF.encode(), (wire_array("int", list(old)),), binary=True
    ).fetchall()
    if not rows:
        return 0
    opening, sealing = ciphers(old), ciphers(new)
    digesting = {bucket: index_key(key) for bucket, key in new.items()}
    nonces = Nonces(len(rows))
    places, digests, inners = [], [], []
    for place, tenant, kind, subject, bucket, was in rows:
        context = inner_context(tenant, kind, subject)
        inner = opened(opening[bucket], was, context)
        nonce = nonces.take()
        places.append(place)
        digests.append(hmac_sha256(digesting[bucket], inner))
        inners.append(nonce + sealing[bucket].encrypt(nonce, inner, context))
    arrays = (wire_array("text", places), wire_array("bytea", digests), wire_array("bytea", inners))
    assert connection.execute(REDIGEST.encode(), arrays).rowcount == len(rows)
    return len(rows)


def ciphers(keys: dict[int, bytes]) -> dict[int, AESGCM]:
    """A cipher for each bucket: making one costs more than using it."""
    return {bucket: AESGCM(key) for bucket, key in keys.items()}


def opened(cipher: AESGCM, wrapped: bytes, context: bytes) -> bytes:
    """What was wrapped. Raises Unreadable: a re-keying must not lose what it cannot open."""
    try:
        return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise Unreadable("A key in the tree does not open: nothing was re-keyed") from error


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


def destroyed_keys(
    connection: Connection, tenant: UUID, subject: UUID, classes: Sequence[str]
) -> list[tuple[str, UUID]]:
    """The subject's destroyed keys of `classes`: class and id, sorted."""
    rows = connection.execute(
        "SELECT retention_class, key_id FROM subject_key WHERE tenant_id = %s AND subject_id = %s"
        " AND retention_class = ANY(%s) AND destroyed_at IS NOT NULL",
        (tenant, subject, list(classes)),
    ).fetchall()
    return sorted((row[0], row[1]) for row in rows)
