"""What a contract test needs of an adapter's world, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol, TypeVar
from uuid import UUID, uuid4

from application.access.denials import DenialCounts
from application.erasing.eraser import OpenErasures
from application.erasing.key_shredding import KeyShredder
from application.kept_answers import Answers
from application.people.contacts import KnownPeople
from application.ports import (
    Append,
    Book,
    BusyReplacement,
    CatalogEntry,
    Claim,
    EventStore,
    ExpiredClaims,
    Opener,
    Outcome,
    Release,
)
from application.recorded import Answer, Recorded, Ticket
from application.requests.asked import RequestRows
from application.requests.duties import DutyTotals
from domain.booking import BookingCancelled
from domain.booking_given import PersonGiven
from domain.custody import Fence
from domain.hold import HoldPlaced, HoldReleased
from domain.service import Service, ServiceTerms
from domain.staff import Staff, StaffTerms
from domain.subject import Profile, SubjectRegistered
from domain.values import Personal
from domain.visit import Visit

NOW = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
HOUR = 3_600
TEN = 1_799_056_800  # 2027-01-04T10:00Z
T = TypeVar("T")


class ClaimedBook(Book, ExpiredClaims, Protocol):
    """The book, which also knows whose time is over."""


class World(Protocol):
    """The ports of one deployment that the suites here are about."""

    @property
    def store(self) -> EventStore: ...
    @property
    def book(self) -> ClaimedBook: ...
    @property
    def people(self) -> KnownPeople: ...
    @property
    def opener(self) -> Opener: ...
    @property
    def shredder(self) -> KeyShredder: ...
    @property
    def open_erasures(self) -> OpenErasures: ...
    @property
    def request_rows(self) -> RequestRows: ...
    @property
    def answers(self) -> Answers: ...
    @property
    def denial_counts(self) -> DenialCounts: ...

    @property
    def duty_totals(self) -> DutyTotals: ...

    def inside(self, tenant: UUID) -> AbstractContextManager[None]:
        """Bind what runs inside, in this thread, to `tenant`."""
        ...

    def advance(self, seconds: int) -> None:
        """Move on the clock that answers are kept by."""
        ...

    def fence(self, tenant: UUID, subject: UUID) -> None:
        """Let nothing more be sealed for the subject, in any class."""
        ...

    def destroy_keys(self, tenant: UUID, subject: UUID) -> None:
        """Destroy the subject's keys, leaving tombstones."""
        ...


@dataclass
class Desk:
    """One tenant of a world, and short words for what is appended to it."""

    world: World
    tenant: UUID = field(default_factory=uuid4)
    staff: UUID = field(default_factory=uuid4)
    service: UUID = field(default_factory=uuid4)

    def event(self, stream: UUID, version: int = 1, decision: object = None) -> Recorded[object]:
        """An event; of a hold unless said otherwise."""
        if decision is None:
            decision = self.placed(stream) if version == 1 else HoldReleased(stream)
        return Recorded(self.tenant, stream, version, uuid4(), NOW, "key_1", decision)

    def placed(self, hold: UUID) -> HoldPlaced:
        """A hold's first decision."""
        start, end = NOW, NOW.replace(hour=9)
        visit = Visit(self.service, uuid4(), self.staff, start, end, start, end)
        return HoldPlaced(hold, visit, end)

    def registered(self, subject: UUID, name: str = "Ada Example") -> Recorded[object]:
        """A person's first event."""
        profile = Profile(Personal(name), Personal("ada@example.test"))
        return self.event(subject, 1, SubjectRegistered(subject, "booking", profile))

    def person(self) -> PersonGiven:
        """What a customer gave."""
        return PersonGiven(
            Personal("Ada Example"), None, None, Personal("Ring"), {"colour": Personal("red")}
        )

    def cancelled(self, stream: UUID, version: int, subject: UUID) -> Recorded[object]:
        """A booking's end."""
        return self.event(stream, version, BookingCancelled(stream, subject, "other"))

    def opens(self) -> None:
        """Enter the desk's own service and staff member, so that facts can be asked for."""
        place = UUID(int=1)
        terms = ServiceTerms(location_ids=(place,), name="Cut", duration_minutes=60)
        who = StaffTerms((place,), "Sam", (self.service,))
        service = Service(self.service, terms, active=True, version=1)
        staff = Staff(self.staff, uuid4(), who, named=False, schedule=None, active=True, version=1)
        self.append(
            catalog=(
                CatalogEntry("service", self.service, 1, NOW, service),
                CatalogEntry("staff", self.staff, 1, NOW, staff),
            )
        )

    def append(
        self,
        *events: Recorded[object],
        releases: tuple[Release, ...] = (),
        claims: tuple[Claim, ...] = (),
        catalog: tuple[CatalogEntry, ...] = (),
        busy: BusyReplacement | None = None,
        fences: tuple[Fence, ...] = (),
        ticket: Ticket | None = None,
        answer: Answer | None = None,
    ) -> Outcome:
        """Append; an event of a fresh stream when none is given."""
        append = Append(
            tenant=self.tenant,
            at=NOW,
            events=events or (self.event(uuid4()),),
            releases=releases,
            claims=claims,
            busy=busy,
            fences=fences,
            catalog=catalog,
            ticket=ticket,
            answer=answer,
        )
        with self.world.inside(self.tenant):
            return self.world.store.append(append)

    def claim(self, start: int = TEN, hours: int = 1, **rest: object) -> Claim:
        """A booking's claim on the staff member's time; its owner is new."""
        end = start + hours * HOUR
        plain = Claim(uuid4(), "booking", self.staff, self.service, start, end, start, end)
        return replace(plain, **rest)  # type: ignore[arg-type]

    def take(self, *claims: Claim) -> Outcome:
        """Append with these claims."""
        return self.append(claims=claims)

    def give_up(self, claim: Claim, expired_by: int | None = None) -> Outcome:
        """Append with this release."""
        return self.append(releases=(Release(claim.owner, expired_by),))

    def versions(self, stream: UUID) -> list[int]:
        """The versions that are stored of a stream."""
        return [event.version for event in self.read(stream)]

    def read(self, stream: UUID) -> tuple[Recorded[object], ...]:
        """The stream."""
        with self.world.inside(self.tenant):
            return self.world.store.read(self.tenant, stream)

    def race(self, clients: int, run: Callable[[int], T]) -> list[T]:
        """Run so many at once, each bound to the tenant."""

        def bound(number: int) -> T:
            with self.world.inside(self.tenant):
                return run(number)

        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(bound, range(clients)))
