"""A visit: one service, at one place, by one staff member, from a start to an end.

`start`..`end` is the customer's time; `occupied_from`..`occupied_to` the same with the buffers of the service: when the
staff member is busy. All are UTC instants of whole seconds, ranges half-open. A capacity over 1 makes it one seat of a
class: a session of that staff member, service and start.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Visit:
    """Where, when and by whom; the terms that a hold or a booking was made on."""

    service: UUID
    location: UUID
    staff: UUID
    start: datetime
    end: datetime
    occupied_from: datetime
    occupied_to: datetime
    capacity: int = 1

    def __post_init__(self) -> None:
        if not self.occupied_from <= self.start < self.end <= self.occupied_to:
            raise ValueError("a visit lies inside the time it occupies")
