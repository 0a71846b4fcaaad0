"""Record the end of holds and requests whose time is over, also where nobody comes to claim it.

A claim clears what stands in its own way; this is for the rest, so that the record and the lists say so soon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from application.booking.claims import clear
from application.execute import Scribe
from application.ports import Append, Clock, EventStore, ExpiredClaims, Ids, Outcome
from application.recorded import Caller
from domain.errors import LedgerDamaged
from domain.values import epoch_seconds

SWEPT_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Ends what has expired, one append each: a lost race leaves one for the next sweep."""

    store: EventStore
    claims: ExpiredClaims
    clock: Clock
    ids: Ids

    def sweep(self, tenant: UUID) -> int:
        """End at most 500 expired holds and requests of a tenant; how many were ended."""
        sweeper = Caller(tenant=tenant, actor="system:sweeper", roles=frozenset())
        scribe = Scribe.begin(sweeper, self.clock, self.ids)
        ended = 0
        for seat in self.claims.expired(tenant, epoch_seconds(scribe.at), SWEPT_MAX):
            try:
                cleared = clear(self.store, scribe, [seat])
            except LedgerDamaged:
                continue  # it cannot be judged, and the others need not wait for it
            if not cleared.events:
                continue
            append = Append(tenant, scribe.at, cleared.events, releases=cleared.releases)
            ended += self.store.append(append) is Outcome.APPENDED
        return ended
