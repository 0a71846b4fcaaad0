"""Retention on PostgreSQL: what has expired is found by the read model, ordered erased, and fenced."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Barrier
from time import sleep
from uuid import UUID

import pytest

from application.custody.custody_log import read_custody
from application.erasing.ordering import ERASURES, ErasureOrders, Wish
from application.holding.expiry import Expiry
from application.holding.hold_log import StandingHolds
from application.holding.keeping import FactsOfKeeping, RulesKeeping
from application.holding.legal_holds import LegalHolds, PlaceHold, ReleaseHold
from application.holding.retention_rules import BindRules, RetentionRules
from application.ports import Outcome
from application.recorded import Caller
from application.requests.asked import RequestsAsked
from domain.custody import Custody
from domain.errors import Stale
from domain.legal_hold import HoldTerms
from domain.retention import Rule
from domain.visit import Visit
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.store.event_source import SequencedEvents
from infrastructure.store.holdings import PostgresHoldings
from infrastructure.store.request_rows import PostgresRequestRows
from infrastructure.twin.memory import SettableClock
from infrastructure.wall import bound_to
from projections.agenda import AgendaModel, PostgresVisits
from projections.engine.follower import Follower
from projections.keeping import KeepingModel, PostgresKeeping
from tests.store.filling import Tenant
from tests.store.ledger_house import LedgerHouse, ledger_house

SERVICE = Rule("service", "last_visit", 12, None, "GDPR Art. 6(1)(b)", ("service",), "gdpr")
CLAIMS = Rule("claims", "last_visit", 24, "gdpr_17_3_e_legal_claims", "S", ("dispute",), "gdpr")

RACES, RACES_MAX = 40, 400


@dataclass
class Office:
    """A tenant with a customer, and what binds, holds, follows and lets go there."""

    house: LedgerHouse
    role: Database
    tenant: Tenant = field(init=False)

    def __post_init__(self) -> None:
        engine = self.house.engine
        self.tenant = Tenant(engine)
        self.ada = self.tenant.register("ada@example.test")
        self.tenant.book(self.ada, self.tenant.visit(2))
        self.by = Caller(self.tenant.id, "key_officer", frozenset({"privacy_officer"}))
        self.clock = SettableClock(engine.clock.now())
        ports = (engine.store, engine.book)
        visits = PostgresVisits(engine.app, engine.positions)
        asked = RequestsAsked(PostgresRequestRows(engine.app))
        facts = FactsOfKeeping(engine.store, PostgresHoldings(engine.app), visits, asked)
        gagged, keeping = StandingHolds(engine.book, self.clock), RulesKeeping(engine.store, facts)
        self.orders = ErasureOrders(*ports, keeping, gagged, self.clock, engine.ids)
        self.holds = LegalHolds(*ports, self.orders, self.clock, engine.ids)
        self.rules = RetentionRules(engine.store, self.clock, engine.ids)
        rows = PostgresKeeping(engine.app)
        self.expiry = Expiry(engine.store, rows, facts, self.orders, engine.positions, self.clock)

    def sweep(self) -> int:
        """A round, once the read models have everything."""
        self.house.settle(self.tenant.id)
        events = SequencedEvents(self.house.engine.mapper)
        for model in (AgendaModel(), KeepingModel()):
            with self.role.connection() as connection:
                follower = Follower(model, events)
                follower.begin(connection)
                while follower.step(connection):
                    pass
        with bound_to(self.tenant.id):
            return self.expiry.sweep(self.tenant.id)

    def bind(self, *rules: Rule) -> None:
        with bound_to(self.tenant.id):
            self.rules.bind(BindRules("booking", rules), self.by)

    def custody(self) -> Custody:
        with bound_to(self.tenant.id):
            return read_custody(self.house.engine.store, self.tenant.id, self.ada)

    def cause(self, id: UUID) -> str:
        with bound_to(self.tenant.id):
            return ERASURES.find(self.house.engine.book, self.tenant.id, id)[1].ordered.cause

    def fenced(self) -> list[str]:
        asked = "SELECT retention_class FROM subject_fence WHERE tenant_id = %b AND subject_id = %b"
        with bound_to(self.tenant.id):
            return [row[0] for row in self.house.engine.app.rows(asked, (self.tenant.id, self.ada))]


@pytest.fixture
def office(own_deployment: Deployment, tmp_path: Path) -> Iterator[Office]:
    role = Database(own_deployment.dsn_of("follower"), size=1, walled=False)
    with ledger_house(own_deployment) as house:
        yield Office(house, role)
    role.close()


def test_what_has_expired_is_found_held_and_let_go(office: Office) -> None:
    office.bind(SERVICE)
    terms = HoldTerms("M-1", "Court", ("profile", "booking"), office.clock.now().date())
    with bound_to(office.tenant.id):
        hold = office.holds.place(PlaceHold(terms, (office.ada,)), office.by).state.id
    assert office.sweep() == 0
    office.clock.advance(days=370)
    assert office.sweep() == 0, "it is held"
    with bound_to(office.tenant.id):
        office.holds.release(ReleaseHold(hold), office.by)
    assert office.sweep() == 1
    assert office.sweep() == 0
    custody = office.custody()
    assert [office.cause(one) for one in custody.erasures] == ["retention"]
    assert sorted(office.fenced()) == ["booking", "profile"]


def test_what_an_exception_keeps_goes_after_its_last_day(office: Office) -> None:
    office.bind(SERVICE, CLAIMS)
    office.sweep()
    office.clock.advance(days=370)
    with bound_to(office.tenant.id):
        wish = Wish(office.ada, "request")
        office.orders.order(office.by, wish)
    (kept,) = office.custody().kept.values()
    assert kept.until is not None
    assert "booking" not in office.fenced()
    assert office.sweep() == 0
    office.clock.advance(days=(kept.until - office.clock.now().date()).days)
    assert office.sweep() == 0, "it is its last day"
    office.clock.advance(days=1)
    assert office.sweep() == 1
    assert "booking" in office.fenced()
    assert office.sweep() == 0


def test_who_books_between_the_decision_and_the_fence_keeps_what_they_gave(office: Office) -> None:
    """What has expired is looked up, and then, before anything is ordered, the person books again."""
    office.bind(SERVICE)
    office.sweep()
    office.clock.advance(days=370)
    inside = office.expiry.orders

    class Meanwhile:
        def order(self, by: Caller, wish: Wish) -> UUID:
            office.tenant.book(office.ada, office.tenant.visit(5))
            return inside.order(by, wish)

    raced = replace(office.expiry, orders=Meanwhile())
    with bound_to(office.tenant.id):
        assert raced.sweep(office.tenant.id) == 0
    assert office.fenced() == []
    assert office.custody().erasures == ()
    # In the next round the new visit is what counts: it ends in this very hour, 370 days before the clock.
    assert office.sweep() == 1


def test_of_a_booking_and_the_fence_of_what_has_expired_one_is_first(office: Office) -> None:
    """Real threads and transactions: a booking that is accepted is never under the fence, and one of the two stands."""
    engine, tenant, start = office.house.engine, office.tenant, Barrier(2)
    ends: list[tuple[bool, bool]] = []
    with ThreadPoolExecutor(2) as pool:
        for number in range(RACES_MAX):
            if number >= RACES and len(set(ends)) == 2:
                break
            ada = tenant.register(f"race{number}@example.test")
            office.house.settle(tenant.id)
            with bound_to(tenant.id):
                known = engine.positions.head(tenant.id)
            visit = tenant.visit(100 + number)

            def ordering(person: UUID = ada, known_to: int = known) -> bool:
                wish = Wish(person, "retention", None, ("profile", "booking"), known_to)
                start.wait()
                try:
                    with bound_to(tenant.id):
                        office.orders.order(office.by, wish)
                except Stale:
                    return False
                return True

            pause = number % 8 / 125 * (1 + number // RACES)  # longer ones for a slow machine

            def booking(person: UUID = ada, at: Visit = visit, pause: float = pause) -> bool:
                decision = tenant.confirmed(person, at)
                start.wait()
                sleep(pause)
                outcome = tenant.append(tenant.event(decision.booking, 1, decision))
                assert outcome in (Outcome.APPENDED, Outcome.ERASED)
                return outcome is Outcome.APPENDED

            ordered, booked = pool.submit(ordering), pool.submit(booking)
            ends.append((ordered.result(), booked.result()))
            with bound_to(tenant.id):
                taken = read_custody(engine.store, tenant.id, ada).taken
            assert bool(taken) is ends[-1][0]
    assert set(ends) <= {(True, False), (False, True)}, "both, or neither"
    assert len(set(ends)) == 2, "each of them was first at times"
