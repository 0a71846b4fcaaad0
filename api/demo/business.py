"""Set up the demo franchise: its places, what they offer, and who works there.

Each step looks for what it would make, by its id, and makes it where it is missing.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

from api.demo.data import PLACES, SERVICES, STAFF, DemoService, DemoStaff
from api.platform import Platform
from application.recorded import Caller
from application.setup.locations import OpenLocation
from application.setup.services import OfferService
from application.setup.staffing import EngageStaff, SetSchedule
from domain.errors import NotFound
from domain.schedule import Schedule
from domain.schedule_document import parse_schedule
from domain.service import ServiceTerms
from domain.staff import StaffTerms
from domain.values import Personal


class DrawnIds:
    """Ids and secrets drawn from a seed, by the name of what they are for. See the port `Ids`."""

    def __init__(self, seed: bytes, name: str) -> None:
        self._seed = seed
        self._name = name
        self._drawn = 0

    def uuid(self) -> UUID:
        """The next one."""
        return UUID(bytes=self.secret()[:16], version=4)

    def secret(self) -> bytes:
        """The next 32 bytes."""
        self._drawn += 1
        return hmac.digest(self._seed, f"{self._name}\n{self._drawn}".encode(), "sha256")


@dataclass(frozen=True, slots=True)
class Franchise:
    """What all parts of the demo are made from; `first_day` is the day on which the first attempt began (UTC)."""

    platform: Platform
    seed: bytes = field(repr=False)
    first_day: date
    tenant: UUID

    def ids(self, *name: object) -> DrawnIds:
        """The ids of what is made under this name."""
        return DrawnIds(self.seed, "/".join(map(str, name)))

    def id(self, *name: object) -> UUID:
        """The id of what is made under this name: the first that its use case draws."""
        return self.ids(*name).uuid()


def is_missing(look: Callable[[UUID, Caller], object], id: UUID, by: Caller) -> bool:
    """True when looking for a thing finds nothing."""
    try:
        look(id, by)
    except NotFound:
        return True
    return False


def open_locations(franchise: Franchise, by: Caller) -> None:
    """Open the locations that are missing."""
    locations = franchise.platform.locations
    for place, terms in PLACES.items():
        id = franchise.id("location", place)
        if is_missing(locations.location, id, by):
            drawing = replace(locations, ids=franchise.ids("location", place))
            drawing.open(OpenLocation(terms), by)


def offer_services(franchise: Franchise, by: Caller) -> None:
    """Offer the services that are missing."""
    services = franchise.platform.services
    for one in SERVICES:
        id = franchise.id("service", one.slug)
        if is_missing(services.service, id, by):
            drawing = replace(services, ids=franchise.ids("service", one.slug))
            drawing.offer(OfferService(service_terms(franchise, one)), by)


def service_terms(franchise: Franchise, one: DemoService) -> ServiceTerms:
    """What the franchise says of a service."""
    return ServiceTerms(
        location_ids=tuple(franchise.id("location", place) for place in one.places),
        name=one.name,
        duration_minutes=one.minutes,
        slot_interval_minutes=one.interval_minutes,
        buffer_before_minutes=one.buffer_before_minutes,
        buffer_after_minutes=one.buffer_after_minutes,
        minimum_notice_minutes=one.notice_minutes,
        booking_window_days=one.window_days,
        capacity=one.capacity,
        requires_confirmation=one.requires_confirmation,
        price=one.price,
    )


def engage_staff(franchise: Franchise, place: str, by: Caller) -> None:
    """Engage the staff of a place, as far as they are missing, and set their schedules."""
    staffing = franchise.platform.staffing
    for one in staff_at(place):
        id = franchise.id("staff", place, one.display_name)
        if is_missing(staffing.staff_member, id, by):
            terms = StaffTerms(
                location_ids=(franchise.id("location", place),),
                display_name=one.display_name,
                service_ids=tuple(franchise.id("service", slug) for slug in one.services),
            )
            drawing = replace(staffing, ids=franchise.ids("staff", place, one.display_name))
            drawing.engage(EngageStaff(terms, Personal(one.name)), by)
        staffing.set_schedule(SetSchedule(id, schedule_of(franchise, one)), by)


def staff_at(place: str) -> tuple[DemoStaff, ...]:
    """Who works at a place."""
    return tuple(one for one in STAFF if one.place == place)


def schedule_of(franchise: Franchise, one: DemoStaff) -> Schedule:
    """The schedule of a staff member, its exceptions counted from the first day."""
    return parse_schedule(
        {
            "time_zone": PLACES[one.place].time_zone,
            "weekly": [
                {"days": list(days), "from": from_, "to": to} for days, from_, to in one.weekly
            ],
            "overrides": [
                {
                    "date": (franchise.first_day + timedelta(days=exception.after)).isoformat(),
                    "intervals": [{"from": from_, "to": to} for from_, to in exception.hours],
                }
                for exception in one.exceptions
            ],
        }
    )
