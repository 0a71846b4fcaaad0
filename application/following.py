"""What followers of the events are handed: events in the deployment's order, each with its place in its tenant's log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from application.recorded import Recorded


class Sequenced(NamedTuple):
    """An event, its number in the deployment's order, and where and when its tenant's ledger took it in."""

    sequence: int
    position: int
    recorded_at: datetime
    event: Recorded[object]


@dataclass(frozen=True, slots=True)
class Batch:
    """What was found after a sequence: `events` are those that were asked for, among the `looked` that there were.

    `last` is the sequence of the last one looked at, asked for or not, and `recorded_at` its known time; with
    `looked` 0 there was none.
    """

    events: list[Sequenced]
    looked: int
    last: int
    recorded_at: datetime | None
