"""The read model `accesses`: given events, then rows; and the same answers as the twin folds from the same events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.access.access_log import AccessRow
from application.access.denials import Denials
from application.ledger.withholding import NoGags, Openings
from application.ports import Append, Outcome
from application.recorded import Caller, Recorded
from domain.access import AccessDenied, AccessOpened, Field, SubjectSeen, grant, withhold
from domain.access_key import KeyIssued, KeyTerms
from domain.access_review import AccessReviewed, break_glass
from domain.ledger import EvidenceIssued, LedgerExported
from domain.values import public_id
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.store.denial_counts import PostgresDenialCounts
from infrastructure.store.event_source import SequencedEvents
from infrastructure.store.sequencer import Sequencer
from infrastructure.twin.memory import SettableClock
from infrastructure.twin.memory_accesses import MemoryAccesses
from infrastructure.twin.memory_state import MemoryState
from projections.access_reads import PostgresAccesses
from projections.accesses import AccessesModel
from projections.engine.follower import Follower

START = datetime(2027, 3, 14, 14, 0, tzinfo=UTC)
LATE = datetime(2100, 1, 1, tzinfo=UTC)
NAME: tuple[Field, ...] = ("name",)


@dataclass
class Log:
    """One tenant's events, appended by hand a second apart, to the database and to a twin."""

    engine: Engine
    sequencer: Sequencer
    role: Database
    tenant: UUID
    state: MemoryState = field(default_factory=MemoryState)
    clock: SettableClock = field(default_factory=lambda: SettableClock(START))

    def __post_init__(self) -> None:
        self.accesses = PostgresAccesses(self.engine.app)
        self.twin = MemoryAccesses(self.state)

    def event(self, stream: UUID, version: int, decision: object, **more: Any) -> Recorded[object]:
        plain = Recorded(self.tenant, stream, version, uuid4(), self.clock.now(), "key_1", decision)
        return replace(plain, **more)

    def append(self, *events: Recorded[object]) -> Recorded[object]:
        """Append together; the first."""
        append = Append(self.tenant, self.clock.now(), events)
        assert self.engine.store.append(append) is Outcome.APPENDED
        self.state.log.setdefault(self.tenant, []).extend(events)
        self.clock.advance(seconds=1)
        return events[0]

    def looked(self, *subjects: UUID, actor: str = "key_1") -> Recorded[object]:
        """Somebody looked at a page of people."""
        id = uuid4()
        seen = tuple(SubjectSeen(one, uuid4().hex) for one in subjects)
        granted = grant(id, "service", None, NAME, seen)
        return self.append(self.event(id, 1, granted, purpose="service", actor=actor))

    def withheld(self, person: UUID, until: datetime) -> Recorded[object]:
        """Somebody looked under a gag."""
        id, tag = uuid4(), uuid4()
        granted = grant(id, "legal_duty", "W-1", NAME, (SubjectSeen(tag, uuid4().hex),))
        first = self.event(id, 1, granted, purpose="legal_duty", case="W-1")
        return self.append(first, self.event(id, 2, withhold(first.event_id, {person: tag}, until)))

    def follow(self, limit: int = 3) -> None:
        while self.sequencer.sequence_now():
            pass
        follower = Follower(AccessesModel(), SequencedEvents(self.engine.mapper))
        with self.role.connection() as connection:
            follower.begin(connection)
            while follower.step(connection, limit=limit):
                pass

    def about(self, subject: UUID, *, withheld: bool = True, **more: Any) -> list[AccessRow]:
        """What both say; it is the same."""
        asked = {"as_of": LATE, "limit": 500, "after": None, "withheld": withheld, **more}
        found = self.accesses.about(self.tenant, subject, **asked)
        assert found == self.twin.about(self.tenant, subject, **asked)
        return found

    def between(self, **more: Any) -> list[AccessRow]:
        """What both say; it is the same."""
        asked = {"from_": START, "to": LATE, "limit": 500, "after": None, **more}
        found = self.accesses.between(self.tenant, **asked)
        assert found == self.twin.between(self.tenant, **asked)
        return found


