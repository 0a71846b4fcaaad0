"""The read model `agenda`: every booking by time, its customer still sealed.

It answers a location's days and the list of bookings. A booking keeps its row whatever becomes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any, Final, LiteralString, Protocol, get_args
from uuid import UUID

from application.disclosing.conditions import VISITS_MAX, Heads
from application.following import ReadModelStopped, Sequenced
from application.ports import AgendaRow
from application.recorded import Recorded
from domain import booking
from domain.booking import Booking, Status
from domain.errors import RangeTooLong
from domain.sealing import Envelope
from domain.values import epoch_seconds, from_epoch
from domain.visit import Visit
from projections.engine.arrays import columns
from projections.engine.read_model import Connection

NAME: Final = "agenda"
VERSION: Final = 1
TABLES: Final = ("agenda_v1",)
DAY_ROWS_MAX: Final = 10_000
COLUMNS: Final[LiteralString] = (
    "booking_id, location_id, service_id, staff_id, subject_id, starts_at, ends_at, status, external_ref,"
    " last_event, version, person"
)
UPSERT: Final[LiteralString] = (
    f"INSERT INTO agenda_v1 (tenant_id, {COLUMNS}) SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[],"
    " %b::uuid[], %b::uuid[], %b::uuid[], %b::bigint[], %b::bigint[], %s::text[], %s::text[], %b::uuid[],"
    " %b::int[], %s::text[])"
    " ON CONFLICT (tenant_id, booking_id) DO UPDATE SET location_id = excluded.location_id,"
    " staff_id = excluded.staff_id, starts_at = excluded.starts_at, ends_at = excluded.ends_at,"
    " status = excluded.status, last_event = excluded.last_event, version = excluded.version"
)

LEAVES_OUT: Final = (
    "SELECT q.stream_id FROM read_model_quarantine q JOIN read_model m"
    " ON m.name = q.name AND m.generation = q.generation"
    " WHERE q.tenant_id = %b AND q.name = %s AND m.is_current LIMIT 1"
)
LEFT_OUT_SECONDS: Final = 60


class Rows(Protocol):
    """Runs one statement for the bound tenant."""

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All its rows."""
        ...


@dataclass(frozen=True, slots=True)
class AgendaModel:
    """Takes booking events in."""

    name: str = NAME
    version: int = VERSION
    tables: tuple[LiteralString, ...] = TABLES
    consumes: frozenset[type] = frozenset(booking.DECISIONS)

    def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
        """See ReadModel. Rows of the batch are read once and written once."""
        ours = [one.event for one in events]
        known = self._load(connection, {(event.tenant, event.stream) for event in ours})
        changed: dict[tuple[UUID, UUID], AgendaRow] = {}
        for event in ours:
            key = (event.tenant, event.stream)
            changed[key] = known[key] = after(known.get(key), event)
        rows = [(tenant, *_as_columns(row)) for (tenant, _), row in changed.items()]
        connection.execute(UPSERT, columns(rows))

    def _load(
        self, connection: Connection, keys: set[tuple[UUID, UUID]]
    ) -> dict[tuple[UUID, UUID], AgendaRow]:
        tenants, bookings = zip(*keys, strict=True)
        rows = connection.execute(
            f"SELECT tenant_id, {COLUMNS} FROM agenda_v1"
            " WHERE (tenant_id, booking_id) IN (SELECT * FROM unnest(%b::uuid[], %b::uuid[]))",
            (list(tenants), list(bookings)),
            binary=True,
        ).fetchall()
        return {(row[0], row[1]): _row(row[1:]) for row in rows}


def after(row: AgendaRow | None, event: Recorded[object]) -> AgendaRow:
    """A booking's row after one more of its events."""
    decision = event.decision
    assert isinstance(decision, get_args(booking.Decision))
    state = booking.evolve(None if row is None else _state(row), decision)
    assert state.version == event.version, "a stream's events come in order"
    return AgendaRow(
        booking=state.id,
        location=state.visit.location,
        service=state.visit.service,
        staff=state.visit.staff,
        subject=state.subject,
        start=epoch_seconds(state.visit.start),
        end=epoch_seconds(state.visit.end),
        status=state.status.value,
        external_ref=state.external_ref,
        last_event=event.event_id,
        version=state.version,
        person=state.person if isinstance(state.person, Envelope) else None,
    )


def _state(row: AgendaRow) -> Booking:
    """As much of the booking as its row knows: enough to evolve."""
    start, end = from_epoch(row.start), from_epoch(row.end)
    return Booking(
        id=row.booking,
        version=row.version,
        status=Status(row.status),
        subject=row.subject,
        visit=Visit(row.service, row.location, row.staff, start, end, start, end),
        external_ref=row.external_ref,
        sequence=0,
        person=row.person or Envelope(""),
    )


