"""One append stores all of it or nothing, and says which, whatever happens to the connection. README D3, D4, D5, D11.

What every adapter promises is in `tests/contracts/`; here is what only a real PostgreSQL can get wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from application.booking.claims import claim_of_hold
from application.ports import Outcome, Release
from application.recorded import Answer, Ticket
from domain.errors import Unavailable
from domain.hold import HoldConsumed, HoldReleased
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.server.processes import wait_until
from infrastructure.wall import bound_to
from tests.book_check import faults
from tests.store.filling import Tenant
from tests.store.proxy import Wire, wire

ANSWER = Answer(201, (("etag", '"1"'),), b'{"id": 1}')
SECONDS_MAX = 60.0


@pytest.fixture
def desk(engine: Engine) -> Tenant:
    """A tenant of its own."""
    return Tenant(engine)


def stored(dsn: str, tenant: UUID) -> dict[str, int]:
    """How many rows a tenant has, by table."""
    tables = ("event", "event_queue", "reservation", "seat", "busy_block", "catalog")
    with psycopg.connect(dsn, autocommit=True) as connection:
        return {
            table: connection.execute(
                f"SELECT count(*) FROM {table} WHERE tenant_id = %s".encode(), (tenant,)
            ).fetchall()[0][0]
            for table in tables
        }


# --- outcomes --------------------------------------------------------------------------------------------------------


def begin(desk: Tenant, key: str = "call") -> UUID:
    """Start an idempotent call; its row."""
    with bound_to(desk.id):
        row = desk.engine.answers.begin(desk.id, "key_1 POST /v1/holds", key, b"{}")
    assert isinstance(row, UUID)
    return row


def test_a_call_that_was_answered_meanwhile_stores_nothing(
    desk: Tenant, deployment: Deployment
) -> None:
    row, before = begin(desk), stored(deployment.main, desk.id)
    with bound_to(desk.id):
        desk.engine.answers.keep(desk.id, row, replace(ANSWER, status=409))
    placed = desk.hold(desk.visit())
    for call in (row, uuid4()):  # answered, and forgotten
        outcome = desk.append(
            desk.event(placed.hold, 1, placed),
            claims=(claim_of_hold(placed),),
            ticket=Ticket(desk.id, call, lambda _: ANSWER),
            answer=ANSWER,
        )
        assert outcome is Outcome.ANSWERED
    assert stored(deployment.main, desk.id) == before


def test_an_answer_is_stored_in_the_same_instant(desk: Tenant) -> None:
    row, placed = begin(desk), desk.hold(desk.visit())
    ticket = Ticket(desk.id, row, lambda _: ANSWER)
    event = desk.event(placed.hold, 1, placed)
    assert desk.append(event, ticket=ticket, answer=ANSWER) is Outcome.APPENDED
    with bound_to(desk.id):
        assert desk.engine.answers.begin(desk.id, "key_1 POST /v1/holds", "call", b"{}") == ANSWER


def test_a_release_of_what_has_moved_stores_nothing(desk: Tenant, deployment: Deployment) -> None:
    id, _ = desk.place(desk.visit())
    before, placed = stored(deployment.main, desk.id), desk.hold(desk.visit(1))
    for release in (Release(uuid4()), Release(id, expired_by=0)):
        outcome = desk.append(
            desk.event(placed.hold, 1, placed),
            releases=(release,),
            claims=(claim_of_hold(placed),),
        )
        assert outcome is Outcome.MOVED
    assert stored(deployment.main, desk.id) == before


def test_a_version_that_does_not_follow_leaves_reservations_as_they_were(
    desk: Tenant, deployment: Deployment
) -> None:
    id, _ = desk.place(desk.visit())
    before = stored(deployment.main, desk.id)
    consumed = desk.event(id, 1, HoldConsumed(id, uuid4()))
    assert desk.append(consumed, releases=(Release(id),)) is Outcome.CONFLICT
    assert desk.append(replace(consumed, version=3), releases=(Release(id),)) is Outcome.CONFLICT
    assert stored(deployment.main, desk.id) == before
    assert desk.append(replace(consumed, version=2), releases=(Release(id),)) is Outcome.APPENDED


def seat(desk: Tenant, minutes: int) -> Outcome:
    """Place a hold on a seat of the class at ten, which takes so long by the terms of the moment."""
    visit = desk.visit(capacity=9)
    end = visit.start + timedelta(minutes=minutes)
    return desk.place(replace(visit, end=end, occupied_to=end))[1]


def test_a_class_whose_terms_have_changed_takes_the_longest_time_that_was_sold(
    desk: Tenant, deployment: Deployment
) -> None:
    assert seat(desk, 60) is Outcome.APPENDED
    assert seat(desk, 90) is Outcome.APPENDED
    assert desk.place(desk.visit(1))[1] is Outcome.TAKEN, "the teacher is busy until half past"
    assert desk.place(desk.visit(2))[1] is Outcome.APPENDED
    assert seat(desk, 150) is Outcome.TAKEN, "and cannot stay on into the next visit"
    assert seat(desk, 30) is Outcome.APPENDED
    assert faults(deployment.main, desk.id) == []


# --- two at once -----------------------------------------------------------------------------------------------------


@contextmanager
def held_up(
    deployment: Deployment, statement: str, *parameters: object
) -> Iterator[Callable[[], None]]:
    """A statement of someone else that does not end: until the function that this gives is called, which undoes it."""
    with psycopg.connect(deployment.main) as other:
        other.execute(statement.encode(), parameters)
        yield other.rollback
        other.rollback()


def waiting(deployment: Deployment, count: int) -> bool:
    """True when so many statements of the app wait for a lock."""
    with psycopg.connect(deployment.main, autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database() AND query LIKE '%append_events%'"
        ).fetchone()
    return row == (count,)


def test_two_moves_that_cross_do_not_fail(deployment: Deployment, desk: Tenant) -> None:
    """Each has given up its time and wants the other's: a deadlock, of which one is told to decide again."""
    ones = [desk.hold(desk.visit(hour)) for hour in range(2)]
    for one in ones:
        event = desk.event(one.hold, 1, one)
        assert desk.append(event, claims=(claim_of_hold(one),)) is Outcome.APPENDED
    before = stored(deployment.main, desk.id)

    def move(number: int) -> Outcome:
        aside = claim_of_hold(desk.hold(desk.visit(10 + number)))  # where both wait for each other
        crossing = replace(claim_of_hold(ones[1 - number]), owner=ones[number].hold)
        return desk.append(
            desk.event(ones[number].hold, 2, HoldReleased(ones[number].hold)),
            releases=(Release(ones[number].hold),),
            claims=(aside, crossing),
        )

    in_the_way = (
        "INSERT INTO reservation SELECT %s, gen_random_uuid(), 'hold', %s, %s, s, s + 60, s, s + 60, 1, NULL"
        " FROM unnest(%s::bigint[]) s"
    )
    starts = [claim_of_hold(desk.hold(desk.visit(10 + number))).start for number in range(2)]
    with (
        held_up(deployment, in_the_way, desk.id, desk.staff, desk.service, starts) as let_go,
        ThreadPoolExecutor(2) as pool,
    ):
        jobs = [pool.submit(move, number) for number in range(2)]
        assert wait_until(lambda: waiting(deployment, 2), SECONDS_MAX)
        let_go()
        outcomes = {job.result() for job in jobs}
    assert outcomes == {Outcome.CONFLICT, Outcome.TAKEN}
    assert stored(deployment.main, desk.id) == before


