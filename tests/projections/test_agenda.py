"""The read model `agenda`: given events, then rows; each event once, stopped rather than skipped. README D12."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from api.process.following import leading_no_longer
from application.following import Sequenced
from application.ports import AgendaRow, Append
from application.recorded import Recorded
from domain.booking import (
    BookingCancelled,
    BookingConfirmed,
    BookingRequested,
    BookingRescheduled,
)
from domain.booking_given import PersonGiven
from domain.errors import Behind, Unavailable, UnknownReference
from domain.sealing import Envelope
from domain.values import Personal, epoch_seconds
from domain.visit import Visit
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.server.processes import wait_until
from infrastructure.store import event_source
from infrastructure.store.event_source import SequencedEvents
from infrastructure.store.sequencer import Sequencer
from infrastructure.wall import bound_to
from projections.agenda import AgendaModel, PostgresAgenda, PostgresVisits
from projections.engine.follower import Follower, ModelStopped
from projections.engine.read_model import Connection

START = datetime(2027, 3, 14, 14, 0, tzinfo=UTC)


@dataclass
class Shop:
    """One tenant's bookings on a deployment, appended by hand."""

    engine: Engine
    sequencer: Sequencer
    role: Database
    tenant: UUID

    def append(self, stream: UUID, version: int, decision: object) -> Recorded[object]:
        event = Recorded(self.tenant, stream, version, uuid4(), START, "key_1", decision)
        self.engine.store.append(Append(self.tenant, START, (event,)))
        return event

    def booked(
        self, at: datetime = START, *, pending: bool = False
    ) -> tuple[UUID, Recorded[object]]:
        booking = uuid4()
        made = BookingRequested if pending else BookingConfirmed
        person = PersonGiven(Personal("Ada"), None, None, None, {})
        decision = made(booking, uuid4(), visit(at), None, "ref-1", person)
        return booking, self.append(booking, 1, decision)

    def follow(self, follower: Follower | None = None) -> None:
        while self.sequencer.sequence_now():
            pass
        follower = follower or self.follower()
        with self.role.connection() as connection:
            follower.begin(connection)
            while follower.step(connection, limit=3):
                pass

    def follower(self) -> Follower:
        return Follower(AgendaModel(), SequencedEvents(self.engine.mapper))

    def rows(self) -> list[AgendaRow]:
        with bound_to(self.tenant):
            return PostgresAgenda(self.engine.app).page(self.tenant, 0, 2**40, 100, None)


LOCATION, STAFF = uuid4(), uuid4()


def visit(at: datetime) -> Visit:
    end = at + timedelta(minutes=30)
    return Visit(uuid4(), LOCATION, STAFF, at, end, at, end)


@pytest.fixture
def shop(module_deployment: Deployment, tenant: UUID) -> Iterator[Shop]:
    engine = Engine.connect(module_deployment, connections=2)
    order = Database(module_deployment.dsn_of("sequencer"), size=1, walled=False)
    role = Database(module_deployment.dsn_of("follower"), size=1, walled=False)
    yield Shop(engine, Sequencer(order, engine.clock), role, tenant)
    for database in (order, role):
        database.close()
    engine.close()


def test_a_booking_and_what_became_of_it_is_one_row(shop: Shop) -> None:
    later = START + timedelta(hours=3)
    booking, first = shop.booked()
    shop.follow()
    (row,) = shop.rows()
    assert (row.booking, row.status, row.start) == (booking, "confirmed", epoch_seconds(START))
    assert isinstance(row.person, Envelope)
    assert "Ada " not in row.person.text
    subject = row.subject
    shop.append(booking, 2, BookingRescheduled(booking, subject, visit(later)))
    end = shop.append(booking, 3, BookingCancelled(booking, subject, "weather"))
    shop.follow()
    (moved,) = shop.rows()
    expected = replace(
        row,
        status="cancelled",
        start=epoch_seconds(later),
        end=epoch_seconds(later) + 1_800,
        last_event=end.event_id,
        version=3,
    )
    assert moved == expected
    assert first.event_id == row.last_event


