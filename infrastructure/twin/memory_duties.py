"""The port `DutyTotals` in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from application.requests.duties import DutyCounts


@dataclass(slots=True)
class MemoryDutyTotals:
    """See the port."""

    counts: DutyCounts | None = None

    def keep(self, counts: DutyCounts, at: datetime) -> None:  # noqa: ARG002
        """See the port."""
        self.counts = counts

    def total(self) -> DutyCounts | None:
        """See the port."""
        return self.counts
