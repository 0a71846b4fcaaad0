"""Current state made anew from the events: whose time is taken, the catalog, who offers what, busy time.

What has expired meanwhile stands until its end is recorded, as it does in the events: the sweeper sees to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, TypeVar
from uuid import UUID, uuid5

import psycopg

from application.ports import Claim
from infrastructure.recovery.missing import named
from infrastructure.recovery.waiting import RecoveryRefused
from infrastructure.store.catalog_codec import catalog_row
from infrastructure.store.standing_streams import StandingStream, standing_streams

STREAMS_AT_ONCE: Final = 1_000
TABLES: Final = ("seat", "reservation", "busy_block", "offering", "catalog")
RESERVE: Final = (
    "INSERT INTO reservation (tenant_id, owner_id, kind, staff_id, service_id, visit_start, visit_end, starts_at,"
    " ends_at, capacity, expires_at) SELECT %b, * FROM unnest(%b::uuid[], %b::text[], %b::uuid[], %b::uuid[],"
    " %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::int[], %b::bigint[])"
    " ON CONFLICT DO NOTHING RETURNING owner_id"
)
SIT: Final = (
    "INSERT INTO seat (tenant_id, session_id, seat_no, owner_id, kind, expires_at)"
    " SELECT %b, * FROM unnest(%b::uuid[], %b::int[], %b::uuid[], %b::text[], %b::bigint[])"
)
ENTER: Final = (
    "INSERT INTO catalog (tenant_id, id, kind, version, created_at, state) SELECT %b, * FROM"
    " unnest(%b::uuid[], %b::text[], %b::int[], %b::timestamptz[], %b::text[])"
)
OFFER: Final = (
    "INSERT INTO offering (tenant_id, staff_id, service_id)"
    " SELECT %b, * FROM unnest(%b::uuid[], %b::uuid[]) ON CONFLICT DO NOTHING"
)
BUSY: Final = (
    "INSERT INTO busy_block (tenant_id, staff_id, starts_at, ends_at)"
    " SELECT %b, * FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[])"
)
Connection = psycopg.Connection[Any]
Session = tuple[UUID, UUID, int]
Item = TypeVar("Item")


@dataclass(slots=True)
class _Rebuilding:
    connection: Connection
    tenant: UUID
    sessions: dict[Session, list[Claim]] = field(default_factory=dict)

    def take(self, streams: Sequence[StandingStream]) -> None:
        for one in streams:
            if one.flaw is not None:
                raise RecoveryRefused(
                    f"tenant {named(self.tenant)}, stream {one.stream} cannot be read: {one.flaw}"
                )
        claims = [one.standing.claim for one in streams if one.standing.claim is not None]
        self._reserve([_row(claim) for claim in claims if claim.capacity == 1])
        for claim in claims:
            if claim.capacity > 1:
                session = claim.staff, claim.service, claim.start
                self.sessions.setdefault(session, []).append(claim)
        self._enter(streams)
        busy = [(one.stream, *block) for one in streams for block in one.standing.busy]
        self._insert(BUSY, busy)

    def seat_all(self) -> None:
        for some in _some(self.sessions.items(), STREAMS_AT_ONCE):
            self._reserve([_session(self.tenant, session, seats) for session, seats in some])
            rows = [
                (_session_id(self.tenant, session), number, one.owner, one.kind, one.expires_at)
                for session, seats in some
                for number, one in enumerate(seats, 1)
            ]
            self._insert(SIT, rows)

    def _reserve(self, rows: Sequence[tuple[object, ...]]) -> None:
        made = {row[0] for row in self._insert(RESERVE, rows)}
        for row in rows:
            if row[0] in made:
                made.remove(row[0])
            else:
                raise RecoveryRefused(
                    f"tenant {named(self.tenant)}, {row[1]} {row[0]}: by its events it takes time that another has"
                )

    def _enter(self, streams: Sequence[StandingStream]) -> None:
        entries = [one.standing.entry for one in streams if one.standing.entry is not None]
        rows = [(entry, catalog_row(entry)) for entry in entries]
        self._insert(
            ENTER,
            [
                (entry.id, entry.kind, entry.version, entry.created_at, row["state"])
                for entry, row in rows
            ],
        )
        offers = [
            (entry.id, UUID(service)) for entry, row in rows for service in _texts(row["offers"])
        ]
        self._insert(OFFER, offers)

    def _insert(self, statement: str, rows: Sequence[tuple[object, ...]]) -> list[tuple[Any, ...]]:
        if not rows:
            return []
        columns = [list(column) for column in zip(*rows, strict=True)]
        cursor = self.connection.execute(statement.encode(), (self.tenant, *columns), binary=True)
        return cursor.fetchall() if cursor.description else []


def rebuild(connection: Connection, tenant: UUID) -> None:
    """Make the current state of one tenant anew, inside the caller's transaction.

    Raises RecoveryRefused: a stream does not fold, or two claims take the same time.
    """
    for table in TABLES:
        connection.execute(f"DELETE FROM {table} WHERE tenant_id = %b".encode(), (tenant,))
    rebuilding = _Rebuilding(connection, tenant)
    for some in _some(standing_streams(connection, tenant), STREAMS_AT_ONCE):
        rebuilding.take(some)
    rebuilding.seat_all()


def _row(claim: Claim) -> tuple[object, ...]:
    return (
        claim.owner,
        claim.kind,
        claim.staff,
        claim.service,
        claim.start,
        claim.end,
        claim.from_,
        claim.to,
        1,
        claim.expires_at,
    )


def _session(tenant: UUID, session: Session, seats: Sequence[Claim]) -> tuple[object, ...]:
    """A session takes all the time that its seats were sold for."""
    staff, service, start = session
    return (
        _session_id(tenant, session),
        "session",
        staff,
        service,
        start,
        max(one.end for one in seats),
        min(one.from_ for one in seats),
        max(one.to for one in seats),
        max(one.capacity for one in seats),
        None,
    )


def _session_id(tenant: UUID, session: Session) -> UUID:
    return uuid5(tenant, "daybook/session/" + "/".join(map(str, session)))


def _texts(found: object) -> Iterable[str]:
    return found if isinstance(found, list) else ()


def _some(items: Iterable[Item], count: int) -> Iterator[list[Item]]:
    following = iter(items)
    while found := list(islice(following, count)):
        yield found