def _row(values: Sequence[Any]) -> AgendaRow:
    fields = list(values)
    fields[-1] = None if fields[-1] is None else Envelope(fields[-1])
    return AgendaRow(*fields)


def _as_columns(row: AgendaRow) -> tuple[object, ...]:
    return (
        row.booking,
        row.location,
        row.service,
        row.staff,
        row.subject,
        row.start,
        row.end,
        row.status,
        row.external_ref,
        row.last_event,
        row.version,
        row.person.text if row.person else None,
    )


@dataclass(frozen=True, slots=True)
class PostgresAgenda:
    """The port `Agenda`: the model's questions."""

    database: Rows

    def between(self, tenant: UUID, location: UUID, from_: int, to: int) -> list[AgendaRow]:
        """See the port."""
        rows = self.database.rows(
            f"SELECT {COLUMNS} FROM agenda_v1 WHERE tenant_id = %b AND location_id = %b"
            " AND starts_at >= %s::bigint AND starts_at < %s::bigint ORDER BY starts_at, booking_id LIMIT %s",
            (tenant, location, from_, to, DAY_ROWS_MAX),
        )
        return [_row(row) for row in rows]

    def page(
        self,
        tenant: UUID,
        from_: int,
        to: int,
        limit: int,
        after: tuple[int, UUID] | None,
        *,
        staff: UUID | None = None,
        locations: Sequence[UUID] | None = None,
        status: str | None = None,
    ) -> list[AgendaRow]:
        """See the port."""
        start, booking_id = after or (from_ - 1, UUID(int=0))
        rows = self.database.rows(
            f"SELECT {COLUMNS} FROM agenda_v1 WHERE tenant_id = %b"
            " AND starts_at >= %s::bigint AND starts_at < %s::bigint"
            " AND (starts_at, booking_id) > (%s::bigint, %b)"
            " AND (%b::uuid IS NULL OR staff_id = %b::uuid)"
            " AND (%b::uuid[] IS NULL OR location_id = ANY(%b::uuid[]))"
            " AND (%s::text IS NULL OR status = %s::text) ORDER BY starts_at, booking_id LIMIT %s",
            (
                tenant,
                from_,
                to,
                start,
                booking_id,
                staff,
                staff,
                None if locations is None else list(locations),
                None if locations is None else list(locations),
                status,
                status,
                limit,
            ),
        )
        return [_row(row) for row in rows]


@dataclass(frozen=True, slots=True)
class PostgresVisits:
    """The ports `Visits` and `Visitors`: the same rows, once they include everything that was appended before.

    Refuses: ReadModelStopped (they will not, or a stream of the tenant is left out: what rests on it is to be whole).
    """

    database: Rows
    positions: Heads

    def of(self, tenant: UUID, subjects: Sequence[UUID]) -> list[AgendaRow]:
        """See the port."""
        self._catch_up(tenant)
        rows = self.database.rows(
            f"SELECT {COLUMNS} FROM agenda_v1 WHERE tenant_id = %b AND subject_id = ANY(%b::uuid[])"
            " ORDER BY starts_at, booking_id LIMIT %s",
            (tenant, list(subjects), VISITS_MAX + 1),
        )
        if len(rows) > VISITS_MAX:
            raise RangeTooLong(f"These persons have more than {VISITS_MAX} visits")
        return [_row(row) for row in rows]

    def at(
        self, tenant: UUID, locations: Sequence[UUID], from_: datetime, to: datetime, limit: int
    ) -> list[UUID]:
        """See the port."""
        self._catch_up(tenant)
        rows = self.database.rows(
            "SELECT DISTINCT subject_id FROM agenda_v1 WHERE tenant_id = %b AND location_id = ANY(%b::uuid[])"
            " AND starts_at >= %b AND starts_at < %b ORDER BY subject_id LIMIT %s",
            (tenant, list(locations), _first_second(from_), _first_second(to), limit),
        )
        return [row[0] for row in rows]

    def _catch_up(self, tenant: UUID) -> None:
        head = self.positions.head(tenant)
        if head >= 0:
            self.positions.wait(tenant, NAME, head)
        if self.database.rows(LEAVES_OUT, (tenant, NAME)):
            raise ReadModelStopped(
                "The agenda leaves a stream out", retry_after_seconds=LEFT_OUT_SECONDS
            )


def _first_second(at: datetime) -> int:
    """The first whole second that is not before `at`: visits start on whole seconds."""
    return ceil(at.timestamp())
