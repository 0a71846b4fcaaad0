"""Models that stand at one event follow together, and nobody stops, waits or loses anything for another. README D12."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from api.process.following import begin_once, follow_apart_while_connected
from api.process.loops import Stop
from api.process.operating import run_pause, run_resume
from application.following import Sequenced
from infrastructure.database import OPTIONS, Database
from infrastructure.store.doorbell import FOLLOWED, Doorbell
from infrastructure.store.event_source import SequencedEvents
from projections.agenda import AgendaModel
from projections.engine import follower as following
from projections.engine import together as engine
from projections.engine.arrays import teach
from projections.engine.fingerprint import fingerprint
from projections.engine.follower import Follower, ModelStopped
from projections.engine.proving import prove
from projections.engine.quarantine import Wanted, leave_out
from projections.engine.read_model import Connection
from projections.engine.together import Together
from projections.models import MODELS
from tests.projections.test_after_an_erasure import House, house
from tests.store.trading import trade

__all__ = ["house"]
NAMES = {model.name for model in MODELS}
Fault = Callable[[Connection, Sequenced], None]


@dataclass(frozen=True)
class Faulty(AgendaModel):
    """The agenda, to which something happens at events, after its rows were written."""

    fault: Fault = lambda _connection, _event: None

    def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
        AgendaModel.apply(self, connection, events)
        for event in events:
            self.fault(connection, event)


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture(autouse=True)
def one_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """A faulty agenda has the code of the real one."""
    real = fingerprint(AgendaModel())
    monkeypatch.setattr(
        following, "fingerprint", lambda it: real if it.name == "agenda" else fingerprint(it)
    )


@pytest.fixture
def busy(house: House) -> House:
    """A house with something of everything, of which nothing is followed yet."""
    trade(house.engine)
    house.shop.book(1)
    sequence(house)
    return house


def sequence(house: House) -> None:
    while house.sequencer.sequence_now():
        pass


def followers(house: House, fault: Fault | None = None) -> list[Follower]:
    source = SequencedEvents(house.engine.mapper)
    models = [Faulty(fault=fault) if fault and it.name == "agenda" else it for it in MODELS]
    return [Follower(model, source) for model in models]


@contextmanager
def session(
    house: House, of: Sequence[Follower], apart: set[str] | None = None
) -> Iterator[tuple[Together, Connection, list[str]]]:
    """A session of the worker's, the messages of models that stopped, and its connection."""
    said: list[str] = []
    together = Together(of, set() if apart is None else apart, lambda it: said.append(str(it)))
    with psycopg.connect(
        house.deployment.dsn_of("follower"), autocommit=True, options=OPTIONS
    ) as connection:
        for follower in together.lead(connection):
            follower.begin(connection)
        yield together, connection, said


def follow(together: Together, connection: Connection) -> None:
    while together.step(connection):
        pass


def standings(house: House) -> dict[str, tuple[int, str, str]]:
    """Of each model its checkpoint, its state, and the transaction that moved it last."""
    with psycopg.connect(house.deployment.main) as owner:
        rows = owner.execute("SELECT name, sequence, state, xmin::text FROM read_model").fetchall()
    return {row[0]: row[1:] for row in rows}


def head(house: House) -> int:
    with psycopg.connect(house.deployment.main) as owner:
        return int((owner.execute("SELECT max(sequence) FROM sequenced").fetchone() or (0,))[0])


def equal_a_replay(house: House) -> bool:
    """Every model, by digest, where it stands."""
    source, dsn = SequencedEvents(house.engine.mapper), house.deployment.dsn_of("follower")
    proofs = []
    for model in MODELS:
        with psycopg.connect(
            dsn, autocommit=True, prepare_threshold=None, options=OPTIONS
        ) as connection:
            proof = prove(connection, model, source)
        assert proof is not None
        proofs.append(proof)
    return all(proof.holds for proof in proofs)


def of_stream(stream: UUID, error: Callable[[Connection], Any]) -> Fault:
    """A fault at the events of one stream."""

    def fault(connection: Connection, one: Sequenced) -> None:
        if one.event.stream == stream:
            error(connection)

    return fault


def fails(_connection: Connection) -> None:
    raise ValueError("a value nobody may see")


def test_all_move_in_one_transaction_and_equal_a_replay(busy: House) -> None:
    with session(busy, followers(busy)) as (together, connection, _):
        assert together.step(connection, 7) == 7
        stood = standings(busy)
        assert {row[0] for row in stood.values()} == {7}
        assert len({row[2] for row in stood.values()}) == 1, "one transaction moved them"
        follow(together, connection)
    assert {row[0] for row in standings(busy).values()} == {head(busy)}
    assert equal_a_replay(busy)


