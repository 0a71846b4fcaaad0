"""Withheld disclosures on PostgreSQL: a person's evidence has no trace before the date, and a link after it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.access.denials import Denials
from application.access.reveal import Reveal
from application.custody.custodies import Custodies
from application.disclosing.story import opening_stream
from application.orders.legal_processes import (
    ChangeGag,
    LegalProcesses,
    ReceiveProcess,
    ReviewProcess,
    StandingOrders,
)
from application.orders.openings import DisclosureOpenings
from application.recorded import Caller, Recorded
from domain.disclosure import (
    DisclosureRecorded,
    DisclosureWithheld,
    Ground,
    Scope,
    SubjectShared,
    TagOf,
)
from domain.legal_paper import ProcessTerms
from domain.legal_process import ProcessReceived
from domain.sealing import Envelope
from domain.values import Personal, public_id
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.store.denial_counts import PostgresDenialCounts
from infrastructure.store.event_source import SequencedEvents
from infrastructure.twin.memory import SettableClock
from infrastructure.wall import bound_to
from projections.engine.follower import Follower
from projections.withheld import PostgresWithheld, WithheldModel
from tests.store.filling import Tenant
from tests.store.ledger_house import LedgerHouse, content, ledger_house
from tests.store.test_evidence import verdict

MONTH = timedelta(days=30)


@dataclass
class Court:
    """A tenant with a person in a house of its own, and what serves, discloses under tags, follows and opens."""

    house: LedgerHouse
    role: Database
    tenant: Tenant = field(init=False)

    def __post_init__(self) -> None:
        engine = self.house.engine
        self.tenant = Tenant(engine)
        self.ada = self.tenant.register("ada@example.test")
        self.clock = SettableClock(engine.clock.now())
        self.until = self.clock.now() + MONTH
        self.by = Caller(self.tenant.id, "key_officer", frozenset({"privacy_officer"}))
        self.withheld = PostgresWithheld(engine.app, engine.positions)
        self.processes = self._processes()
        self.openings = DisclosureOpenings(
            engine.store, self.withheld, StandingOrders(engine.book), self.clock, engine.ids
        )
        self.follower = Follower(WithheldModel(), SequencedEvents(engine.mapper))

    def _processes(self) -> LegalProcesses:
        engine, gags = self.house.engine, StandingOrders(self.house.engine.book)
        store, book, ids = engine.store, engine.book, engine.ids
        counts = PostgresDenialCounts(engine.app)
        denials = Denials(store, counts, self.clock, ids, gags)
        custodies = Custodies(store, store)
        reveal = Reveal(store, engine.vault, self.clock, ids, book, denials, gags, custodies)
        return LegalProcesses(store, book, engine.people, reveal, self.withheld, self.clock, ids)

    def served(self) -> UUID:
        """A process under a gag, accepted."""
        served_at = self.clock.now() - timedelta(days=1)
        terms = ProcessTerms("subpoena", "Example Court", "27-cv-1", served_at, self.until)
        with bound_to(self.tenant.id):
            receive = ReceiveProcess(terms, Personal("All of Canary Example"))
            id = self.processes.receive(receive, self.by).state.id
            self.processes.review(ReviewProcess(id, "accepted"), self.by)
        return id

    def gag(self, process: UUID, step: Any, until: datetime | None = None) -> None:
        """A paper changes the gag; what it withholds is known to the read model."""
        self.follow()
        with bound_to(self.tenant.id):
            self.processes.change_gag(ChangeGag(process, step, until, "O-1"), self.by)

    def disclosed(self, process: UUID, *persons: UUID) -> tuple[UUID, list[UUID]]:
        """A disclosure about these persons (Ada) was recorded under tags; its id and the tags."""
        id, tags = uuid4(), [TagOf(uuid4(), one) for one in persons or (self.ada,)]
        shared = tuple(SubjectShared(one.tag, uuid4().hex, None, "none") for one in tags)
        recorded = DisclosureRecorded(
            disclosure=id,
            recipient=uuid4(),
            recipient_version=1,
            purpose="legal_duty",
            ground=Ground(legal_trigger="compelled", legal_process=process),
            scope=Scope(("name",)),
            our_role="controller",
            transfer=None,
            channel="response",
            withheld_until=self.until,
            count=len(shared),
            subjects=shared,
        )
        withheld = DisclosureWithheld(id, self.until, tuple(tags))
        self.tenant.append(self._event(id, 1, recorded), self._event(id, 2, withheld))
        return id, [one.tag for one in tags]

    def _event(self, stream: UUID, version: int, decision: object) -> Recorded[object]:
        at = self.clock.now()
        return Recorded(self.tenant.id, stream, version, uuid4(), at, "key_officer", decision)

    def follow(self) -> None:
        """The read model takes in everything that is there."""
        self.house.sequence()
        with self.role.connection() as connection:
            self.follower.begin(connection)
            while self.follower.step(connection, limit=3):
                pass

    def sweep(self, at: datetime | None = None, *, follow: bool = True) -> int:
        """The sweeper's turn, at the instant `at`."""
        if at is not None:
            self.clock.set(at)
        if follow:
            self.follow()
        with bound_to(self.tenant.id):
            return self.openings.sweep(self.tenant.id)

    def evidence(self) -> Any:
        """What Ada gets."""
        self.house.settle(self.tenant.id)
        return self.house.evidence(self.tenant.id, self.ada)

    def rows(self, table: str) -> int:
        """How many rows a table of the read model holds of this tenant."""
        with bound_to(self.tenant.id):
            (row,) = self.house.engine.app.rows(f"SELECT count(*) FROM {table}", ())
        return int(row[0])


