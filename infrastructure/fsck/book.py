"""Current state: whose time is taken and what a business has set up, worked out anew from the events.

What is equal: every claim of a hold or booking that stands by its events has its one reservation or seat, and no other
has one. A hold whose time is over stands until its end is recorded, in the events as in the tables. A class session
takes all the time that its seats were sold for; it may take more, where a seat that took more was given up since.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from application.ports import Claim
from application.standing import Standing
from infrastructure.fsck.finding import OF_TENANT, Finding, Row, Scope
from infrastructure.store.catalog_codec import catalog_entry
from infrastructure.store.standing_streams import standing_streams

BOOK: Final = "book"
# Tenant and stream first in all of them, and in order of them: they are read side by side with the streams.
TAKEN: Final = (
    "SELECT r.tenant_id, r.owner_id, 0, r.kind, r.staff_id, r.service_id, r.visit_start, r.visit_end, r.starts_at,"
    f" r.ends_at, r.capacity, r.expires_at FROM reservation r WHERE r.kind <> 'session' AND {OF_TENANT.format('r')}"
    " UNION ALL SELECT s.tenant_id, s.owner_id, s.seat_no, s.kind, r.staff_id, r.service_id, r.visit_start,"
    " r.visit_end, r.starts_at, r.ends_at, r.capacity, s.expires_at FROM seat s"
    " LEFT JOIN reservation r ON r.tenant_id = s.tenant_id AND r.owner_id = s.session_id AND r.kind = 'session'"
    f" WHERE {OF_TENANT.format('s')} ORDER BY 1, 2"
)
ENTRIES: Final = (
    "SELECT c.tenant_id, c.id, c.kind, c.version, c.created_at, c.state FROM catalog c"
    f" WHERE {OF_TENANT.format('c')} ORDER BY 1, 2"
)
OFFERS: Final = (
    "SELECT o.tenant_id, o.staff_id, o.service_id FROM offering o"
    f" WHERE {OF_TENANT.format('o')} ORDER BY 1, 2"
)
BUSY: Final = (
    "SELECT b.tenant_id, b.staff_id, b.starts_at, b.ends_at FROM busy_block b"
    f" WHERE {OF_TENANT.format('b')} ORDER BY 1, 2, 3"
)
SESSIONS: Final = (
    "SELECT r.tenant_id, r.owner_id, r.capacity, count(s.owner_id) FROM reservation r"
    " LEFT JOIN seat s ON s.tenant_id = r.tenant_id AND s.session_id = r.owner_id"
    f" WHERE r.kind = 'session' AND {OF_TENANT.format('r')} GROUP BY r.tenant_id, r.owner_id, r.capacity"
    " HAVING count(s.owner_id) = 0 OR count(s.owner_id) > r.capacity"
)
Key = tuple[UUID, UUID]


class Beside:
    """Rows in order of (tenant, stream), read along with streams in the same order."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def before(self, key: Key | None) -> Iterator[Row]:
        """Rows of streams that come before, which nobody asked for; all that are left for None."""
        while (row := self._next) is not None and (key is None or (row[0], row[1]) < key):
            self._next = next(self._rows, None)
            yield row

    def of(self, key: Key) -> list[Row]:
        """The rows of one stream."""
        found: list[Row] = []
        while (row := self._next) is not None and (row[0], row[1]) == key:
            self._next = next(self._rows, None)
            found.append(row)
        return found


def book(scope: Scope) -> Iterator[Finding]:
    """Reservations, seats, catalog, offers and busy time, stream by stream."""
    beside = {
        name: Beside(scope.rows(name, statement))
        for name, statement in (
            ("taken", TAKEN),
            ("catalog", ENTRIES),
            ("offering", OFFERS),
            ("busy", BUSY),
        )
    }
    for one in standing_streams(scope.connection, scope.tenant):
        scope.tick(1)
        key = (one.tenant, one.stream)
        yield from _orphans(beside, key)
        rows = {name: it.of(key) for name, it in beside.items()}
        if one.flaw is not None:
            yield Finding(BOOK, one.tenant, None, f"stream {one.stream} cannot be read: {one.flaw}")
            continue
        for reason in _differences(one.stream, one.standing, rows):
            yield Finding(BOOK, one.tenant, None, reason)
    yield from _orphans(beside, None)
    for tenant, session, capacity, seats in scope.rows("sessions", SESSIONS):
        reason = f"session {session} has {seats} seats taken, and may have 1 to {capacity}"
        yield Finding(BOOK, tenant, None, reason)


def _orphans(beside: dict[str, Beside], key: Key | None) -> Iterator[Finding]:
    for name, it in beside.items():
        for row in it.before(key):
            yield Finding(BOOK, row[0], None, f"{name} of {row[1]}: no event says so")


def _differences(stream: UUID, standing: Standing, rows: dict[str, list[Row]]) -> Iterator[str]:
    if flaw := _claim_flaw(standing.claim, rows["taken"]):
        yield f"the time of {stream}: {flaw}"
    if flaw := _entry_flaw(standing, rows["catalog"]):
        yield f"the catalog's entry of {stream}: {flaw}"
    if {row[2] for row in rows["offering"]} != offers_of(standing):
        yield f"what {stream} offers is not what its events say"
    if tuple((row[2], row[3]) for row in rows["busy"]) != standing.busy:
        yield f"the busy time of {stream} is not what its events say"


def offers_of(standing: Standing) -> set[UUID]:
    """The services that a staff member offers; nothing for anything else."""
    if standing.entry is None or standing.entry.kind != "staff":
        return set()
    state: Any = standing.entry.state
    return set(state.terms.service_ids)


def _claim_flaw(claim: Claim | None, rows: list[Row]) -> str | None:
    if claim is None:
        return "taken, but no event says so" if rows else None
    if len(rows) != 1:
        return "not taken" if not rows else "taken twice"
    seat, kind, staff, service, start, end, from_, to, capacity, expires_at = rows[0][2:]
    same = (kind, staff, service, start, expires_at) == (
        *(claim.kind, claim.staff, claim.service, claim.start, claim.expires_at),
    )
    if claim.capacity == 1:
        spans = (end, from_, to, capacity) == (claim.end, claim.from_, claim.to, 1) and seat == 0
    else:
        covers = from_ is not None and from_ <= claim.from_ and claim.to <= to
        spans = covers and end >= claim.end and capacity >= claim.capacity and 1 <= seat <= capacity
    return None if same and spans else "taken otherwise than its events say"


def _entry_flaw(standing: Standing, rows: list[Row]) -> str | None:
    if standing.entry is None:
        return "there, but no event says so" if rows else None
    if not rows:
        return "missing"
    try:
        kept = catalog_entry((rows[0][2], rows[0][1], *rows[0][3:]))
    except (ValueError, LookupError, TypeError):
        return "it does not read"
    return None if kept == standing.entry else "not what its events say"
