"""The read model `keeping`: given events, then of whom something is held, by age; and who was kept until when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from application.custody.custody_log import custody_stream
from application.holding.expiry import Aged
from application.ports import Append, Outcome
from application.recorded import Recorded
from domain.custody import CustodyTaken, Kept
from domain.sealing import RetentionClass
from domain.subject import Correction, Profile, SubjectCorrected, SubjectRegistered
from domain.values import Personal
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.store.event_source import SequencedEvents
from infrastructure.store.sequencer import Sequencer
from infrastructure.twin.memory_keeping import MemoryKeeping
from infrastructure.twin.memory_state import MemoryState
from projections.engine.follower import Follower
from projections.keeping import AGED, NOBODY, OVER, KeepingModel, PostgresKeeping
from tests.store.test_plans import most_rows_of

NOW = datetime(2027, 3, 14, 14, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LONG_AFTER = NOW + 999 * DAY


@dataclass
class Desk:
    """One tenant whose people are recorded and erased; clocks of events are set by hand."""

    engine: Engine
    sequencer: Sequencer
    role: Database
    tenant: UUID
    twin: MemoryState

    def append(self, stream: UUID, version: int, decision: object, at: datetime) -> None:
        event = Recorded(self.tenant, stream, version, uuid4(), at, "key_1", decision)
        append = Append(self.tenant, at, (event,))
        assert self.engine.store.append(append) is Outcome.APPENDED
        self.twin.log.setdefault(self.tenant, []).append(event)

    def register(self, at: datetime) -> UUID:
        subject = uuid4()
        self.engine.people.prepare(self.tenant, subject, ("profile",))
        profile = Profile(Personal("Ada Example"), Personal("ada@example.test"))
        self.append(subject, 1, SubjectRegistered(subject, "booking", profile), at)
        return subject

    def correct(self, subject: UUID, version: int, at: datetime) -> None:
        correction = Correction(phone=Personal("+3312345678"))
        self.append(subject, version, SubjectCorrected(subject, ("phone",), correction), at)

    def take(self, subject: UUID, version: int, *classes: RetentionClass, **kept: Kept) -> None:
        it = CustodyTaken(subject, uuid4(), classes, tuple(kept.values()))
        self.append(custody_stream(subject), version, it, NOW)

    def follow(self, at_once: int = 3) -> None:
        while self.sequencer.sequence_now():
            pass
        follower = Follower(KeepingModel(), SequencedEvents(self.engine.mapper))
        with self.role.connection() as connection:
            follower.begin(connection)
            while follower.step(connection, limit=at_once):
                pass

    def forget(self) -> None:
        """Let the model begin again."""
        with self.role.connection() as connection:
            connection.execute("DELETE FROM keeping_v1 WHERE tenant_id = %s", (self.tenant,))
            connection.execute("UPDATE read_model SET sequence = 0 WHERE name = 'keeping'")

    def answers(self, of: PostgresKeeping | MemoryKeeping) -> list[object]:
        """All that it says."""
        classes: tuple[RetentionClass, ...] = ("profile", "booking")
        aged = [list(of.aged(self.tenant, one, LONG_AFTER, None, 99)) for one in classes]
        return [*aged, list(of.over(self.tenant, LONG_AFTER.date(), None, 99))]

    @property
    def model(self) -> PostgresKeeping:
        return PostgresKeeping(self.engine.app)


@pytest.fixture
def desk(module_deployment: Deployment, tenant: UUID) -> Iterator[Desk]:
    engine = Engine.connect(module_deployment, connections=2)
    order = Database(module_deployment.dsn_of("sequencer"), size=1, walled=False)
    role = Database(module_deployment.dsn_of("follower"), size=1, walled=False)
    yield Desk(engine, Sequencer(order, engine.clock), role, tenant, MemoryState())
    for database in (order, role):
        database.close()
    engine.close()


def test_people_are_found_by_the_age_of_their_last_value(desk: Desk) -> None:
    ada, ben, eve = (desk.register(NOW + number * DAY) for number in range(3))
    desk.correct(ada, 2, NOW + 9 * DAY)
    desk.follow()
    found = [Aged(ben, NOW + DAY), Aged(eve, NOW + 2 * DAY), Aged(ada, NOW + 9 * DAY)]
    ask = desk.model.aged
    assert ask(desk.tenant, "profile", LONG_AFTER, None, 99) == found
    assert ask(desk.tenant, "profile", NOW + 2 * DAY, None, 99) == found[:1]
    assert ask(desk.tenant, "profile", LONG_AFTER, found[0], 1) == found[1:2]
    assert ask(desk.tenant, "booking", LONG_AFTER, None, 99) == []


def test_what_was_taken_is_gone_and_what_is_kept_has_a_last_day(desk: Desk) -> None:
    ada, ben = desk.register(NOW), desk.register(NOW)
    until = date(2029, 1, 1)
    kept = Kept("profile", "gdpr_17_3_e_legal_claims", "BGB 195", ("dispute",), until)
    desk.take(ada, 1, "booking", profile=kept)
    desk.take(ben, 1, "profile")
    desk.follow()
    over = desk.model.over
    assert over(desk.tenant, until, None, 99) == []
    assert over(desk.tenant, until + DAY, None, 99) == [ada]
    assert over(desk.tenant, until + DAY, ada, 99) == []
    assert [
        one.subject for one in desk.model.aged(desk.tenant, "profile", LONG_AFTER, None, 9)
    ] == [ada]
    desk.take(ada, 2, "profile")
    desk.follow()
    assert over(desk.tenant, until + DAY, None, 99) == []


def test_rebuilt_equals_followed_equals_the_twin(desk: Desk) -> None:
    kept = Kept("profile", "gdpr_17_3_e_legal_claims", "BGB 195", ("dispute",), date(2028, 1, 1))
    for number in range(7):
        person = desk.register(NOW + number % 3 * DAY)
        if number % 2:
            desk.correct(person, 2, NOW + number * DAY)
        if number % 3 == 1:
            desk.take(person, 1, "booking", profile=kept)
        if number % 3 == 2:
            desk.take(person, 1, "profile")
    desk.follow()
    followed = desk.answers(desk.model)
    assert followed == desk.answers(MemoryKeeping(desk.twin))
    desk.forget()
    assert desk.answers(desk.model) == [[], [], []]
    desk.follow(at_once=1_000)
    assert desk.answers(desk.model) == followed


def test_those_who_are_due_are_found_without_looking_at_the_rest(desk: Desk) -> None:
    kept = Kept("profile", "gdpr_17_3_e_legal_claims", "BGB 195", ("dispute",), date(2028, 1, 1))
    old = desk.register(NOW - 99 * DAY)
    desk.take(old, 1, profile=kept)
    for number in range(60):
        desk.register(NOW + number * DAY)
    desk.follow()
    asked = (desk.tenant, "profile", NOW, "-infinity", NOBODY, 100)
    assert most_rows_of(desk.engine.app, AGED, asked) <= 2
    assert most_rows_of(desk.engine.app, OVER, (desk.tenant, LONG_AFTER.date(), NOBODY, 9)) <= 2
