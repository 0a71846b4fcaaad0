"""An access under a gag betrays itself in nothing that the person gets: not in evidence, its counts, nor in the log."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from application.access.access_log import AccessRow
from application.access.denials import Denials
from application.access.reveal import Reveal, Sight, Wish
from application.custody.custodies import Custodies
from application.ledger.withholding import Openings
from application.recorded import Caller
from domain.errors import PurposeRequired
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.store.denial_counts import PostgresDenialCounts
from infrastructure.store.event_source import SequencedEvents
from infrastructure.twin.memory import SettableClock
from infrastructure.wall import bound_to
from projections.access_reads import PostgresAccesses
from projections.accesses import AccessesModel
from projections.engine.follower import Follower
from tests.store.filling import Tenant
from tests.store.ledger_house import LedgerHouse, content, ledger_house
from tests.store.test_evidence import verdict


@dataclass
class Gagging:
    """One case under a gag, until an instant."""

    case: str
    ends: datetime

    def until(self, tenant: UUID, case: str) -> datetime | None:
        return self.ends if case == self.case else None


@dataclass
class Office:
    """Someone who looks at Ada, for a case under a gag and for others."""

    house: LedgerHouse
    follower: Database
    tenant: Tenant
    ada: UUID
    clock: SettableClock
    gags: Gagging = field(init=False)

    def __post_init__(self) -> None:
        engine = self.house.engine
        self.gags = Gagging("W-1", self.clock.now() + timedelta(hours=1))
        self.accesses = PostgresAccesses(engine.app)
        counts = PostgresDenialCounts(engine.app)
        self.denials = Denials(engine.store, counts, self.clock, engine.ids, self.gags)
        self.reveal = Reveal(
            engine.store,
            engine.vault,
            self.clock,
            engine.ids,
            engine.book,
            self.denials,
            self.gags,
            Custodies(engine.store, engine.store),
        )
        self.openings = Openings(engine.store, self.accesses, self.gags, self.clock, engine.ids)

    def by(self, case: str) -> Caller:
        return Caller(
            self.tenant.id, "key_1", frozenset({"owner"}), purpose="legal_duty", case=case
        )

    def look(self, case: str) -> None:
        """Look, and be refused once too."""
        (envelope,) = self.tenant.envelopes(self.ada)
        with bound_to(self.tenant.id):
            self.reveal.open(self.by(case), [Sight(self.ada, envelope)], ("name",))
            with pytest.raises(PurposeRequired):
                self.reveal.require(replace(self.by(case), purpose=None), Wish(("name",), self.ada))

    def settle(self) -> None:
        self.house.settle(self.tenant.id)
        model = Follower(AccessesModel(), SequencedEvents(self.house.engine.mapper))
        with self.follower.connection() as connection:
            model.begin(connection)
            while model.step(connection):
                pass

    def persons(self) -> list[AccessRow]:
        """The person's own log."""
        late = self.clock.now() + timedelta(days=9)
        with bound_to(self.tenant.id):
            return self.accesses.about(self.tenant.id, self.ada, late, 99, None, withheld=False)


@pytest.fixture
def office(own_deployment: Deployment) -> Iterator[Office]:
    follower = Database(own_deployment.dsn_of("follower"), size=1, walled=False)
    with ledger_house(own_deployment) as house:
        tenant = Tenant(house.engine)
        clock = SettableClock(house.engine.clock.now())
        yield Office(house, follower, tenant, tenant.register(), clock)
    follower.close()


def shown(office: Office, folder: Path) -> list[dict[str, object]]:
    """The events in the person's evidence, which verifies offline."""
    bundle = office.house.evidence(office.tenant.id, office.ada)
    code, words = verdict(office.house, office.tenant.id, bundle.data, folder)
    assert code == 0, words
    found = content(bundle)
    assert found["count"] == bundle.count == len(found["events"])
    text = str(found) + "".join(str(b64decode(one["leaf"])) for one in found["events"])
    assert "W-1" not in text or office.clock.now() >= office.gags.ends
    return [
        {name: one[name] for name in ("index", "leaf", "payload", "branch")}
        for one in found["events"]
    ]


def test_neither_evidence_nor_the_log_tell_of_it(office: Office, tmp_path: Path) -> None:
    office.look("T-1")
    office.settle()
    before, log = shown(office, tmp_path), office.persons()
    assert (len(before), len(log)) == (3, 2), "registered, looked at, and refused once"
    office.look("W-1")
    office.settle()
    assert shown(office, tmp_path) == before
    assert office.persons() == log


def test_it_opens_on_its_date_in_both(office: Office, tmp_path: Path) -> None:
    office.look("W-1")
    office.settle()
    assert (len(shown(office, tmp_path)), office.persons()) == (1, [])
    office.clock.set(office.gags.ends)
    with bound_to(office.tenant.id):
        assert office.openings.sweep(office.tenant.id) == 2
    office.settle()
    with bound_to(office.tenant.id):
        assert office.openings.sweep(office.tenant.id) == 0
    assert {row.kind for row in office.persons()} == {"granted", "denied"}
    assert len(shown(office, tmp_path)) == 3
