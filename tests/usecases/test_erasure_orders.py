"""Ordering an erasure: once, with its fence; what a hold pins waits, and goes when the hold does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID, uuid4

import pytest

from application.custody.custody_log import custody_stream, read_custody
from application.erasing.ordering import (
    ERASURES,
    ErasureOrders,
    NoGaggedHolds,
    NothingKept,
    Wish,
)
from application.execute import Scribe
from application.ports import Append, Outcome
from application.recorded import Caller
from domain.custody import CustodyFreed, CustodyPinned, CustodyTaken, Kept
from domain.custody import Decision as CustodyDecision
from domain.erasure import Deferred, Erasure, ErasureResumed
from domain.errors import NotFound
from domain.sealing import RETENTION_CLASSES, RetentionClass
from domain.subject import Correction, SubjectCorrected
from domain.values import Personal
from infrastructure.twin.memory import MemoryWorld
from tests.usecases.salon import TENANT, Salon, at

OFFICER = Caller(TENANT, "key_officer", frozenset({"privacy_officer"}))
HOLD, OTHER = UUID(int=71), UUID(int=72)
BILLS = Kept("billing", "gdpr_17_3_b_legal_obligation", "AO 147", ("legal_duty",), date(2035, 1, 1))


@dataclass
class Rules:
    """Keeps what it is told to keep, and knows which holds are under a gag."""

    keeps: tuple[Kept, ...] = ()
    silent: set[UUID] = field(default_factory=set)

    def kept(
        self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass], at: datetime
    ) -> tuple[Kept, ...]:
        return tuple(one for one in self.keeps if one.retention_class in classes)

    def gagged(self, tenant: UUID, holds: Collection[UUID]) -> frozenset[UUID]:
        return frozenset(self.silent & set(holds))


@dataclass
class Desk:
    """An office that erases, and a customer."""

    salon: Salon
    ada: UUID
    rules: Rules = field(default_factory=Rules)

    @property
    def world(self) -> MemoryWorld:
        return self.salon.world

    @property
    def orders(self) -> ErasureOrders:
        world = self.world
        return ErasureOrders(
            world.store, world.book, self.rules, self.rules, world.clock, world.ids
        )

    def order(self, **wish: object) -> UUID:
        return self.orders.order(OFFICER, replace(Wish(self.ada, "request"), **wish))  # type: ignore[arg-type]

    def state(self, id: UUID) -> Erasure:
        return ERASURES.find(self.world.book, TENANT, id)[1]

    def custody(self, *decisions: CustodyDecision) -> None:
        version = read_custody(self.world.store, TENANT, self.ada).version
        scribe = Scribe.begin(OFFICER, self.world.clock, self.world.ids)
        events = tuple(
            scribe.record(custody_stream(self.ada), version + number, one)
            for number, one in enumerate(decisions, 1)
        )
        assert self.world.store.append(Append(TENANT, scribe.at, events)) is Outcome.APPENDED

    def corrects(self) -> Outcome:
        """Try to seal something of the person's profile."""
        scribe = Scribe.begin(OFFICER, self.world.clock, self.world.ids)
        decision = SubjectCorrected(self.ada, ("phone",), Correction(phone=Personal("+3312345678")))
        version = len(self.world.store.read(TENANT, self.ada)) + 1
        event = scribe.record(self.ada, version, decision)
        return self.world.store.append(Append(TENANT, scribe.at, (event,)))


@pytest.fixture
def desk(salon: Salon, cut: UUID, sam: UUID) -> Desk:
    return Desk(salon, salon.book(cut, at(10)).state.subject)


def test_everything_is_taken_and_fenced_at_once(desk: Desk):
    assert desk.corrects() is Outcome.APPENDED
    state = desk.state(desk.order())
    assert (state.ordered.classes, state.status) == (RETENTION_CLASSES, "ordered")
    assert read_custody(desk.world.store, TENANT, desk.ada).living() == ()
    assert desk.corrects() is Outcome.ERASED


def test_only_the_classes_asked_for_are_taken(desk: Desk):
    assert desk.state(desk.order(classes=("booking",))).ordered.classes == ("booking",)
    assert desk.corrects() is Outcome.APPENDED


def test_nobody_unknown_is_erased(desk: Desk):
    with pytest.raises(NotFound):
        desk.order(subject=uuid4())


