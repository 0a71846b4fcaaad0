"""What is counted of all tenants together, for whoever watches the deployment: numbers, and nothing of anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

DUTIES_LATE: Final = "duties_late_by_kind"
ERASURES_OPEN: Final = "erasures_open"
ERASURE_OLDEST_SECONDS: Final = "erasure_oldest_seconds"
LOGS_UNWITNESSED: Final = "logs_unwitnessed"
LOG_UNWITNESSED_SECONDS: Final = "log_unwitnessed_oldest_seconds"
MODEL_LAG: Final = "read_model_lag_events"
MODEL_LAG_SECONDS: Final = "read_model_lag_seconds"
MODEL_FOLLOWS: Final = "read_model_follows"
# Each with its label, if it has one, and what it says.
GAUGES: Final = {
    DUTIES_LATE: (
        "kind",
        "What is late, by kind: reviews of broken glass, legal holds to look at.",
    ),
    ERASURES_OPEN: ("stands", "Erasures not at their end: unfinished, or waiting for a hold."),
    ERASURE_OLDEST_SECONDS: ("stands", "For how long the oldest of them has been open."),
    MODEL_LAG: ("model", "Events that have a place and are not in the read model yet."),
    MODEL_LAG_SECONDS: (
        "model",
        "For how long the first of those has had its place, to a second; 0 when there is none.",
    ),
    MODEL_FOLLOWS: ("model", "1 while the read model follows; 0 where it stopped or is paused."),
    LOGS_UNWITNESSED: (
        None,
        "Logs whose newest part no quorum of witnesses has seen for too long.",
    ),
    LOG_UNWITNESSED_SECONDS: (
        None,
        "How long ago a quorum last saw the log that waits longest; 0 where each is seen to its end.",
    ),
}


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number, under one of `GAUGES`; `label` is empty where that has none."""

    name: str
    label: str
    value: float


class Gauges(Protocol):
    """The numbers, as they were last counted."""

    def keep(self, gauges: Sequence[Gauge], at: datetime) -> None:
        """Let these be all of them, as of an instant."""
        ...

    def all(self) -> Sequence[Gauge]:
        """All of them; none while nobody has counted."""
        ...
