"""Holds: keep a slot for a short while, look at it, give it up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Final
from uuid import UUID

from application.booking.choice import Chooser, Wanted, Zones
from application.booking.claims import claim_of_hold, clear
from application.booking.offer import Asked
from application.booking.slots import BOOKING_ROLES
from application.booking.streams import hold_as_recorded
from application.execute import Plan, Scribe, carry_out
from application.permissions import require
from application.ports import Append, Book, Clock, EventStore, Holidays, Ids, Release
from application.recorded import Caller
from application.setup.register import Receipt
from domain import hold
from domain.errors import NotFound
from domain.hold import Hold

_HALF_A_SECOND: Final = timedelta(microseconds=500_000)


@dataclass(frozen=True, slots=True)
class PlaceHold:
    """Keep the slot of a service at `start` for `ttl_seconds`."""

    service: UUID
    start: datetime
    location: UUID | None = None
    staff: UUID | None = None
    ttl_seconds: int = hold.TTL_SECONDS_DEFAULT


@dataclass(frozen=True, slots=True)
class Holds:
    """Holds slots. A hold is a thing of its own, not a booking."""

    store: EventStore
    book: Book
    clock: Clock
    ids: Ids
    holidays: Holidays
    zones: Zones = field(default_factory=dict, repr=False, compare=False)

    def place(self, command: PlaceHold, by: Caller) -> Receipt[Hold]:
        """Keep a slot, by whoever of the staff is free for it.

        Refuses: NotPermitted, Unacceptable (the time to live), UnknownReference, LocationRequired, NotASlot,
        SlotUnavailable.
        """
        require(by, *BOOKING_ROLES)
        hold.require_ttl(command.ttl_seconds)
        id, rounds = self.ids.uuid(), count()
        return carry_out(self.store, lambda: self._plan(command, by, id, next(rounds)))

    def hold(self, id: UUID, by: Caller) -> Receipt[Hold]:
        """The hold, while it keeps its slot.

        Refuses: NotPermitted, NotFound (also when it is over).
        """
        require(by, *BOOKING_ROLES)
        found = hold_as_recorded(self.store, by.tenant, id)
        if found is None or not found.state.is_open(self.clock.now()):
            raise NotFound()
        require(by, *BOOKING_ROLES, at=(found.state.visit.location,))
        return found

    def release(self, id: UUID, by: Caller) -> Receipt[Hold]:
        """Give the slot up.

        Refuses: NotPermitted, NotFound (also when it is over).
        """

        def attempt() -> Plan[Receipt[Hold]]:
            standing = self.hold(id, by).state
            scribe = Scribe.begin(by, self.clock, self.ids)
            decision = hold.release(standing, scribe.at)
            event = scribe.record(id, standing.version + 1, decision)
            result = Receipt(hold.evolve(standing, decision), event.event_id)
            append = Append(
                tenant=by.tenant,
                at=scribe.at,
                events=(event,),
                releases=(Release(id),),
                ticket=by.ticket,
                answer=scribe.answer(result),
            )
            return Plan(append, result)

        return carry_out(self.store, attempt)

    def _plan(self, command: PlaceHold, by: Caller, id: UUID, round: int) -> Plan[Receipt[Hold]]:
        scribe = Scribe.begin(by, self.clock, self.ids)
        asked = Asked(command.service, command.location, command.staff)
        wanted = Wanted(asked, command.start, id, round)
        choice = Chooser(self.book, self.holidays, self.zones).choose(by, wanted, scribe.at)
        decision = hold.place(id, choice.visit, _expiry(scribe.at, command.ttl_seconds))
        event = scribe.record(id, 1, decision)
        result = Receipt(hold.evolve(None, decision), event.event_id)
        cleared = clear(self.store, scribe, choice.expired)
        append = Append(
            tenant=by.tenant,
            at=scribe.at,
            events=(event, *cleared.events),
            releases=cleared.releases,
            claims=(claim_of_hold(decision),),
            ticket=by.ticket,
            answer=scribe.answer(result),
        )
        return Plan(append, result)


def _expiry(at: datetime, ttl_seconds: int) -> datetime:
    """The whole second nearest to `ttl_seconds` after `at`."""
    return (at + _HALF_A_SECOND).replace(microsecond=0) + timedelta(seconds=ttl_seconds)