@pytest.fixture
def log(module_deployment: Deployment, tenant: UUID) -> Iterator[Log]:
    engine = Engine.connect(module_deployment, connections=2)
    order = Database(module_deployment.dsn_of("sequencer"), size=1, walled=False)
    role = Database(module_deployment.dsn_of("follower"), size=1, walled=False)
    yield Log(engine, Sequencer(order, engine.clock), role, tenant)
    for database in (order, role):
        database.close()
    engine.close()


def test_an_event_about_two_hundred_is_a_row_of_each(log: Log) -> None:
    people = [uuid4() for _ in range(200)]
    event = log.looked(*people)
    log.follow()
    for person in people[::50]:
        (row,) = log.about(person)
        assert (row.event, row.count, row.fields) == (event.event_id, 200, ("name",))
    assert len(log.between()) == 1


def test_the_roles_are_those_of_the_key_at_its_issue(log: Log) -> None:
    key = uuid4()
    issued = KeyIssued(key, KeyTerms(("staff", "manager"), "sam"), "0" * 64)
    log.append(log.event(key, 1, issued))
    person = uuid4()
    log.looked(person, actor=public_id("key", key))
    log.looked(person, actor="system:operator")
    log.follow()
    known, unknown = log.about(person)
    assert (known.holder, known.roles) == ("sam", ("staff", "manager"))
    assert (unknown.holder, unknown.roles) == (None, ())


def test_denials_and_copies_are_rows_too(log: Log) -> None:
    person, id = uuid4(), uuid4()
    denied = AccessDenied(id, "location", None, "T-1", person, NAME, 1, log.clock.now())
    log.append(log.event(id, 1, denied, case="T-1"))
    more = replace(denied, count=41, last_at=START + timedelta(seconds=50))
    log.append(log.event(id, 2, more, case="T-1"))
    nobody = replace(denied, denial=uuid4(), subject=None, fields=())
    log.append(log.event(nobody.denial, 1, nobody, case="T-1"))
    log.append(log.event(uuid4(), 1, EvidenceIssued(person, 3)))
    log.append(log.event(uuid4(), 1, LedgerExported(1, 4)))
    log.follow()
    rows = log.about(person)
    assert [(row.kind, row.count) for row in rows] == [
        ("denied", 1),
        ("evidence_issued", 1),
        ("denied", 41),
    ]
    assert {row.kind for row in log.between()} == {"denied", "evidence_issued", "exported"}
    assert len(log.between()) == 5


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_what_is_withheld_is_the_person_s_once_it_is_opened(log: Log, limit: int) -> None:
    """However the follower cuts the events into batches."""
    person, until = uuid4(), START + timedelta(minutes=1)
    log.looked(person)
    held = log.withheld(person, until)
    log.follow(limit)
    assert len(log.about(person)) == 2
    assert [row.event for row in log.about(person, withheld=False)] != [held.event_id]
    assert len(log.about(person, withheld=False)) == 1
    (due,) = log.accesses.due(log.tenant, until, 9)
    assert [due] == log.twin.due(log.tenant, until, 9)
    assert log.accesses.due(log.tenant, until - timedelta(seconds=1), 9) == []
    early = until - timedelta(seconds=1)
    for it in (log.accesses, log.twin):
        assert it.cases(log.tenant) == ["W-1"]
        assert it.due(log.tenant, until, 9, held=["W-1"]) == []
        assert it.due(log.tenant, until, 9, held=["W-2"]) == [due]
        assert it.due(log.tenant, early, 9, over=["W-2"]) == []
        assert it.due(log.tenant, early, 9, over=["W-1"]) == [due]
    assert (due.person, due.event, due.case) == (person, held.event_id, "W-1")
    log.clock.set(until)
    log.append(log.event(uuid4(), 1, AccessOpened(person, due.tag, due.event)))
    log.follow(limit)
    assert log.accesses.due(log.tenant, until, 9) == []
    assert log.accesses.cases(log.tenant) == []
    assert len(log.about(person, withheld=False)) == 2
    assert len(log.about(person, withheld=False, as_of=until - timedelta(seconds=1))) == 1
    (of_tag,) = log.about(due.tag)
    assert of_tag.tag is None, "under the tag it is found as the event says it"


