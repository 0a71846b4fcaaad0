"""The streams of bookings and holds, read and folded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from application.execute import fold
from application.ports import EventStore
from application.recorded import Recorded
from application.setup.register import Receipt
from domain import booking, hold
from domain.booking import Booking
from domain.hold import Hold


def booking_as_recorded(store: EventStore, tenant: UUID, id: UUID) -> Receipt[Booking] | None:
    """The booking and its last event; None when there is no such booking."""
    events = store.read(tenant, id)
    if not events or not isinstance(events[0].decision, booking.DECISIONS):
        return None
    state = fold(booking.evolve, None, cast(Sequence[Recorded[booking.Decision]], events))
    assert state is not None, "a stream that is not empty holds a booking"
    return Receipt(state, events[-1].event_id)


def hold_as_recorded(store: EventStore, tenant: UUID, id: UUID) -> Receipt[Hold] | None:
    """The hold and its last event, ended ones included; None when there is no such hold."""
    events = store.read(tenant, id)
    if not events or not isinstance(events[0].decision, hold.DECISIONS):
        return None
    state = fold(hold.evolve, None, cast(Sequence[Recorded[hold.Decision]], events))
    assert state is not None, "a stream that is not empty holds a hold"
    return Receipt(state, events[-1].event_id)
