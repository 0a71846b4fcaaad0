"""An office that holds, keeps and erases, with a customer; on the twin."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from application.custody.custody_log import custody_stream, read_custody
from application.erasing.eraser import Eraser
from application.erasing.ordering import ERASURES, ErasureOrders, Wish
from application.holding.expiry import Expiry
from application.holding.hold_log import StandingHolds
from application.holding.keeping import FactsOfKeeping, RulesKeeping
from application.holding.legal_holds import HoldOpenings, LegalHolds, PlaceHold
from application.holding.retention_rules import BindRules, RetentionRules
from application.recorded import Caller
from application.requests.asked import RequestsAsked
from application.requests.ending import RequestEnding
from application.requests.receiving import ReceiveRequest, Reception
from application.requests.steps import Decided, Steps, Target
from application.requests.telling import Telling
from domain.custody import Custody
from domain.erasure import Erasure
from domain.legal_hold import HoldTerms, LegalHold
from domain.privacy_request_rules import withdraw
from domain.purposes import Jurisdiction
from domain.retention import Rule
from domain.sealing import RetentionClass
from infrastructure.twin.memory import MemoryWorld
from tests.usecases.salon import TENANT, Salon

OFFICER = Caller(TENANT, "key_officer", frozenset({"privacy_officer"}))
OTHER = replace(OFFICER, actor="key_other")
OWNER = Caller(TENANT, "key_owner", frozenset({"owner"}))
AUDITOR = Caller(TENANT, "key_auditor", frozenset({"auditor"}))
TERMS = HoldTerms("M-1", "Example County Court", ("booking", "billing"), date(2027, 6, 1))
SERVICE = Rule("service", "last_visit", 12, None, "GDPR Art. 6(1)(b)", ("service",), "gdpr")
CLAIMS = Rule(
    "claims", "last_visit", 36, "gdpr_17_3_e_legal_claims", "BGB 195", ("dispute",), "gdpr"
)


@dataclass
class Office:
    """See above; its clock stands at Monday, 4 January 2027, 08:00 UTC."""

    salon: Salon
    ada: UUID

    def __post_init__(self) -> None:
        world = self.salon.world
        asked = RequestsAsked(world.request_rows)
        self.facts = FactsOfKeeping(world.store, world.holdings, world.visits, asked)
        self.steps = Steps(world.store, world.book, world.clock, world.ids)
        people: Any = None  # persons are named by their ids
        self.reception = Reception(
            world.store, world.book, people, world.people, world.clock, world.ids
        )
        keeping = RulesKeeping(world.store, self.facts)
        gagged = StandingHolds(world.book, world.clock)
        ports = (world.store, world.book)
        self.orders = ErasureOrders(*ports, keeping, gagged, world.clock, world.ids)
        self.ending = RequestEnding(
            self.steps, world.request_rows, Telling(world.store, world.courier), self.orders
        )
        self.holds = LegalHolds(*ports, self.orders, world.clock, world.ids)
        self.openings = HoldOpenings(*ports, world.clock, world.ids)
        self.rules = RetentionRules(world.store, world.clock, world.ids)
        self.expiry = Expiry(
            world.store, world.keeping, self.facts, self.orders, world.positions, world.clock
        )

    @property
    def world(self) -> MemoryWorld:
        """Where it stands."""
        return self.salon.world

    def asks(self, jurisdiction: Jurisdiction = "us_ca") -> Target:
        """Ada opts out; nothing is answered yet."""
        at = self.world.clock.now()
        asked = ReceiveRequest(("opt_out",), jurisdiction, "web", at, subject=self.ada)
        return Target(self.reception.receive(asked, OFFICER).state.id)

    def withdraws(self, target: Target) -> None:
        """What was asked is let go of, which closes the request."""
        self.steps.take(
            target, "withdraw", OFFICER, lambda it, scribe: Decided(withdraw(it, scribe.at))
        )

    def place(self, *persons: UUID, by: Caller = OFFICER, **terms: object) -> LegalHold:
        """Place a hold on these persons (Ada where none is named)."""
        wanted = replace(TERMS, **terms)  # type: ignore[arg-type]
        return self.holds.place(PlaceHold(wanted, persons or (self.ada,)), by).state

    def order(self, *classes: RetentionClass) -> UUID:
        """Order Ada erased, in all classes where none is named."""
        wish = Wish(self.ada, "request")
        return self.orders.order(OFFICER, replace(wish, classes=classes) if classes else wish)

    def erasure(self, id: UUID) -> Erasure:
        """How an erasure stands."""
        return ERASURES.find(self.world.book, TENANT, id)[1]

    def custody(self, subject: UUID | None = None) -> Custody:
        """What binds a person's keys, Ada's where nobody is named."""
        return read_custody(self.world.store, TENANT, subject or self.ada)

    def erase(self) -> int:
        """One round of the eraser."""
        world = self.world
        eraser = Eraser(
            world.store,
            world.book,
            world.open_erasures,
            self.orders,
            world.mirrored,
            world.shredder,
            lambda _: nullcontext(),
            world.clock,
            world.ids,
        )
        return eraser.round([TENANT])

    def bind(self, name: RetentionClass, *rules: Rule) -> None:
        """Bind rules for a class."""
        self.rules.bind(BindRules(name, rules), OFFICER)

    def later(self, days: int) -> datetime:
        """Let so many days pass."""
        self.world.clock.set(self.world.clock.now() + timedelta(days=days))
        return self.world.clock.now()

    def told(self, subject: UUID) -> list[str]:
        """What the chain of a person has, by name, in order."""
        log = self.world.state.log[TENANT]
        return [
            type(one.decision).__name__
            for one in log
            if getattr(one.decision, "subject", None) == subject
        ]

    def custody_events(self, subject: UUID) -> list[object]:
        """What was decided on a person's keys."""
        return [one.decision for one in self.world.store.read(TENANT, custody_stream(subject))]
