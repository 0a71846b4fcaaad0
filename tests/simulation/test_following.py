"""Sequencer and followers on PostgreSQL, woken in any order, seldom or not at all, killed in the middle of a batch.

The in-memory twin has no followers: its lists are folds. So these are the product's own, and what is random is the
order of things. The seed is printed with what was broken: run it again with `DAYBOOK_SEED`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest

from api.process.following import leading_no_longer
from api.process.proving import prove_all
from application.following import Sequenced
from application.ports import Append, Outcome
from domain.booking import Booking
from domain.errors import DomainError, Unavailable
from infrastructure.fsck.checks import check_all
from infrastructure.store.event_source import SequencedEvents
from infrastructure.store.event_store import PostgresEventStore
from infrastructure.store.sequencer import Sequencer
from infrastructure.wall import bound_to
from projections.engine.follower import Follower
from projections.engine.read_model import Connection, ReadModel
from projections.engine.together import Together
from projections.models import MODELS
from tests.projections.test_after_an_erasure import House, house, lives
from tests.simulation.shop import Faults

__all__ = ["house"]

SEED = int(os.environ.get("DAYBOOK_SEED", "1"))
STEPS = 120
PROVED_EVERY = 30
UNMAPPED = "subjects"  # nobody draws maps here


@dataclass(frozen=True)
class Dying:
    """A model whose follower's session is killed once a batch is applied, before it is committed."""

    model: ReadModel

    @property
    def name(self) -> str:
        """See ReadModel."""
        return self.model.name

    @property
    def version(self) -> int:
        """See ReadModel."""
        return self.model.version

    @property
    def tables(self) -> tuple[LiteralString, ...]:
        """See ReadModel."""
        return self.model.tables

    @property
    def consumes(self) -> frozenset[type]:
        """See ReadModel."""
        return self.model.consumes

    def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
        """See ReadModel."""
        self.model.apply(connection, events)
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


class Skipping(Dying):
    """A model that loses the last event of each batch."""

    def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
        """See ReadModel."""
        if events[:-1]:
            self.model.apply(connection, events[:-1])


