"""The read model `consents`: given events, then a person's history as of any time; and what is still to expire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from application.consent_log import consent_stream, records_of
from application.consents.choices import StreamConsentStates
from application.consents.expiry import ConsentExpiry
from application.ports import Append, Outcome
from application.recorded import Recorded
from domain import consent_rules
from domain.consent import ConsentExpired, ConsentRejected, NoticeShown
from domain.consent_rules import Said
from domain.values import Personal
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.store.event_source import SequencedEvents
from infrastructure.store.sequencer import Sequencer
from infrastructure.twin.memory import SettableClock
from projections.consents import DUE, OF, ConsentsModel, PostgresConsents
from projections.engine.follower import Follower
from tests.store.test_plans import most_rows_of

NOW = datetime(2027, 3, 14, 14, 0, tzinfo=UTC)
DAY = timedelta(days=1)
NOTICE = NoticeShown(uuid4(), "2027-01", "ab" * 32, "en", NOW - 99 * DAY)


@dataclass
class Desk:
    """One tenant whose people say things; clocks of events are set by hand."""

    engine: Engine
    sequencer: Sequencer
    role: Database
    tenant: UUID
    clock: SettableClock = field(default_factory=lambda: SettableClock(NOW))

    def say(self, subject: UUID, **more: object) -> Recorded[object]:
        """Record what a person says now."""
        given = {"purpose": "measure", "decision": "given", "method": "explicit_click"} | more
        said = Said(uuid4(), subject, notice=NOTICE, named=True, **given)  # type: ignore[arg-type]
        known = self.engine.store.read(self.tenant, consent_stream(subject))
        decision = consent_rules.decide(records_of(known), said, self.clock.now())
        return self.append(subject, len(known) + 1, decision)

    def append(self, subject: UUID, version: int, decision: object) -> Recorded[object]:
        stream, at = consent_stream(subject), self.clock.now()
        event = Recorded(self.tenant, stream, version, uuid4(), at, "key_1", decision)
        append = Append(self.tenant, at, (event,))
        assert self.engine.store.append(append) is Outcome.APPENDED
        return event

    def follow(self) -> None:
        while self.sequencer.sequence_now():
            pass
        follower = Follower(ConsentsModel(), SequencedEvents(self.engine.mapper))
        with self.role.connection() as connection:
            follower.begin(connection)
            while follower.step(connection, limit=3):
                pass

    @property
    def model(self) -> PostgresConsents:
        return PostgresConsents(self.engine.app)


@pytest.fixture
def desk(module_deployment: Deployment, tenant: UUID) -> Iterator[Desk]:
    engine = Engine.connect(module_deployment, connections=2)
    order = Database(module_deployment.dsn_of("sequencer"), size=1, walled=False)
    role = Database(module_deployment.dsn_of("follower"), size=1, walled=False)
    yield Desk(engine, Sequencer(order, engine.clock), role, tenant)
    for database in (order, role):
        database.close()
    engine.close()


def test_every_record_is_a_row_in_order_with_its_place_in_the_ledger(desk: Desk) -> None:
    ada, ben = uuid4(), uuid4()
    first = desk.say(ada, evidence={"form": Personal("newsletter")})
    desk.say(ben)
    second = desk.say(ada, decision="withdrawn")
    rejected = desk.say(ada, purpose="curiosity")
    desk.follow()
    rows = desk.model.of(desk.tenant, ada, None)
    assert [row.event for row in rows] == [one.event_id for one in (first, second, rejected)]
    assert [row.decision for row in rows] == ["given", "withdrawn", "rejected"]
    assert [row.position for row in rows] == [0, 2, 3]
    assert rows[1].replaces == rows[0].consent
    assert (rows[2].purpose, rows[2].reason, rows[2].record()) == (None, "unknown_purpose", None)
    assert rows[0].said_at == NOW
    assert rows[0].policy_version == "2027-01"
    (sealed,) = desk.engine.app.rows(
        "SELECT evidence FROM consents_v1 WHERE tenant_id = %b AND consent_id = %b",
        (desk.tenant, rows[0].consent),
    )
    assert "newsletter" not in sealed[0]


def test_what_the_ledger_did_not_know_yet_is_left_out(desk: Desk) -> None:
    ada = uuid4()
    desk.say(ada)
    desk.follow()
    (row,) = desk.model.of(desk.tenant, ada, None)
    assert desk.model.of(desk.tenant, ada, row.recorded_at) == [row]
    before = row.recorded_at - timedelta(microseconds=1)
    assert desk.model.of(desk.tenant, ada, before) == []


def test_a_consent_counts_as_expired_at_once_and_that_is_recorded_once(desk: Desk) -> None:
    ada, ben = uuid4(), uuid4()
    desk.say(ada, expires_at=NOW + DAY)
    desk.say(ben, expires_at=NOW + DAY)
    desk.say(ben, decision="withdrawn")
    states = StreamConsentStates(desk.engine.store, desk.clock)
    expiry = ConsentExpiry(desk.engine.store, desk.model, desk.clock, desk.engine.ids)
    desk.follow()
    assert expiry.sweep(desk.tenant) == 0
    desk.clock.advance(days=1)
    state = states.at(desk.tenant, ada, "measure")
    assert state is not None
    assert (state.decision, state.valid, state.since) == ("expired", False, NOW + DAY)
    assert expiry.sweep(desk.tenant) == 1, "what was withdrawn does not expire"
    assert expiry.sweep(desk.tenant) == 0, "even while the model is behind"
    desk.follow()
    assert desk.model.due(desk.tenant, desk.clock.now(), 9) == []
    known = desk.engine.store.read(desk.tenant, consent_stream(ada))
    assert isinstance(known[-1].decision, ConsentExpired)
    assert [row.decision for row in desk.model.of(desk.tenant, ada, None)] == ["given", "expired"]


def test_a_withdrawal_counts_with_the_next_question(desk: Desk) -> None:
    ada = uuid4()
    states = StreamConsentStates(desk.engine.store, desk.clock)
    assert states.at(desk.tenant, ada, "measure") is None
    given = desk.say(ada)
    state = states.at(desk.tenant, ada, "measure")
    assert state is not None
    assert (state.valid, state.event) == (True, given.event_id)
    rejected = desk.say(ada, decision="refused", method="continued_use")
    assert isinstance(rejected.decision, ConsentRejected)
    withdrawn = desk.say(ada, decision="withdrawn")
    state = states.at(desk.tenant, ada, "measure")
    assert state is not None
    assert (state.valid, state.decision, state.event) == (False, "withdrawn", withdrawn.event_id)


def test_one_person_s_history_is_read_without_the_others(desk: Desk) -> None:
    ada = uuid4()
    desk.say(ada, expires_at=NOW + DAY)
    for _ in range(60):
        other = uuid4()
        desk.say(other)
        desk.say(other, decision="withdrawn")
    desk.follow()
    asked = (desk.tenant, ada, None, None, 100)
    assert most_rows_of(desk.engine.app, OF, asked) <= 2
    assert most_rows_of(desk.engine.app, DUE, (desk.tenant, NOW + 9 * DAY, 100)) <= 2
