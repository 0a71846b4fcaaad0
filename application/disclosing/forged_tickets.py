"""A ticket that nobody made was shown: nothing is sent, and that it was tried is on record. README D6."""

from __future__ import annotations

from dataclasses import dataclass

from application.disclosing.story import COURIER
from application.disclosing.tickets import Parcel
from application.execute import Plan, Scribe, carry_out
from application.ports import Append, Clock, EventStore, Ids
from application.recorded import Caller
from domain.disclosure import DisclosureRefused


@dataclass(frozen=True, slots=True)
class ForgedTickets:
    """Records them. Whose data it was to be is not known: what the parcel says is whatever its maker wrote."""

    store: EventStore
    clock: Clock
    ids: Ids

    def record(self, parcel: Parcel) -> None:
        """One event of its own, in the tenant that the parcel names. Refuses: Stale, Unavailable."""
        id = self.ids.uuid()
        by = Caller(parcel.tenant, COURIER, frozenset())
        refused = DisclosureRefused(id, parcel.recipient, None, (), "forged_ticket", None, 0, ())

        def attempt() -> Plan[None]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            event = scribe.record(id, 1, refused)
            return Plan(Append(by.tenant, scribe.at, (event,)), None)

        carry_out(self.store, attempt)