@dataclass
class Run:
    """One run of a seed."""

    house: House
    seed: int
    faults: Faults
    bookings: list[Booking] = field(default_factory=list)
    died: int = 0
    step: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.reached = {model.name: 0 for model in MODELS}
        self.source = SequencedEvents(self.house.engine.mapper)

    def run(self, steps: int) -> None:
        """Do so many steps, and look after each."""
        for self.step in range(1, steps + 1):
            turns = (self.trade, self.trade, self.sequence, self.follow, self.follow_together)
            self.random.choice(turns)()
            self.look()
            if self.step % PROVED_EVERY == 0:
                self.prove()

    # --- turns -------------------------------------------------------------------------------------------------------

    def trade(self) -> None:
        """A customer wants something; the connection may be lost before or after it is kept."""
        shop, draw = self.house.shop, self.random
        if draw.random() < 0.2:
            self.faults.coming = [draw.choice(("before", "after"))]
        hour, whom = draw.randrange(200), f"customer{draw.randrange(6)}"
        with suppress(DomainError):
            match draw.randrange(6):
                case 0 | 1 | 2:
                    self.bookings.append(shop.book(hour, whom))
                case 3 if self.bookings:
                    shop.move(draw.choice(self.bookings), hour)
                case 4 if self.bookings:
                    shop.cancel(draw.choice(self.bookings))
                case 5 if self.bookings and draw.random() < 0.4:
                    one = draw.choice(self.bookings)
                    with bound_to(shop.tenant):
                        lives(self.house, one.id, one.subject)
                case _:
                    shop.hold(hour)
        self.faults.coming = []

    def sequence(self) -> None:
        """Some of what waits gets its place; now and then by a sequencer that has just been started."""
        if self.random.random() < 0.2:
            self.house.sequencer = Sequencer(
                self.house.sequencer._database, self.house.engine.clock
            )
        with self.house.sequencer._database.connection() as connection:
            if self.house.sequencer.take_office(connection):
                self.house.sequencer.run_once(connection, self.random.randint(1, 4))
                self.house.sequencer.raise_mark(connection)
                connection.execute("SELECT pg_advisory_unlock_all()")

    def follow(self) -> None:
        """A model takes some events in; or dies with them."""
        follower = self.follower(self.random.choice(MODELS), dies=self.random.random() < 0.25)
        with self.session([follower]) as connection:
            for _ in range(self.random.randint(1, 3)):
                follower.step(connection, self.random.randint(1, 7))

    def follow_together(self) -> None:
        """Some models take events in together, wherever each of them stands; or one dies, and all with it."""
        some = self.random.sample(MODELS, self.random.randint(2, len(MODELS)))
        killer = self.random.choice(some) if self.random.random() < 0.25 else None
        followers = [self.follower(model, dies=model is killer) for model in some]
        with self.session(followers) as connection:
            together = Together(followers)
            assert together.lead(connection) == followers
            for _ in range(self.random.randint(1, 3)):
                together.step(connection, self.random.randint(1, 7))

    def follower(self, model: ReadModel, *, dies: bool) -> Follower:
        """A model's; what kills it is not its code: the checkpoint is moved by the model's own only."""
        follower = Follower(Dying(model) if dies else model, self.source)
        object.__setattr__(follower, "code", Follower(model, self.source).code)
        return follower

    @contextmanager
    def session(self, followers: Sequence[Follower]) -> Iterator[Connection]:
        """A session in which they have begun; it may die."""
        try:
            with self.house.role.connection() as connection, leading_no_longer(connection):
                for follower in followers:
                    follower.begin(connection)
                yield connection
        except (psycopg.OperationalError, Unavailable):
            self.died += 1

    # --- looking -----------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Positions are dense; nobody is ahead of the events, and nobody goes back."""
        with psycopg.connect(self.house.deployment.main) as owner:
            rows = owner.execute(
                "SELECT tenant_id, count(*) = max(position) + 1 AND min(position) = 0 FROM sequenced GROUP BY 1"
            ).fetchall()
            assert all(dense for _, dense in rows), self.told("positions have a gap")
            head = _number(owner, "SELECT sequence FROM sequencer_head")
            for name, sequence in owner.execute("SELECT name, sequence FROM read_model").fetchall():
                assert self.reached[name] <= sequence <= head, self.told(f"{name} at {sequence}")
                self.reached[name] = sequence

    def prove(self) -> None:
        """Each model equals a replay up to where it stands, and all else equals the events."""
        for done in prove_all(self.house.deployment, MODELS, lambda _name, _count: None):
            proof = done.proof
            assert proof is None or proof.holds, self.told(f"{done.model.name} is not its replay")
        found = [
            finding
            for done in check_all(self.house.deployment)
            for finding in done.findings
            if done.name != UNMAPPED
        ]
        assert found == [], self.told(str(found))

    def told(self, what: str) -> str:
        """What is broken, and how to see it again."""
        return f"{what} at step {self.step}; again: DAYBOOK_SEED={self.seed}"


def _number(owner: psycopg.Connection[Any], statement: str) -> int:
    row = owner.execute(statement.encode()).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Faults of the store, before and after it has kept what it was given."""
    made, append = Faults(), PostgresEventStore.append

    def failing(self: PostgresEventStore, one: Append) -> Outcome:
        fault = made.next() if one.events else None
        if fault == "before":
            raise Unavailable("The connection was lost", retry_after_seconds=1)
        outcome = append(self, one)
        if fault == "after":
            raise Unavailable("The connection was lost", retry_after_seconds=1)
        return outcome

    monkeypatch.setattr(PostgresEventStore, "append", failing)
    return made


def test_whatever_the_order_models_equal_their_events(house: House, faults: Faults) -> None:
    run = Run(house, SEED, faults)
    run.run(STEPS)
    assert run.died > 0 and len(run.bookings) > 10
    house.follow()
    run.look()
    run.prove()
    with psycopg.connect(house.deployment.main) as owner:
        assert _number(owner, "SELECT count(*) FROM event_queue") == 0
        head = _number(owner, "SELECT sequence FROM sequencer_head")
    assert set(run.reached.values()) == {head}
    live = {one.id for one in run.bookings}
    assert live <= _bookings(house), "each that was told is in the list"


def _bookings(house: House) -> set[UUID]:
    with psycopg.connect(house.deployment.main) as owner:
        return {row[0] for row in owner.execute("SELECT booking_id FROM agenda_v1")}


def test_a_follower_that_skips_is_caught(
    house: House, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.simulation.test_following.Dying", Skipping)
    with pytest.raises(AssertionError, match="is not its replay"):
        Run(house, SEED, faults).run(STEPS)
