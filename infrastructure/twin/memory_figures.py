"""The port `FigureRows` in memory: folded from the events at each question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from application.figures.figures import Counts, Kind, part_of
from application.figures.rows import (
    BOOKING_EVENTS,
    KEEPS_TIME,
    WORK_EVENTS,
    CountedBooking,
    Working,
    booking_after,
    working_after,
)
from application.recorded import Recorded
from domain.booking import Status
from infrastructure.twin.memory_state import MemoryState

Named = tuple[int, UUID | str | None]


@dataclass(frozen=True, slots=True)
class MemoryFigures:
    """See the port."""

    state: MemoryState

    def counts(
        self, tenant: UUID, location: UUID, bounds: Sequence[int], kind: Kind | None
    ) -> dict[Named, Counts]:
        """See the port."""
        found: dict[Named, Counts] = {}

        def count(at: int, row: CountedBooking, one: Counts) -> None:
            if (part := part_of(bounds, at)) is not None:
                key = (part, None if kind is None else getattr(row, kind))
                found[key] = found.get(key, Counts()) + one

        sessions: set[tuple[UUID, UUID, int]] = set()
        for row in sorted(self._bookings(tenant), key=lambda one: one.booking):
            if row.location == location:
                count(row.made_at, row, Counts(made=1))
                count(row.start, row, _counted(row, sessions))
        return found

    def working(self, tenant: UUID, location: UUID, from_: int, to: int) -> list[Working]:
        """See the port."""
        rows: dict[UUID, list[Working]] = {}
        for event in self._events(tenant):
            if isinstance(event.decision, WORK_EVENTS):
                theirs = rows.setdefault(event.stream, [])
                row = working_after(theirs[-1] if theirs else None, event)
                if theirs:
                    theirs[-1] = replace(theirs[-1], until=row.since)
                theirs.append(row)
        return [
            row
            for _, theirs in sorted(rows.items())
            if any(location in row.locations for row in theirs)
            for row in theirs
            if row.since < to and (row.until is None or row.until > from_)
        ]

    def _bookings(self, tenant: UUID) -> list[CountedBooking]:
        rows: dict[UUID, CountedBooking] = {}
        for event in self._events(tenant):
            if isinstance(event.decision, BOOKING_EVENTS):
                rows[event.stream] = booking_after(rows.get(event.stream), event)
        return list(rows.values())

    def _events(self, tenant: UUID) -> list[Recorded[object]]:
        with self.state.lock:
            return list(self.state.log.get(tenant, ()))


def _counted(row: CountedBooking, sessions: set[tuple[UUID, UUID, int]]) -> Counts:
    """What a row counts as where its visit starts; `sessions` are those whose time is counted already."""
    keeps = row.status in KEEPS_TIME
    session = (row.staff, row.service, row.start)
    minutes = row.minutes if keeps and session not in sessions else 0
    if keeps:
        sessions.add(session)
    return Counts(
        booked=int(keeps),
        cancelled=int(row.status is Status.CANCELLED),
        declined=int(row.status is Status.DECLINED),
        no_shows=int(row.status is Status.NO_SHOW),
        completed=int(row.status is Status.COMPLETED),
        minutes_booked=minutes,
    )
