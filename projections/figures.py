"""The read model `figures`: what a location's bookings count as, and when who worked there. No personal data.

Counts are taken when somebody asks, from a location's rows of the time that is asked about, which an index holds
whole: so a day is the location's own, whatever its zone is by then, and nothing here depends on a table of zones.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

from application.figures.figures import Counts, Kind
from application.figures.rows import (
    BOOKING_EVENTS,
    KEEPS_TIME,
    WORK_EVENTS,
    CountedBooking,
    Working,
    booking_after,
    working_after,
)
from application.following import Sequenced
from application.recorded import Recorded
from domain.booking import Status
from domain.schedule_document import parse_schedule, schedule_document
from projections.agenda import Rows
from projections.engine.arrays import columns
from projections.engine.read_model import Connection

NAME: Final = "figures"
VERSION: Final = 1
TABLES: Final = ("figure_booking_v1", "figure_work_v1")
BOOKING: Final[LiteralString] = (
    "booking_id, location_id, service_id, staff_id, source, made_at, starts_at, minutes, status"
)
WORK: Final[LiteralString] = "staff_id, version, since, until, location_ids, schedule"
BOOKED: Final[LiteralString] = (
    f"INSERT INTO figure_booking_v1 (tenant_id, {BOOKING}) SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[],"
    " %b::uuid[], %b::uuid[], %s::text[], %b::bigint[], %b::bigint[], %b::int[], %s::text[])"
    " ON CONFLICT (tenant_id, booking_id) DO UPDATE SET location_id = excluded.location_id,"
    " staff_id = excluded.staff_id, starts_at = excluded.starts_at, minutes = excluded.minutes,"
    " status = excluded.status"
)
KNOWN: Final[LiteralString] = (
    f"SELECT tenant_id, {BOOKING} FROM figure_booking_v1"
    " WHERE (tenant_id, booking_id) IN (SELECT * FROM unnest(%b::uuid[], %b::uuid[]))"
)
# Rows are few: somebody's terms are set a few times a year.
LAST: Final[LiteralString] = (
    f"SELECT {WORK} FROM figure_work_v1 WHERE tenant_id = %b AND staff_id = %b ORDER BY version DESC LIMIT 1"
)
ENDED: Final[LiteralString] = (
    "UPDATE figure_work_v1 SET until = %b::bigint WHERE tenant_id = %b AND staff_id = %b AND version = %b::int"
)
WORKED: Final[LiteralString] = (
    f"INSERT INTO figure_work_v1 (tenant_id, {WORK})"
    " VALUES (%b, %b, %b::int, %b::bigint, %b::bigint, %b::uuid[], %s)"
)
WORKING: Final[LiteralString] = (
    f"SELECT {WORK} FROM figure_work_v1 WHERE tenant_id = %b AND since < %b::bigint"
    " AND (until IS NULL OR until > %b::bigint) AND staff_id IN"
    " (SELECT staff_id FROM figure_work_v1 WHERE tenant_id = %b AND %b = ANY(location_ids))"
    " ORDER BY staff_id, version"
)
OF: Final[dict[Kind | None, LiteralString]] = {
    None: "NULL::text",
    "staff": "staff_id",
    "service": "service_id",
    "source": "source",
}
# %b...: tenant, location, bounds, first bound, last bound, twice; then the states that keep time.
COUNTS: Final[dict[Kind | None, LiteralString]] = {
    kind: "WITH visit AS (SELECT width_bucket(starts_at, %b::bigint[]) - 1 AS part, "
    + named
    + " AS of, status, minutes, row_number() OVER (PARTITION BY staff_id, service_id, starts_at,"
    " status = ANY(%s::text[]) ORDER BY booking_id) = 1 AS is_first, status = ANY(%s::text[]) AS keeps"
    " FROM figure_booking_v1 WHERE tenant_id = %b AND location_id = %b AND starts_at >= %b::bigint"
    " AND starts_at < %b::bigint)"
    " SELECT part, of, 0::bigint, count(*) FILTER (WHERE keeps), count(*) FILTER (WHERE status = 'cancelled'),"
    " count(*) FILTER (WHERE status = 'declined'), count(*) FILTER (WHERE status = 'no_show'),"
    " count(*) FILTER (WHERE status = 'completed'),"
    " coalesce(sum(minutes) FILTER (WHERE keeps AND is_first), 0)::bigint FROM visit GROUP BY part, of"
    " UNION ALL SELECT width_bucket(made_at, %b::bigint[]) - 1, "
    + named
    + ", count(*), 0, 0, 0, 0, 0, 0 FROM figure_booking_v1 WHERE tenant_id = %b AND location_id = %b"
    " AND made_at >= %b::bigint AND made_at < %b::bigint GROUP BY 1, 2"
    for kind, named in OF.items()
}


@dataclass(frozen=True, slots=True)
class FiguresModel:
    """Takes in what becomes of bookings, and where and when staff work."""

    name: str = NAME
    version: int = VERSION
    tables: tuple[LiteralString, ...] = TABLES
    consumes: frozenset[type] = frozenset((*BOOKING_EVENTS, *WORK_EVENTS))

    def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
        """See ReadModel. Bookings of the batch are read once and written once."""
        ours = [one.event for one in events]
        bookings = [one for one in ours if isinstance(one.decision, BOOKING_EVENTS)]
        if bookings:
            _count(connection, bookings)
        for event in ours:
            if isinstance(event.decision, WORK_EVENTS):
                _work(connection, event)


def _count(connection: Connection, events: Sequence[Recorded[object]]) -> None:
    keys = list({(event.tenant, event.stream) for event in events})
    stored = connection.execute(KNOWN, columns(keys), binary=True).fetchall()
    known = {(row[0], row[1]): _booking(row[1:]) for row in stored}
    for event in events:
        key = (event.tenant, event.stream)
        known[key] = booking_after(known.get(key), event)
    # In one order: two that write the same rows wait for one another, and not both.
    rows = [(tenant, *_as_columns(row)) for (tenant, _), row in sorted(known.items(), key=_key)]
    connection.execute(BOOKED, columns(rows))


def _key(item: tuple[tuple[UUID, UUID], CountedBooking]) -> tuple[UUID, UUID]:
    return item[0]


def _work(connection: Connection, event: Recorded[object]) -> None:
    tenant = event.tenant
    before = connection.execute(LAST, (tenant, event.stream), binary=True).fetchone()
    last = None if before is None else _working(before)
    row = working_after(last, event)
    if last is not None:
        connection.execute(ENDED, (row.since, tenant, last.staff, last.version))
    schedule = None if row.schedule is None else json.dumps(schedule_document(row.schedule))
    connection.execute(
        WORKED, (tenant, row.staff, row.version, row.since, None, list(row.locations), schedule)
    )


def _booking(values: Sequence[Any]) -> CountedBooking:
    fields = list(values)
    fields[-1] = Status(fields[-1])
    return CountedBooking(*fields)


def _as_columns(row: CountedBooking) -> tuple[object, ...]:
    return (
        row.booking,
        row.location,
        row.service,
        row.staff,
        row.source,
        row.made_at,
        row.start,
        row.minutes,
        row.status.value,
    )


def _working(values: Sequence[Any]) -> Working:
    staff, version, since, until, locations, schedule = values
    stood = None if schedule is None else parse_schedule(json.loads(schedule))
    return Working(staff, version, since, until, tuple(locations), stood)


@dataclass(frozen=True, slots=True)
class PostgresFigures:
    """The port `FigureRows`: the model's questions, one statement each."""

    database: Rows

    def counts(
        self, tenant: UUID, location: UUID, bounds: Sequence[int], kind: Kind | None
    ) -> dict[tuple[int, UUID | str | None], Counts]:
        """See the port."""
        keeps = [one.value for one in KEEPS_TIME]
        edges = list(bounds)
        of = (tenant, location, edges[0], edges[-1])
        rows = self.database.rows(COUNTS[kind], (edges, keeps, keeps, *of, edges, *of))
        found: dict[tuple[int, UUID | str | None], Counts] = {}
        for part, named, *counted in rows:
            found[part, named] = found.get((part, named), Counts()) + Counts(*counted)
        return found

    def working(self, tenant: UUID, location: UUID, from_: int, to: int) -> list[Working]:
        """See the port."""
        rows = self.database.rows(WORKING, (tenant, to, from_, tenant, location))
        return [_working(row) for row in rows]
