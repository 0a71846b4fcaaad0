"""The port `KeyShredder` in memory. There is no copy that could be older, so turning the epoch only counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from application.erasing.key_shredding import (
    Destroyed,
    DestroyedAt,
    KeyState,
    Live,
    Progress,
    Turned,
)
from domain.sealing import RETENTION_CLASSES, RetentionClass
from infrastructure.canonical import b64, sha256
from infrastructure.twin.memory_vault import MemoryVault

BUCKETS: Final = 4_096


@dataclass(slots=True)
class MemoryKeyShredder:
    """See the port."""

    vault: MemoryVault
    epoch: int = 1
    turned_at: datetime | None = None

    def destroy(
        self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass], at: datetime
    ) -> Destroyed:
        """See the port."""
        with self.vault.state.lock:
            buckets = self.vault.destroy_keys(tenant, subject, classes, at)
            gone = sorted(
                (cast(RetentionClass, name), key)
                for key, ((owner, whose, name), _) in self.vault.destroyed.items()
                if (owner, whose) == (tenant, subject) and name in classes
            )
            return Destroyed(tuple(gone), buckets)

    def turn_epoch(self, at: datetime) -> Turned:
        """See the port."""
        with self.vault.state.lock:
            old, self.epoch, self.turned_at = self.epoch, self.epoch + 1, at
            backup = f"keys-{self.epoch}-{self.epoch}.backup"
            return Turned(old, self.epoch, backup, b64(sha256(backup.encode())))

    def full_rekey(self, at: datetime, progress: Progress) -> Turned:
        """See the port."""
        progress(BUCKETS, BUCKETS)
        return self.turn_epoch(at)

    def state(self, tenant: UUID, subject: UUID) -> dict[RetentionClass, KeyState]:
        """See the port."""
        with self.vault.state.lock:
            return {name: self._of((tenant, subject, name)) for name in RETENTION_CLASSES}

    def living(
        self, tenant: UUID, subjects: Sequence[UUID]
    ) -> dict[UUID, tuple[RetentionClass, ...]]:
        """See the port."""
        with self.vault.state.lock:
            found: dict[UUID, tuple[RetentionClass, ...]] = {}
            for owner, subject, name in sorted(self.vault.keys):
                if owner == tenant and subject in subjects:
                    found[subject] = (*found.get(subject, ()), cast(RetentionClass, name))
            return found

    def _of(self, wanted: tuple[UUID, UUID, str]) -> KeyState:
        if wanted in self.vault.keys:
            return Live()
        times = [at for whose, at in self.vault.destroyed.values() if whose == wanted]
        return DestroyedAt(max(times)) if times else None