def test_the_same_request_orders_once(desk: Desk):
    request = uuid4()
    first = desk.order(request=request, classes=("booking",))
    assert desk.order(request=request, classes=("booking",)) == first
    assert desk.order(request=uuid4(), classes=("profile",)) != first


def test_whoever_is_erased_is_not_erased_again(desk: Desk):
    first = desk.order()
    assert desk.order(request=uuid4()) == first
    assert len(desk.world.store.read(TENANT, custody_stream(desk.ada))) == 1


def test_what_is_kept_is_left_for_its_purposes(desk: Desk):
    desk.rules.keeps = (BILLS,)
    state = desk.state(desk.order())
    assert "billing" not in state.ordered.classes
    custody = read_custody(desk.world.store, TENANT, desk.ada)
    assert custody.bar("billing", "legal_duty") is None
    assert custody.bar("billing", "billing") == "kept_for_other_purposes"


def test_what_is_pinned_waits_until_the_last_hold_is_released(desk: Desk):
    desk.custody(
        CustodyPinned(desk.ada, desk.ada, HOLD, ("billing", "audit")),
        CustodyPinned(desk.ada, desk.ada, OTHER, ("audit",)),
    )
    id = desk.order()
    waits = (Deferred("billing", HOLD), Deferred("audit", HOLD))
    assert desk.state(id).deferred == waits
    assert desk.orders.resume(TENANT, desk.ada, HOLD) == 0, "both still stand"
    desk.custody(CustodyFreed(desk.ada, desk.ada, HOLD))
    assert desk.orders.resume(TENANT, desk.ada, HOLD) == 1
    assert desk.orders.resume(TENANT, desk.ada, HOLD) == 0, "once"
    assert desk.state(id).deferred == (Deferred("audit", HOLD),)
    desk.custody(CustodyFreed(desk.ada, desk.ada, OTHER))
    assert desk.orders.resume(TENANT, desk.ada, OTHER) == 1
    assert set(desk.state(id).to_destroy) == set(RETENTION_CLASSES)


def test_where_all_waits_nothing_is_fenced(desk: Desk):
    desk.custody(CustodyPinned(desk.ada, desk.ada, HOLD, RETENTION_CLASSES))
    assert desk.state(desk.order()).status == "deferred"
    assert desk.corrects() is Outcome.APPENDED
    desk.custody(CustodyFreed(desk.ada, desk.ada, HOLD))
    desk.orders.resume(TENANT, desk.ada, HOLD)
    assert desk.corrects() is Outcome.ERASED


def test_a_hold_under_a_gag_is_in_nothing_of_the_person_s(desk: Desk):
    desk.custody(CustodyPinned(desk.ada, None, HOLD, ("billing",)))
    desk.rules.silent = {HOLD}
    id = desk.order()
    told = [
        event.decision
        for stream in (id, custody_stream(desk.ada))
        for event in desk.world.store.read(TENANT, stream)
        if getattr(event.decision, "subject", None) is not None
    ]
    assert [type(one).__name__ for one in told] == ["ErasureOrdered", "CustodyTaken"]
    assert HOLD.hex not in repr(told) and str(HOLD) not in repr(told)
    desk.custody(CustodyFreed(desk.ada, None, HOLD))
    assert desk.orders.resume(TENANT, desk.ada, HOLD) == 1
    resumed = desk.world.store.read(TENANT, id)[-1].decision
    assert isinstance(resumed, ErasureResumed)
    assert resumed.legal_hold is None, "the release tells no more than the hold did"


def test_a_hold_that_comes_first_is_seen_and_one_that_comes_later_sees_the_order(desk: Desk):
    placed: list[bool] = []

    class Late(Rules):
        """While the order is being decided, somebody places a hold."""

        def kept(
            self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass], at: datetime
        ) -> tuple[Kept, ...]:
            if not placed:
                placed.append(True)
                desk.custody(CustodyPinned(desk.ada, desk.ada, HOLD, ("billing",)))
            return ()

    desk.rules = Late()
    id = desk.order()
    assert desk.state(id).deferred == (Deferred("billing", HOLD),)
    last = desk.world.store.read(TENANT, custody_stream(desk.ada))[-1].decision
    assert isinstance(last, CustodyTaken)
    assert "billing" not in last.classes


def test_where_no_rules_are_wired_nothing_is_kept_and_nothing_silent(desk: Desk):
    assert NothingKept().kept(TENANT, desk.ada, RETENTION_CLASSES, at(10)) == ()
    assert NoGaggedHolds().gagged(TENANT, [HOLD]) == frozenset()