# --- a connection is lost --------------------------------------------------------------------------------------------


@pytest.fixture
def cut(deployment: Deployment) -> Iterator[tuple[Tenant, Wire]]:
    """A tenant whose store hangs on a wire that can be cut."""
    server = conninfo_to_dict(deployment.main)
    with wire(str(server["host"]), int(server["port"] or 0)) as made:
        main = make_conninfo(deployment.main, host="127.0.0.1", port=made.port)
        engine = Engine.connect(replace(deployment, main=main), connections=2)
        yield Tenant(engine), made
        engine.close()


def append_with_answer(desk: Tenant) -> Outcome:
    """A hold, its claim and its answer."""
    placed, row = desk.hold(desk.visit()), begin(desk)
    return desk.append(
        desk.event(placed.hold, 1, placed),
        claims=(claim_of_hold(placed),),
        ticket=Ticket(desk.id, row, lambda _: ANSWER),
        answer=ANSWER,
    )


def test_an_append_whose_answer_is_lost_is_looked_for_and_found(
    deployment: Deployment, cut: tuple[Tenant, Wire]
) -> None:
    desk, line = cut
    line.fate = "lose the answer"
    assert append_with_answer(desk) is Outcome.APPENDED
    assert line.struck.is_set()
    rows = stored(deployment.main, desk.id)
    assert (rows["event"], rows["reservation"]) == (1, 1), "and nothing is there twice"


def test_an_append_that_never_arrived_is_known_to_be_nothing(
    deployment: Deployment, cut: tuple[Tenant, Wire]
) -> None:
    desk, line = cut
    line.fate = "lose the request"
    with pytest.raises(Unavailable):
        append_with_answer(desk)
    assert set(stored(deployment.main, desk.id).values()) == {0}
    assert desk.place(desk.visit())[1] is Outcome.APPENDED, "the next one goes through"


def test_an_append_that_still_runs_when_its_connection_is_lost_is_not_reported_and_then_done(
    deployment: Deployment, cut: tuple[Tenant, Wire]
) -> None:
    """Its fate is settled before anything is said of it: here it is broken off."""
    desk, line = cut
    with held_up(deployment, "LOCK TABLE event_queue IN SHARE MODE") as let_go:
        line.fate = "hang up and let it run"
        with ThreadPoolExecutor(1) as pool:
            job: Future[Any] = pool.submit(append_with_answer, desk)
            with pytest.raises(Unavailable):
                job.result(SECONDS_MAX)
        let_go()
    assert wait_until(lambda: waiting(deployment, 0), SECONDS_MAX)
    assert set(stored(deployment.main, desk.id).values()) == {0}


def test_an_append_whose_backend_is_ended_is_known_to_be_nothing(
    deployment: Deployment, desk: Tenant
) -> None:
    end = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE '%append_events%'"
        " AND wait_event_type = 'Lock' AND datname = current_database()"
    )
    with (
        held_up(deployment, "LOCK TABLE event_queue IN SHARE MODE"),
        ThreadPoolExecutor(1) as pool,
    ):
        job = pool.submit(append_with_answer, desk)
        assert wait_until(lambda: waiting(deployment, 1), SECONDS_MAX)
        with psycopg.connect(deployment.main, autocommit=True) as connection:
            assert connection.execute(end.encode()).fetchall() == [(True,)]
        with pytest.raises(Unavailable):
            job.result(SECONDS_MAX)
    assert set(stored(deployment.main, desk.id).values()) == {0}
