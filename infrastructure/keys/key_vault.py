"""Subject keys: minted, found, cached for a minute, and used to open envelopes. README D5, D9."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, TypeVar
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from application.ports import Ids
from domain.errors import Unreadable
from domain.sealing import Envelope, RetentionClass
from infrastructure.database import Database, Row
from infrastructure.keys.key_tree import (
    BUCKETS,
    KEY_BYTES,
    EpochKeys,
    bucket_context,
    bucket_of,
    current_epoch,
    secret_context,
    subject_context,
    unwrap,
    wrap,
)
from infrastructure.keys.sealer import SubjectKey, open_envelope, read_envelope
from infrastructure.keys.short_memory import ShortMemory
from infrastructure.sql_arrays import array

CACHED_KEYS_MAX: Final = 10_000
CACHED_SECONDS: Final = 60.0
EPOCH_TURNED: Final = "DB101"
TURNS_MAX: Final = 3

T = TypeVar("T")
Wanted = tuple[UUID, UUID, str]  # tenant, subject, retention class


@dataclass(frozen=True, slots=True)
class Buckets:
    """The bucket keys of one epoch, unwrapped, by their number."""

    epoch: int
    keys: tuple[bytes, ...]


class NewKeys:
    """Freshly made keys of one subject, wrapped for the database."""

    def __init__(self) -> None:
        self.classes: list[str] = []
        self.key_ids: list[UUID] = []
        self.buckets: list[int] = []
        self.wrapped: list[bytes] = []


def key_arrays(new: NewKeys) -> list[tuple[str, list[object]]]:
    """New keys as the arrays that SQL functions take: classes, key ids, buckets, wrapped keys."""
    return [
        array("text", new.classes),
        array("uuid", new.key_ids),
        array("int", new.buckets),
        array("bytea", new.wrapped),
    ]


class PostgresKeyVault:
    """Keeps subject keys wrapped in their own database; see `EpochKeys` for what opens them."""

    def __init__(self, database: Database, epoch_keys: EpochKeys, ids: Ids) -> None:
        self.database = database
        self.epoch_keys = epoch_keys
        self._ids = ids
        self._lock = Lock()
        self._current: Buckets | None = None
        self._keys = ShortMemory[Wanted, SubjectKey](seconds=CACHED_SECONDS, most=CACHED_KEYS_MAX)
        self._secrets = ShortMemory[tuple[UUID, str], bytes](
            seconds=CACHED_SECONDS, most=CACHED_KEYS_MAX
        )

    # --- the epoch ---------------------------------------------------------------------------------------------------

    def epoch(self) -> int:
        """The current epoch."""
        return self._present().epoch

    def _present(self) -> Buckets:
        with self._lock:
            if self._current is None:
                epoch = current_epoch(self.database.rows("SELECT epoch FROM epoch WHERE current"))
                rows = self.database.rows(
                    "SELECT bucket, wrapped FROM bucket_key WHERE epoch = %s ORDER BY bucket",
                    (epoch,),
                )
                if len(rows) != BUCKETS:
                    raise Unreadable("The key database lacks bucket keys")
                keys = tuple(
                    self.epoch_keys.unwrap(epoch, wrapped, bucket_context(epoch, bucket))
                    for bucket, wrapped in rows
                )
                self._current = Buckets(epoch, keys)
            return self._current

    def forget(self) -> None:
        """Empty every cache: after an erasure, or when the epoch has turned."""
        with self._lock:
            self._current = None
            self._keys.clear()
            self._secrets.clear()

    def in_epoch(self, work: Callable[[int], T]) -> T:
        """Do `work(epoch)`; again when the epoch turned meanwhile."""
        for _ in range(TURNS_MAX):
            try:
                return work(self.epoch())
            except psycopg.Error as error:
                if error.sqlstate != EPOCH_TURNED:
                    raise
                self.forget()
        raise Unreadable("The epoch of the keys keeps turning", retry_after_seconds=1)

    # --- subject keys ------------------------------------------------------------------------------------------------

    def make(self, tenant: UUID, subject: UUID, classes: Sequence[str]) -> NewKeys:
        """New keys for `classes`, wrapped under the current buckets; not stored yet."""
        new, buckets = NewKeys(), self._present().keys
        for retention_class in classes:
            key_id = self._ids.uuid()
            bucket = bucket_of(key_id)
            context = subject_context(tenant, subject, retention_class, key_id)
            new.classes.append(retention_class)
            new.key_ids.append(key_id)
            new.buckets.append(bucket)
            new.wrapped.append(wrap(buckets[bucket], os.urandom(KEY_BYTES), context))
        return new

    def remember(self, tenant: UUID, subject: UUID, rows: Sequence[Row]) -> None:
        """Cache live keys: rows of (class, key id, bucket, wrapped)."""
        buckets = self._present().keys
        for retention_class, key_id, bucket, wrapped in rows:
            context = subject_context(tenant, subject, retention_class, key_id)
            key = SubjectKey(key_id, AESGCM(unwrap(buckets[bucket], wrapped, context)))
            self._keys.keep((tenant, subject, retention_class), key)

    def sealing_key(self, tenant: UUID, subject: UUID, retention_class: str) -> SubjectKey:
        """The live key of (subject, class); made, durably, when there is none."""
        key = self._keys.find((tenant, subject, retention_class))
        if key is None:
            self.prepare(tenant, subject, [retention_class])
            key = self._keys.find((tenant, subject, retention_class))
            if key is None:
                raise Unreadable("A key could not be made")
        return key

    def prepare(
        self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass] | Sequence[str]
    ) -> None:
        """Make sure that the subject has live keys of `classes`; they are durable on return."""

        def mint(epoch: int) -> list[Row]:
            new = self.make(tenant, subject, classes)
            arrays = key_arrays(new)
            return self.database.rows(
                f"SELECT * FROM mint_keys(%b, %s::int, %b, {', '.join(text for text, _ in arrays)})",
                [tenant, epoch, subject, *(value for _, values in arrays for value in values)],
            )

        self.remember(tenant, subject, self.in_epoch(mint))

    # --- opening -----------------------------------------------------------------------------------------------------

    def open(self, tenant: UUID, envelopes: Sequence[Envelope]) -> list[dict[str, object] | None]:
        """The fields of each envelope; None where its key was destroyed. See the port `Opener`."""
        read = [read_envelope(envelope) for envelope in envelopes]
        if any(parts.place.tenant != tenant for parts in read):
            raise Unreadable("An envelope belongs to another tenant")
        keys = self._keys_by_id(tenant, list({parts.key_id for parts in read}))
        opened: list[dict[str, object] | None] = []
        for parts in read:
            key = keys.get(parts.key_id, missing)
            if isinstance(key, _Missing):
                raise Unreadable("A key is missing, and nothing says that it was destroyed")
            opened.append(None if key is None else open_envelope(parts, key))
        return opened

    def _keys_by_id(self, tenant: UUID, key_ids: list[UUID]) -> dict[UUID, SubjectKey | None]:
        buckets = self._present().keys
        rows = self.database.rows(
            "SELECT key_id, subject_id, retention_class, bucket, wrapped FROM subject_key"
            " WHERE tenant_id = %s AND key_id = ANY(%b::uuid[])",
            (tenant, key_ids),
        )
        found: dict[UUID, SubjectKey | None] = {}
        for key_id, subject, retention_class, bucket, wrapped in rows:
            if wrapped is None:
                found[key_id] = None
                continue
            context = subject_context(tenant, subject, retention_class, key_id)
            found[key_id] = SubjectKey(key_id, AESGCM(unwrap(buckets[bucket], wrapped, context)))
        return found

    # --- a tenant's own secrets --------------------------------------------------------------------------------------

    def secret(self, tenant: UUID, name: str) -> bytes:
        """A secret of the tenant by name, made at the first use: its index key, a day's answer key."""
        known = self._secrets.find((tenant, name))
        if known is None:
            known = self.in_epoch(lambda epoch: self._find_or_make_secret(tenant, name, epoch))
            self._secrets.keep((tenant, name), known)
        return known

    def _find_or_make_secret(self, tenant: UUID, name: str, epoch: int) -> bytes:
        find = "SELECT epoch, wrapped FROM sealed_secret WHERE tenant_id = %s AND name = %s"
        row = self.database.row(find, (tenant, name))
        if row is None:
            fresh = self.epoch_keys.wrap(
                epoch, os.urandom(KEY_BYTES), secret_context(tenant, name, epoch)
            )
            with self.database.connection() as connection, connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock_shared(mint_lock())")
                connection.execute(
                    "INSERT INTO sealed_secret VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    (tenant, name, epoch, fresh),
                )
            row = self.database.row(find, (tenant, name))
            assert row is not None
        return self.epoch_keys.unwrap(row[0], row[1], secret_context(tenant, name, row[0]))

    def destroy_secrets(self, tenant: UUID, before: str) -> int:
        """Destroy the tenant's daily secrets named before `before` (`answers:<date>`); how many went."""
        rows = self.database.rows(
            "DELETE FROM sealed_secret WHERE tenant_id = %s AND name LIKE 'answers:%%' AND name < %s RETURNING name",
            (tenant, before),
        )
        for (name,) in rows:
            self._secrets.forget((tenant, name))
        return len(rows)


class _Missing:
    pass


missing: Final = _Missing()
