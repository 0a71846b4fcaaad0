"""The eraser: step by step, killed after every one of them, never claiming more than what is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from application.custody.custody_log import custody_stream, read_custody
from application.erasing.certificate import destroyed
from application.erasing.eraser import Eraser
from application.erasing.key_shredding import Destroyed, KeyShredder, KeyState, Progress, Turned
from application.erasing.ordering import (
    ERASURES,
    ErasureOrders,
    NoGaggedHolds,
    NothingKept,
    Wish,
)
from application.execute import Scribe
from application.ports import Append, EventStore, Outcome
from application.recorded import Caller, Recorded
from domain.custody import CustodyFreed, CustodyPinned
from domain.erasure import Erasure, ErasureCompleted, ErasureEffected
from domain.errors import Unavailable, Unreadable
from domain.sealing import RETENTION_CLASSES, RetentionClass
from infrastructure.twin.memory import MemoryWorld
from infrastructure.twin.memory_disclosing import MemoryMirrored
from tests.usecases.salon import TENANT, Salon, at, customer

OFFICER = Caller(TENANT, "key_officer", frozenset({"privacy_officer"}))
HOLD = UUID(int=71)
STEPS = ("destroyed", "effected", "turned", "completed")


class Died(BaseException):
    """The process was killed."""


@dataclass
class Dying:
    """A store and a shredder that die right after the step they are told to."""

    store: EventStore
    shredder: KeyShredder
    after: str | None = None
    broken: set[UUID] = field(default_factory=set)
    turns: list[Turned] = field(default_factory=list)
    meets: Callable[[], object] | None = None

    def read(self, tenant: UUID, stream: UUID) -> tuple[Recorded[object], ...]:
        return self.store.read(tenant, stream)

    def append(self, append: Append) -> Outcome:
        outcome = self.store.append(append)
        for event in append.events:
            if isinstance(event.decision, ErasureEffected):
                self.die("effected")
            if isinstance(event.decision, ErasureCompleted):
                self.die("completed")
        return outcome

    def destroy(
        self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass], at: datetime
    ) -> Destroyed:
        if subject in self.broken:
            raise Unreadable("A key does not open")
        gone = self.shredder.destroy(tenant, subject, classes, at)
        self.die("destroyed")
        return gone

    def turn_epoch(self, at: datetime) -> Turned:
        self.turns.append(self.shredder.turn_epoch(at))
        self.die("turned")
        return self.turns[-1]

    def full_rekey(self, at: datetime, progress: Progress) -> Turned:
        return self.shredder.full_rekey(at, progress)

    def state(self, tenant: UUID, subject: UUID) -> dict[RetentionClass, KeyState]:
        return self.shredder.state(tenant, subject)

    def living(
        self, tenant: UUID, subjects: Sequence[UUID]
    ) -> Mapping[UUID, tuple[RetentionClass, ...]]:
        return self.shredder.living(tenant, subjects)

    def die(self, step: str) -> None:
        meets, self.meets = self.meets, None
        if meets is not None:
            meets()
        if step == self.after:
            self.after = None
            raise Died


@dataclass
class House:
    """A customer, an office that orders, and an eraser that may be killed."""

    salon: Salon
    ada: UUID
    mirrored: MemoryMirrored = field(default_factory=MemoryMirrored)

    def __post_init__(self) -> None:
        world = self.world
        self.dying = Dying(world.store, world.shredder)
        self.orders = ErasureOrders(
            world.store, world.book, NothingKept(), NoGaggedHolds(), world.clock, world.ids
        )

    @property
    def world(self) -> MemoryWorld:
        return self.salon.world

    def order(self, *, subject: UUID | None = None) -> UUID:
        return self.orders.order(OFFICER, Wish(subject or self.ada, "request"))

    def round(self) -> int:
        """One round of a fresh eraser, as after a start."""
        return self.eraser().round([TENANT])

    def eraser(self) -> Eraser:
        world = self.world
        return Eraser(
            self.dying,
            world.book,
            world.open_erasures,
            self.orders,
            self.mirrored,
            self.dying,
            lambda _: nullcontext(),
            world.clock,
            world.ids,
        )

    def state(self, id: UUID) -> Erasure:
        return ERASURES.find(self.world.book, TENANT, id)[1]

    def said(self, id: UUID) -> list[Any]:
        return [event.decision for event in self.world.store.read(TENANT, id)]

    def custody(self, decision: CustodyPinned | CustodyFreed) -> None:
        version = read_custody(self.world.store, TENANT, self.ada).version + 1
        scribe = Scribe.begin(OFFICER, self.world.clock, self.world.ids)
        event = scribe.record(custody_stream(self.ada), version, decision)
        assert self.world.store.append(Append(TENANT, scribe.at, (event,))) is Outcome.APPENDED


@pytest.fixture
def house(salon: Salon, cut: UUID, sam: UUID) -> House:
    return House(salon, salon.book(cut, at(10)).state.subject)


def names(decisions: list[Any]) -> list[str]:
    return [type(one).__name__ for one in decisions]


def test_an_erasure_is_carried_to_its_end_in_one_round(house: House):
    id = house.order()
    assert house.round() == 2
    assert house.state(id).status == "complete"
    _, effected, completed = house.said(id)
    assert {one.retention_class for one in effected.keys} == {"profile", "booking"}
    (turned,) = house.dying.turns
    assert (completed.epoch_destroyed, completed.epoch) == (turned.old, turned.new)
    assert completed.backup_sha256 == turned.backup_sha256
    assert house.round() == 0, "nothing is left to do"


def test_nothing_is_destroyed_before_the_order_is_held_elsewhere(house: House):
    id = house.order()
    house.mirrored.holds = False
    assert house.round() == 0
    assert house.state(id).status == "ordered"
    assert house.world.shredder.state(TENANT, house.ada)["profile"] is not None
    house.mirrored.holds = True
    house.round()
    assert house.state(id).status == "complete"


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step_it_finishes_and_claims_nothing_before(house: House, step: str):
    id = house.order()
    house.dying.after = step
    with pytest.raises(Died):
        house.round()
    stands = {"destroyed": "ordered", "effected": "online", "turned": "online"}
    assert house.state(id).status == stands.get(step, "complete")
    house.round()
    assert house.state(id).status == "complete"
    assert names(house.said(id)) == ["ErasureOrdered", "ErasureEffected", "ErasureCompleted"]
    keys = house.said(id)[1].keys
    assert len(keys) == 2, "the keys are named, though they were destroyed before"


def test_one_turn_of_the_epoch_serves_all_that_are_online(house: House, cut: UUID):
    other = house.salon.book(cut, at(12), customer("Bob Example", "bob@example.test")).state.subject
    first, second = house.order(), house.order(subject=other)
    house.round()
    assert house.state(first).status == house.state(second).status == "complete"
    assert len(house.dying.turns) == 1


def test_what_a_hold_keeps_goes_when_it_is_released_though_nobody_said_so(house: House):
    house.custody(CustodyPinned(house.ada, house.ada, HOLD, ("booking",)))
    id = house.order()
    house.round()
    assert house.state(id).status == "partial"
    assert house.world.shredder.state(TENANT, house.ada)["booking"] is not None
    assert house.round() == 0
    house.custody(CustodyFreed(house.ada, house.ada, HOLD))  # whoever released it died here
    house.round()
    assert house.state(id).status == "complete"
    assert set(house.state(id).complete) == set(RETENTION_CLASSES)
    assert len(house.dying.turns) == 2, "what is destroyed later needs a turn of its own"


def test_one_that_cannot_go_on_holds_nobody_else_up(
    house: House, cut: UUID, caplog: pytest.LogCaptureFixture
):
    other = house.salon.book(cut, at(12), customer("Bob Example", "bob@example.test")).state.subject
    first, second = house.order(), house.order(subject=other)
    house.dying.broken = {house.ada}
    house.round()
    assert (house.state(first).status, house.state(second).status) == ("ordered", "complete")
    assert [one.getMessage() for one in caplog.records] == [
        f"erasure {first} cannot go on: unreadable"
    ]
    house.dying.broken = set()
    house.round()
    assert house.state(first).status == "complete"


def test_a_mirror_that_lags_behind_one_order_holds_up_no_other(house: House, cut: UUID):
    persons = [
        house.salon.book(cut, at(hour), customer(f"P{hour}", f"p{hour}@example.test")).state.subject
        for hour in (12, 13, 14)
    ]
    late, *others = [house.order(subject=one) for one in persons]
    house.mirrored.lacks = {house.world.store.read(TENANT, late)[-1].event_id}
    house.round()
    assert house.state(late).status == "ordered"
    assert {house.state(one).status for one in others} == {"complete"}
    assert house.mirrored.waited == 0, "there was something to do"
    house.mirrored.lacks.clear()
    house.round()
    assert house.state(late).status == "complete"


def test_a_mirror_that_lags_behind_all_is_waited_for_once_in_a_round(house: House, cut: UUID):
    for hour in (12, 13, 14):
        it = house.salon.book(cut, at(hour), customer(f"P{hour}", f"p{hour}@example.test")).state
        house.order(subject=it.subject)
    house.mirrored.holds = False
    assert house.round() == 0
    assert 0 < house.mirrored.waited <= 1.0
    assert house.dying.turns == []


def test_a_key_database_that_is_away_ends_the_round(house: House, monkeypatch: pytest.MonkeyPatch):
    id = house.order()

    def away(*_: object) -> Destroyed:
        raise Unavailable("The key database is away")

    monkeypatch.setattr(house.dying, "destroy", away)
    with pytest.raises(Unavailable):
        house.round()
    assert house.state(id).status == "ordered"


def test_where_everything_waits_nothing_is_turned(house: House):
    house.custody(CustodyPinned(house.ada, house.ada, HOLD, RETENTION_CLASSES))
    id = house.order()
    assert house.round() == 0
    assert house.state(id).status == "deferred"
    assert house.dying.turns == []


def test_what_was_destroyed_is_destroyed_once_by_two_erasers(house: House):
    """Whoever lost the race for the record finds it made."""
    id = house.order()
    house.dying.meets = house.round
    house.round()
    assert names(house.said(id))[:2] == ["ErasureOrdered", "ErasureEffected"]
    assert names(house.said(id)).count("ErasureCompleted") == 1
    assert house.state(id).status == "complete"


# --- an old copy of the key database ---------------------------------------------------------------------------------


def bring_back(house: House, kept: dict[Any, UUID]) -> None:
    """Put an old copy of the keys back."""
    vault = house.world.shredder.vault
    for whose, key in kept.items():
        vault.keys.setdefault(whose, key)
        vault.destroyed.pop(key, None)


def test_keys_that_come_back_are_destroyed_again_and_it_is_said(house: House):
    kept = dict(house.world.shredder.vault.keys)
    id = house.order()
    house.round()
    bring_back(house, kept)
    assert house.eraser().repeat([TENANT]) == 1
    assert house.world.shredder.living(TENANT, [house.ada]) == {}
    assert house.state(id).status == "ordered"
    house.round()
    assert house.state(id).status == "complete"
    assert len(house.dying.turns) == 2, "what came back was in a copy too"
    assert names(house.said(id))[3:] == ["ErasureRepeated", "ErasureEffected", "ErasureCompleted"]
    assert house.eraser().repeat([TENANT]) == 0


def test_a_certificate_leaves_out_what_came_back_until_it_is_dead_again(house: House):
    kept = dict(house.world.shredder.vault.keys)
    id = house.order()
    house.round()
    before = {one["retention_class"]: one for one in destroyed(house.world.store.read(TENANT, id))}
    bring_back(house, kept)
    house.eraser().repeat([TENANT])
    meanwhile = destroyed(house.world.store.read(TENANT, id))
    assert {one["retention_class"] for one in meanwhile} == before.keys() - {"profile", "booking"}
    house.round()
    after = {one["retention_class"]: one for one in destroyed(house.world.store.read(TENANT, id))}
    assert after.keys() == before.keys()
    assert after["profile"]["keys"] == before["profile"]["keys"]
    assert after["profile"]["epoch_destroyed"] > before["profile"]["epoch_destroyed"]


def test_killed_before_it_could_destroy_again_it_does_so_in_the_next_round(house: House):
    kept = dict(house.world.shredder.vault.keys)
    id = house.order()
    house.round()
    bring_back(house, kept)
    house.dying.after = "destroyed"
    with pytest.raises(Died):
        house.eraser().repeat([TENANT])
    assert house.state(id).to_destroy == ("profile", "booking")
    house.round()
    assert house.state(id).status == "complete"


def test_what_is_online_and_came_back_is_not_sealed_off_over_its_keys(house: House):
    kept = dict(house.world.shredder.vault.keys)
    id = house.order()
    house.dying.after = "effected"
    with pytest.raises(Died):
        house.round()
    bring_back(house, kept)
    house.mirrored.holds = False
    house.round()
    assert house.state(id).to_destroy == ("profile", "booking")
    assert not {"profile", "booking"} & set(house.state(id).complete)
    assert house.world.shredder.living(TENANT, [house.ada]) == {}
