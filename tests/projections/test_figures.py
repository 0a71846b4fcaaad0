"""The read model `figures`: given events, then counts and working time; rebuilt equals followed equals the twin."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from application.figures.figures import Counts, Kind
from application.ports import Append, Outcome
from application.recorded import Recorded
from domain.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingConfirmed,
    BookingDeclined,
    BookingLapsed,
    BookingMissed,
    BookingRequested,
    BookingRescheduled,
)
from domain.booking_given import PersonGiven
from domain.schedule import Hours, Override, Schedule, WeeklyHours
from domain.staff import StaffEngaged, StaffReleased, StaffRevised, StaffScheduleSet, StaffTerms
from domain.values import Personal, epoch_seconds
from domain.visit import Visit
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.store.event_source import SequencedEvents
from infrastructure.store.sequencer import Sequencer
from infrastructure.twin.memory_figures import MemoryFigures
from infrastructure.twin.memory_state import MemoryState
from projections.engine.follower import Follower
from projections.figures import COUNTS, FiguresModel, PostgresFigures
from tests.store.test_plans import most_rows_of

NOW = datetime(2027, 3, 15, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HERE, THERE, CUT, SAM = uuid4(), uuid4(), uuid4(), uuid4()
OFFICE = Schedule("Europe/London", (WeeklyHours((0, 1, 2), Hours(540, 1020)),))
NIGHTS = Schedule("UTC", (WeeklyHours((4,), Hours(1320, 360)),), (Override(NOW.date(), ()),))
LONG = [0, 2**40]
# A booking an hour, each made a thousand hours ahead.
MANY = (
    "INSERT INTO figure_booking_v1 SELECT %(of)s, gen_random_uuid(), %(at)s, %(at)s, %(at)s, 'key_1',"
    " %(first)s + (n - 1000) * 3600, %(first)s + n * 3600, 30, 'confirmed' FROM generate_series(1, 5000) n"
)


@dataclass
class Desk:
    """One tenant whose bookings are made by hand; clocks of events are set by hand."""

    engine: Engine
    sequencer: Sequencer
    role: Database
    tenant: UUID
    twin: MemoryState
    versions: dict[UUID, int] = field(default_factory=dict)

    def append(self, stream: UUID, decision: object, at: datetime, actor: str = "key_1") -> None:
        version = self.versions[stream] = self.versions.get(stream, 0) + 1
        event = Recorded(self.tenant, stream, version, uuid4(), at, actor, decision)
        append = Append(self.tenant, at, (event,))
        assert self.engine.store.append(append) is Outcome.APPENDED
        self.twin.log.setdefault(self.tenant, []).append(event)

    def book(
        self, start: datetime, *, made_at: datetime = NOW, pending: bool = False, **more: Any
    ) -> tuple[UUID, UUID]:
        actor = more.pop("actor", "key_1")
        booking, subject = uuid4(), uuid4()
        made = BookingRequested if pending else BookingConfirmed
        person = PersonGiven(Personal("Ada Example"), None, None, None, {})
        decision = made(booking, subject, visit(start, **more), None, None, person)
        self.append(booking, decision, made_at, actor)
        return booking, subject

    def follow(self, at_once: int = 3) -> None:
        while self.sequencer.sequence_now():
            pass
        follower = Follower(FiguresModel(), SequencedEvents(self.engine.mapper))
        with self.role.connection() as connection:
            follower.begin(connection)
            while follower.step(connection, limit=at_once):
                pass

    def forget(self) -> None:
        """Let the model begin again, for everyone."""
        with self.role.connection() as connection:
            for table in ("figure_booking_v1", "figure_work_v1"):
                connection.execute(f"DELETE FROM {table}".encode())
            connection.execute("UPDATE read_model SET sequence = 0 WHERE name = 'figures'")

    def counts(self, bounds: Sequence[int] = LONG, kind: Kind | None = None) -> dict[Any, Counts]:
        """What the model says of the location; what counts nothing left out."""
        return some(self.model.counts(self.tenant, HERE, bounds, kind))

    def answers(self, of: PostgresFigures | MemoryFigures) -> list[object]:
        """All that it says."""
        bounds = [epoch_seconds(NOW + number * DAY) for number in range(-3, 9)]
        kinds: tuple[Kind | None, ...] = (None, "staff", "service", "source")
        found: list[object] = []
        for place in (HERE, THERE):
            found += [some(of.counts(self.tenant, place, bounds, kind)) for kind in kinds]
            found.append(list(of.working(self.tenant, place, bounds[1], bounds[5])))
        return found

    @property
    def model(self) -> PostgresFigures:
        return PostgresFigures(self.engine.app)


def some(counts: dict[Any, Counts]) -> dict[Any, Counts]:
    return {key: one for key, one in counts.items() if one != Counts()}


def visit(
    start: datetime, staff: UUID = SAM, at: UUID = HERE, service: UUID = CUT, capacity: int = 1
) -> Visit:
    end = start + timedelta(minutes=30)
    early, late = start - timedelta(minutes=5), end + timedelta(minutes=5)
    return Visit(service, at, staff, start, end, early, late, capacity)


@pytest.fixture
def desk(module_deployment: Deployment, tenant: UUID) -> Iterator[Desk]:
    engine = Engine.connect(module_deployment, connections=2)
    order = Database(module_deployment.dsn_of("sequencer"), size=1, walled=False)
    role = Database(module_deployment.dsn_of("follower"), size=1, walled=False)
    yield Desk(engine, Sequencer(order, engine.clock), role, tenant, MemoryState())
    for database in (order, role):
        database.close()
    engine.close()


def test_a_booking_counts_as_what_it_has_become(desk: Desk) -> None:
    ends = (BookingCompleted, BookingMissed, BookingCancelled, BookingDeclined, BookingLapsed)
    for hours, end in enumerate(ends):
        pending = end in (BookingDeclined, BookingLapsed)
        booking, subject = desk.book(NOW + timedelta(hours=hours), pending=pending)
        reason = ("other",) if end in (BookingCancelled, BookingDeclined) else ()
        desk.append(booking, end(booking, subject, *reason), NOW)
    asked, _ = desk.book(NOW + timedelta(hours=9), pending=True)
    desk.follow()
    expected = Counts(6, 3, 1, 2, 1, 1, 90)
    assert desk.counts() == {(0, None): expected}
    confirmed = BookingConfirmed(asked, uuid4(), visit(NOW + timedelta(hours=9)), None, None, None)
    desk.append(asked, confirmed, NOW)
    desk.follow()
    assert desk.counts() == {(0, None): expected}, "it kept its time already"


def test_what_moves_counts_where_it_is_and_was_made_when_it_was(desk: Desk) -> None:
    bounds = [epoch_seconds(NOW + number * DAY) for number in range(5)]
    booking, subject = desk.book(NOW + DAY)
    desk.follow()
    one, made = Counts(booked=1, minutes_booked=30), Counts(made=1)
    assert desk.counts(bounds) == {(0, None): made, (1, None): one}
    kim = uuid4()
    moved = BookingRescheduled(booking, subject, visit(NOW + 3 * DAY, kim))
    desk.append(booking, moved, NOW + DAY)
    desk.follow()
    assert desk.counts(bounds) == {(0, None): made, (3, None): one}
    assert desk.counts(bounds, "staff") == {(0, kim): made, (3, kim): one}
    assert desk.counts(bounds[1:3]) == {}


def test_a_session_takes_its_time_once_and_two_places_are_apart(desk: Desk) -> None:
    for actor in ("key_1", "key_2", "key_1"):
        desk.book(NOW, capacity=8, actor=actor)
    gone, subject = desk.book(NOW, capacity=8)
    desk.append(gone, BookingCancelled(gone, subject, "other"), NOW)
    desk.book(NOW, staff=uuid4(), at=THERE)
    desk.follow()
    assert desk.counts() == {(0, None): Counts(4, 3, 1, 0, 0, 0, 30)}
    by_source = desk.counts(kind="source")
    assert {of: (one.made, one.booked) for (_, of), one in by_source.items()} == {
        "key_1": (3, 2),
        "key_2": (1, 1),
    }
    assert sum(one.minutes_booked for one in by_source.values()) == 30


def test_what_stood_is_known_from_when_to_when(desk: Desk) -> None:
    terms = StaffTerms((HERE,), "Sam")
    desk.append(SAM, StaffEngaged(SAM, uuid4(), terms), NOW)
    desk.append(SAM, StaffScheduleSet(OFFICE), NOW + DAY)
    desk.append(SAM, StaffRevised(uuid4(), StaffTerms((HERE, THERE), "Sam")), NOW + 2 * DAY)
    desk.append(SAM, StaffScheduleSet(NIGHTS), NOW + 3 * DAY)
    desk.append(SAM, StaffReleased(), NOW + 4 * DAY)
    desk.follow()
    rows = desk.model.working(desk.tenant, THERE, 0, 2**40)
    assert [row.schedule for row in rows] == [None, OFFICE, OFFICE, NIGHTS, None]
    assert [row.locations for row in rows] == [(HERE,)] * 2 + [(HERE, THERE)] * 2 + [()]
    assert [row.until for row in rows[:-1]] == [row.since for row in rows[1:]]
    assert rows[-1].until is None
    (row,) = desk.model.working(desk.tenant, HERE, rows[1].since, rows[2].since)
    assert row.version == 2
    assert desk.model.working(desk.tenant, uuid4(), 0, 2**40) == []


def test_rebuilt_equals_followed_equals_the_twin(desk: Desk) -> None:
    chance = random.Random(7)
    staff, services = [uuid4() for _ in range(3)], [CUT, uuid4()]
    for one in staff:
        desk.append(one, StaffEngaged(one, uuid4(), StaffTerms((HERE, THERE), "Sam")), NOW)
    for _ in range(60):
        at = NOW + timedelta(hours=chance.randrange(120))
        where = chance.choice([HERE, THERE])
        who, service = chance.choice(staff), chance.choice(services)
        booking, subject = (
            desk.book(at, made_at=NOW + timedelta(hours=chance.randrange(99)), staff=who, at=where)
            if chance.random() < 0.5
            else desk.book(at, staff=who, service=service, pending=True)
        )
        match chance.randrange(5):
            case 0:
                desk.append(booking, BookingCancelled(booking, subject, "other"), at)
            case 1:
                moved = visit(at + DAY, chance.choice(staff), where)
                desk.append(booking, BookingRescheduled(booking, subject, moved), at)
            case 2:
                desk.append(booking, BookingMissed(booking, subject), at)
            case 3:
                desk.append(who, StaffScheduleSet(chance.choice([OFFICE, NIGHTS])), at)
    desk.follow()
    followed = desk.answers(desk.model)
    assert followed == desk.answers(MemoryFigures(desk.twin))
    assert any(followed)
    desk.forget()
    assert not any(desk.answers(desk.model))
    desk.follow(at_once=1_000)
    assert desk.answers(desk.model) == followed


def test_no_person_is_in_the_rows(desk: Desk) -> None:
    _, subject = desk.book(NOW)
    desk.follow()
    ((text,),) = desk.engine.app.rows(
        "SELECT string_agg(to_jsonb(t)::text, '') FROM figure_booking_v1 t WHERE tenant_id = %b",
        (desk.tenant,),
    )
    assert str(CUT) in text
    assert str(subject) not in text
    assert "Ada" not in text


def test_a_day_is_counted_without_the_days_around_it(
    desk: Desk, module_deployment: Deployment
) -> None:
    first = epoch_seconds(NOW)
    with psycopg.connect(module_deployment.main) as owner:
        owner.execute(MANY, {"of": desk.tenant, "at": HERE, "first": first})
        owner.execute("ANALYZE figure_booking_v1")
    bounds = [first + 5 * 86_400, first + 7 * 86_400]
    of = (desk.tenant, HERE, *bounds)
    keeps = ["confirmed"]
    for statement in COUNTS.values():
        asked = (bounds, keeps, keeps, *of, bounds, *of)
        assert most_rows_of(desk.engine.app, statement, asked) <= 49
    assert sum(one.booked for one in desk.counts(bounds).values()) == 48