def test_rows_come_by_start_and_id_in_pages(shop: Shop) -> None:
    for hours in (5, 1, 3, 3):
        shop.booked(START + timedelta(hours=hours))
    shop.follow()
    whole = shop.rows()
    assert [(row.start, row.booking) for row in whole] == sorted(
        (row.start, row.booking) for row in whole
    )
    agenda = PostgresAgenda(shop.engine.app)
    paged: list[AgendaRow] = []
    after = None
    while page := agenda.page(shop.tenant, 0, 2**40, 1, after):
        paged += page
        after = (page[-1].start, page[-1].booking)
    assert paged == whole
    assert agenda.page(shop.tenant, 0, 2**40, 9, None, status="pending") == []
    assert agenda.page(shop.tenant, 0, 2**40, 9, None, staff=uuid4()) == []
    assert len(agenda.page(shop.tenant, 0, 2**40, 9, None, locations=[LOCATION])) == 4
    assert agenda.between(shop.tenant, LOCATION, 0, 2**40) == whole
    assert agenda.between(shop.tenant, uuid4(), 0, 2**40) == []


def test_a_follower_that_dies_before_its_commit_takes_nothing_in_twice(shop: Shop) -> None:
    class Dying(AgendaModel):
        def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
            AgendaModel.apply(self, connection, events)
            connection.close()

    shop.booked()
    while shop.sequencer.sequence_now():
        pass
    dying = Follower(Dying(), shop.follower().source)
    with shop.role.connection() as connection:
        dying.begin(connection)
        dying.resume(connection)
        with pytest.raises(Exception, match="closed"):
            dying.step(connection)
    assert shop.rows() == []
    with shop.role.connection() as connection:
        shop.follower().resume(connection)
    shop.follow()
    assert len(shop.rows()) == 1


FULL = (
    "CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$"
)


def test_a_disk_that_is_full_is_no_fault_of_the_events(
    shop: Shop, module_deployment: Deployment
) -> None:
    """What the server says when it cannot write, as its own error (53100): nothing stops, and all is taken in later."""
    shop.follow()
    shop.booked()
    with psycopg.connect(module_deployment.main, autocommit=True) as owner:
        owner.execute(FULL)
        owner.execute(
            "CREATE TRIGGER no_space BEFORE INSERT ON agenda_v1 EXECUTE FUNCTION no_space()"
        )
        try:
            with pytest.raises(Unavailable):
                shop.follow()
        finally:
            owner.execute("DROP FUNCTION no_space CASCADE")
        row = owner.execute("SELECT state, error FROM read_model WHERE name = 'agenda'").fetchone()
    assert row == ("following", None)
    shop.follow()
    assert len(shop.rows()) == 1


def test_a_model_that_fails_stops_before_the_event_and_says_which(shop: Shop) -> None:
    shop.follow()
    rows = [shop.booked() for _ in range(9)]
    poison = rows[5][1].event_id

    class Failing(AgendaModel):
        def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
            if any(one.event.event_id == poison for one in events):
                raise ValueError("a value nobody may see")
            AgendaModel.apply(self, connection, events)

    while shop.sequencer.sequence_now():
        pass
    failing = Follower(Failing(), shop.follower().source)
    with shop.role.connection() as connection:
        failing.resume(connection)
        with pytest.raises(ModelStopped, match=r"agenda: ValueError at event \d+"):
            while failing.step(connection):
                pass
        assert failing.step(connection) == 0, "it has stopped"
        state = connection.execute(
            "SELECT state, error, failed_event, failed_type, sequence FROM read_model WHERE name = 'agenda'"
        ).fetchone()
        assert state is not None
        assert state[:1] + state[2:4] == ("stopped", poison, "booking.confirmed.v1")
        assert state[1] == f"ValueError at event {state[4] + 1}"
        assert len(shop.rows()) == 5, "what comes before it has been taken in"
        shop.follower().begin(connection)
        assert shop.follower().step(connection) == 0, "it is other code than the one that stopped"
        assert shop.follower().resume(connection)
    shop.follow()
    assert len(shop.rows()) == 9, "once mended it goes on where it stopped"


def test_code_that_changed_without_a_version_is_not_followed(shop: Shop) -> None:
    shop.follow()
    with shop.role.connection() as connection:
        connection.execute("UPDATE read_model SET fingerprint = 'of another code'")
    shop.booked()
    shop.follow()
    assert shop.rows() == []
    with shop.role.connection() as connection:
        row = connection.execute("SELECT state, error FROM read_model").fetchone()
        assert row == ("changed", "its code is not the code that filled it")
        assert shop.follower().resume(connection)
    shop.follow()
    assert len(shop.rows()) == 1


def test_one_of_two_followers_leads_and_the_other_takes_over(shop: Shop) -> None:
    with psycopg.connect(str(shop.role.pool.conninfo)) as one:
        assert shop.follower().lead(one)
        with shop.role.connection() as other:
            assert not shop.follower().lead(other)
    with shop.role.connection() as other:  # the server lets go when it sees that the first is gone
        assert wait_until(lambda: shop.follower().lead(other), 60.0)