def test_of_all_one_fails_and_stops_alone_at_its_event(busy: House) -> None:
    poison = busy.shop.book(2).id
    busy.shop.book(3)
    sequence(busy)
    with session(busy, followers(busy, of_stream(poison, fails))) as (together, connection, said):
        follow(together, connection)
        busy.shop.book(4)
        sequence(busy)
        follow(together, connection)
    with psycopg.connect(busy.deployment.main) as owner:
        query = "SELECT min(sequence) FROM sequenced WHERE stream_id = %s"
        (at,) = owner.execute(query, (poison,)).fetchone() or (0,)
    stood = standings(busy)
    assert stood.pop("agenda")[:2] == (at - 1, "stopped")
    assert said == [f"read model agenda: ValueError at event {at}"]
    assert {row[:2] for row in stood.values()} == {(head(busy), "following")}
    assert len({row[2] for row in stood.values()}) == 1, "the others are together"
    assert equal_a_replay(busy)


def test_an_event_that_cannot_be_read_stops_those_who_want_it(busy: House) -> None:
    """And those who do not want it go on: it is there, and passed over."""
    stream = busy.shop.book(2).id
    sequence(busy)
    with psycopg.connect(busy.deployment.main) as owner:
        owner.execute("ALTER TABLE event DISABLE TRIGGER ALL")
        query = "UPDATE event SET header = header || '\\x00'::bytea WHERE stream_id = %s"
        assert owner.execute(query, (stream,)).rowcount > 0
    with session(busy, followers(busy)) as (together, connection, said):
        follow(together, connection)
    stopped = {name for name, row in standings(busy).items() if row[1] == "stopped"}
    assert {"agenda", "figures"} <= stopped < NAMES
    assert len(said) == len(stopped)
    assert {row[0] for name, row in standings(busy).items() if name not in stopped} == {head(busy)}


def test_a_paused_model_is_resumed_catches_up_and_joins_again(busy: House) -> None:
    with session(busy, followers(busy)) as (together, connection, _):
        follow(together, connection)
        assert run_pause(busy.deployment, "agenda") == 0
        before = standings(busy)["agenda"][0]
        busy.shop.book(2)
        sequence(busy)
        follow(together, connection)
        stood = standings(busy)
        assert stood.pop("agenda")[:2] == (before, "paused")
        assert {row[0] for row in stood.values()} == {head(busy)}
        assert run_resume(busy.deployment, "agenda") == 0
        follow(together, connection)
        assert {row[0] for row in standings(busy).values()} == {head(busy)}
        busy.shop.book(3)
        sequence(busy)
        assert together.step(connection) > 0
        assert len({row[2] for row in standings(busy).values()}) == 1, "it has joined again"
    assert equal_a_replay(busy)


def test_a_model_far_behind_is_followed_apart_until_it_is_near(
    busy: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "NEAR_EVENTS", 3)
    apart: set[str] = set()
    with session(busy, followers(busy), apart) as (together, connection, _):
        assert run_pause(busy.deployment, "agenda") == 0
        follow(together, connection)
        assert run_resume(busy.deployment, "agenda") == 0
        busy.shop.book(2)
        sequence(busy)
        assert together.step(connection) > 0
        assert apart == {"agenda"}
        stood = standings(busy)
        assert stood.pop("agenda")[0] == 0
        assert {row[0] for row in stood.values()} == {head(busy)}, "nobody waited for it"
        assert together.lead(connection) == []
        own = next(one for one in followers(busy) if one.model.name == "agenda")
        bell = Doorbell(busy.deployment.dsn_of("follower"), FOLLOWED)
        role = Database(busy.deployment.dsn_of("follower"), size=1, walled=False)
        follow_apart_while_connected(Stop(), role, bell, own, apart)
        assert apart == set()
        assert standings(busy)["agenda"][0] == head(busy)
        assert [one.model.name for one in together.lead(connection)] == ["agenda"]
        busy.shop.book(3)
        sequence(busy)
        assert together.step(connection) > 0
        assert len({row[2] for row in standings(busy).values()}) == 1
        bell.close()
        role.close()
    assert equal_a_replay(busy)


def test_a_model_with_which_the_database_fails_is_set_apart(busy: House) -> None:
    """A statement that takes too long is no event's fault: it is tried again, but nobody waits for it."""

    def slow(connection: Connection, _event: Sequenced) -> None:
        connection.execute("SET LOCAL statement_timeout = 1")
        connection.execute("SELECT pg_sleep(1)")

    apart: set[str] = set()
    with session(busy, followers(busy, slow), apart) as (together, connection, said):
        follow(together, connection)
    stood = standings(busy)
    assert stood.pop("agenda")[1] == "following"
    assert (apart, said) == ({"agenda"}, [])
    assert {row[0] for row in stood.values()} == {head(busy)}
    assert equal_a_replay(busy)


