"""The ports of witnesses in memory: a deployment without a policy, whose operator names no log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.ledger.witnessing import Conflict, Cosigned, WitnessedCheckpoint, WitnessSeen
from domain.errors import NotFound
from infrastructure.twin.memory_ledger import MemoryLedger


@dataclass(frozen=True, slots=True)
class NoWitnesses:
    """See the port `WitnessRecords`."""

    ledger: MemoryLedger

    def configured(self) -> bool:
        """See the port."""
        return False

    def seen(self, _: UUID) -> Sequence[WitnessSeen]:
        """See the port."""
        return []

    def last(self, _: UUID) -> WitnessedCheckpoint | None:
        """See the port."""
        return None

    def newest_size(self, tenant: UUID) -> int:
        """See the port."""
        found = self.ledger.checkpoint(tenant)
        return found.size if found else 0

    def begun_at(self, tenant: UUID) -> datetime | None:
        """See the port."""
        found = self.ledger.checkpoint(tenant)
        return found.signed_at if found else None

    def end(self, tenant: UUID) -> int:
        """See the port."""
        return self.newest_size(tenant)


class WitnessOfNobody:
    """See the port `Witness`."""

    def add_checkpoint(self, _: bytes) -> Cosigned | Conflict:
        """See the port."""
        raise NotFound("No log is witnessed here.")

    def checkpoint(self, _: bytes) -> str:
        """See the port."""
        raise NotFound()

    def verifier_keys(self) -> list[str]:
        """See the port."""
        raise NotFound("No log is witnessed here.")
