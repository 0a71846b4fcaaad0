"""Old copies of everything, as backups hold them, and what can still be opened in them.

A base backup is taken while the server runs, the way PostgreSQL documents ("Making a Non-Exclusive Low-Level Backup"):
begin, copy the files as they are, end, add the label and the write-ahead log. `OldKeys` is what somebody has who holds
such a copy, or a key backup; `EpochKeysLeft` is what they can find on the deployment's disks today.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg

from domain.errors import Unreadable
from infrastructure.keys.key_backup import BUCKET_KEYS, KEYS, SECTIONS, BackupFile, number
from infrastructure.keys.key_tree import NOBODY, bucket_context, subject_context, unwrap

LEFT_OUT: Final = frozenset({"postmaster.pid", "postmaster.opts", "pg_wal"})
OF_SERVER: Final = (
    "SELECT tenant_id, subject_id, retention_class, key_id, bucket, wrapped FROM subject_key"
    f" WHERE wrapped IS NOT NULL AND tenant_id <> '{NOBODY}'"
)
Whom = tuple[UUID, UUID]  # tenant and subject


def copy_cluster(server: str, home: Path, to: Path) -> int:
    """Take a base backup of the running cluster in `home`/data; how many files it has. `server` is the superuser's."""
    to.mkdir(parents=True)
    shutil.copy2(home / "password", to / "password")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("SELECT pg_backup_start('daybook erase-drill', true)")
        copied = _copy(home / "data", to / "data", LEFT_OUT)
        row = connection.execute("SELECT labelfile FROM pg_backup_stop(false)").fetchone()
    assert row is not None
    (to / "data" / "backup_label").write_text(row[0])
    return copied + 1 + _copy(home / "data" / "pg_wal", to / "data" / "pg_wal", frozenset())


def _copy(folder: Path, to: Path, left_out: Collection[str]) -> int:
    """Copy a folder whose files come and go meanwhile; how many files came along."""
    to.mkdir(mode=0o700)
    copied = 0
    for path in sorted(folder.iterdir()):
        if path.name in left_out:
            continue
        if path.is_dir():
            copied += _copy(path, to / path.name, frozenset())
            continue
        try:
            shutil.copyfile(path, to / path.name)
        except FileNotFoundError:  # the log tells of it
            continue
        copied += 1
    return copied


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A subject key as a copy has it."""

    whose: Whom
    retention_class: str
    key_id: UUID
    bucket: int
    wrapped: bytes

    def opens_with(self, bucket_key: bytes) -> bool:
        """True when it opens with this bucket key."""
        context = subject_context(*self.whose, self.retention_class, self.key_id)
        return _opened(bucket_key, self.wrapped, context) is not None


@dataclass(frozen=True, slots=True)
class Opened:
    """What could be opened, of how much that was tried: bucket keys, and the ids of subject keys by whose they are."""

    tried: int
    buckets: int
    keys: dict[UUID, Whom]

    def of(self, whose: Whom) -> set[UUID]:
        """The ids of one person's keys among them."""
        return {key for key, one in self.keys.items() if one == whose}


@dataclass(frozen=True, slots=True)
class OldKeys:
    """The wrapped keys of one copy of the key database, made under `epoch`."""

    epoch: int
    buckets: Sequence[tuple[int, bytes]]
    keys: Sequence[WrappedKey]

    @classmethod
    def of_backup(cls, path: Path) -> OldKeys:
        """Those in a key backup. Raises Unreadable."""
        backup = BackupFile(path)
        buckets = [(number(row[1]), row[2] or b"") for row in backup.rows(BUCKET_KEYS)]
        people = next(one for one in SECTIONS if one.columns == KEYS and "<>" in one.where)
        keys = [
            WrappedKey(
                (UUID(bytes=tenant), UUID(bytes=subject)),
                (name or b"").decode(),
                UUID(bytes=key),
                number(bucket),
                wrapped,
            )
            for tenant, subject, name, key, bucket, wrapped, _ in backup.rows(people)
            if wrapped is not None
        ]
        return cls(backup.epoch, buckets, keys)

    @classmethod
    def of_database(cls, dsn: str) -> OldKeys:
        """Those in a key database, as its owner or a superuser reads them."""
        with psycopg.connect(dsn, autocommit=True) as connection:
            row = connection.execute("SELECT epoch FROM epoch WHERE current").fetchone()
            assert row is not None
            buckets = connection.execute(
                "SELECT bucket, wrapped FROM bucket_key WHERE epoch = %s", row
            ).fetchall()
            rows: list[tuple[Any, ...]] = connection.execute(OF_SERVER.encode()).fetchall()
        keys = [WrappedKey((row[0], row[1]), *row[2:]) for row in rows]
        return cls(row[0], buckets, keys)

    def bucket_keys(self, epoch_keys: Sequence[bytes]) -> dict[int, bytes]:
        """The bucket keys that one of `epoch_keys` opens."""
        found: dict[int, bytes] = {}
        for bucket, wrapped in self.buckets:
            context = bucket_context(self.epoch, bucket)
            for epoch_key in epoch_keys:
                if (key := _opened(epoch_key, wrapped, context)) is not None:
                    found[bucket] = key
        return found

    def opened_by(self, epoch_keys: Sequence[bytes]) -> Opened:
        """Try every wrapped key of the copy with every one of `epoch_keys`, and with the bucket key that these open."""
        buckets = self.bucket_keys(epoch_keys)
        keys: dict[UUID, Whom] = {}
        tried = len(self.buckets) * len(epoch_keys)
        for one in self.keys:
            above = [*epoch_keys, *([buckets[one.bucket]] if one.bucket in buckets else [])]
            tried += len(above)
            if any(one.opens_with(key) for key in above):
                keys[one.key_id] = one.whose
        return Opened(tried, len(buckets), keys)

    def opened_with(self, buckets: dict[int, bytes], whose: Whom) -> Opened:
        """Try one person's keys with every bucket key of another copy, and everybody else's with their own bucket's."""
        keys: dict[UUID, Whom] = {}
        tried = 0
        for one in self.keys:
            some = buckets.values() if one.whose == whose else [buckets[one.bucket]]
            tried += len(some)
            if any(one.opens_with(key) for key in some):
                keys[one.key_id] = one.whose
        return Opened(tried, 0, keys)


def epoch_keys_left(*places: Path) -> list[bytes]:
    """Every epoch key that lies in these folders, whatever its number."""
    return list(dict.fromkeys(path.read_bytes() for path in _key_files(places)))


def _key_files(places: Sequence[Path]) -> Iterator[Path]:
    for place in places:
        yield from sorted(place.glob("epoch-*"))


def _opened(key: bytes, wrapped: bytes, context: bytes) -> bytes | None:
    try:
        return unwrap(key, wrapped, context)
    except Unreadable:
        return None
