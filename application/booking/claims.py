"""What holds and bookings occupy, and how what has expired makes room.

A claim follows from the state of a hold or booking alone, so that `fsck` can compute reservations from events.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from application.booking.streams import booking_as_recorded, hold_as_recorded
from application.execute import Scribe
from application.ports import Claim, EventStore, Release, Seat
from application.recorded import Recorded
from domain import booking_rules, hold
from domain.booking import Booking, Status
from domain.values import epoch_seconds
from domain.visit import Visit


def claim_of_booking(booking: Booking) -> Claim:
    """The time of a booking that occupies; a pending one's until its start."""
    pending = booking.status is Status.PENDING
    expires_at = epoch_seconds(booking.visit.start) if pending else None
    return _claim(booking.id, "booking", booking.visit, expires_at)


def claim_of_hold(placed: hold.HoldPlaced) -> Claim:
    """The time of a hold, until it expires."""
    return _claim(placed.hold, "hold", placed.visit, epoch_seconds(placed.expires_at))


def _claim(
    owner: UUID, kind: Literal["hold", "booking"], visit: Visit, expires_at: int | None
) -> Claim:
    return Claim(
        owner=owner,
        kind=kind,
        staff=visit.staff,
        service=visit.service,
        start=epoch_seconds(visit.start),
        end=epoch_seconds(visit.end),
        from_=epoch_seconds(visit.occupied_from),
        to=epoch_seconds(visit.occupied_to),
        capacity=visit.capacity,
        expires_at=expires_at,
    )


@dataclass(frozen=True, slots=True)
class Cleared:
    """What one append records and releases so that expired reservations stand in its way no more."""

    events: tuple[Recorded[object], ...] = ()
    releases: tuple[Release, ...] = ()


NOTHING_CLEARED: Final = Cleared()


def clear(store: EventStore, scribe: Scribe, expired: Iterable[Seat]) -> Cleared:
    """Record the end of each of `expired`: holds and pending bookings whose time is over at `scribe.at`.

    One that someone else has ended meanwhile is left out; the append then finds out by itself.
    """
    events: list[Recorded[object]] = []
    releases: list[Release] = []
    for seat in expired:
        event = _end_of_hold if seat.kind == "hold" else _end_of_request
        if (ended := event(store, scribe, seat.owner)) is not None:
            events.append(ended)
            releases.append(Release(seat.owner, expired_by=epoch_seconds(scribe.at)))
    return Cleared(tuple(events), tuple(releases))


def _end_of_hold(store: EventStore, scribe: Scribe, id: UUID) -> Recorded[object] | None:
    found = hold_as_recorded(store, scribe.caller.tenant, id)
    decision = hold.expire(found.state, scribe.at) if found else None
    if found is None or decision is None:
        return None
    return scribe.record(id, found.state.version + 1, decision)


def _end_of_request(store: EventStore, scribe: Scribe, id: UUID) -> Recorded[object] | None:
    found = booking_as_recorded(store, scribe.caller.tenant, id)
    if found is None or found.state.status is not Status.PENDING:
        return None
    decision = booking_rules.lapse(found.state, scribe.at)
    return scribe.record(id, found.state.version + 1, decision)
