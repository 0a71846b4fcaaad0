"""The business's own figures of a location, by its local days. No personal data is read, and none is told.

1. `made` counts on the day on which a booking was made; everything else on the day on which its visit starts, as the
   booking stands now: one that moved counts where it is, and no longer where it was.
2. `booked` counts what keeps its time: all but the cancelled and the declined. A no-show is booked, and missed.
3. `minutes_booked` is time of staff: the session of a class counts once, however many come; buffers do not count.
4. `minutes_open` is working time by the schedules that stood (`open_time`); a service or a source has none.
5. Small numbers are told as they are: it is the tenant's own data, and its own staff that is asked about.

*Source*: README D12.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from itertools import pairwise
from typing import Final, Literal, Protocol, get_args
from uuid import UUID

from application.booking.offer import unknown
from application.booking.staff_time import closed_dates
from application.figures.open_time import open_minutes
from application.figures.rows import Working
from application.permissions import SETUP_ROLES, require, sees
from application.ports import Book, Holidays, Positions
from application.recorded import Caller
from domain.errors import FieldError, RangeTooLong, Unacceptable
from domain.local_time import midnight
from domain.location import Location
from domain.values import public_id

MODEL: Final = "figures"
DAYS_MAX: Final = 366
By = Literal["day", "week", "month", "staff", "service", "source"]
BYS: Final[tuple[By, ...]] = get_args(By)
Kind = Literal["staff", "service", "source"]


@dataclass(frozen=True, slots=True)
class Counts:
    """Bookings, and minutes."""

    made: int = 0
    booked: int = 0
    cancelled: int = 0
    declined: int = 0
    no_shows: int = 0
    completed: int = 0
    minutes_booked: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            self.made + other.made,
            self.booked + other.booked,
            self.cancelled + other.cancelled,
            self.declined + other.declined,
            self.no_shows + other.no_shows,
            self.completed + other.completed,
            self.minutes_booked + other.minutes_booked,
        )


@dataclass(frozen=True, slots=True)
class FiguresQuery:
    """The local days of a location in [from_, to), taken together `by` something."""

    location: UUID
    from_: date
    to: date
    by: By = "day"
    at_least: UUID | int | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """Of one day, week, month, staff member, service or source. `minutes_open` is None where there is no such thing."""

    key: str
    counts: Counts
    minutes_open: int | None

    @property
    def utilisation(self) -> float | None:
        """Booked minutes by open ones, to four places; over 1 where somebody was booked beyond their hours."""
        if not self.minutes_open:
            return None
        return round(self.counts.minutes_booked / self.minutes_open, 4)


@dataclass(frozen=True, slots=True)
class FiguresPage:
    """By date, or by id; and of all together. As of `position`."""

    figures: tuple[Figure, ...]
    total: Figure
    time_zone: str
    position: int


class FigureRows(Protocol):
    """The read model `figures`."""

    def counts(
        self, tenant: UUID, location: UUID, bounds: Sequence[int], kind: Kind | None
    ) -> Mapping[tuple[int, UUID | str | None], Counts]:
        """Counts by part and by what `kind` names (None where it names nothing); a part is from one bound to the next.

        `bounds` are two or more epoch seconds, sorted; parts count from 0. What has no count may be missing.
        """
        ...

    def working(self, tenant: UUID, location: UUID, from_: int, to: int) -> Sequence[Working]:
        """Of all who ever worked at the location, what stood at some time in [from_, to)."""
        ...


@dataclass(frozen=True, slots=True)
class Figures:
    """Answers those who run a location."""

    rows: FigureRows
    positions: Positions
    book: Book
    holidays: Holidays

    def of(self, query: FiguresQuery, by: Caller) -> FiguresPage:
        """The figures of a location's days.

        Refuses: NotPermitted, Unacceptable (`to` not after `from`), RangeTooLong, UnknownReference (location,
        at_least), Behind.
        """
        require(by, *SETUP_ROLES)
        _require_days(query)
        location = self._location(query.location, by)
        if query.at_least is None:
            position = self.positions.current(by.tenant, MODEL)
        else:
            position = self.positions.wait(by.tenant, MODEL, query.at_least)
        zone = location.terms.time_zone
        first, end = query.from_.toordinal(), query.to.toordinal()
        days = [midnight(zone, ordinal) for ordinal in range(first, end + 1)]
        opened = self._open(by.tenant, location, days)
        match query.by:
            case "staff" | "service" | "source":
                figures = self._by_kind(by.tenant, query, days, opened)
            case _:
                figures = self._by_time(by.tenant, query, days, opened)
        total = Figure(
            "total",
            reduce(Counts.__add__, (one.counts for one in figures), Counts()),
            sum(map(sum, opened.values())),
        )
        return FiguresPage(tuple(figures), total, zone, position)

    def _by_time(
        self, tenant: UUID, query: FiguresQuery, days: list[int], opened: Mapping[UUID, list[int]]
    ) -> list[Figure]:
        starts = _starts(query)
        cuts = [(start - query.from_).days for start in starts]
        cuts.append(len(days) - 1)
        counts = self.rows.counts(tenant, query.location, [days[cut] for cut in cuts], None)
        return [
            Figure(
                start.isoformat(),
                counts.get((part, None), Counts()),
                sum(sum(minutes[cut:end]) for minutes in opened.values()),
            )
            for part, (start, (cut, end)) in enumerate(zip(starts, pairwise(cuts), strict=True))
        ]

    def _by_kind(
        self, tenant: UUID, query: FiguresQuery, days: list[int], opened: Mapping[UUID, list[int]]
    ) -> list[Figure]:
        kind = query.by
        assert kind in ("staff", "service", "source")
        bounds = [days[0], days[-1]]
        counts = {
            of: one
            for (_, of), one in self.rows.counts(tenant, query.location, bounds, kind).items()
        }
        keys: set[UUID | str | None] = set(counts)
        if kind == "staff":
            keys |= {staff for staff, minutes in opened.items() if any(minutes)}
        found = [
            Figure(
                public_id(kind, of) if isinstance(of, UUID) else str(of),
                counts.get(of, Counts()),
                sum(opened.get(of, ())) if kind == "staff" and isinstance(of, UUID) else None,
            )
            for of in keys
        ]
        return sorted(found, key=lambda one: one.key)

    def _open(self, tenant: UUID, location: Location, days: list[int]) -> dict[UUID, list[int]]:
        rows = self.rows.working(tenant, location.id, days[0], days[-1])
        closed = closed_dates(self.holidays, location, (days[0], days[-1]))
        return open_minutes(rows, location.id, days, closed)

    def _location(self, id: UUID, by: Caller) -> Location:
        entry = self.book.entry(by.tenant, "location", id)
        if entry is None or not isinstance(entry.state, Location) or not sees(by, (id,)):
            raise unknown("location")
        return entry.state


def part_of(bounds: Sequence[int], at: int) -> int | None:
    """Which part `at` lies in; None outside of them all."""
    return bisect_right(bounds, at) - 1 if bounds[0] <= at < bounds[-1] else None


def _starts(query: FiguresQuery) -> list[date]:
    """The days on which the days, weeks (from Monday) or months begin; the first with the range itself."""
    days = [date.fromordinal(one) for one in range(query.from_.toordinal(), query.to.toordinal())]
    if query.by == "week":
        return [one for one in days if one == query.from_ or one.weekday() == 0]
    if query.by == "month":
        return [one for one in days if one == query.from_ or one.day == 1]
    return days


def _require_days(query: FiguresQuery) -> None:
    if query.from_ >= query.to:
        raise Unacceptable(errors=(FieldError("/to", "not_after_from", "It is not after `from`."),))
    if (query.to - query.from_).days > DAYS_MAX:
        words = f"The range is longer than {DAYS_MAX} days."
        raise RangeTooLong(errors=(FieldError("/to", RangeTooLong.code, words),))
