"""The port `Gauges` in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from application.gauges import Gauge


@dataclass(slots=True)
class MemoryGauges:
    """See the port."""

    gauges: tuple[Gauge, ...] = ()

    def keep(self, gauges: Sequence[Gauge], at: datetime) -> None:  # noqa: ARG002
        """See the port."""
        self.gauges = tuple(gauges)

    def all(self) -> Sequence[Gauge]:
        """See the port."""
        return self.gauges
