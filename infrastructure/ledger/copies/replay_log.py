"""The port `Log` on PostgreSQL. Each statement looks at a bounded part, however little of it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic, sleep
from typing import Final
from uuid import UUID

from application.ledger.reading import LedgerEvent
from application.ledger.replaying import ReplayPlan
from domain.errors import Behind, LedgerDamaged
from infrastructure.database import Database
from infrastructure.ledger.publishing.ledger_reads import SHOWN, shown
from infrastructure.ledger.tree.intact import header_of

LOOK_EVENTS_MAX: Final = 500
WAIT_SECONDS_MAX: Final = 8.0
LOOK_SECONDS: Final = 0.05

SIZE: Final = "SELECT coalesce((SELECT size FROM ledger_head WHERE tenant_id = %b), 0)"
KNOWN: Final = "SELECT known_position(%b, %b)"
ABOUT: Final = "SELECT EXISTS (SELECT FROM subject_leaf WHERE tenant_id = %b AND subject_id = %b)"
INDEXED: Final = (
    "SELECT (SELECT sequence FROM subject_index) >="
    " coalesce((SELECT sequence FROM sequenced WHERE tenant_id = %b AND position = %s::bigint - 1), 0)"
)
LEAVES: Final = (
    "SELECT position FROM subject_leaf WHERE tenant_id = %b AND subject_id = %b"
    " AND position >= %s AND position < %s ORDER BY position LIMIT %s"
)
# Each event by its key: a join could become a reading of the whole log. One that is not stored is a row of nothing; of
# what is not asked for, the header is looked at all the same, since its type might have been changed.
EVENTS: Final = (
    f"SELECT p.position, e.type IS NULL, {SHOWN}, CASE WHEN %s::text[] IS NULL OR e.type = ANY(%s::text[])"
    " OR e.type ^@ ANY(%s::text[]) THEN e.state END FROM unnest(%s::bigint[]) AS p(position)"
    " LEFT JOIN LATERAL (SELECT * FROM sequenced WHERE tenant_id = %b AND position = p.position OFFSET 0) s ON true"
    " LEFT JOIN LATERAL (SELECT type, header, state FROM event WHERE tenant_id = s.tenant_id"
    " AND stream_id = s.stream_id AND stream_version = s.stream_version OFFSET 0) e ON true"
    " ORDER BY p.position"
)


@dataclass(frozen=True, slots=True)
class PostgresLog:
    """See the port."""

    database: Database

    def size(self, tenant: UUID) -> int:
        """See the port."""
        return int(self.database.rows(SIZE, (tenant,))[0][0])

    def known_position(self, tenant: UUID, at: datetime) -> int:
        """See the port."""
        return int(self.database.rows(KNOWN, (tenant, at))[0][0])

    def wait_for_index(self, tenant: UUID, past: int) -> None:
        """See the port."""
        deadline = monotonic() + WAIT_SECONDS_MAX
        while not self.database.rows(INDEXED, (tenant, past))[0][0]:
            if monotonic() > deadline:
                raise Behind(
                    "Whom the newest events are about is not known yet; is `up` running?",
                    retry_after_seconds=5,
                )
            sleep(LOOK_SECONDS)

    def is_about(self, tenant: UUID, subject: UUID) -> bool:
        """See the port."""
        return bool(self.database.rows(ABOUT, (tenant, subject))[0][0])

    def look(self, plan: ReplayPlan, first: int) -> tuple[Sequence[LedgerEvent], int]:
        """See the port."""
        places = self._places(plan, first)
        past = places[-1] + 1 if len(places) == LOOK_EVENTS_MAX else plan.holds.past
        names, as_of = plan.whole_names, plan.holds.as_of
        rows = self.database.rows(EVENTS, (names, names, plan.beginnings, places, plan.tenant))
        if missing := next((row for row in rows if row[1]), None):
            raise LedgerDamaged(f"The event at position {missing[0]} of the log is not stored")
        found = [_of_its_type(shown(row[2:])) for row in rows]
        wanted = [one for one in found if one.payload is not None]
        return [one for one in wanted if as_of is None or decided_at(one) <= as_of], past

    def _places(self, plan: ReplayPlan, first: int) -> list[int]:
        """The next positions to look at."""
        past = plan.holds.past
        if plan.subject is None:
            return list(range(first, min(first + LOOK_EVENTS_MAX, past)))
        asked = (plan.tenant, plan.subject, first, past, LOOK_EVENTS_MAX)
        return [row[0] for row in self.database.rows(LEAVES, asked)]


def _of_its_type(event: LedgerEvent) -> LedgerEvent:
    """The event, if its row has the type that its header has. Raises LedgerDamaged."""
    if header_of(event.header)["type"] != event.type:
        raise LedgerDamaged(
            f"The event at position {event.position} has another type than its header"
        )
    return event


def decided_at(event: LedgerEvent) -> datetime:
    """The instant at which it was decided, as its header says."""
    return datetime.fromisoformat(header_of(event.header)["at"])
