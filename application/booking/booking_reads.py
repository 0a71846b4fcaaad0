"""Looking at one booking: as it stands, with its customer under a purpose, and as a calendar entry. Always current."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from application.access.reveal import Glass, Opened, Reveal, Sight, Wish
from application.booking.slots import BOOKING_ROLES
from application.booking.streams import booking_as_recorded
from application.people.profiles import profile_of, profile_sights
from application.permissions import require
from application.ports import Book, EventStore
from application.recorded import Caller
from application.setup.register import Receipt
from domain.access import Field
from domain.booking import Booking
from domain.errors import Erased, NotFound
from domain.location import Location
from domain.sealing import Envelope
from domain.service import Service

CUSTOMER_FIELDS: Final[tuple[Field, ...]] = (
    "name",
    "email",
    "phone",
    "address",
    "note",
    "metadata",
)
CALENDAR_FIELDS: Final[tuple[Field, ...]] = ("name", "address")


@dataclass(frozen=True, slots=True)
class WithCustomer:
    """A booking, its last event, and what its customer gave; the e-mail address is the profile's."""

    receipt: Receipt[Booking]
    customer: Opened


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """What RFC 5545 says of one booking. `changed_at` is when it last became something else (DTSTAMP)."""

    booking: Booking
    changed_at: datetime
    service_name: str
    location_name: str
    location_address: str | None
    time_zone: str
    customer: Opened | None


@dataclass(frozen=True, slots=True)
class BookingReads:
    """Reads bookings.

    Every method refuses NotPermitted, then NotFound (no such booking, or not at the caller's locations).
    """

    store: EventStore
    book: Book
    reveal: Reveal

    def booking(self, id: UUID, by: Caller) -> Receipt[Booking]:
        """The booking as it stands, and its last event."""
        require(by, *BOOKING_ROLES)
        found = booking_as_recorded(self.store, by.tenant, id)
        if found is None:
            raise NotFound()
        require(by, *BOOKING_ROLES, at=(found.state.visit.location,))
        return found

    def with_customer(self, id: UUID, by: Caller) -> WithCustomer:
        """The booking and its customer, opened on the record.

        Refuses, on the record: NotPermitted (role), NotFound (location), PurposeRequired. Refuses: Erased, Unreadable.
        """
        found, glass = self._admit(id, by, CUSTOMER_FIELDS)
        return WithCustomer(found, self._customer(found.state, by, CUSTOMER_FIELDS, glass))

    def calendar(self, id: UUID, by: Caller, *, include_customer: bool = False) -> CalendarEntry:
        """The booking as a calendar entry; with name and address of the customer only under a purpose.

        Refuses (with the customer): as `with_customer`.
        """
        customer = None
        if include_customer:
            found, glass = self._admit(id, by, CALENDAR_FIELDS)
            state = found.state
            customer = self._customer(state, by, CALENDAR_FIELDS, glass)
        else:
            state = self.booking(id, by).state
        last = self.store.read(by.tenant, id)[-1]
        service = self.book.entry(by.tenant, "service", state.visit.service)
        location = self.book.entry(by.tenant, "location", state.visit.location)
        assert service is not None, "nothing is deleted"
        assert location is not None, "nothing is deleted"
        assert isinstance(service.state, Service)
        assert isinstance(location.state, Location)
        place = location.state.terms
        return CalendarEntry(
            booking=state,
            changed_at=last.occurred_at,
            service_name=service.state.terms.name,
            location_name=place.name,
            location_address=place.address,
            time_zone=place.time_zone,
            customer=customer,
        )

    def _admit(
        self, id: UUID, by: Caller, fields: tuple[Field, ...]
    ) -> tuple[Receipt[Booking], Glass | None]:
        """The booking, for someone who may see its customer; and the leave to break the glass, if that takes one."""
        found = booking_as_recorded(self.store, by.tenant, id)
        if found is None:
            require(by, *BOOKING_ROLES)
            raise NotFound()
        wish = Wish(fields, found.state.subject)
        at = (found.state.visit.location,)
        return found, self.reveal.admit(by, wish, BOOKING_ROLES, at)

    def _customer(
        self, state: Booking, by: Caller, fields: tuple[Field, ...], glass: Glass | None
    ) -> Opened:
        """What the customer gave with the booking; with `email`, the profile's too."""
        assert isinstance(state.person, Envelope), "what was read is sealed"
        parts = []
        if "email" in fields:
            parts = profile_sights(self.store.read(by.tenant, state.subject))
        sights = [Sight(state.subject, state.person), *(sight for sight, _ in parts)]
        own, *profile = self.reveal.open(by, sights, fields, glass)
        if own is None:
            raise Erased()
        # The profile would bring its own name: of it only the e-mail is taken. It may be erased where this is kept.
        if None in profile:
            return own | {"email": None}
        known = profile_of([says for _, says in parts], profile)
        return own | ({"email": known["email"]} if parts else {})
