"""One tenant with something of everything in both databases, made through the ports."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from application.access.denials import Counted
from application.booking.claims import claim_of_booking, claim_of_hold
from application.consent_log import consent_stream
from application.ports import Append, BusyReplacement, CatalogEntry, Claim, Outcome, Release
from application.recorded import Answer, Recorded, Ticket
from domain import booking
from domain.access import SubjectSeen, grant, withhold
from domain.access_key import KeyIssued, KeyTerms
from domain.access_review import break_glass
from domain.booking import BookingConfirmed
from domain.booking_given import PersonGiven
from domain.consent import ConsentGiven, Evidence, NoticeShown
from domain.hold import HoldPlaced
from domain.location import Location, LocationTerms
from domain.sealing import Envelope
from domain.service import Service, ServiceTerms
from domain.staff import Staff, StaffTerms
from domain.subject import Profile, SubjectRegistered
from domain.values import Personal, epoch_seconds, public_id
from domain.visit import Visit
from infrastructure.clock import SystemClock
from infrastructure.engine import Engine
from infrastructure.store.denial_counts import PostgresDenialCounts
from infrastructure.wall import bound_to

HOUR = timedelta(hours=1)
EMAIL = "ada@example.test"


@dataclass
class Tenant:
    """A tenant, and short words for what is appended to it. Every call is bound to it."""

    engine: Engine
    id: UUID = field(default_factory=uuid4)
    location: UUID = field(default_factory=uuid4)
    service: UUID = field(default_factory=uuid4)
    staff: UUID = field(default_factory=uuid4)
    ten: datetime = field(
        default_factory=lambda: SystemClock().now().replace(minute=0, second=0, microsecond=0)
    )

    def event(self, stream: UUID, version: int, decision: object) -> Recorded[object]:
        """An event of this tenant."""
        return Recorded(
            self.id, stream, version, uuid4(), self.engine.clock.now(), "key_1", decision
        )

    def append(
        self,
        *events: Recorded[object],
        claims: tuple[Claim, ...] = (),
        releases: tuple[Release, ...] = (),
        busy: BusyReplacement | None = None,
        catalog: tuple[CatalogEntry, ...] = (),
        ticket: Ticket | None = None,
        answer: Answer | None = None,
    ) -> Outcome:
        """Append all of it at once."""
        append = Append(
            tenant=self.id,
            at=self.engine.clock.now(),
            events=events,
            claims=claims,
            releases=releases,
            busy=busy,
            catalog=catalog,
            ticket=ticket,
            answer=answer,
        )
        with bound_to(self.id):
            return self.engine.store.append(append)

    def visit(self, hours: int = 0, *, capacity: int = 1, staff: UUID | None = None) -> Visit:
        """An hour of the staff member, so many hours after ten."""
        start = self.ten + hours * HOUR
        place, who = self.location, staff or self.staff
        return Visit(self.service, place, who, start, start + HOUR, start, start + HOUR, capacity)

    def hold(self, visit: Visit, expires_at: datetime | None = None) -> HoldPlaced:
        """A hold's first decision."""
        return HoldPlaced(uuid4(), visit, expires_at or visit.end)

    def place(self, visit: Visit) -> tuple[UUID, Outcome]:
        """Append a hold with its claim; its id, and what became of it."""
        placed = self.hold(visit)
        outcome = self.append(self.event(placed.hold, 1, placed), claims=(claim_of_hold(placed),))
        return placed.hold, outcome

    def register(self, email: str = EMAIL) -> UUID:
        """Make a person known; the subject."""
        with bound_to(self.id):
            found = self.engine.people.find_or_prepare(
                self.id, email, uuid4(), ("profile", "booking")
            )
        if not found.registered:
            profile = Profile(Personal("Ada Example"), Personal(email))
            registered = SubjectRegistered(found.subject, "booking", profile)
            assert self.append(self.event(found.subject, 1, registered)) is Outcome.APPENDED
        return found.subject

    def confirmed(self, subject: UUID, visit: Visit) -> BookingConfirmed:
        """A booking's first decision."""
        name = Personal("Ada Example")
        person = PersonGiven(name, None, None, Personal("Ring twice"), {"dog": Personal("yes")})
        return BookingConfirmed(uuid4(), subject, visit, None, "ref-1", person)

    def book(self, subject: UUID, visit: Visit) -> UUID:
        """Append a booking with its claim; its id."""
        decision = self.confirmed(subject, visit)
        state = booking.evolve(None, decision)
        outcome = self.append(self.event(state.id, 1, decision), claims=(claim_of_booking(state),))
        assert outcome is Outcome.APPENDED
        return state.id

    def enter(self) -> None:
        """Enter location, service and staff member, and busy time."""
        where = LocationTerms(name="Main", time_zone="UTC", country="US")
        what = ServiceTerms(location_ids=(self.location,), name="Cut", duration_minutes=60)
        who = StaffTerms((self.location,), "Sam", (self.service,))
        at = self.engine.clock.now()
        location = Location(self.location, where, active=True, version=1)
        service = Service(self.service, what, active=True, version=1)
        staff = Staff(self.staff, uuid4(), who, named=False, schedule=None, active=True, version=1)
        far = epoch_seconds(self.ten) + 90_000
        placed = self.hold(self.visit(100))
        outcome = self.append(
            self.event(placed.hold, 1, placed),
            catalog=(
                CatalogEntry("location", self.location, 1, at, location),
                CatalogEntry("service", self.service, 1, at, service),
                CatalogEntry("staff", self.staff, 1, at, staff),
            ),
            busy=BusyReplacement(self.staff, far, far + 9_000, ((far, far + 3_600),)),
        )
        assert outcome is Outcome.APPENDED

    def consent(self, subject: UUID, expires_at: datetime | None = None) -> UUID:
        """Append a consent of a person's; its id."""
        stream = consent_stream(subject)
        with bound_to(self.id):
            version = len(self.engine.store.read(self.id, stream)) + 1
        at = self.engine.clock.now()
        given = ConsentGiven(
            uuid4(),
            subject,
            "marketing_first_party",
            NoticeShown(uuid4(), "2027-01", "ab" * 32, "en", at),
            "explicit_click",
            "web",
            at,
            expires_at,
            None,
            Evidence({"form": Personal("newsletter of Ada")}),
        )
        assert self.append(self.event(stream, version, given)) is Outcome.APPENDED
        return given.consent

    def envelopes(self, stream: UUID) -> list[Envelope]:
        """The envelopes of a stream's events."""
        with bound_to(self.id):
            events = self.engine.store.read(self.id, stream)
        found = []
        for event in events:
            for name in ("person", "profile", "name"):
                value = getattr(event.decision, name, None)
                if isinstance(value, Envelope):
                    found.append(value)
        return found


