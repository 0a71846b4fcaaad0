"""Everything the HTTP layer may call: one object per use case, and the few ports that are about calls themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.access_keys import AccessKeys
from application.booking import Bookings
from application.holds import Holds
from application.locations import Locations
from application.ports import Answers, Clock, Ids, Positions
from application.services import Services
from application.slots import Slots
from application.staffing import Staffing
from application.tenancy import Tenancy


class BookingCalendar(Protocol):
    """Writes one booking as an iCalendar file (RFC 5545)."""

    def __call__(
        self,
        *,
        booking_id: str,
        sequence: int,
        changed_at: datetime,
        start: datetime,
        end: datetime,
        status: str,
        service: str,
        location: str,
        customer: tuple[str, ...],
    ) -> bytes:
        """The file, UTF-8 with CRLF. `customer` are opened lines: only under a purpose."""
        ...


@dataclass(frozen=True, slots=True)
class Platform:
    """The use cases, wired.

    `readiness` answers quickly, for each part that a request needs, whether it is there.
    """

    clock: Clock
    ids: Ids
    answers: Answers
    positions: Positions
    tenancy: Tenancy
    access_keys: AccessKeys
    locations: Locations
    services: Services
    staffing: Staffing
    slots: Slots
    holds: Holds
    bookings: Bookings
    booking_calendar: BookingCalendar
    readiness: Callable[[], Mapping[str, bool]]
