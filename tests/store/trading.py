"""A tenant that trades on a real store: founded, set up and booked through the use cases, so that all of it follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from application.booking.booking_course import BookingCourse, Target
from application.booking.holds import Holds, PlaceHold
from application.booking.placing import Bookings, BookVisit
from application.recorded import Caller
from application.setup.access_keys import AccessKeys
from application.setup.locations import Locations, OpenLocation
from application.setup.services import OfferService, ReviseService, Services
from application.setup.staffing import EngageStaff, ImportBusy, SetSchedule, Staffing
from application.setup.tenancy import Tenancy
from domain.booking import Booking
from domain.location import LocationTerms
from domain.schedule import Hours, Schedule, WeeklyHours
from domain.service import ServiceTerms
from domain.staff import StaffTerms
from domain.subject import Profile
from domain.values import Personal
from infrastructure.calendars.calendar_reader import ICalendarReader
from infrastructure.calendars.public_holidays import PublicHolidays
from infrastructure.engine import Engine
from infrastructure.wall import bound_to

ALL_DAY = Schedule("UTC", (WeeklyHours((0, 1, 2, 3, 4, 5, 6), Hours(0, 1_440)),))
CLASS_SEATS = 5


@dataclass
class Trade:
    """One tenant. Hours are counted from the midnight two days from now; every call is bound to the tenant."""

    engine: Engine
    tenant: UUID = field(init=False)
    by: Caller = field(init=False)
    location: UUID = field(init=False)
    cut: UUID = field(init=False)
    lesson: UUID = field(init=False)
    sam: UUID = field(init=False)

    def __post_init__(self) -> None:
        engine = self.engine
        ports = (engine.store, engine.book, engine.clock, engine.ids)
        self.midnight = engine.clock.now().replace(
            hour=0, minute=0, second=0, microsecond=0
        ) + timedelta(days=2)
        holidays = PublicHolidays()
        self.locations = Locations(*ports, holidays)
        self.services = Services(*ports)
        self.staffing = Staffing(*ports[:2], engine.people, ICalendarReader(), *ports[2:])
        self.holds = Holds(*ports, holidays)
        self.bookings = Bookings(*ports[:2], engine.people, *ports[2:], holidays)
        self.course = BookingCourse(*ports, holidays)
        self.tenant = engine.ids.uuid()
        with bound_to(self.tenant):
            founded = Tenancy(*ports).found_tenant("Brightside", self.tenant)
            keys = AccessKeys(*ports)
            owner = keys.authenticate(founded.keys["owner"], engine.clock.now())
            roles = owner.roles | {"booking"}
            self.by = Caller(owner.tenant, owner.actor, roles, owner.locations)
            self._set_up()

    def _set_up(self) -> None:
        by = self.by
        where = LocationTerms(name="Main", time_zone="UTC", country="US")
        self.location = self.locations.open(OpenLocation(where), by).state.id
        cut = ServiceTerms((self.location,), "Cut", 60, slot_interval_minutes=60)
        lesson = ServiceTerms(
            (self.location,), "Lesson", 60, slot_interval_minutes=60, capacity=CLASS_SEATS
        )
        self.cut = self.services.offer(OfferService(cut), by).state.id
        self.lesson = self.services.offer(OfferService(lesson), by).state.id
        who = StaffTerms((self.location,), "Sam", (self.cut, self.lesson))
        engaged = self.staffing.engage(EngageStaff(who, Personal("Sam Example")), by)
        self.sam = engaged.state.id
        self.staffing.set_schedule(SetSchedule(self.sam, ALL_DAY), by)

    def at(self, hour: int) -> datetime:
        """The start of an hour."""
        return self.midnight + timedelta(hours=hour)

    def book(self, hour: int, customer: str = "ada", service: UUID | None = None) -> Booking:
        """Book somebody in."""
        profile = Profile(Personal(customer.title()), Personal(f"{customer}@example.test"))
        with bound_to(self.tenant):
            command = BookVisit(service or self.cut, self.at(hour), profile)
            return self.bookings.make(command, self.by).state

    def hold(self, hour: int, service: UUID | None = None) -> UUID:
        """Hold an hour; the hold's id."""
        with bound_to(self.tenant):
            command = PlaceHold(service or self.cut, self.at(hour))
            return self.holds.place(command, self.by).state.id

    def give_up(self, hold: UUID) -> None:
        """Release a hold."""
        with bound_to(self.tenant):
            self.holds.release(hold, self.by)

    def cancel(self, booking: Booking) -> None:
        """Call a visit off."""
        with bound_to(self.tenant):
            self.course.cancel(Target(booking.id, None), "customer_request", self.by)

    def move(self, booking: Booking, hour: int) -> None:
        """Move a visit."""
        with bound_to(self.tenant):
            self.course.reschedule(Target(booking.id, None), self.at(hour), None, self.by)

    def import_busy(self, *hours: int) -> None:
        """Have a calendar say when the staff member is busy, of two days."""
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//EN"]
        for hour in hours:
            lines += ["BEGIN:VEVENT", f"UID:{hour}", "DTSTAMP:20270101T000000Z"]
            for name, at in (("DTSTART", self.at(hour)), ("DTEND", self.at(hour + 1))):
                lines.append(f"{name}:{at:%Y%m%dT%H%M%SZ}")
            lines.append("END:VEVENT")
        body = "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()
        with bound_to(self.tenant):
            command = ImportBusy(self.sam, body, self.at(0), self.at(48))
            self.staffing.import_busy(command, self.by)

    def revise(self, times: int) -> None:
        """Change a service's notice so often: one event each time."""
        with bound_to(self.tenant):
            for minutes in range(times):
                command = ReviseService(self.lesson, minimum_notice_minutes=minutes % 2 + 1)
                self.services.revise(command, self.by)


def trade(engine: Engine) -> Trade:
    """A tenant with something of everything: bookings, moved and called off, holds, class seats, busy time."""
    made = Trade(engine)
    made.book(1)
    made.cancel(made.book(2, "bob"))
    made.move(made.book(3, "cleo"), 4)
    made.hold(5)
    made.give_up(made.hold(6))
    for customer in ("ada", "bob"):
        made.book(7, customer, made.lesson)
    made.hold(7, made.lesson)
    made.import_busy(8, 10, 20)
    made.import_busy(8, 11)
    return made
