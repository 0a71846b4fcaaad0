"""Every event about a person carries the version in force: exactly, on every process, and at no cost to a booking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from application.event_types import catalogue
from application.policy.policies import (
    ABOUT_PEOPLE,
    Policies,
    PoliciesInForce,
    PolicyKeepingStore,
    speaks_of_people,
)
from application.ports import Append, CatalogEntry, CatalogKind, Outcome
from application.recorded import Caller, Recorded
from domain.errors import LedgerDamaged
from domain.policy_version import Publication
from infrastructure.store.event_header import leaf_bytes
from infrastructure.twin.memory import MemoryWorld
from tests.usecases.salon import TENANT
from tools.golden_events import recorded

OFFICER = Caller(TENANT, "key_1", frozenset({"privacy_officer"}))
ABOUT = sorted(name for name, found in catalogue().items() if speaks_of_people(found.decision))  # type: ignore[arg-type]


@dataclass
class Kept:
    """An event store that keeps what it is given as it is."""

    appended: list[Recorded[object]] = field(default_factory=list)

    def read(self, tenant: UUID, stream: UUID) -> tuple[Recorded[object], ...]:
        return ()

    def append(self, append: Append) -> Outcome:
        self.appended += append.events
        return Outcome.APPENDED


@dataclass
class CountedBook:
    """The book of a world, counting how often it is asked for a list."""

    world: MemoryWorld
    asked: int = 0

    def page(
        self, tenant: UUID, kind: CatalogKind, limit: int, after: tuple[datetime, UUID] | None
    ) -> list[CatalogEntry]:
        self.asked += 1
        return self.world.book.page(tenant, kind, limit, after)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world.book, name)


def text(label: str, world: MemoryWorld, **more: Any) -> Publication:
    plain = Publication(label, world.clock.now() - timedelta(days=1), "en", label, False, "It.")
    return replace(plain, **more)


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


def policies_of(world: MemoryWorld) -> Policies:
    in_force = PoliciesInForce(world.book, world.clock)
    return Policies(world.store, world.book, world.clock, world.ids, in_force, world.erasures)


def stamped(world: MemoryWorld, *events: Recorded[object]) -> Sequence[str | None]:
    """The versions on events once they went through a fresh process's store."""
    kept = Kept()
    book = PoliciesInForce(world.book, world.clock)
    store = PolicyKeepingStore(kept, book)
    assert store.append(Append(TENANT, world.clock.now(), events)) is Outcome.APPENDED
    return [event.policy_version for event in kept.appended]


def event_of(name: str, world: MemoryWorld) -> Recorded[object]:
    plain = recorded(catalogue()[name])
    return replace(plain, tenant=TENANT, occurred_at=world.clock.now(), policy_version=None)


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_an_event_that_speaks_of_a_person_names_the_version_in_force(
    name: str, world: MemoryWorld
) -> None:
    policies_of(world).publish(text("2027-01", world), OFFICER)
    world.clock.advance(seconds=2)
    found = catalogue()[name]
    speaks = bool(found.sealed) or not set(ABOUT_PEOPLE).isdisjoint(found.plain)
    assert stamped(world, event_of(name, world)) == ["2027-01" if speaks else None]
    if speaks:
        event = replace(event_of(name, world), policy_version="2027-01")
        assert b'"policy":"2027-01"' in leaf_bytes(event, name, b"{}", [])


def test_most_events_speak_of_people() -> None:
    assert {"subject.registered.v1", "booking.cancelled.v1", "access.granted.v1"} <= set(ABOUT)
    assert not {"location.opened.v1", "policy.published.v1", "hold.placed.v1"} & set(ABOUT)


def test_what_the_caller_was_shown_stays(world: MemoryWorld) -> None:
    policies_of(world).publish(text("2027-01", world), OFFICER)
    world.clock.advance(seconds=2)
    shown = replace(event_of("subject.registered.v1", world), policy_version="shown")
    assert stamped(world, shown) == ["shown"]


def test_a_process_that_looked_just_before_still_knows_the_one_in_force(world: MemoryWorld) -> None:
    policies_of(world).publish(text("old", world), OFFICER)
    world.clock.advance(seconds=10)
    other = PoliciesInForce(world.book, world.clock)
    now = world.clock.now()
    assert [found and found.label for found in [other.at(TENANT, now)]] == ["old"]
    policies_of(world).publish(text("new", world), OFFICER)
    for milliseconds in range(0, 3_000, 50):
        world.clock.set(now + timedelta(milliseconds=milliseconds))
        found = other.at(TENANT, world.clock.now())
        assert found is not None
        assert found.label == ("old" if milliseconds < 2_000 else "new")


def test_a_hundred_bookings_of_a_second_ask_once(world: MemoryWorld) -> None:
    book = CountedBook(world)
    in_force = PoliciesInForce(book, world.clock)
    for _ in range(100):
        in_force.at(TENANT, world.clock.now())
        world.clock.advance(seconds=0.009)
    assert book.asked == 1
    world.clock.advance(seconds=1)
    in_force.at(TENANT, world.clock.now())
    assert book.asked == 2


def test_events_about_nobody_ask_nothing(world: MemoryWorld) -> None:
    book = CountedBook(world)
    store = PolicyKeepingStore(Kept(), PoliciesInForce(book, world.clock))
    store.append(Append(TENANT, world.clock.now(), (event_of("location.opened.v1", world),)))
    assert book.asked == 0


def test_refusals_of_the_store_go_through(world: MemoryWorld) -> None:
    class Damaged(Kept):
        def append(self, append: Append) -> Outcome:
            raise LedgerDamaged()

    store = PolicyKeepingStore(Damaged(), PoliciesInForce(world.book, world.clock))
    with pytest.raises(LedgerDamaged):
        store.append(Append(TENANT, world.clock.now(), (event_of("hold.placed.v1", world),)))
    assert store.read(TENANT, UUID(int=1)) == ()
