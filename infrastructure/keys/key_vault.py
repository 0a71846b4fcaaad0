"""Subject keys: minted, found, cached for a minute, and used to open envelopes. README D5, D9."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
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
    KEY_BYTES,
    READ_TREE,
    EpochKeys,
    Tree,
    bucket_of,
    open_tree,
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
REKEYED: Final = "DB101"
TURNS_MAX: Final = 5
LIVE_KEYS: Final = (
    "SELECT retention_class, key_id, bucket, wrapped FROM subject_key WHERE tenant_id = %s AND subject_id = %s"
    " AND retention_class = ANY(%s::text[]) AND destroyed_at IS NULL"
)
KEYS_BY_ID: Final = (
    "SELECT key_id, subject_id, retention_class, bucket, wrapped FROM subject_key"
    " WHERE tenant_id = %s AND key_id = ANY(%b::uuid[])"
)

T = TypeVar("T")
Wanted = tuple[UUID, UUID, str]  # tenant, subject, retention class


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
        self._current: Tree | None = None
        self._before: Tree | None = None
        self._keys = ShortMemory[Wanted, SubjectKey](seconds=CACHED_SECONDS, most=CACHED_KEYS_MAX)
        self._secrets = ShortMemory[tuple[UUID, str], bytes](
            seconds=CACHED_SECONDS, most=CACHED_KEYS_MAX
        )

    # --- the tree ----------------------------------------------------------------------------------------------------

    def tree(self) -> Tree:
        """The bucket keys; read when we have forgotten them."""
        with self._lock:
            if self._current is None:
                rows = self.database.rows(READ_TREE)
                self._current = open_tree(rows, self.epoch_keys, self._before)
                self._before = None
            return self._current

    def forget_tree(self, old: Tree | None = None) -> None:
        """Forget the bucket keys: some were replaced. `tree` opens those anew, and forgets what they were.

        Does nothing when another thread has read a newer tree than `old` meanwhile.
        """
        with self._lock:
            if old is None or self._current is old:
                self._before = self._current or self._before
                self._current = None

    def forget(self) -> None:
        """Empty every cache."""
        with self._lock:
            self._current = self._before = None
            self._keys.clear()
            self._secrets.clear()

    def forget_keys(self, key_ids: Collection[UUID]) -> None:
        """Forget these subject keys: they are destroyed."""
        self._keys.forget_where(lambda key: key.key_id in key_ids)

    def in_tree(self, work: Callable[[Tree], T]) -> T:
        """Do `work(tree)`; again when the database knows a newer tree.

        `work` raises Rekeyed, or psycopg's error with our code, when it sees that.
        """
        for _ in range(TURNS_MAX):
            tree = self.tree()
            try:
                return work(tree)
            except Rekeyed:
                self.forget_tree(tree)
            except psycopg.Error as error:
                if error.sqlstate != REKEYED:
                    raise
                self.forget_tree(tree)
        raise Unreadable("The keys are being replaced over and over", retry_after_seconds=1)

    def opening(self, work: Callable[[Tree], T]) -> T:
        """Do `work(tree)`, which reads wrapped keys and opens them; again with the tree read anew when one does not.

        Raises Unreadable when it does not open with the newest tree either.
        """
        for _ in range(TURNS_MAX):
            tree = self.tree()
            try:
                return work(tree)
            except Unreadable:
                self.forget_tree(tree)
                if self.tree().revision == tree.revision:
                    raise
        raise Unreadable("The keys are being replaced over and over", retry_after_seconds=1)

    # --- subject keys ------------------------------------------------------------------------------------------------

    def make(self, tree: Tree, tenant: UUID, subject: UUID, classes: Sequence[str]) -> NewKeys:
        """New keys for `classes`, wrapped under the buckets of `tree`; not stored yet."""
        new = NewKeys()
        for retention_class in classes:
            key_id = self._ids.uuid()
            bucket = bucket_of(key_id)
            context = subject_context(tenant, subject, retention_class, key_id)
            new.classes.append(retention_class)
            new.key_ids.append(key_id)
            new.buckets.append(bucket)
            new.wrapped.append(wrap(tree.keys[bucket], os.urandom(KEY_BYTES), context))
        return new

    def remember(self, tenant: UUID, subject: UUID, rows: Sequence[Row]) -> dict[str, SubjectKey]:
        """Open live keys and cache them, by class: rows of (class, key id, bucket, wrapped).

        Rows that do not open are read again. Nothing is cached when the tree was forgotten meanwhile: a key that was
        destroyed just then would stay.
        """
        classes, newest = [row[0] for row in rows], [rows]

        def kept(tree: Tree) -> dict[str, SubjectKey]:
            keys: dict[str, SubjectKey] = {}
            given = newest.pop() if newest else self._live(tenant, subject, classes)
            for retention_class, key_id, bucket, wrapped in given:
                context = subject_context(tenant, subject, retention_class, key_id)
                key = SubjectKey(key_id, AESGCM(unwrap(tree.keys[bucket], wrapped, context)))
                keys[retention_class] = key
                self._keys.keep((tenant, subject, retention_class), key)
            if self._current is not tree:
                self.forget_keys({key.key_id for key in keys.values()})
            return keys

        tree = self.tree()
        try:
            return kept(tree)
        except Unreadable:
            self.forget_tree(tree)
            return self.opening(kept)

    def _live(self, tenant: UUID, subject: UUID, classes: list[str]) -> list[Row]:
        return self.database.rows(LIVE_KEYS, (tenant, subject, classes))

    def sealing_key(self, tenant: UUID, subject: UUID, retention_class: str) -> SubjectKey:
        """The live key of (subject, class); made, durably, when there is none."""
        key = self._keys.find((tenant, subject, retention_class))
        if key is None:
            key = self.prepare(tenant, subject, [retention_class]).get(retention_class)
            if key is None:
                raise Unreadable("A key could not be made")
        return key

    def prepare(
        self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass] | Sequence[str]
    ) -> dict[str, SubjectKey]:
        """Make sure that the subject has live keys of `classes`; they are durable on return."""

        def mint(tree: Tree) -> list[Row]:
            new = self.make(tree, tenant, subject, classes)
            arrays = key_arrays(new)
            return self.database.rows(
                "SELECT * FROM mint_keys(%b, %s::int, %s::bigint, %b,"
                f" {', '.join(text for text, _ in arrays)})",
                [
                    tenant,
                    tree.epoch,
                    tree.revision,
                    subject,
                    *(value for _, values in arrays for value in values),
                ],
            )

        return self.remember(tenant, subject, self.in_tree(mint))

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
        def found(tree: Tree) -> dict[UUID, SubjectKey | None]:
            keys: dict[UUID, SubjectKey | None] = {}
            for key_id, subject, retention_class, bucket, wrapped in self.database.rows(
                KEYS_BY_ID, (tenant, key_ids)
            ):
                keys[key_id] = None
                if wrapped is not None:
                    context = subject_context(tenant, subject, retention_class, key_id)
                    key = AESGCM(unwrap(tree.keys[bucket], wrapped, context))
                    keys[key_id] = SubjectKey(key_id, key)
            return keys

        return self.opening(found)

    # --- a tenant's own secrets --------------------------------------------------------------------------------------

    def secret(self, tenant: UUID, name: str) -> bytes:
        """A secret of the tenant by name, made at the first use: its index key, a day's answer key."""
        known = self._secrets.find((tenant, name))
        if known is None:
            known = self.opening(
                lambda _: self.in_tree(lambda tree: self._find_or_make_secret(tenant, name, tree))
            )
            self._secrets.keep((tenant, name), known)
        return known

    def _find_or_make_secret(self, tenant: UUID, name: str, tree: Tree) -> bytes:
        find = "SELECT epoch, wrapped FROM sealed_secret WHERE tenant_id = %s AND name = %s"
        row = self.database.row(find, (tenant, name))
        if row is None:
            context = secret_context(tenant, name, tree.epoch)
            (fresh,) = self.epoch_keys.wrap_all(tree.epoch, [(os.urandom(KEY_BYTES), context)])
            row = self.database.row(
                "SELECT * FROM keep_secret(%s, %s::int, %s, %s)", (tenant, tree.epoch, name, fresh)
            )
            assert row is not None
        context = secret_context(tenant, name, row[0])
        return self.epoch_keys.unwrap_all(row[0], [(row[1], context)])[0]

    def destroy_secrets(self, tenant: UUID, before: str) -> int:
        """Destroy the tenant's daily secrets named before `before` (`answers:<date>`); how many went."""
        rows = self.database.rows("SELECT name FROM forget_secrets(%s, %s)", (tenant, before))
        for (name,) in rows:
            self._secrets.forget((tenant, name))
        return len(rows)


class Rekeyed(Exception):
    """The tree that something was worked out with is not the newest."""


class _Missing:
    pass


missing: Final = _Missing()
