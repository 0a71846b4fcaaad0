"""Followers and readers wake at once when there is something for them, and soon when nobody tells them. README D12."""

from __future__ import annotations

import fcntl
import os
import resource
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Thread
from time import monotonic
from uuid import uuid4

import psycopg
import pytest

from api.process import following, loops, sequencing
from api.process.loops import Stop, persistently
from application.ports import Clock
from domain.errors import Behind
from infrastructure.clock import SystemClock
from infrastructure.database import Database, Row
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.server.processes import wait_until
from infrastructure.store import event_source, standings
from infrastructure.store.doorbell import FOLLOWED, SEQUENCED, Doorbell, listening
from infrastructure.store.event_source import PostgresPositions, SequencedEvents
from infrastructure.store.sequencer import Sequencer
from infrastructure.store.standings import Standings
from infrastructure.wall import bound_to
from projections.agenda import AgendaModel
from projections.engine.asking import PostgresModelReads
from projections.engine.follower import Follower
from projections.engine.looking_back import LookingBack
from projections.models import MODELS
from tests.projections.test_agenda import Shop

AT_ONCE_SECONDS = (
    30.0  # a busy machine needs far less, and the poll where it is put off twice as much
)
LONG_SECONDS = 60.0
END_ALL = (
    "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def engine(own_deployment: Deployment) -> Iterator[Engine]:
    made = Engine.connect(own_deployment, connections=4)
    yield made
    made.close()


@contextmanager
def at_work(
    deployment: Deployment, engine: Engine, *, follows: bool = True, clock: Clock | None = None
) -> Iterator[None]:
    """A sequencer and a follower of the agenda, each in the loop of its process."""
    stop = Stop()
    order = Database(deployment.dsn_of("sequencer"), size=1, walled=False)
    role = Database(deployment.dsn_of("follower"), size=1, walled=False)
    followed = Doorbell(deployment.dsn_of("follower"), FOLLOWED)
    sequencer, follower = (
        Sequencer(order, clock or SystemClock()),
        Follower(AgendaModel(), SequencedEvents(engine.mapper)),
    )

    def sequence() -> None:
        sequencing.sequence_while_connected(stop, order, sequencer)

    def follow() -> None:
        following.follow_while_connected(stop, role, followed, [follower], set())

    sessions = [sequence, follow] if follows else [sequence]
    threads = [Thread(target=persistently, args=(stop, "a part", one)) for one in sessions]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.ask()
        for thread in threads:
            thread.join(LONG_SECONDS)
            assert not thread.is_alive()
        followed.close()
        order.close()
        role.close()


@pytest.fixture
def shop(own_deployment: Deployment, engine: Engine) -> Iterator[Shop]:
    tenant = uuid4()
    order = Database(own_deployment.dsn_of("sequencer"), size=1, walled=False)
    role = Database(own_deployment.dsn_of("follower"), size=1, walled=False)
    with bound_to(tenant):
        yield Shop(engine, Sequencer(order, engine.clock), role, tenant)
    order.close()
    role.close()


def booked_and_read(shop: Shop, times: int) -> float:
    """Book and wait until the agenda has it, again and again; the seconds that the longest wait took."""
    longest = 0.0
    for number in range(times):
        _, event = shop.booked()
        begun = monotonic()
        assert shop.engine.positions.wait(shop.tenant, "agenda", event.event_id) == number
        longest = max(longest, monotonic() - begun)
    return longest


def test_what_is_appended_is_followed_and_read_at_once(
    own_deployment: Deployment, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_source, "WAIT_SECONDS_MAX", LONG_SECONDS)
    monkeypatch.setattr(loops, "POLL_SECONDS", LONG_SECONDS)
    monkeypatch.setattr(standings, "POLL_SECONDS", LONG_SECONDS)
    with at_work(own_deployment, shop.engine):
        booked_and_read(shop, 1)  # whoever began later has not heard of the first
        for _ in range(5):
            _, event = shop.booked()
            begun = monotonic()
            shop.engine.positions.wait(shop.tenant, "agenda", event.event_id)
            assert monotonic() - begun < AT_ONCE_SECONDS


def test_where_no_ring_is_heard_it_takes_a_poll_and_no_longer(
    own_deployment: Deployment, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_source, "WAIT_SECONDS_MAX", LONG_SECONDS)
    monkeypatch.setattr(Doorbell, "ring", lambda _self: None)
    monkeypatch.setattr(sequencing, "ring", lambda _connection, _channel: None)
    with at_work(own_deployment, shop.engine):
        assert booked_and_read(shop, 5) < AT_ONCE_SECONDS


@dataclass
class Counting:
    """A database that counts what it is asked."""

    database: Database
    asked: list[str] = field(default_factory=list)

    def row(self, statement: str, parameters: Sequence[object] = ()) -> Row | None:
        self.asked.append(statement)
        return self.database.row(statement, parameters)


def test_two_hundred_who_wait_ask_no_more_than_twice_each_however_long_it_takes(
    own_deployment: Deployment, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_source, "WAIT_SECONDS_MAX", LONG_SECONDS)
    looks: list[float] = []
    look = Standings._look

    def counted(it: Standings, connection: psycopg.Connection[object]) -> bool:
        looks.append(monotonic())
        return look(it, connection)

    monkeypatch.setattr(Standings, "_look", counted)
    shop.booked()
    shop.follow()
    _, event = shop.booked()
    while shop.sequencer.sequence_now():
        pass
    counting = Counting(shop.engine.app)
    positions = PostgresPositions(counting, Standings(own_deployment.dsn_of("app")))  # type: ignore[arg-type]

    def wait(_: int) -> int:
        with bound_to(shop.tenant):
            return positions.wait(shop.tenant, "agenda", event.event_id)

    with ThreadPoolExecutor(200) as pool:
        waiting = [pool.submit(wait, number) for number in range(200)]
        assert wait_until(lambda: len(positions.standings._now_waiting()) == 200, 60)
        asked, looked, begun = len(counting.asked), len(looks), monotonic()
        assert asked == 400, "each has asked for the place of its event, and where the model stands"
        assert wait_until(lambda: monotonic() - begun > 1.0, 60)
        assert len(counting.asked) == asked, "nobody asks while it waits"
        assert len(looks) - looked <= 2 + (monotonic() - begun) / standings.POLL_SECONDS
        shop.follow()
        assert {one.result(60) for one in waiting} == {1}
    assert len(counting.asked) <= 800
    positions.standings.close()


def test_it_goes_on_when_every_connection_is_cut(
    own_deployment: Deployment, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_source, "WAIT_SECONDS_MAX", LONG_SECONDS)
    positions = shop.engine.positions
    with at_work(own_deployment, shop.engine):
        booked_and_read(shop, 2)
    _, event = shop.booked()

    def wait() -> int:
        with bound_to(shop.tenant):
            return positions.wait(shop.tenant, "agenda", event.event_id)

    with ThreadPoolExecutor(1) as pool, at_work(own_deployment, shop.engine, follows=False):
        waiting = pool.submit(wait)
        assert wait_until(lambda: len(positions.standings._now_waiting()) == 1, 60)
        for _ in range(2):
            with psycopg.connect(own_deployment.main, autocommit=True) as owner:
                (ended,) = owner.execute(END_ALL).fetchone() or (0,)
                assert ended > 0
        with at_work(own_deployment, shop.engine):  # its sequencer stands by
            assert waiting.result(60) == 2
    with at_work(own_deployment, shop.engine):
        for position in range(3, 6):
            with psycopg.connect(own_deployment.main, autocommit=True) as owner:
                owner.execute(END_ALL)
            _, event = shop.booked()
            assert wait() == position
    assert len(shop.rows()) == 6


@dataclass
class JumpingClock:
    """The machine's clock, set forward or back."""

    by: timedelta = timedelta()

    def now(self) -> datetime:
        return SystemClock().now() + self.by


def test_a_clock_that_jumps_changes_nothing_for_those_who_follow_and_wait(
    own_deployment: Deployment, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_source, "WAIT_SECONDS_MAX", LONG_SECONDS)
    clock = JumpingClock()
    past = LookingBack(shop.engine.app, SequencedEvents(shop.engine.mapper))
    reads = PostgresModelReads(shop.engine.app, past, MODELS)
    with at_work(own_deployment, shop.engine, clock=clock):
        for number, hours in enumerate((0, 1, -1, 0)):
            clock.by = timedelta(hours=hours)
            _, event = shop.booked()
            assert shop.engine.positions.wait(shop.tenant, "agenda", event.event_id) == number
    clock.by = timedelta(hours=1)
    shop.booked()
    with at_work(own_deployment, shop.engine, clock=clock, follows=False):
        assert wait_until(lambda: reads.standing(shop.tenant)[0].lag_events == 1, 60)
    (behind,) = reads.standing(shop.tenant)
    assert behind.lag_seconds == 0, "it got its place in an hour from now"
    shop.follow()
    assert len(shop.rows()) == 5


def test_an_event_that_gets_no_place_is_waited_for_with_few_questions(
    own_deployment: Deployment, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_source, "WAIT_SECONDS_MAX", 0.5)
    shop.booked()
    shop.follow()
    counting = Counting(shop.engine.app)
    positions = PostgresPositions(counting, Standings(own_deployment.dsn_of("app")))  # type: ignore[arg-type]
    _, event = shop.booked()
    with pytest.raises(Behind):
        positions.wait(shop.tenant, "agenda", event.event_id)
    assert len(counting.asked) <= 8
    positions.standings.close()
    with pytest.raises(Behind):
        positions.wait(shop.tenant, "agenda", event.event_id)


def test_a_doorbell_rings_once_for_many_who_ring_it_together(own_deployment: Deployment) -> None:
    bell = Doorbell(own_deployment.dsn_of("app"), SEQUENCED)
    with psycopg.connect(own_deployment.main, autocommit=True) as listener:
        listener.execute(f"LISTEN {SEQUENCED}")
        for _ in range(1_000):
            bell.ring()
        heard = [*listener.notifies(timeout=60.0, stop_after=1), *listener.notifies(timeout=1.0)]
    assert 1 <= len(heard) < 500
    bell.close()
    bell.ring()
    bell.close()


def test_what_was_never_rung_or_waited_for_has_no_thread(own_deployment: Deployment) -> None:
    Doorbell("host=nowhere.invalid", SEQUENCED).close()
    Standings("host=nowhere.invalid").close()


def test_a_process_with_many_open_files_waits_like_any_other(module_deployment: Deployment) -> None:
    """File numbers beyond 1,023 are more than select(2) takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2_048)), hard))
    reader, writer = os.pipe()
    high = fcntl.fcntl(reader, fcntl.F_DUPFD, 1_100)
    try:
        with (
            psycopg.connect(module_deployment.main, autocommit=True) as connection,
            listening(connection, FOLLOWED) as bell,
        ):
            assert not bell.wait(0.01, high)
            connection.execute("SELECT pg_notify(%s, '')", (FOLLOWED,))
            assert bell.wait(LONG_SECONDS, high)
            os.write(writer, b"!")
            begun = monotonic()
            bell.wait(LONG_SECONDS, high)
            assert monotonic() - begun < AT_ONCE_SECONDS
    finally:
        for number in (reader, writer, high):
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
