"""What can be booked: the free starts of a service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from application.booking.offer import Asked, offer
from application.booking.staff_time import Timekeeper, closed_dates
from application.permissions import require
from application.ports import Book, Clock, Holidays
from application.recorded import Caller
from domain import availability
from domain.access_key import Role
from domain.availability import Slot
from domain.errors import FieldError, RangeTooLong, Unacceptable
from domain.local_time import DAY_SECONDS
from domain.service import WINDOW_DAYS_MAX
from domain.values import epoch_seconds

BOOKING_ROLES: Final[tuple[Role, ...]] = ("booking", "staff", "manager", "owner")
RANGE_MAX: Final = timedelta(days=92)

# The widest that a visit and its buffers can reach before and after its start (the bounds of a service's terms).
REACH_BEFORE_SECONDS: Final = DAY_SECONDS
REACH_AFTER_SECONDS: Final = 2 * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class SlotQuery:
    """Which starts in [from_, to) to look at: of one service, at one location, by one staff member or any."""

    service: UUID
    from_: datetime
    to: datetime
    location: UUID | None = None
    staff: UUID | None = None


@dataclass(frozen=True, slots=True)
class Slots:
    """Lists slots, from current state."""

    book: Book
    clock: Clock
    holidays: Holidays

    def free(self, query: SlotQuery, by: Caller) -> tuple[Slot[UUID], ...]:
        """The free starts, sorted; each with the staff (sorted ids) who are free for it, and the seats left.

        A service, location or staff member that has ended has none, nor has who does not offer the service there.
        Refuses: NotPermitted, Unacceptable (`to` not after `from`), RangeTooLong, UnknownReference, LocationRequired.
        """
        require(by, *BOOKING_ROLES)
        require_range(query.from_, query.to)
        now = epoch_seconds(self.clock.now())
        start = max(ceiling_seconds(query.from_), now)
        end = min(ceiling_seconds(query.to), now + WINDOW_DAYS_MAX * DAY_SECONDS + 1)
        asked = Asked(query.service, query.location, query.staff)
        facts = self.book.slot_facts(
            by.tenant,
            query.service,
            min(start, end) - REACH_BEFORE_SECONDS,
            end + REACH_AFTER_SECONDS,
            now,
            query.staff,
        )
        on_offer = offer(self.book, by, asked, facts)
        within = availability.relevant_range(on_offer.rules, start, end, now)
        if within is None or not on_offer.staff:
            return ()
        closed = closed_dates(self.holidays, on_offer.location, within)
        keeper = Timekeeper(on_offer, within, closed, now)
        times = {one.id: keeper.time_of(one) for one in on_offer.staff}
        return tuple(availability.slots(on_offer.rules, times, start, end, now))


def require_range(from_: datetime, to: datetime) -> None:
    """Refuse a range that is none, or too long: at most 92 days.

    Refuses: Unacceptable (`to` not after `from`), RangeTooLong.
    """
    require_order(from_, to)
    if to - from_ > RANGE_MAX:
        error = FieldError("/to", RangeTooLong.code, "The range is longer than 92 days.")
        raise RangeTooLong(errors=(error,))


def require_order(from_: datetime, to: datetime) -> None:
    """Refuse a range that is none. Refuses: Unacceptable (`to` not after `from`)."""
    if from_ >= to:
        error = FieldError("/to", "not_after_from", "It is not after `from`.")
        raise Unacceptable(errors=(error,))


def ceiling_seconds(at: datetime) -> int:
    """The first whole second that is not before `at`."""
    return epoch_seconds(at) + (at.microsecond > 0)
