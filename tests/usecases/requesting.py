"""People's requests over the ports of a world in memory: a salon, its officer, and a person who asks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from application.erasing.ordering import ErasureOrders, NothingKept
from application.execute import Scribe
from application.people.people import People
from application.ports import Append, CatalogEntry, Outcome
from application.recorded import Caller
from application.requests.carrying_out import CarryingOut
from application.requests.desk import RequestDesk
from application.requests.duties import Duties
from application.requests.ending import RequestEnding
from application.requests.letters import Letter, Letters
from application.requests.privacy_requests import PrivacyRequests
from application.requests.receiving import ReceiveRequest, Reception
from application.requests.steps import Steps, Target
from application.requests.telling import Telling
from application.requests.timing import RequestTiming
from application.setup.register import Receipt
from domain.package import PackageMade
from domain.privacy_request_state import PrivacyRequest
from domain.values import Personal
from infrastructure.calendars.public_holidays import PublicHolidays
from tests.usecases.front import Front
from tests.usecases.salon import TENANT


class PlainPress:
    """Sets nothing."""

    def pdf(self, letter: Letter) -> bytes:
        """See the port `LetterPress`."""
        return letter.text().encode()


@dataclass(frozen=True)
class _Gags:
    office: Office

    def gagged(self, *_: object) -> frozenset[UUID]:
        """See the port `GaggedHolds`."""
        return self.office.gagged


@dataclass(frozen=True)
class _Holds:
    office: Office

    def reviews(self, _: UUID) -> list[tuple[UUID, date]]:
        """See the port `HoldReviews`."""
        return list(self.office.hold_reviews.items())


@dataclass
class Office:
    """A front office where people ask for what the law gives them; `officer` deals with it."""

    front: Front
    ada: UUID = field(init=False)
    gagged: frozenset[UUID] = frozenset()
    hold_reviews: dict[UUID, date] = field(default_factory=dict)

    def __post_init__(self) -> None:
        front, salon = self.front, self.front.salon
        world = salon.world
        store, book, clock, ids = world.store, world.book, world.clock, world.ids
        self.world, self.ada = world, front.ada
        self.officer: Caller = front.as_role("privacy_officer", actor="key_officer")
        people = People(
            store, world.people, world.holdings, world.erasures, salon.reveal, clock, ids
        )
        self.people = people
        times, self.telling = RequestTiming(PublicHolidays()), Telling(store, world.courier)
        orders = ErasureOrders(store, book, NothingKept(), _Gags(self), clock, ids)
        self.steps = Steps(store, book, clock, ids)
        carrying = CarryingOut(
            store, world.ledger, world.positions, world.visits, salon.course, orders, clock, ids
        )
        self.requests = PrivacyRequests(self.steps, times, carrying, self.telling)
        self.ending = RequestEnding(self.steps, world.request_rows, self.telling, orders)
        self.desk = RequestDesk(
            Reception(store, book, people, world.people, clock, ids),
            self.requests,
            Letters(self.requests, PlainPress()),
            Duties(
                *(store, book, times, self.telling, world.accesses, world.courier),
                _Holds(self),
                world.request_rows,
                clock,
            ),
            self.ending,
        )

    def asks(self, *rights: Any, by: Caller | None = None, **more: Any) -> Receipt[PrivacyRequest]:
        """Ada asks, by her e-mail address unless said otherwise."""
        terms: dict[str, Any] = {
            "jurisdiction": "gdpr",
            "channel": "email",
            "received_at": self.world.clock.now(),
            "email": Personal("ada@example.test"),
        }
        if "subject" in more:
            terms["email"] = None
        command = ReceiveRequest(rights or ("erasure",), **{**terms, **more})
        return self.desk.reception.receive(command, by or self.officer)

    def verified(self, *rights: Any, **more: Any) -> Target:
        """A request of whom it is known who asks."""
        target = Target(self.asks(*rights, **more).state.id)
        self.requests.verify_identity(target, "email_loop", ("email",), "verified", self.officer)
        return target

    def packs(self, target: Target) -> UUID:
        """A package is made for it; the event that says so."""
        scribe = Scribe.begin(self.officer, self.world.clock, self.world.ids)
        package, subject = self.world.ids.uuid(), self.state(target).subject
        assert subject is not None
        made = scribe.record(
            package, 1, PackageMade(package, subject, target.request, "json", 1, 1)
        )
        assert self.world.store.append(Append(TENANT, scribe.at, (made,))) is Outcome.APPENDED
        return made.event_id

    def state(self, target: Target) -> PrivacyRequest:
        """The request as it stands."""
        return self.requests.request(target.request, self.officer).state

    def types(self, stream: UUID) -> list[str]:
        """What is recorded of one thing."""
        return self.front.salon.types(stream)

    def moves_to(self, zone: str, country: str) -> None:
        """The one location stands elsewhere from now on."""
        for key, entry in list(self.world.state.catalog.items()):
            if entry.kind == "location":
                state: Any = entry.state
                terms = replace(state.terms, time_zone=zone, country=country)
                moved = replace(state, terms=terms)
                self.world.state.catalog[key] = CatalogEntry(
                    "location", entry.id, entry.version, entry.created_at, moved
                )
        assert key[0] == TENANT
