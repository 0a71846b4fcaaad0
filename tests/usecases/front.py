"""A front office that has one customer, and what is on record of who looked at them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from application.access.access_log import AccessLog, AccessRow, SubjectQuery, View
from application.access.access_reviews import Reviews
from application.access.break_glass import BreakGlass
from application.ledger.withholding import Openings
from application.ports import CatalogEntry
from application.recorded import Caller, Recorded
from application.setup.register import Receipt
from domain.booking import Booking
from domain.tenant import Tenant
from tests.usecases.salon import TENANT, Salon

GAG_ENDS = datetime(2027, 2, 1, tzinfo=UTC)


@dataclass
class Front:
    """A salon with a booking; `clerk` may open data anywhere, for `service`."""

    salon: Salon
    made: Receipt[Booking]
    clerk: Caller

    def __post_init__(self) -> None:
        world, gags = self.salon.world, self.salon.gags
        self.log = AccessLog(world.accesses, world.positions, world.store)
        self.openings = Openings(world.store, world.accesses, gags, world.clock, world.ids)
        self.rules = BreakGlass(world.store, world.book, world.clock, world.ids)
        self.reviews = Reviews(
            world.store,
            world.ledger,
            world.book,
            world.accesses,
            world.positions,
            world.clock,
            world.ids,
        )
        self.officer = self.as_role("privacy_officer", actor="key_officer")

    @property
    def ada(self) -> UUID:
        """Whose booking it is."""
        return self.made.state.subject

    def as_role(self, *roles: str, **more: object) -> Caller:
        """A caller in these roles, who says nothing of why."""
        plain = replace(self.clerk, roles=frozenset(roles), purpose=None)
        return replace(plain, **more)  # type: ignore[arg-type]

    def look(self, by: Caller | None = None) -> None:
        """Open the customer of the booking."""
        self.salon.reads.with_customer(self.made.state.id, by or self.clerk)

    def allow_glass(self, hours: int = 24) -> None:
        """The tenant, entered as it stands once breaking the glass is allowed."""
        state = Tenant(TENANT, "Salon", "here/log", active=True, version=2, review_hours=hours)
        clock = self.salon.world.clock
        entry = CatalogEntry("tenant", TENANT, 2, clock.now(), state)
        self.salon.world.state.catalog[(TENANT, TENANT)] = entry

    def events(self, kind: type[object]) -> list[Recorded[object]]:
        """Those on record of one type."""
        log = self.salon.world.state.log[TENANT]
        return [event for event in log if isinstance(event.decision, kind)]

    def seen_by(self, view: View, **asked: object) -> list[AccessRow]:
        """What a view of the customer's log shows."""
        query = SubjectQuery(self.ada, view=view)
        found = self.log.about(replace(query, **asked), self.officer)  # type: ignore[arg-type]
        return list(found.rows)
