"""Compare whose time is taken with what the events say, and look for time that was sold twice.

A claim follows from a stream alone (`application/booking/claims.py`), so reservations and seats can be worked out
anew from the events of a deployment and compared row by row. Every function gives what is wrong, in words; nothing:
all is well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import psycopg

from application.booking.claims import claim_of_booking, claim_of_hold
from application.event_types import catalogue
from application.ports import Claim
from application.recorded import Recorded
from domain import booking, hold
from domain.booking import Booking
from infrastructure.store.event_mapper import EventMapper
from infrastructure.store.event_recorder import COLUMNS, headed

Owner = tuple[UUID, UUID]  # tenant, and the hold or booking
Session = tuple[UUID, UUID, UUID, int]  # tenant, staff, service, start of the visit


@dataclass
class Claims:
    """What holds and bookings occupy by the events; for a class also what its seats ever claimed."""

    standing: dict[Owner, Claim] = field(default_factory=dict)
    ever: dict[Session, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))

    def take(self, tenant: UUID, claim: Claim) -> None:
        """`claim` stands from now on."""
        self.standing[(tenant, claim.owner)] = claim
        if claim.capacity > 1:
            self.ever[session_of(tenant, claim)].add((claim.from_, claim.to))

    def sessions(self) -> dict[Session, list[Claim]]:
        """The seats of each class."""
        found: dict[Session, list[Claim]] = defaultdict(list)
        for (tenant, _), claim in self.standing.items():
            if claim.capacity > 1:
                found[session_of(tenant, claim)].append(claim)
        return found


@dataclass(frozen=True)
class Stored:
    """The rows of `reservation` and `seat`, as dictionaries."""

    reservations: list[dict[str, Any]]
    seats: list[dict[str, Any]]


def session_of(tenant: UUID, claim: Claim) -> Session:
    """The class session that a seat belongs to."""
    return tenant, claim.staff, claim.service, claim.start


def look(dsn: str, tenant: UUID | None = None) -> tuple[Claims, Stored]:
    """What the events say and what the tables say (of one tenant), at one instant; `dsn` is the owner's."""
    with snapshot(dsn) as connection:
        events = read_events(connection, tenant)
        stored = Stored(
            read_rows(connection, "reservation", tenant), read_rows(connection, "seat", tenant)
        )
    return claims_of(events), stored


def faults(dsn: str, tenant: UUID | None = None) -> list[str]:
    """All that is wrong with whose time is taken."""
    claims, stored = look(dsn, tenant)
    return reserved_twice(stored) + sold_twice(claims) + differences(claims, stored)