@pytest.mark.parametrize("how", ["process", "connection"])
def test_what_is_cut_off_in_the_middle_is_done_again_from_the_start(busy: House, how: str) -> None:
    def cut(connection: Connection) -> None:
        if how == "process":
            raise Killed
        with psycopg.connect(busy.deployment.main, autocommit=True) as owner:
            pid = connection.info.backend_pid
            owner.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    last = busy.shop.book(2).id
    sequence(busy)
    with (
        pytest.raises((Killed, psycopg.OperationalError)),
        session(busy, followers(busy, of_stream(last, cut))) as (together, connection, _),
    ):
        follow(together, connection)
    assert {row[:2] for row in standings(busy).values()} == {(0, "following")}
    with session(busy, followers(busy)) as (together, connection, said):
        follow(together, connection)
        assert said == []
    assert {row[0] for row in standings(busy).values()} == {head(busy)}
    assert equal_a_replay(busy)


def test_nobody_waits_for_a_model_whose_checkpoint_is_held_nor_misses_what_it_leaves_out(
    busy: House,
) -> None:
    with session(busy, followers(busy)) as (together, connection, _):
        follow(together, connection)
        stream = busy.shop.book(2).id
        sequence(busy)
        before = standings(busy)["agenda"][0]
        wanted = Wanted(busy.shop.tenant, stream, "operator", "ticket 17", datetime.now(UTC))
        with psycopg.connect(busy.deployment.main) as owner:
            owner.execute("SELECT")  # from here on it is one transaction
            assert leave_out(owner, AgendaModel(), wanted)
            assert together.step(connection) > 0
            stood = standings(busy)
            assert stood.pop("agenda")[0] == before
            assert {row[0] for row in stood.values()} == {head(busy)}
        follow(together, connection)
    assert standings(busy)["agenda"][0] == head(busy)
    with psycopg.connect(busy.deployment.main) as owner:
        for table, there in (("agenda_v1", False), ("figure_booking_v1", True)):
            query = f"SELECT EXISTS (SELECT FROM {table} WHERE booking_id = %s)"
            assert owner.execute(query.encode(), (stream,)).fetchone() == (there,)
    assert equal_a_replay(busy)


def test_a_model_of_other_code_is_let_alone_and_the_others_go_on(busy: House) -> None:
    with session(busy, followers(busy)) as (together, connection, _):
        together.step(connection, 3)
        with psycopg.connect(busy.deployment.main) as owner:
            owner.execute("UPDATE read_model SET fingerprint = 'new' WHERE name = 'agenda'")
        follow(together, connection)
    stood = standings(busy)
    assert stood.pop("agenda")[0] == 3
    assert {row[0] for row in stood.values()} == {head(busy)}


def test_each_model_has_one_leader_among_any_number_of_workers(busy: House) -> None:
    first, second = followers(busy)[:3], followers(busy)
    with session(busy, second) as (rest, connection, _):
        with session(busy, first) as (standby, other, _):
            assert not standby.leads
            assert standby.step(other) == 0
            follow(rest, connection)
        assert {row[0] for row in standings(busy).values()} == {head(busy)}
    with (
        session(busy, first) as (some, one, _),
        session(busy, second) as (others, two, _),
    ):
        assert (some.leads, others.leads) == (True, True)
        busy.shop.book(2)
        sequence(busy)
        follow(some, one)
        mine = {follower.model.name for follower in first}
        stood = standings(busy)
        assert {name for name, row in stood.items() if row[0] == head(busy)} == mine
        follow(others, two)
    assert {row[0] for row in standings(busy).values()} == {head(busy)}
    assert equal_a_replay(busy)


def test_a_model_that_stopped_apart_is_not_tried_again_when_it_comes_back(busy: House) -> None:
    begun, again = set[str](), set[str]()
    (own, *_) = followers(busy, lambda connection, _event: fails(connection))
    with session(busy, followers(busy)) as (together, connection, _):
        begin_once(begun, together.followers, connection)
        with busy.role.connection() as other, pytest.raises(ModelStopped):
            teach(other)
            while own.step(other):
                pass
        begin_once(begun, together.followers, connection)
        assert standings(busy)["agenda"][1] == "stopped"
        begin_once(again, together.followers, connection)
        assert standings(busy)["agenda"][1] == "following", "a session that begins lets it try"