@pytest.fixture
def court(own_deployment: Deployment) -> Iterator[Court]:
    with ledger_house(own_deployment) as house:
        role = Database(own_deployment.dsn_of("follower"), size=1, walled=False)
        yield Court(house, role)
        role.close()


def names(shown: Any, id: UUID) -> bool:
    """True when an id stands anywhere in a bundle, in leaves and payloads too."""
    inside = [one[part] or "" for one in shown["events"] for part in ("leaf", "payload")]
    text = str(shown) + "".join(str(b64decode(one)) for one in inside)
    return id.hex in text or str(id) in text


def test_evidence_has_no_trace_before_the_date_and_a_link_after_it(court: Court, tmp_path: Path):
    before = content(court.evidence())["count"]
    id, (tag,) = court.disclosed(court.served())
    assert court.sweep(court.until - timedelta(seconds=1)) == 0
    held = content(court.evidence())
    assert held["count"] == before
    assert not names(held, tag) and not names(held, id)
    assert court.sweep(court.until) == 1
    found = court.evidence()
    shown = content(found)
    assert shown["count"] == before + 1
    assert names({"events": shown["events"][-1:]}, tag)
    code, words = verdict(court.house, court.tenant.id, found.data, tmp_path)
    assert code == 0, words


def test_what_was_opened_is_forgotten_by_the_read_model_and_never_opened_again(court: Court):
    ben = court.tenant.register("ben@example.test")
    _, tags = court.disclosed(court.served(), court.ada, ben)
    assert court.sweep(court.until) == 2
    # As after a kill before the read model has followed: it still has both, and nothing is opened twice.
    assert court.rows("withheld_tag_v1") == 2
    assert court.sweep(follow=False) == 0
    assert court.sweep() == 0
    assert court.rows("withheld_disclosure_v1") == 0
    with bound_to(court.tenant.id):
        store = court.house.engine.store
        opened = [store.read(court.tenant.id, opening_stream(court.tenant.id, one)) for one in tags]
    assert [len(one) for one in opened] == [1, 1]


def test_the_sweep_follows_a_gag_that_is_extended_and_then_lifted(court: Court):
    process = court.served()
    id, _ = court.disclosed(process)
    court.gag(process, "extended", court.until + MONTH)
    assert [court.sweep(), court.sweep(), court.sweep(court.until)] == [0, 0, 0]
    with bound_to(court.tenant.id):
        story = court.house.engine.store.read(court.tenant.id, id)
    assert [type(one.decision).__name__ for one in story][1:] == ["DisclosureWithheld"] * 2
    court.gag(process, "lifted")
    assert court.sweep() == 1


def test_another_tenants_gags_are_not_seen(court: Court):
    court.disclosed(court.served())
    court.follow()
    other = uuid4()
    with bound_to(other):
        assert court.withheld.due(court.tenant.id, court.until + MONTH, 10) == []
        assert court.withheld.due(other, court.until + MONTH, 10) == []


def test_a_process_stands_in_the_catalog_and_its_scope_is_sealed(court: Court):
    process = court.served()
    engine, tenant = court.house.engine, court.tenant.id
    with bound_to(tenant):
        orders = StandingOrders(engine.book)
        assert orders.until(tenant, public_id("process", process)) == court.until
        standing = orders.process(tenant, process)
        assert standing is not None and standing.may_disclose
        received = engine.store.read(tenant, process)[0].decision
        assert isinstance(received, ProcessReceived)
        assert isinstance(received.demand, Envelope)
        reading = replace(court.by, purpose="legal_duty", case="T-1")
        opened = court.processes.with_scope(process, reading).scope
        assert opened.open() == "All of Canary Example"