@contextmanager
def snapshot(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection that sees one instant, while others go on writing."""
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield connection


def read_events(
    connection: psycopg.Connection[Any], tenant: UUID | None = None
) -> list[Recorded[object]]:
    """Every event (of one tenant), each stream in order."""
    mapper = EventMapper(cast(Any, None), catalogue())
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM event WHERE %s::uuid IS NULL OR tenant_id = %s"
        " ORDER BY tenant_id, stream_id, stream_version".encode(),
        (tenant, tenant),
        binary=True,
    ).fetchall()
    return [mapper.to_domain_event(headed(row)) for row in rows]


def read_rows(
    connection: psycopg.Connection[Any], table: str, tenant: UUID | None = None
) -> list[dict[str, Any]]:
    """The rows of a table (of one tenant), as dictionaries."""
    statement = f"SELECT * FROM {table} WHERE %s::uuid IS NULL OR tenant_id = %s"
    cursor = connection.execute(statement.encode(), (tenant, tenant))
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def claims_of(events: Iterable[Recorded[object]]) -> Claims:
    """What stands claimed after `events`, each stream in order."""
    claims = Claims()
    bookings: dict[Owner, Booking] = {}
    for event in events:
        owner = (event.tenant, event.stream)
        decision = event.decision
        if isinstance(decision, booking.DECISIONS):
            state = booking.evolve(bookings.get(owner), decision)
            bookings[owner] = state
            if state.occupies:
                claims.take(event.tenant, claim_of_booking(state))
            else:
                claims.standing.pop(owner, None)
        elif isinstance(decision, hold.HoldPlaced):
            claims.take(event.tenant, claim_of_hold(decision))
        elif isinstance(decision, hold.DECISIONS):
            del claims.standing[owner]
    return claims


def differences(claims: Claims, stored: Stored) -> list[str]:
    """Where `reservation` and `seat` are not what the events say."""
    rows = {(row["tenant_id"], row["owner_id"]): row for row in stored.reservations}
    single = {owner: claim for owner, claim in claims.standing.items() if claim.capacity == 1}
    found = _of_visits(
        single, {owner: row for owner, row in rows.items() if row["kind"] != "session"}
    )
    sessions = {owner: row for owner, row in rows.items() if row["kind"] == "session"}
    return found + _of_classes(claims, sessions, stored.seats)


def _of_visits(claims: Mapping[Owner, Claim], rows: Mapping[Owner, dict[str, Any]]) -> list[str]:
    found = [f"{owner[1]}: reserved, but no event says so" for owner in rows.keys() - claims.keys()]
    for owner, claim in claims.items():
        row = rows.get(owner)
        if row is None:
            found.append(f"{owner[1]}: not reserved")
        elif _as_claim(owner[1], row) != claim:
            found.append(f"{owner[1]}: reserved otherwise than the events say")
    return found


def _as_claim(owner: UUID, row: dict[str, Any]) -> Claim:
    return Claim(
        owner=owner,
        kind=row["kind"],
        staff=row["staff_id"],
        service=row["service_id"],
        start=row["visit_start"],
        end=row["visit_end"],
        from_=row["starts_at"],
        to=row["ends_at"],
        capacity=row["capacity"],
        expires_at=row["expires_at"],
    )


def _of_classes(
    claims: Claims, rows: Mapping[Owner, dict[str, Any]], seats: list[dict[str, Any]]
) -> list[str]:
    found: list[str] = []
    taking = claims.sessions()
    expected = dict(taking)
    seats_of: dict[Owner, dict[UUID, tuple[str, int | None]]] = defaultdict(dict)
    for seat in seats:
        seats_of[(seat["tenant_id"], seat["session_id"])][seat["owner_id"]] = (
            seat["kind"],
            seat["expires_at"],
        )
    found += [f"{key[1]}: seats without a session" for key in seats_of.keys() - rows.keys()]
    for (tenant, id), row in rows.items():
        key = (tenant, row["staff_id"], row["service_id"], row["visit_start"])
        wanted = {one.owner: (one.kind, one.expires_at) for one in expected.pop(key, ())}
        if not wanted:
            found.append(f"{id}: a session without seats")
        elif wanted != seats_of[(tenant, id)]:
            found.append(f"{id}: other seats than the events say")
        elif not _spans(row, claims.ever[key], taking[key]):
            found.append(f"{id}: the session takes other time than its seats were sold for")
    found += [f"a session of {key[1]} at {key[3]} is not reserved" for key in expected]
    return found


def _spans(row: dict[str, Any], ever: set[tuple[int, int]], seats: list[Claim]) -> bool:
    """True when a session takes all the time its seats take, from and to where one of its seats ever did."""
    start, end = row["starts_at"], row["ends_at"]
    covers = start <= min(one.from_ for one in seats) and max(one.to for one in seats) <= end
    return covers and start in {one[0] for one in ever} and end in {one[1] for one in ever}


def sold_twice(claims: Claims) -> list[str]:
    """Time that two have by the events, and classes with more seats sold than they hold."""
    spans = [
        (tenant, claim.staff, claim.from_, claim.to, str(claim.owner))
        for (tenant, _), claim in claims.standing.items()
        if claim.capacity == 1
    ]
    found: list[str] = []
    for (tenant, staff, _, start), seats in claims.sessions().items():
        span = (min(seat.from_ for seat in seats), max(seat.to for seat in seats))
        spans.append((tenant, staff, *span, f"class at {start}"))
        if len(seats) > max(seat.capacity for seat in seats):
            found.append(f"class at {start}: {len(seats)} seats sold")
    return found + _overlaps(spans)


def reserved_twice(stored: Stored) -> list[str]:
    """Time that two rows of `reservation` have, and sessions with more seats than they hold."""
    found = _overlaps(
        (row["tenant_id"], row["staff_id"], row["starts_at"], row["ends_at"], str(row["owner_id"]))
        for row in stored.reservations
    )
    count: dict[Owner, int] = defaultdict(int)
    for seat in stored.seats:
        count[(seat["tenant_id"], seat["session_id"])] += 1
    for row in stored.reservations:
        if (
            row["kind"] == "session"
            and count[(row["tenant_id"], row["owner_id"])] > row["capacity"]
        ):
            found.append(f"{row['owner_id']}: more seats than the session holds")
    return found


def _overlaps(spans: Iterable[tuple[UUID, UUID, int, int, str]]) -> list[str]:
    """`spans` are tenant, staff, from, to and a name; half-open."""
    by_staff: dict[tuple[UUID, UUID], list[tuple[int, int, str]]] = defaultdict(list)
    for tenant, staff, from_, to, name in spans:
        by_staff[(tenant, staff)].append((from_, to, name))
    found: list[str] = []
    for taken in by_staff.values():
        reach, whose = -1, ""
        for from_, to, name in sorted(taken):
            if from_ < reach:
                found.append(f"{name} overlaps {whose}")
            if to > reach:
                reach, whose = to, name
    return found


def undense(dsn: str) -> list[str]:
    """What is wrong with the order of events: an event without a place or with two, a gap, a stream out of order."""
    faults = {
        "an event has no place": "SELECT event_id FROM event EXCEPT SELECT event_id FROM sequenced",
        "a place has no event": "SELECT event_id FROM sequenced EXCEPT SELECT event_id FROM event",
        "an event waits still": "SELECT unnest(event_ids) FROM event_queue",
        "positions have gaps": "SELECT tenant_id FROM sequenced GROUP BY tenant_id"
        " HAVING min(position) <> 0 OR max(position) <> count(*) - 1 OR count(DISTINCT position) <> count(*)",
        "sequences have gaps": "SELECT 1 FROM sequenced HAVING max(sequence) <> count(*)",
        "a stream is out of order": "SELECT stream_id FROM (SELECT stream_id, position, lag(position) OVER"
        " (PARTITION BY tenant_id, stream_id ORDER BY stream_version) AS before FROM sequenced) places"
        " WHERE before > position",
        "a stream has a gap": "SELECT stream_id FROM event GROUP BY tenant_id, stream_id"
        " HAVING min(stream_version) <> 1 OR max(stream_version) <> count(*)",
        "known time goes back": "SELECT tenant_id FROM (SELECT tenant_id, recorded_at, lag(recorded_at) OVER"
        " (PARTITION BY tenant_id ORDER BY position) AS before FROM sequenced) times WHERE before > recorded_at",
        "a head is wrong": "SELECT tenant_id FROM ledger_head FULL JOIN (SELECT tenant_id, count(*) AS n"
        " FROM sequenced GROUP BY tenant_id) counted USING (tenant_id) WHERE size IS DISTINCT FROM n",
    }
    with snapshot(dsn) as connection:
        return [
            words
            for words, statement in faults.items()
            if connection.execute(statement.encode()).fetchone() is not None
        ]