@dataclass(frozen=True)
class Filled:
    """What `fill` has made."""

    tenant: Tenant
    subject: UUID
    booking: UUID
    hold: UUID
    seat: UUID
    call: UUID  # the row of an idempotent call that runs
    access: UUID  # the event of one that was withheld, for which the glass was broken
    denial: Counted


def fill(engine: Engine) -> Filled:
    """A tenant with a row in every table that has tenants."""
    tenant = Tenant(engine)
    tenant.enter()
    subject = tenant.register()
    made = tenant.book(subject, tenant.visit())
    tenant.consent(subject, tenant.ten)
    hold, outcome = tenant.place(tenant.visit(2))
    assert outcome is Outcome.APPENDED
    seat, outcome = tenant.place(tenant.visit(4, capacity=5))
    assert outcome is Outcome.APPENDED
    with bound_to(tenant.id):
        call = engine.answers.begin(tenant.id, "key_1 POST /v1/bookings", "call-1", b"{}")
    assert isinstance(call, UUID)
    return Filled(
        tenant, subject, made, hold, seat, call, look_at(tenant, subject), deny(tenant, subject)
    )


def look_at(tenant: Tenant, subject: UUID) -> UUID:
    """Somebody whose key is known looked at the subject, broke the glass for it, and it is withheld; the event."""
    key = public_id("key", issue(tenant))
    at, tag, access = tenant.engine.clock.now(), uuid4(), uuid4()
    granted = grant(access, "service", "W-1", ("name",), (SubjectSeen(tag, bytes(16).hex()),))
    first = replace(tenant.event(access, 1, granted), actor=key, case="W-1")
    held = tenant.event(access, 2, withhold(first.event_id, {subject: tag}, at))
    glass = break_glass(access, "emergency", "role", at, 24)
    broken = replace(tenant.event(uuid4(), 1, glass), cause=first.event_id, actor=key)
    assert tenant.append(first, held, broken) is Outcome.APPENDED
    return first.event_id


def issue(tenant: Tenant) -> UUID:
    """Issue a key; its id."""
    issued = KeyIssued(uuid4(), KeyTerms(("staff",), "sam"), "0" * 64)
    assert tenant.append(tenant.event(issued.key, 1, issued)) is Outcome.APPENDED
    return issued.key


def deny(tenant: Tenant, subject: UUID) -> Counted:
    """Somebody was refused, and that is counted."""
    at = tenant.engine.clock.now()
    one = Counted(uuid4(), at, "key_1", subject, None, "role", None, ("name",), 1, at)
    with bound_to(tenant.id):
        PostgresDenialCounts(tenant.engine.app).add(tenant.id, one)
    return one
