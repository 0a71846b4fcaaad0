"""Answers and reports on PostgreSQL: complete to a checkpoint of the real signer, and the same bytes later on."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from application.answers.disclosure_answers import DisclosureAnswers, Moment
from application.consents.choices import StreamConsentStates
from application.ledger.records import LedgerRecords
from application.ledger.witnessing import Witnessing
from application.recorded import Caller
from application.reports.issuing import Issued, Reports
from application.reports.report import Asked
from application.requests.history import RequestHistory
from domain.errors import NotFound
from domain.report import ReportFormat
from infrastructure.canonical import b64, sha256
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing.ledger_reads import PostgresLedger
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.signed.notes import VerifierKey, parse_note, verify
from infrastructure.ledger.witnesses.witness_store import PostgresWitnessRecords
from infrastructure.reports.press import RENDERINGS, PostgresReportPress, manifest
from infrastructure.store.event_source import SequencedEvents
from infrastructure.wall import bound_to
from projections.disclosure_questions import PostgresDisclosures
from projections.disclosures import DisclosuresModel
from projections.engine.follower import Follower
from tests.disclosing import Disclosing
from tests.store.filling import Tenant
from tests.store.ledger_house import LedgerHouse, ledger_house


@dataclass
class Office:
    """A tenant with a person, on a ledger that is moved by hand."""

    house: LedgerHouse
    following: Database
    tenant: Tenant
    story: Disclosing
    person: UUID

    def settle(self, *, signed: bool = True) -> None:
        """Give everything its place, sign for it, take it into the read model."""
        self.house.sequence()
        if signed:
            self.house.publisher.tick()
        source = SequencedEvents(self.house.engine.mapper)
        follower = Follower(DisclosuresModel(), source)
        with self.following.connection() as connection:
            follower.begin(connection)
            while follower.step(connection):
                pass

    @property
    def by(self) -> Caller:
        """The privacy officer."""
        return Caller(self.tenant.id, "key_officer", frozenset({"privacy_officer"}))

    def take(self, format: ReportFormat = "json", then: Issued | None = None) -> Issued:
        """The report about the person; the same again as `then`."""
        engine = self.house.engine
        press = PostgresReportPress(engine.app, self.house.press.signer.signer)
        records = LedgerRecords(engine.store, engine.clock, engine.ids)
        witnesses = PostgresWitnessRecords(engine.app, None, engine.clock)
        witnessing = Witnessing(witnesses, engine.clock, 3_600)
        disclosures = PostgresDisclosures(engine.app)
        reports = Reports(
            disclosures,
            engine.positions,
            engine.store,
            press,
            records,
            witnessing,
            engine.clock,
            RequestHistory(engine.store, PostgresLedger(engine.app)),
        )
        asked = Asked(subject=self.person)
        if then is not None:
            report = then.report
            asked = Asked(self.person, as_of=report.as_of, position=report.position)
        with bound_to(self.tenant.id):
            return reports.issue("article-15", asked, format, self.by)


@pytest.fixture
def office(own_deployment: Deployment) -> Iterator[Office]:
    following = Database(own_deployment.dsn_of("follower"), size=1, walled=False)
    with ledger_house(own_deployment) as house:
        tenant = Tenant(house.engine)
        story = Disclosing(
            house.engine.store,
            tenant.id,
            at=datetime(2026, 11, 1, tzinfo=UTC),
            bound=lambda: bound_to(tenant.id),
        )
        yield Office(house, following, tenant, story, tenant.register())
    following.close()


def test_a_report_rests_on_a_checkpoint_that_stays_and_comes_again_byte_by_byte(
    office: Office,
) -> None:
    story = office.story
    crm = story.recipient("Example CRM Inc")
    story.sent(crm, office.person)
    office.settle()
    issued = {format: office.take(format) for format in RENDERINGS}
    first = issued["json"]
    assert first.report.position == 4
    assert [row["recipient"] for row in first.report.rows] == ["Example CRM Inc"]
    for _ in range(3):
        story.sent(crm, office.person)
        office.settle()
    assert len(office.take().report.rows) == 4
    for format, then in issued.items():
        assert office.take(format, then).rendered == then.rendered
    root = office.house.press.root(office.tenant.id, 5)
    told = json.loads(first.rendered.body)["complete_to"]["checkpoint"]
    assert told == {"size": 5, "root": b64encode(root).decode()}


def test_the_log_s_key_signs_it(office: Office) -> None:
    office.settle()
    origin = default(office.tenant.id)
    made = office.take("csv").rendered
    note = parse_note(made.signature)
    digest = b64(sha256(manifest("article-15.csv", made.body, origin)))
    assert note.text == f"daybook/manifest/v1\n{origin}\n{digest}\n"
    assert verify(note, [VerifierKey.parse(office.house.vkey(office.tenant.id))])


def test_before_anything_is_signed_there_is_no_report(office: Office) -> None:
    with pytest.raises(NotFound):
        office.take()
    office.settle()
    first = office.take()
    beyond = replace(first, report=replace(first.report, position=first.report.position + 900))
    with pytest.raises(NotFound):
        office.take(then=beyond)


def test_an_answer_is_complete_to_what_is_signed_and_shows_what_is_newer(office: Office) -> None:
    engine, story = office.house.engine, office.story
    answers = DisclosureAnswers(
        PostgresDisclosures(engine.app),
        engine.positions,
        PostgresLedger(engine.app),
        engine.store,
        StreamConsentStates(engine.store, engine.clock),
        engine.clock,
    )
    crm = story.recipient()

    def asked(moment: Moment) -> tuple[int, int, int]:
        with bound_to(office.tenant.id):
            found = answers.about(office.person, None, moment, 50, None, office.by)
        complete = found.part.complete_to
        assert complete.checkpoint is not None
        assert complete.checkpoint.size > complete.position
        return found.totals.disclosures, complete.position, found.part.reached

    office.settle()
    assert asked(Moment()) == (0, 1, 1)
    story.sent(crm, office.person)
    office.settle()
    assert asked(Moment()) == (1, 4, 4)
    known = engine.clock.now()
    story.sent(crm, office.person)
    office.settle(signed=False)
    assert asked(Moment()) == (2, 4, 7), "the newest rows are there, not yet proved"
    assert asked(Moment(known_at=known)) == (1, 4, 7)
    office.settle()
    assert asked(Moment(at_least=7)) == (2, 7, 7)
    assert asked(Moment(known_at=known)) == (1, 4, 7)
