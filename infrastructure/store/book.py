"""The port `Book` on PostgreSQL: current state, read in one statement each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from application.ports import CatalogEntry, CatalogKind, Counting, Facts, Occupied, Seat
from infrastructure.canonical import parsed
from infrastructure.database import Database, Row
from infrastructure.store.catalog_codec import catalog_entry

ENTRY: Final = "SELECT kind, id, version, created_at, state FROM catalog WHERE tenant_id = %b"
IDS_KEPT: Final = 4_096
OFFERED_KEPT: Final = 1_024
NO_FACTS: Final = Facts(None, (), (), (), ())
BEGINNING: Final = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class Offered:
    """A service, its locations and its staff as they were at `stamp`, which says the ids and versions of them all.

    The same stamp is the same offer: it is asked for with the facts, in the same instant, so none is ever stale.
    """

    stamp: str
    service: CatalogEntry
    locations: tuple[CatalogEntry, ...]
    staff: tuple[CatalogEntry, ...]


@dataclass(frozen=True, slots=True)
class PostgresBook:
    """See the port."""

    database: Database
    offered: dict[tuple[UUID, UUID, UUID | None], Offered] = field(default_factory=dict, repr=False)

    def facts(
        self,
        tenant: UUID,
        service: UUID,
        from_: int,
        to: int,
        staff: UUID | None = None,
        counting: Counting | None = None,
    ) -> Facts:
        """See the port."""
        key = (tenant, service, staff)
        known = self.offered.get(key)
        rows = self.database.rows(
            "SELECT * FROM booking_facts(%b, %b, %b::bigint, %b::bigint, %b::uuid, %b::bigint, %b::bigint, %b::bigint,"
            " %b::uuid, %s::text)",
            (tenant, service, from_, to, staff, *_counted(counting), known and known.stamp),
        )
        if not rows:
            return NO_FACTS
        stamp, *rest = rows
        if known is None or known.stamp != stamp[4]:
            known = _offered(stamp[4], rest)
            if len(self.offered) >= OFFERED_KEPT:
                self.offered.clear()
            self.offered[key] = known
        times = [(row[1], row[2], parsed(row[4])) for row in rest if row[0] == "time"]
        return Facts(
            service=known.service,
            locations=known.locations,
            staff=known.staff,
            occupied=tuple(
                _occupied(who, one) for who, _, (taken, _) in times for one in taken or ()
            ),
            busy=tuple(
                (who, start, end) for who, _, (_, blocks) in times for start, end in blocks or ()
            ),
            booked={who: count for who, count, _ in times if count is not None},
        )

    def entry(self, tenant: UUID, kind: CatalogKind, id: UUID) -> CatalogEntry | None:
        """See the port."""
        found = self.entries(tenant, kind, [id])
        return found[0] if found else None

    def entries(self, tenant: UUID, kind: CatalogKind, ids: Sequence[UUID]) -> list[CatalogEntry]:
        """See the port."""
        rows = self.database.rows(
            f"{ENTRY} AND id = ANY(%b::uuid[]) AND kind = %s", (tenant, list(ids), kind)
        )
        return [catalog_entry(row) for row in rows]

    def page(
        self, tenant: UUID, kind: CatalogKind, limit: int, after: tuple[datetime, UUID] | None
    ) -> list[CatalogEntry]:
        """See the port."""
        created_at, id_ = after or BEGINNING
        rows = self.database.rows(
            f"{ENTRY} AND kind = %s AND (created_at, id) > (%s, %b) ORDER BY created_at, id LIMIT %s",
            (tenant, kind, created_at, id_, limit),
        )
        return [catalog_entry(row) for row in rows]

    def expired(self, tenant: UUID, by: int, limit: int) -> list[Seat]:
        """See the port `ExpiredClaims`."""
        rows = self.database.rows(
            "SELECT owner_id, kind, expires_at FROM reservation"
            " WHERE tenant_id = %b AND expires_at <= %s::bigint"
            " UNION ALL SELECT owner_id, kind, expires_at FROM seat"
            " WHERE tenant_id = %b AND expires_at <= %s::bigint ORDER BY 3, 1 LIMIT %s",
            (tenant, by, tenant, by, limit),
        )
        return [Seat(*row) for row in rows]


def _counted(counting: Counting | None) -> tuple[int | UUID | None, ...]:
    if counting is None:
        return None, None, None, None
    return counting.from_, counting.to, counting.now, counting.ignoring


def _offered(stamp: str, rows: list[Row]) -> Offered:
    by_kind: dict[str, list[CatalogEntry]] = {"service": [], "location": [], "staff": []}
    for row in rows:
        if row[0] in by_kind:
            by_kind[row[0]].append(catalog_entry(row))
    (service,) = by_kind["service"]
    return Offered(stamp, service, tuple(by_kind["location"]), tuple(by_kind["staff"]))


@lru_cache(maxsize=IDS_KEPT)
def _id(text: str) -> UUID:
    """The same few services stand in each of thousands of reservations."""
    return UUID(text)


def _occupied(staff: UUID, one: list[Any]) -> Occupied:
    owner, capacity, service, start, end, from_, to, kind, expires_at, seats = one
    return Occupied(
        staff=staff,
        service=_id(service),
        start=start,
        end=end,
        from_=from_,
        to=to,
        capacity=capacity,
        seats=tuple(Seat(UUID(who), what, until) for who, what, until in seats or ())
        if kind == "session"
        else (Seat(UUID(owner), kind, expires_at),),
    )
