"""The agenda: who comes when, day by day, and bookings as a list. Both are read models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from application.access.reveal import Glass, Reveal, Sight, Wish
from application.booking.offer import unknown
from application.booking.slots import BOOKING_ROLES, ceiling_seconds, require_order, require_range
from application.looking_back import Past, position_known
from application.permissions import require, sees
from application.ports import Agenda, AgendaRow, Book, Clock, Positions
from application.recorded import Caller
from domain.errors import FieldError, NotFound, Unacceptable
from domain.local_time import local_date
from domain.location import Location
from domain.staff import Staff
from domain.values import Personal

MODEL: Final = "agenda"
PAGE_ROWS_DEFAULT: Final = 50
PAGE_ROWS_MAX: Final = 200
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AgendaQuery:
    """The bookings of a location that start in [from_, to); `at_least` names an event or position to wait for.

    With `known_at`, as the ledger knew them at that instant (recorded time).
    """

    location: UUID
    from_: datetime
    to: datetime
    at_least: UUID | int | None = None
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BookingsQuery:
    """Bookings that start in [from_, to), by start and id, after the one named. None leaves a choice open."""

    from_: datetime | None = None
    to: datetime | None = None
    staff: UUID | None = None
    location: UUID | None = None
    status: str | None = None
    limit: int = PAGE_ROWS_DEFAULT
    after: tuple[int, UUID] | None = None
    at_least: UUID | int | None = None


@dataclass(frozen=True, slots=True)
class AgendaEntry:
    """One booking of the agenda; `name` is the customer's, None where it was not asked for or is erased."""

    row: AgendaRow
    name: Personal | None


@dataclass(frozen=True, slots=True)
class AgendaDay:
    """A local date of the location, and its entries by start and id; never without one."""

    on: date
    entries: tuple[AgendaEntry, ...]


@dataclass(frozen=True, slots=True)
class AgendaPage:
    """The days that have entries, in order, as of the agenda's `position`. `with_names` says that names were opened."""

    days: tuple[AgendaDay, ...]
    position: int
    with_names: bool


@dataclass(frozen=True, slots=True)
class BookingsPage:
    """Part of the list of bookings; `next` goes in as `after`, None at the end."""

    rows: tuple[AgendaRow, ...]
    next: tuple[int, UUID] | None
    position: int


