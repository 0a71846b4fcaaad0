"""Placing a hold against ordering an erasure, on PostgreSQL: one is first, and nothing is both pinned and taken."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from uuid import UUID

import pytest

from application.custody.custody_log import read_custody
from application.erasing.ordering import ERASURES, ErasureOrders, NothingKept, Wish
from application.holding.hold_log import StandingHolds
from application.holding.legal_holds import LegalHolds, PlaceHold, ReleaseHold
from application.recorded import Caller
from domain.erasure import ErasureOrdered, ErasureResumed
from domain.legal_hold import HoldTerms
from domain.sealing import RETENTION_CLASSES
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.wall import bound_to
from tests.store.filling import Tenant

RACES = 40


@dataclass
class Desk:
    """One tenant, and whoever holds and erases there at once."""

    engine: Engine
    tenant: Tenant = field(init=False)

    def __post_init__(self) -> None:
        self.tenant = Tenant(self.engine)
        it = self.engine
        self.by = Caller(self.tenant.id, "key_officer", frozenset({"privacy_officer"}))
        gagged = StandingHolds(it.book, it.clock)
        self.orders = ErasureOrders(it.store, it.book, NothingKept(), gagged, it.clock, it.ids)
        self.holds = LegalHolds(it.store, it.book, self.orders, it.clock, it.ids)
        today = it.clock.now().date()
        self.terms = HoldTerms("M-1", "Example Court", ("profile", "billing"), today)

    def place(self, *persons: UUID) -> UUID:
        with bound_to(self.tenant.id):
            return self.holds.place(PlaceHold(self.terms, persons), self.by).state.id

    def order(self, person: UUID) -> UUID:
        with bound_to(self.tenant.id):
            return self.orders.order(self.by, Wish(person, "request"))

    def release(self, hold: UUID) -> None:
        with bound_to(self.tenant.id):
            self.holds.release(ReleaseHold(hold), self.by)


@pytest.fixture(scope="module")
def desk(module_deployment: Deployment) -> Iterator[Desk]:
    engine = Engine.connect(module_deployment, connections=4)
    yield Desk(engine)
    engine.close()


def test_nothing_is_ever_both_destroyed_and_pinned(desk: Desk) -> None:
    start = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        for number in range(RACES):
            ada = desk.tenant.register(f"ada{number}@example.test")

            def placing(person: UUID = ada) -> UUID:
                start.wait()
                return desk.place(person)

            def ordering(person: UUID = ada) -> UUID:
                start.wait()
                return desk.order(person)

            held, ordered = pool.submit(placing), pool.submit(ordering)
            hold, erasure = held.result(), ordered.result()
            with bound_to(desk.tenant.id):
                custody = read_custody(desk.engine.store, desk.tenant.id, ada)
                state = ERASURES.find(desk.engine.book, desk.tenant.id, erasure)[1]
                (person,) = desk.holds.hold(hold, desk.by).persons
            pinned = {name for classes in custody.pins.values() for name in classes}
            assert not pinned & set(custody.taken)
            assert set(person.pinned) == pinned
            assert {one.retention_class for one in state.deferred} == pinned
            assert set(person.pinned) | set(person.gone) == set(desk.terms.classes)
            desk.release(hold)
            with bound_to(desk.tenant.id):
                assert read_custody(desk.engine.store, desk.tenant.id, ada).living() == ()


def test_a_hold_on_many_is_one_append(desk: Desk) -> None:
    persons = [desk.tenant.register(f"many{number}@example.test") for number in range(40)]
    hold = desk.place(*persons)
    with bound_to(desk.tenant.id):
        found = [read_custody(desk.engine.store, desk.tenant.id, one) for one in persons]
    assert all(list(one.pins) == [hold] for one in found)
    desk.release(hold)
    with bound_to(desk.tenant.id):
        found = [read_custody(desk.engine.store, desk.tenant.id, one) for one in persons]
    assert all(not one.pins for one in found)


def test_two_requests_at_once_that_meet_at_a_hold_erase_each_class_once(desk: Desk) -> None:
    """Two orders race, then two releases' work does; whoever loses finds what the other one did."""
    tenant, store = desk.tenant.id, desk.engine.store
    with ThreadPoolExecutor(2) as pool:
        for number in range(RACES // 4):
            ada = desk.tenant.register(f"twice{number}@example.test")
            hold, start = desk.place(ada), Barrier(2)

            def ordering(person: UUID = ada, line: Barrier = start) -> UUID:
                line.wait()
                return desk.order(person)

            ordered = {one.result() for one in [pool.submit(ordering) for _ in range(2)]}
            assert len(ordered) == 1, "the second one is the first"
            desk.release(hold)

            def resuming(person: UUID = ada, line: Barrier = start, by: UUID = hold) -> int:
                line.wait()
                with bound_to(tenant):
                    return desk.orders.resume(tenant, person, by)

            assert [one.result() for one in [pool.submit(resuming) for _ in range(2)]] == [0, 0]
            with bound_to(tenant):
                custody = read_custody(store, tenant, ada)
                events = [event.decision for event in store.read(tenant, *ordered)]
            assert custody.erasures == tuple(ordered)
            taken = [
                name
                for one in events
                if isinstance(one, ErasureOrdered | ErasureResumed)
                for name in one.classes
            ]
            assert sorted(taken) == sorted(RETENTION_CLASSES)
