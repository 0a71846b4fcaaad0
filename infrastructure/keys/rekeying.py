"""Give buckets of the key tree fresh keys, and wrap anew what is in them. README D9.

Every function here works in the caller's transaction, which holds the tree alone (`hold_tree`). Nothing that minting
does can come between, so what is read is what is written, and counts are compared.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
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

ROWS_TOGETHER: Final = 500

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
REPLACE: Final = (
    "UPDATE bucket_key b SET wrapped = x.w, revision = %s"
    " FROM unnest(%b::text[]::tid[], %b::bytea[]) AS x(t, w) WHERE b.ctid = x.t"
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

    The database writes what was wrapped while we wrap the next. Raises Unreadable when something in the buckets does
    not open: then nothing may be written.
    """
    above = bucket_rows(connection, epoch_keys, held.epoch, buckets)
    old = {row.bucket: row.key for row in above}
    new = {bucket: os.urandom(KEY_BYTES) for bucket in old}
    wanted = (wire_array("int", list(old)),)
    keys = connection.execute(KEYS_OF.encode(), wanted, binary=True).fetchall()
    rows = connection.execute(ROWS_OF.encode(), wanted, binary=True).fetchall()
    wrapped = epoch_keys.wrap_all(
        held.epoch, [(new[row.bucket], bucket_context(held.epoch, row.bucket)) for row in above]
    )
    buckets_at = wire_array("text", [row.place for row in above])
    written = []
    with connection.pipeline():
        opening, sealing = ciphers(old), ciphers(new)
        for some in batched(keys):
            arrays = rewrapped_keys(some, opening, sealing)
            written.append(connection.execute(REWRAP.encode(), arrays))
        digesting = {bucket: index_key(key) for bucket, key in new.items()}
        for some in batched(rows):
            arrays = redigested_rows(some, opening, sealing, digesting)
            written.append(connection.execute(REDIGEST.encode(), arrays))
        arrays = (revision, buckets_at, wire_array("bytea", wrapped))
        written.append(connection.execute(REPLACE.encode(), arrays))
    count = sum(cursor.rowcount for cursor in written)
    assert count == len(keys) + len(rows) + len(above), "what was read was written"
    return len(keys) + len(rows)


def batched(rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows, so many at a time."""
    for begin in range(0, len(rows), ROWS_TOGETHER):
        yield rows[begin : begin + ROWS_TOGETHER]


@dataclass(frozen=True, slots=True)
class BucketRow:
    """Where the database has a bucket key, and the key."""

    place: str
    bucket: int
    key: bytes

    def __repr__(self) -> str:
        return f"BucketRow({self.bucket}, <sealed>)"


def bucket_rows(
    connection: Connection, epoch_keys: EpochKeys, epoch: int, buckets: Sequence[int]
) -> list[BucketRow]:
    """The keys of `buckets`, unwrapped, by number. Raises Unreadable when one is missing."""
    rows = connection.execute(
        "SELECT ctid::text, bucket, wrapped FROM bucket_key"
        " WHERE epoch = %s AND bucket = ANY(%b::int[]) ORDER BY bucket",
        (epoch, wire_array("int", sorted(set(buckets)))),
        binary=True,
    ).fetchall()
    if len(rows) != len(set(buckets)):
        raise Unreadable("The key database lacks bucket keys")
    keys = epoch_keys.unwrap_all(
        epoch, [(wrapped, bucket_context(epoch, bucket)) for _, bucket, wrapped in rows]
    )
    return [BucketRow(row[0], row[1], key) for row, key in zip(rows, keys, strict=True)]


def bucket_keys(
    connection: Connection, epoch_keys: EpochKeys, epoch: int, buckets: Sequence[int]
) -> dict[int, bytes]:
    """The same keys by the numbers of their buckets."""
    return {row.bucket: row.key for row in bucket_rows(connection, epoch_keys, epoch, buckets)}


def rewrapped_keys(
    rows: Sequence[tuple[Any, ...]], opening: dict[int, AESGCM], sealing: dict[int, AESGCM]
) -> tuple[object, ...]:
    """What REWRAP takes for these rows of KEYS_OF."""
    nonces = Nonces(len(rows))
    places, wrapped = [], []
    for place, tenant, subject, retention_class, key_id, bucket, was in rows:
        context = subject_context(tenant, subject, retention_class, key_id)
        plain = opened(opening[bucket], was, context)
        nonce = nonces.take()
        places.append(place)
        wrapped.append(nonce + sealing[bucket].encrypt(nonce, plain, context))
    return wire_array("text", places), wire_array("bytea", wrapped)


def redigested_rows(
    rows: Sequence[tuple[Any, ...]],
    opening: dict[int, AESGCM],
    sealing: dict[int, AESGCM],
    digesting: dict[int, bytes],
) -> tuple[object, ...]:
    """What REDIGEST takes for these rows of ROWS_OF."""
    nonces = Nonces(len(rows))
    places, digests, inners = [], [], []
    for place, tenant, kind, subject, bucket, was in rows:
        context = inner_context(tenant, kind, subject)
        inner = opened(opening[bucket], was, context)
        nonce = nonces.take()
        places.append(place)
        digests.append(hmac_sha256(digesting[bucket], inner))
        inners.append(nonce + sealing[bucket].encrypt(nonce, inner, context))
    return wire_array("text", places), wire_array("bytea", digests), wire_array("bytea", inners)


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
