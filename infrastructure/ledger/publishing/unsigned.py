"""How far behind the checkpoints of a log are, and waiting until they cover what was committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Final
from uuid import UUID

from infrastructure.database import Database

POLL_SECONDS: Final = 0.05
LAST_QUEUED: Final = "SELECT max(qid) FROM event_queue WHERE tenant_id = %b"
WAITING: Final = (
    "SELECT coalesce(sum(cardinality(event_ids)), 0)::bigint FROM event_queue"
    " WHERE tenant_id = %b AND qid <= %s"
)
SIZES: Final = (
    "SELECT coalesce((SELECT size FROM ledger_head WHERE tenant_id = %b), 0),"
    " coalesce((SELECT max(size) FROM ledger_checkpoint WHERE tenant_id = %b), 0)"
)


@dataclass(frozen=True, slots=True)
class UnsignedEvents:
    """The events of the bound tenant that no checkpoint covers yet."""

    database: Database

    def wait(self, tenant: UUID, seconds: float) -> int:
        """Wait until all that is committed now is covered, at most so long; how many events are not.

        Raises Unavailable.
        """
        deadline = monotonic() + seconds
        row = self.database.row(LAST_QUEUED, (tenant,))
        last = row[0] if row else None
        queued = self._until_none(deadline, lambda: self._queued(tenant, last))
        size = self._sizes(tenant)[0]
        unsigned = self._until_none(deadline, lambda: size - self._sizes(tenant)[1])
        return queued + max(0, unsigned)

    def _queued(self, tenant: UUID, last: int | None) -> int:
        row = None if last is None else self.database.row(WAITING, (tenant, last))
        return int(row[0]) if row else 0

    def _sizes(self, tenant: UUID) -> tuple[int, int]:
        row = self.database.row(SIZES, (tenant, tenant))
        assert row is not None
        return row[0], row[1]

    @staticmethod
    def _until_none(deadline: float, left: Callable[[], int]) -> int:
        while (count := left()) > 0 and monotonic() < deadline:
            sleep(POLL_SECONDS)
        return count
