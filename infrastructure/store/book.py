"""The port `Book` on PostgreSQL: current state, read in one statement each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
BEGINNING: Final = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class PostgresBook:
    """See the port."""

    database: Database

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
        rows = self.database.rows(
            "SELECT * FROM booking_facts(%b, %b, %b::bigint, %b::bigint, %b::uuid, %b::bigint, %b::bigint, %b::bigint,"
            " %b::uuid)",
            (tenant, service, from_, to, staff, *_counted(counting)),
        )
        return _facts(rows)

    def slot_facts(
        self, tenant: UUID, service: UUID, from_: int, to: int, now: int, staff: UUID | None = None
    ) -> Facts:
        """See the port."""
        rows = self.database.rows(
            "SELECT * FROM slot_facts(%b, %b, %b::bigint, %b::bigint, %b::bigint, %b::uuid)",
            (tenant, service, from_, to, now, staff),
        )
        return _facts(rows)

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


def _facts(rows: Sequence[Row]) -> Facts:
    by_kind: dict[str, list[Row]] = {}
    for row in rows:
        by_kind.setdefault(row[0], []).append(row)
    services = [catalog_entry(row) for row in by_kind.get("service", ())]
    occupied = [_occupied(row[1], row[2], parsed(row[4])) for row in by_kind.get("occupied", ())]
    taken = {}
    for row in by_kind.get("taken", ()):
        starts, ends, seated = parsed(row[4])
        taken[row[1]] = list(zip(starts, ends, strict=True))
        occupied += [_occupied(UUID(owner), capacity, one) for owner, capacity, one in seated]
    return Facts(
        service=services[0] if services else None,
        locations=tuple(catalog_entry(row) for row in by_kind.get("location", ())),
        staff=tuple(catalog_entry(row) for row in by_kind.get("staff", ())),
        occupied=tuple(occupied),
        busy=tuple(
            (row[1], start, end) for row in by_kind.get("busy", ()) for start, end in parsed(row[4])
        ),
        booked={row[1]: row[2] for row in by_kind.get("booked", ())},
        taken=taken,
    )


def _counted(counting: Counting | None) -> tuple[int | UUID | None, ...]:
    if counting is None:
        return None, None, None, None
    return counting.from_, counting.to, counting.now, counting.ignoring


@lru_cache(maxsize=IDS_KEPT)
def _id(text: str) -> UUID:
    """The same few staff and services stand in each of thousands of rows."""
    return UUID(text)


def _occupied(id_: UUID, capacity: int, one: Sequence[Any]) -> Occupied:
    staff, service, start, end, from_, to, kind, expires_at, seats = one
    return Occupied(
        staff=_id(staff),
        service=_id(service),
        start=start,
        end=end,
        from_=from_,
        to=to,
        capacity=capacity,
        seats=tuple(Seat(UUID(owner), what, until) for owner, what, until in seats or ())
        if kind == "session"
        else (Seat(id_, kind, expires_at),),
    )
