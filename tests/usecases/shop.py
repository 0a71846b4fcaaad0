"""A business on the in-memory twin: founded, with its keys, and every use case that sets it up."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from application.recorded import Caller
from application.setup.access_keys import AccessKeys
from application.setup.locations import Locations, OpenLocation
from application.setup.services import OfferService, Services
from application.setup.staffing import EngageStaff, Staffing
from application.setup.tenancy import FoundedTenant, Tenancy
from domain.access_key import Role
from domain.location import LocationTerms
from domain.service import ServiceTerms
from domain.staff import StaffTerms
from infrastructure.calendars.calendar_reader import ICalendarReader
from infrastructure.calendars.public_holidays import PublicHolidays
from infrastructure.twin.memory import MemoryWorld

LISBON = LocationTerms(name="Old Town", time_zone="Europe/Lisbon", country="PT")


@dataclass(frozen=True, slots=True)
class Shop:
    """A business and its use cases; `owner` calls with the owner's key, good at every location."""

    world: MemoryWorld
    founded: FoundedTenant
    tenancy: Tenancy
    locations: Locations
    services: Services
    staffing: Staffing
    keys: AccessKeys
    owner: Caller

    def caller(self, role: Role, *at: UUID) -> Caller:
        """A caller in one role, at the given locations, or at all of them when none is given."""
        locations = frozenset(at) if at else None
        return Caller(self.founded.tenant.id, "key_test", frozenset({role}), locations)

    def location(self, terms: LocationTerms = LISBON) -> UUID:
        """A new location."""
        return self.locations.open(OpenLocation(terms), self.owner).state.id

    def service(self, *at: UUID) -> UUID:
        """A new service at these locations."""
        terms = ServiceTerms(location_ids=at, name="Cut", duration_minutes=45)
        return self.services.offer(OfferService(terms), self.owner).state.id

    def staff(self, *at: UUID, services: tuple[UUID, ...] = ()) -> UUID:
        """A new staff member at these locations."""
        terms = StaffTerms(location_ids=at, display_name="Sam", service_ids=services)
        return self.staffing.engage(EngageStaff(terms), self.owner).state.id

    def types_of(self, stream: UUID) -> list[str]:
        """What was decided on a stream, oldest first."""
        events = self.world.store.read(self.founded.tenant.id, stream)
        return [type(event.decision).__name__ for event in events]

    def last_event(self, stream: UUID) -> UUID:
        """The stream's last event."""
        return self.world.store.read(self.founded.tenant.id, stream)[-1].event_id


def open_shop(world: MemoryWorld) -> Shop:
    """Found a business in `world`."""
    store, book, clock, ids = world.store, world.book, world.clock, world.ids
    tenancy = Tenancy(store, book, clock, ids)
    keys = AccessKeys(store, book, clock, ids)
    founded = tenancy.found_tenant("Brightside")
    return Shop(
        world=world,
        founded=founded,
        tenancy=tenancy,
        locations=Locations(store, book, clock, ids, PublicHolidays()),
        services=Services(store, book, clock, ids),
        staffing=Staffing(store, book, world.people, ICalendarReader(), clock, ids),
        keys=keys,
        owner=keys.authenticate(founded.keys["owner"], clock.now()),
    )
