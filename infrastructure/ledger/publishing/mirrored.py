"""The port `Mirrored`: an event that a signed checkpoint covers is in the mirror, since mirroring comes first."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic, sleep
from typing import Final
from uuid import UUID

from infrastructure.database import Database

LOOK_SECONDS: Final = 0.01
COVERED: Final = (
    "SELECT true FROM sequenced s WHERE s.tenant_id = %b AND s.event_id = %b AND EXISTS ("
    "SELECT FROM ledger_checkpoint c WHERE c.tenant_id = s.tenant_id AND c.size > s.position)"
)


@dataclass(frozen=True, slots=True)
class CheckpointMirrored:
    """See the port."""

    database: Database

    def wait(self, tenant: UUID, event: UUID, seconds: float) -> bool:
        """See the port."""
        deadline = monotonic() + seconds
        while self.database.row(COVERED, (tenant, event)) is None:
            if monotonic() > deadline:
                return False
            sleep(LOOK_SECONDS)
        return True