def test_who_follows_no_more_leads_no_more_though_its_connection_lives_on(shop: Shop) -> None:
    with psycopg.connect(str(shop.role.pool.conninfo), autocommit=True) as one:
        with pytest.raises(psycopg.errors.QueryCanceled), leading_no_longer(one):
            assert shop.follower().lead(one)
            one.execute("SET statement_timeout = 1")
            one.execute("SELECT pg_sleep(1)")
        with shop.role.connection() as other:
            assert shop.follower().lead(other)


def test_a_follower_with_nothing_to_do_writes_nothing(shop: Shop) -> None:
    """A lock is written to the row, and to the log of the server, which waits for the disk."""
    shop.follow()
    locked = "SELECT xmin, xmax FROM read_model WHERE name = 'agenda'"
    with shop.role.connection() as connection:
        before = connection.execute(locked).fetchone()
        assert shop.follower().step(connection) == 0
        assert connection.execute(locked).fetchone() == before
        shop.booked()
        while shop.sequencer.sequence_now():
            pass
        assert shop.follower().step(connection) == 1
        assert connection.execute(locked).fetchone() != before


def test_two_followers_of_one_model_take_each_event_in_once(shop: Shop) -> None:
    shop.follow()
    for _ in range(7):
        shop.booked()
    while shop.sequencer.sequence_now():
        pass
    one, other = shop.follower(), shop.follower()
    with shop.role.connection() as connection:
        one.begin(connection)
        taken = 0
        while step := one.step(connection, limit=2) + other.step(connection, limit=2):
            taken += step
    assert taken == 7
    assert len(shop.rows()) == 7


def test_a_reader_waits_until_the_agenda_includes_its_event(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_source, "WAIT_SECONDS_MAX", 0.05)
    positions = shop.engine.positions
    assert positions.current(shop.tenant, "agenda") == -1
    _, event = shop.booked()
    with pytest.raises(Behind):
        positions.wait(shop.tenant, "agenda", event.event_id)
    shop.follow()
    assert positions.wait(shop.tenant, "agenda", event.event_id) == 0
    assert positions.wait(shop.tenant, "agenda", 0) == 0
    with pytest.raises(UnknownReference):
        positions.wait(shop.tenant, "agenda", uuid4())
    with pytest.raises(UnknownReference):
        positions.wait(shop.tenant, "agenda", 2)
    with bound_to(uuid4()), pytest.raises(UnknownReference):
        positions.wait(shop.tenant, "agenda", event.event_id)


def test_positions_are_dense_from_zero_in_each_tenant(shop: Shop) -> None:
    tenants = (uuid4(), uuid4())
    for tenant in tenants:
        with bound_to(tenant):
            other = replace_tenant(shop, tenant)
            for _ in range(3):
                other.booked()
    shop.booked()
    while shop.sequencer.sequence_now():
        pass
    with shop.role.connection() as connection:
        rows = connection.execute(
            "SELECT tenant_id, position FROM sequenced ORDER BY sequence"
        ).fetchall()
    by_tenant: dict[UUID, list[int]] = {}
    for tenant_id, position in rows:
        by_tenant.setdefault(tenant_id, []).append(position)
    assert by_tenant[shop.tenant] == [0]
    assert [by_tenant[tenant] for tenant in tenants] == [[0, 1, 2], [0, 1, 2]]


def replace_tenant(shop: Shop, tenant: UUID) -> Shop:
    return Shop(shop.engine, shop.sequencer, shop.role, tenant)


def test_visitors_of_a_place_are_found_each_once_by_when_visits_start(shop: Shop) -> None:
    booking, first = shop.booked()
    _, other = shop.booked(START + timedelta(hours=1))
    subject = first.decision.subject  # type: ignore[attr-defined]
    shop.append(booking, 2, BookingCancelled(booking, subject, "weather"))
    shop.follow()
    second = timedelta(seconds=1)
    with bound_to(shop.tenant):
        visits = PostgresVisits(shop.engine.app, shop.engine.positions)

        def at(from_: datetime, to: datetime, *places: UUID) -> list[UUID]:
            return visits.at(shop.tenant, places or (LOCATION,), from_, to, 10)

        assert at(START, START + second) == [subject]
        assert at(START - second, START) == []
        assert at(START + timedelta(microseconds=1), START + second) == []
        both = [subject, other.decision.subject]  # type: ignore[attr-defined]
        assert at(START, START + timedelta(days=1)) == sorted(both)
        assert at(START, START + timedelta(days=1), uuid4()) == []
        assert visits.at(shop.tenant, (LOCATION,), START, START + timedelta(days=1), 1)