@pytest.mark.parametrize("limit", [1, 100])
def test_reviews_are_due_late_and_done(log: Log, limit: int) -> None:
    access = log.looked(uuid4())
    glass = break_glass(access.stream, "safety", "role", log.clock.now(), 2)
    stream = uuid4()
    broken = log.append(log.event(stream, 1, glass, cause=access.event_id))
    log.follow(limit)
    due_at = glass.review_due_at

    def states(now: datetime) -> list[str]:
        found = []
        for state in (None, "due", "late", "done"):
            asked: Any = (log.tenant, state, now, 9, None)
            rows = log.accesses.reviews(*asked)
            assert list(rows) == list(log.twin.reviews(*asked))
            found += [str(state)] * len(rows)
        return found

    assert states(due_at - timedelta(seconds=1)) == ["None", "due"]
    assert states(due_at) == ["None", "late"]
    assert [row.glass for row in log.between()] == ["safety"]
    reviewed = AccessReviewed(access.stream, "justified", "case-1")
    log.append(log.event(stream, 2, reviewed, actor="key_2"))
    log.follow(limit)
    assert states(due_at) == ["None", "done"]
    (row,) = log.accesses.reviews(log.tenant, None, due_at, 9, None)
    assert (row.event, row.access, row.reviewer) == (broken.event_id, access.event_id, "key_2")
    assert log.accesses.reviews(log.tenant, None, due_at, 9, (row.at, row.event)) == []


def test_rows_come_in_parts(log: Log) -> None:
    person = uuid4()
    for number in range(7):
        log.looked(person, actor=f"key_{number % 2}")
    log.follow()
    whole = log.about(person)
    parts: list[AccessRow] = []
    after = None
    while part := log.about(person, limit=2, after=after):
        parts += part
        after = (part[-1].at, part[-1].event)
    assert parts == whole == log.between()
    assert len(log.between(actor="key_1")) == 3
    assert len(log.between(actor="key_1", purpose="service", limit=2)) == 2
    assert log.between(purpose="billing") == []
    assert log.between(after=(whole[2].at, whole[2].event), to=whole[5].at) == whole[3:5]


def test_denials_are_counted_by_everyone_at_once_and_recorded_once(log: Log) -> None:
    """Two processes count, two sweep: the stream says how many there were."""
    counts = PostgresDenialCounts(log.engine.app)
    desks = [
        Denials(log.engine.store, counts, log.clock, log.engine.ids, NoGags()) for _ in range(2)
    ]
    by, person = Caller(log.tenant, "key_1", frozenset()), uuid4()
    for number in range(9):
        desks[number % 2].record(by, "role", NAME, person)
    log.clock.advance(minutes=2)
    assert [desk.sweep(log.tenant) for desk in desks] == [1, 0]
    (row,) = log.engine.app.rows("SELECT denial_id, count, settled FROM denial_count")
    assert row[1:] == (9, 9)
    events = log.engine.store.read(log.tenant, row[0])
    counted = [event.decision for event in events]
    assert [one.count for one in counted if isinstance(one, AccessDenied)] == [1, 8]
    log.clock.advance(hours=1)
    desks[0].sweep(log.tenant)
    assert log.engine.app.rows("SELECT FROM denial_count") == []


def test_the_sweep_opens_what_is_due_once(log: Log) -> None:
    person = uuid4()
    log.withheld(person, START + timedelta(minutes=1))
    log.follow()
    openings = Openings(log.engine.store, log.accesses, NoGags(), log.clock, log.engine.ids)
    assert openings.sweep(log.tenant) == 0
    log.clock.advance(minutes=5)
    assert [openings.sweep(log.tenant), openings.sweep(log.tenant)] == [1, 0]
    log.follow()
    assert len(log.accesses.about(log.tenant, person, LATE, 9, None, withheld=False)) == 1
