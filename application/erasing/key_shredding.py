"""The key side of an erasure: destroy a person's keys, then every older copy of the key store. README D5, D9."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.sealing import RetentionClass


@dataclass(frozen=True, slots=True)
class Destroyed:
    """Which keys of a subject are destroyed, sorted by class and id; how many buckets this call re-keyed.

    `buckets` is 0 when there was nothing left to destroy.
    """

    key_ids: tuple[tuple[RetentionClass, UUID], ...]
    buckets: int


@dataclass(frozen=True, slots=True)
class Turned:
    """The epoch `old` is destroyed in every place, `new` is the one; `backup` is the name of the new key backup.

    `backup_sha256` is the digest that the backup ends with, base64.
    """

    old: int
    new: int
    backup: str
    backup_sha256: str


@dataclass(frozen=True, slots=True)
class Live:
    """There is a key that opens."""


@dataclass(frozen=True, slots=True)
class DestroyedAt:
    """There was a key; its tombstone says since when there is none."""

    at: datetime


KeyState = Live | DestroyedAt | None
"""What there is of one class: None where there never was a key. A key made after a destroyed one is live."""

Progress = Callable[[int, int], None]
"""Told how many buckets of how many are done."""


class KeyShredder(Protocol):
    """Destroys keys so that no process, and after the turn of the epoch no copy of the key store, can open.

    The caller has fenced the subject before and waits until the order to erase is mirrored. Every method raises
    Unavailable when a database or a place of epoch keys cannot be reached; it is to be called again then, and
    finishes what it began. Calls of several processes come one after the other.
    """

    def destroy(
        self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass], at: datetime
    ) -> Destroyed:
        """Destroy the subject's keys of `classes`, leaving tombstones of `at`; durable on return.

        With `profile` its look-up rows go too. Each bucket that held one of either gets a fresh key, and what
        survives in it is wrapped anew, in the same transaction. Nobody who reads the key database can open after
        it; processes that had cached the keys or the tree forget them within 2 seconds. Idempotent: again, it
        reports the same key ids, and destroys nothing more.
        """
        ...

    def turn_epoch(self, at: datetime) -> Turned:
        """Put the tree under a new epoch key, back the key store up, open the backup, destroy the old epoch key.

        On return every copy of the key database that is older than this call is dead, and the old key is proved
        gone from each of its places. Called again after a crash at any step it finishes that turn, and begins
        another only when keys were destroyed since that one began.
        """
        ...

    def full_rekey(self, at: datetime, progress: Progress) -> Turned:
        """Give every bucket a fresh key, wrap everything anew, then turn the epoch. Resumed after a crash."""
        ...

    def state(self, tenant: UUID, subject: UUID) -> dict[RetentionClass, KeyState]:
        """What there is of each class; every class is named."""
        ...

    def living(
        self, tenant: UUID, subjects: Sequence[UUID]
    ) -> Mapping[UUID, tuple[RetentionClass, ...]]:
        """The classes in which these subjects have a key that opens; those who have none are not named."""
        ...
