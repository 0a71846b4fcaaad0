"""What is on offer: one service at one location by those who give it there, and their time.

Listing slots and accepting a start both stand on this file, so that every listed slot books and every unlisted start
is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from application.permissions import sees
from application.ports import Book, CatalogKind, Facts
from application.recorded import Caller
from domain.availability import SlotRules
from domain.errors import FieldError, LocationRequired, UnknownReference
from domain.location import Location
from domain.service import Service
from domain.staff import Staff


@dataclass(frozen=True, slots=True)
class Asked:
    """Which service a caller asks for; where and by whom, None where it does not matter to them."""

    service: UUID
    location: UUID | None = None
    staff: UUID | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A service at a location, and those who give it there; nobody while service or location has ended."""

    service: Service
    location: Location
    staff: tuple[Staff, ...]
    facts: Facts

    @property
    def rules(self) -> SlotRules:
        """The service's terms, as far as they are about slots."""
        terms = self.service.terms
        return SlotRules(
            duration_minutes=terms.duration_minutes,
            slot_interval_minutes=terms.slot_interval_minutes,
            buffer_before_minutes=terms.buffer_before_minutes,
            buffer_after_minutes=terms.buffer_after_minutes,
            minimum_notice_minutes=terms.minimum_notice_minutes,
            booking_window_days=terms.booking_window_days,
            capacity=terms.capacity,
        )


def offer(book: Book, by: Caller, asked: Asked, facts: Facts) -> Offer:
    """Understand what was asked for, given the `facts` of its service.

    Refuses: UnknownReference (service, location, staff), LocationRequired.
    """
    if facts.service is None or not isinstance(facts.service.state, Service):
        raise unknown("service")
    service = facts.service.state
    if not sees(by, service.terms.location_ids):
        raise unknown("service")
    location = _location(book, by, asked, facts)
    staff = tuple(_staff(facts, service, location))
    if asked.staff is not None and not staff:
        _require_known_staff(book, by, asked.staff)
    return Offer(service, location, staff, facts)


def unknown(kind: CatalogKind) -> UnknownReference:
    """The refusal of an id in the field `<kind>_id`."""
    error = FieldError(f"/{kind}_id", UnknownReference.code, f"There is no such {kind}.")
    return UnknownReference(errors=(error,))


def _location(book: Book, by: Caller, asked: Asked, facts: Facts) -> Location:
    states = [entry.state for entry in facts.locations]
    seen = [one for one in states if isinstance(one, Location) and sees(by, (one.id,))]
    if asked.location is not None:
        seen = [one for one in seen if one.id == asked.location]
        return seen[0] if seen else _elsewhere(book, by, asked.location)
    if len(seen) > 1:
        # A branch that has closed is no choice any more.
        seen = [one for one in seen if one.active] or seen[:1]
    if len(seen) > 1:
        error = FieldError("/location_id", LocationRequired.code, LocationRequired.title() + ".")
        raise LocationRequired(errors=(error,))
    assert seen, "a service that is seen stands at a location that is seen"
    return seen[0]


def _elsewhere(book: Book, by: Caller, id: UUID) -> Location:
    """A location that the service is not offered at: nobody gives it there."""
    entry = book.entry(by.tenant, "location", id)
    if entry is None or not isinstance(entry.state, Location) or not sees(by, (id,)):
        raise unknown("location")
    return entry.state


def _staff(facts: Facts, service: Service, location: Location) -> Iterator[Staff]:
    """Who gives the service there, of those whom the facts are about."""
    if not service.active or not location.active or location.id not in service.terms.location_ids:
        return
    for entry in facts.staff:
        one = entry.state
        if (
            isinstance(one, Staff)
            and one.active
            and one.schedule is not None
            and location.id in one.terms.location_ids
            and service.id in one.terms.service_ids
        ):
            yield one


def _require_known_staff(book: Book, by: Caller, id: UUID) -> None:
    entry = book.entry(by.tenant, "staff", id)
    if entry is None or not isinstance(entry.state, Staff):
        raise unknown("staff")
    if not sees(by, entry.state.terms.location_ids):
        raise unknown("staff")
