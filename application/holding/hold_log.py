"""The legal holds of a business as they stand, whom they are about, and which of them are not to be spoken of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from application.ports import Book, Clock, EventStore
from application.setup.register import PAGE_ROWS_MAX, CreationKey, Register
from domain import legal_hold
from domain.legal_hold import HeldPerson, LegalHold, LegalHoldExtended, LegalHoldPlaced

LEGAL_HOLDS: Final = Register("legal_hold", LegalHold, legal_hold.evolve)


def persons_of(store: EventStore, tenant: UUID, id: UUID) -> tuple[HeldPerson, ...]:
    """Whom a hold is about, in the order in which they came under it."""
    return tuple(
        person
        for event in store.read(tenant, id)
        if isinstance(event.decision, LegalHoldPlaced | LegalHoldExtended)
        for person in event.decision.persons
    )


@dataclass(frozen=True, slots=True)
class StandingHolds:
    """See the port `GaggedHolds`: read from the catalog, always current."""

    book: Book
    clock: Clock

    def gagged(self, tenant: UUID, holds: Collection[UUID]) -> frozenset[UUID]:
        """See the port."""
        now = self.clock.now()
        found = ((id, self.book.entry(tenant, LEGAL_HOLDS.kind, id)) for id in holds)
        return frozenset(
            id
            for id, entry in found
            if entry is not None and LEGAL_HOLDS.state_of(entry).gagged_at(now)
        )

    def overdue(self, tenant: UUID, today: date) -> int:
        """How many holds stand whose day of review has passed."""
        return sum(one.overdue_on(today) for one in self._standing(tenant))

    def reviews(self, tenant: UUID) -> Iterator[tuple[UUID, date]]:
        """The holds that stand, each with the last day of its review."""
        return ((one.id, one.terms.review_on) for one in self._standing(tenant))

    def _standing(self, tenant: UUID) -> Iterator[LegalHold]:
        after: CreationKey | None = None
        while True:
            listing = LEGAL_HOLDS.page(
                self.book, tenant, PAGE_ROWS_MAX, after, lambda one: one.status == "placed"
            )
            yield from listing.items
            after = listing.next
            if after is None:
                return