@dataclass(frozen=True, slots=True)
class AgendaReads:
    """Reads the agenda. Names are opened under a purpose only, one access for the whole page."""

    agenda: Agenda
    positions: Positions
    book: Book
    reveal: Reveal
    past: Past
    clock: Clock

    def days(self, query: AgendaQuery, by: Caller) -> AgendaPage:
        """The agenda of a location, by days of its own zone; customers' names if `by` has a purpose.

        Refuses: NotPermitted, Unacceptable (`to` not after `from`; `known_at` in the future or before the first event),
        RangeTooLong (the range, or too much was recorded by `known_at`), UnknownReference (location, at_least),
        NotPermitted and PurposeRequired (with a purpose; recorded), Behind, TooMany (others look back), Unreadable.
        """
        with_names = by.purpose is not None
        glass = None
        if with_names:
            location, glass = self._admit(query.location, by)
            require_range(query.from_, query.to)
        else:
            require(by, *BOOKING_ROLES)
            require_range(query.from_, query.to)
            location = self._location(query.location, by)
        zone = location.terms.time_zone
        rows, position = self._rows(query, by.tenant)
        names = self._names(rows, by, glass) if with_names else {}
        return AgendaPage(tuple(_by_day(rows, names, zone)), position, with_names)

    def bookings(self, query: BookingsQuery, by: Caller) -> BookingsPage:
        """Part of the list of bookings at the caller's locations; no personal data.

        Refuses: NotPermitted, Unacceptable (`to` not after `from`, the limit), UnknownReference (location, staff,
        at_least), Behind.
        """
        require(by, *BOOKING_ROLES)
        from_, to = query.from_ or _FIRST, query.to or _LAST
        require_order(from_, to)
        _require_limit(query.limit)
        if query.location is not None:
            self._location(query.location, by)
        if query.staff is not None:
            self._require_staff(query.staff, by)
        position = self._position(by.tenant, query.at_least)
        rows = self.agenda.page(
            by.tenant,
            ceiling_seconds(from_),
            ceiling_seconds(to),
            query.limit + 1,
            query.after,
            staff=query.staff,
            locations=_locations(query.location, by),
            status=query.status,
        )
        part = tuple(rows[: query.limit])
        more = len(rows) > query.limit
        return BookingsPage(part, (part[-1].start, part[-1].booking) if more else None, position)

    def _admit(self, id: UUID, by: Caller) -> tuple[Location, Glass | None]:
        """The location, for someone who may see names there; and the leave to break the glass, if that takes one."""
        entry = self.book.entry(by.tenant, "location", id)
        state = None if entry is None else entry.state
        at = () if state is None else (id,)
        try:
            glass = self.reveal.admit(by, Wish(("name",)), BOOKING_ROLES, at)
        except NotFound:
            raise unknown("location") from None
        if not isinstance(state, Location):
            raise unknown("location")
        return state, glass

    def _location(self, id: UUID, by: Caller) -> Location:
        entry = self.book.entry(by.tenant, "location", id)
        if entry is None or not isinstance(entry.state, Location) or not sees(by, (id,)):
            raise unknown("location")
        return entry.state

    def _require_staff(self, id: UUID, by: Caller) -> None:
        entry = self.book.entry(by.tenant, "staff", id)
        if entry is None or not isinstance(entry.state, Staff):
            raise unknown("staff")
        if not sees(by, entry.state.terms.location_ids):
            raise unknown("staff")

    def _position(self, tenant: UUID, at_least: UUID | int | None) -> int:
        if at_least is None:
            return self.positions.current(tenant, MODEL)
        return self.positions.wait(tenant, MODEL, at_least)

    def _rows(self, query: AgendaQuery, tenant: UUID) -> tuple[Sequence[AgendaRow], int]:
        """What is asked for, and the position at which it is so."""
        asked = (query.location, ceiling_seconds(query.from_), ceiling_seconds(query.to))
        if query.known_at is None:
            position = self._position(tenant, query.at_least)
            return self.agenda.between(tenant, *asked), position
        if query.at_least is not None:  # else where the read model stands is no matter of a replay
            self._position(tenant, query.at_least)
        position = position_known(self.past, self.clock, tenant, query.known_at)
        with self.past.agenda(tenant, position) as agenda:
            return agenda.between(tenant, *asked), position

    def _names(
        self, rows: Sequence[AgendaRow], by: Caller, glass: Glass | None
    ) -> dict[UUID, Personal]:
        sights = {
            row.booking: Sight(row.subject, row.person) for row in rows if row.person is not None
        }
        opened = self.reveal.open(by, list(sights.values()), ("name",), glass)
        names = {
            id: None if values is None else values["name"]
            for id, values in zip(sights, opened, strict=True)
        }
        return {id: name for id, name in names.items() if isinstance(name, Personal)}


def _by_day(
    rows: Sequence[AgendaRow], names: dict[UUID, Personal], zone: str
) -> Iterator[AgendaDay]:
    for on, of_day in groupby(rows, key=lambda row: local_date(zone, row.start)):
        yield AgendaDay(on, tuple(AgendaEntry(row, names.get(row.booking)) for row in of_day))


def _locations(asked: UUID | None, by: Caller) -> list[UUID] | None:
    if asked is not None:
        return [asked]
    return None if by.locations is None else sorted(by.locations)


def _require_limit(limit: int) -> None:
    if not 1 <= limit <= PAGE_ROWS_MAX:
        error = FieldError("/limit", "out_of_range", f"It lies outside 1 to {PAGE_ROWS_MAX}.")
        raise Unacceptable(errors=(error,))
