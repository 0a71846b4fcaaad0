"""A business that can be booked: a world in memory, and short words to set it up and to use it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from application.access.denials import Denials
from application.access.reveal import Reveal
from application.booking.agenda import AgendaReads
from application.booking.booking_course import BookingCourse, Target
from application.booking.booking_reads import BookingReads
from application.booking.holds import Holds, PlaceHold
from application.booking.placing import Bookings, BookVisit
from application.booking.slots import SlotQuery, Slots
from application.custody.custodies import Custodies
from application.execute import Scribe
from application.ports import Append, BusyReplacement, CatalogEntry, CatalogKind, Outcome
from application.recorded import Caller, Recorded
from application.setup.register import Receipt
from domain import location, service, staff
from domain.booking import Booking
from domain.hold import Hold
from domain.location import LocationTerms
from domain.schedule import Hours, Schedule, WeeklyHours
from domain.service import ServiceTerms
from domain.staff import StaffTerms
from domain.subject import Profile
from domain.values import Personal, epoch_seconds
from infrastructure.twin.memory import MemoryWorld

TENANT = UUID(int=0xA)
MONDAY = datetime(2027, 1, 4, tzinfo=UTC)
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
NINE_TO_FIVE = Hours(9 * 60, 17 * 60)


def at(hour: int, minute: int = 0, *, day: int = 0) -> datetime:
    """An instant of the week that begins on Monday, 4 January 2027."""
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


def customer(name: str = "Ada Example", email: str = "ada@example.test") -> Profile:
    """A customer who gives nothing but what is needed."""
    return Profile(Personal(name), Personal(email))


ADA = customer()


def nine_to_five(zone: str = "Europe/London") -> Schedule:
    """Nine to five, every day of the week."""
    return Schedule(zone, (WeeklyHours(EVERY_DAY, NINE_TO_FIVE),))


@dataclass
class Gagging:
    """The cases under a gag, and until when."""

    cases: dict[str, datetime] = field(default_factory=dict)

    def until(self, tenant: UUID, case: str) -> datetime | None:
        """See the port `Gags`."""
        return self.cases.get(case) if tenant == TENANT else None


@dataclass
class Salon:
    """One tenant in a world of its own. The clock stands at Monday 08:00 UTC."""

    world: MemoryWorld = field(default_factory=MemoryWorld)
    by: Caller = field(
        default_factory=lambda: Caller(TENANT, "key_1", frozenset({"booking"}), None)
    )

    def __post_init__(self) -> None:
        world = self.world
        ports = (world.store, world.book, world.clock, world.ids, world.holidays)
        self.gags = Gagging()
        self.denials = Denials(world.store, world.denial_counts, world.clock, world.ids, self.gags)
        self.reveal = Reveal(
            world.store,
            world.opener,
            world.clock,
            world.ids,
            world.book,
            self.denials,
            self.gags,
            Custodies(world.store, world.store),
        )
        self.slots = Slots(world.book, world.clock, world.holidays)
        self.holds = Holds(*ports)
        self.bookings = Bookings(world.store, world.book, world.people, *ports[2:])
        self.course = BookingCourse(*ports)
        self.reads = BookingReads(world.store, world.book, self.reveal)
        self.agenda = AgendaReads(
            world.agenda, world.positions, world.book, self.reveal, world.past, world.clock
        )

    # --- setting up --------------------------------------------------------------------------------------------------

    def a_location(self, zone: str = "Europe/London", **terms: object) -> UUID:
        """A branch that is open."""
        id = self.world.ids.uuid()
        given = replace(LocationTerms("Main Street", zone, "GB"), **terms)  # type: ignore[arg-type]
        return self._enter(
            "location", id, location.evolve(None, location.LocationOpened(id, given))
        )

    def a_service(self, *locations: UUID, minutes: int = 60, **terms: object) -> UUID:
        """A service; an hour long on a grid of half hours unless said otherwise."""
        id = self.world.ids.uuid()
        given = ServiceTerms(
            location_ids=locations, name="Cut", duration_minutes=minutes, slot_interval_minutes=30
        )
        given = replace(given, **terms)  # type: ignore[arg-type]
        return self._enter("service", id, service.evolve(None, service.ServiceOffered(id, given)))

    def a_staff_member(
        self,
        locations: Sequence[UUID],
        services: Sequence[UUID],
        schedule: Schedule | None = None,
        *,
        scheduled: bool = True,
    ) -> UUID:
        """Someone who works nine to five, London time, unless said otherwise."""
        id = self.world.ids.uuid()
        given = StaffTerms(tuple(locations), "Sam", tuple(services))
        state = staff.evolve(None, staff.StaffEngaged(id, self.world.ids.uuid(), given))
        if scheduled:
            state = staff.evolve(state, staff.StaffScheduleSet(schedule or nine_to_five()))
        return self._enter("staff", id, state)

    def ends(self, id: UUID) -> None:
        """The location is closed, the service withdrawn, the staff member released."""
        entry = self.world.state.catalog[(TENANT, id)]
        self._enter(entry.kind, id, replace(entry.state, active=False))  # type: ignore[type-var]

    def begins(self, id: UUID) -> None:
        """What has ended is there again, as if it never had."""
        entry = self.world.state.catalog[(TENANT, id)]
        self._enter(entry.kind, id, replace(entry.state, active=True))  # type: ignore[type-var]

    def revises(self, id: UUID, **terms: object) -> None:
        """The terms of a service, location or staff member are other ones from now on."""
        entry = self.world.state.catalog[(TENANT, id)]
        revised = replace(entry.state.terms, **terms)  # type: ignore[attr-defined]
        self._enter(entry.kind, id, replace(entry.state, terms=revised))  # type: ignore[type-var]

    def is_busy(self, staff: UUID, start: datetime, end: datetime) -> None:
        """A calendar says that the staff member is busy."""
        block = (epoch_seconds(start), epoch_seconds(end))
        self._append(busy=BusyReplacement(staff, *block, (block,)))

    def _enter(self, kind: CatalogKind, id: UUID, state: object) -> UUID:
        entry = CatalogEntry(kind, id, 1, self.world.clock.now(), state)
        self._append(catalog=(entry,))
        return id

    def _append(
        self, *, catalog: tuple[CatalogEntry, ...] = (), busy: BusyReplacement | None = None
    ) -> None:
        scribe = Scribe.begin(self.by, self.world.clock, self.world.ids)
        event = scribe.record(self.world.ids.uuid(), 1, service.ServiceWithdrawn())
        append = Append(TENANT, scribe.at, (event,), catalog=catalog, busy=busy)
        assert self.world.store.append(append) is Outcome.APPENDED

    # --- using it ----------------------------------------------------------------------------------------------------

    def free(self, service: UUID, start: datetime, end: datetime, **asked: UUID) -> list[datetime]:
        """The starts that can be booked."""
        query = SlotQuery(service, start, end, **asked)
        found = self.slots.free(query, self.by)
        return [datetime.fromtimestamp(slot.start, UTC) for slot in found]

    def book(
        self,
        service: UUID,
        start: datetime,
        customer: Profile = ADA,
        *,
        by: Caller | None = None,
        **rest: object,
    ) -> Receipt[Booking]:
        """Book a visit for Ada."""
        command = BookVisit(service, start, customer, **rest)  # type: ignore[arg-type]
        return self.bookings.make(command, by or self.by)

    def hold(
        self, service: UUID, start: datetime, *, by: Caller | None = None, **rest: object
    ) -> Receipt[Hold]:
        """Keep a slot."""
        command = PlaceHold(service, start, **rest)  # type: ignore[arg-type]
        return self.holds.place(command, by or self.by)

    def now(self, made: Receipt[Booking]) -> Booking:
        """The booking as it stands."""
        return self.reads.booking(made.state.id, self.by).state

    def target(self, made: Receipt[Booking], version: int | None = None) -> Target:
        """The booking, for a command."""
        return Target(made.state.id, version)

    def events(self, stream: UUID) -> Iterable[Recorded[object]]:
        """All that is recorded of one thing."""
        return self.world.store.read(TENANT, stream)

    def types(self, stream: UUID) -> list[str]:
        """The event types recorded of one thing."""
        return [event.decision.TYPE for event in self.events(stream)]  # type: ignore[attr-defined]

    def total(self) -> int:
        """How many events there are at all."""
        return len(self.world.state.log[TENANT])
