"""The order that followers see: nothing missed, nothing twice, dense, whatever else runs. README D3."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Thread
from uuid import UUID, uuid4

import psycopg
import pytest

from infrastructure.clock import SystemClock
from infrastructure.database import Database, WalledConnection
from infrastructure.deployment import Deployment
from infrastructure.store.sequencer import Sequencer
from tests.store.following import Tail, assert_whole, write

WRITERS, ROWS, BATCHES = 8, 20, 25


@contextmanager
def sequencing(deployment: Deployment) -> Iterator[Sequencer]:
    """A sequencer at work in a thread, raising its mark all the time."""
    database = Database(deployment.dsn_of("sequencer"), size=2, walled=False)
    sequencer, stop = Sequencer(database, SystemClock()), Event()

    def run() -> None:
        with database.connection() as connection:
            assert sequencer.take_office(connection)
            while not stop.is_set():
                if sequencer.run_once(connection, limit=256) == 0:
                    stop.wait(0.001)
                sequencer.raise_mark(connection)
            while sequencer.run_once(connection):
                pass

    thread = Thread(target=run)
    thread.start()
    try:
        yield sequencer
    finally:
        stop.set()
        thread.join()
        database.close()


def test_a_tailing_follower_misses_nothing_and_sees_nothing_twice(
    own_deployment: Deployment, postgres_server: str
) -> None:
    app, tenant, done = Database(own_deployment.dsn_of("app"), size=10), uuid4(), Event()
    tail = Tail(app, tenant)
    follower = Thread(target=tail.follow, args=(done,))
    with (
        psycopg.connect(postgres_server) as elsewhere,
        psycopg.connect(own_deployment.main) as here,
    ):
        # Transactions that stay open all the while: one in another database, one that read the queue here.
        elsewhere.execute("CREATE TEMP TABLE held (n int); INSERT INTO held VALUES (1)")
        here.execute("SELECT count(*) FROM event_queue; SELECT pg_current_xact_id()")
        with sequencing(own_deployment) as sequencer:
            follower.start()
            with ThreadPoolExecutor(WRITERS) as pool:
                jobs = [pool.submit(write, app, tenant, BATCHES, ROWS) for _ in range(WRITERS)]
                written = sum(job.result() for job in jobs)
        done.set()
        follower.join()
        assert sequencer._low_water > 0, "the mark moves although foreign transactions are open"
    app.close()
    assert written == WRITERS * ROWS * BATCHES
    assert_whole(tail.seen, written)


def test_an_append_that_is_still_running_comes_later_and_in_its_stream_order(
    own_deployment: Deployment,
) -> None:
    tenant, app = uuid4(), Database(own_deployment.dsn_of("app"), size=2)
    order = Database(own_deployment.dsn_of("sequencer"), size=2, walled=False)
    sequencer = Sequencer(order, SystemClock())
    early = (
        "WITH stored AS (INSERT INTO event VALUES (%s, %s, 1, gen_random_uuid(), 'test.written.v1', '', '')"
        " RETURNING *)"
        " INSERT INTO event_queue (tenant_id, event_ids, stream_ids, stream_versions)"
        " SELECT tenant_id, ARRAY[event_id], ARRAY[stream_id], ARRAY[stream_version] FROM stored"
    )
    with psycopg.connect(own_deployment.main) as slow, order.connection() as connection:
        slow.execute(early, (tenant, uuid4()))  # it has drawn its qid, and commits last
        write(app, tenant, 2, 5)
        assert sequencer.run_once(connection) == 10
        for _ in range(3):
            sequencer.raise_mark(connection)
        slow.commit()
        for _ in range(3):
            sequencer.raise_mark(connection)
        assert sequencer.run_once(connection) == 1, (
            "the mark never passes a row that may still come"
        )
    rows = order.rows(
        "SELECT position FROM sequenced WHERE tenant_id = %s ORDER BY sequence", (tenant,)
    )
    assert [row[0] for row in rows] == list(range(11))
    app.close()
    order.close()


def test_a_mark_on_its_way_dies_with_the_session(own_deployment: Deployment) -> None:
    """A server that crashes may draw qids again that it had drawn, but never committed."""
    tenant, app = uuid4(), Database(own_deployment.dsn_of("app"), size=1)
    order = Database(own_deployment.dsn_of("sequencer"), size=2, walled=False)
    sequencer = Sequencer(order, SystemClock())
    with psycopg.connect(own_deployment.main, autocommit=True) as owner:
        owner.execute("SELECT setval('event_queue_qid_seq', 100)")
        with order.connection() as before:
            assert sequencer.take_office(before)
            sequencer.raise_mark(before)  # on its way to 100
            before.execute("SELECT pg_advisory_unlock_all()")
        owner.execute("SELECT setval('event_queue_qid_seq', 50)")
    with order.connection() as after:
        assert sequencer.take_office(after)
        sequencer.raise_mark(after)
        write(app, tenant, 2, 5)
        assert sequencer.run_once(after) == 10
        after.execute("SELECT pg_advisory_unlock_all()")
    app.close()
    order.close()


class _Crash(Exception):
    pass


class _CrashingConnection:
    """A connection that is lost just before its n-th statement."""

    def __init__(self, connection: WalledConnection, statements: int) -> None:
        self._connection = connection
        self._left = statements

    def transaction(self) -> object:
        return self._connection.transaction()

    def execute(self, *arguments: object, **named: object) -> object:
        if self._left == 0:
            self._connection.close()
            raise _Crash
        self._left -= 1
        return self._connection.execute(*arguments, **named)  # type: ignore[call-overload]


@pytest.mark.parametrize("statements", range(8))
def test_the_sequencer_survives_a_crash_before_each_statement(
    deployment: Deployment, tenant: UUID, statements: int
) -> None:
    app = Database(deployment.dsn_of("app"), size=1)
    order = Database(deployment.dsn_of("sequencer"), size=2, walled=False)
    write(app, tenant, 3, 4)
    sequencer = Sequencer(order, SystemClock())
    crashed = False
    with psycopg.connect(deployment.dsn_of("sequencer"), autocommit=True) as lost:
        try:
            sequencer.run_once(_CrashingConnection(lost, statements))  # type: ignore[arg-type]
        except (_Crash, psycopg.Error):
            crashed = True
    assert crashed == (statements < 7), "the batch has seven statements"
    while sequencer.sequence_now():
        pass
    tail = Tail(app, tenant)
    while tail.look():
        pass
    assert_whole(tail.seen, 12)
    app.close()
    order.close()


def test_the_sequencer_survives_kill_9_again_and_again(own_deployment: Deployment) -> None:
    tenant, app = uuid4(), Database(own_deployment.dsn_of("app"), size=4)
    written = 0
    environment = {"DATABASE_URL": own_deployment.main, "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "api.cli", "work", "--part", "sequencer"]
    command += ["--data", str(own_deployment.settings.data)]
    tail = Tail(app, tenant)
    for _ in range(3):
        victim = subprocess.Popen(command, env=environment)
        written += write(app, tenant, 20, ROWS)
        _until(lambda: tail.look() > 0)  # it is at work
        written += write(app, tenant, 5, ROWS)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    last = subprocess.Popen(command, env=environment)
    _until(lambda: tail.look() == 0 and len(tail.seen) >= written)
    last.terminate()
    assert last.wait(60) == 0
    app.close()
    assert_whole(tail.seen, written)


def test_a_second_sequencer_waits_for_the_first(deployment: Deployment) -> None:
    order = Database(deployment.dsn_of("sequencer"), size=2, walled=False)
    first, second = Sequencer(order, SystemClock()), Sequencer(order, SystemClock())
    with order.connection() as one, order.connection() as other:
        assert first.take_office(one)
        assert not second.take_office(other)
        one.execute("SELECT pg_advisory_unlock_all()")
        assert second.take_office(other)
        other.execute("SELECT pg_advisory_unlock_all()")
    order.close()


def _until(condition: Callable[[], bool], seconds: float = 90.0) -> None:
    waiting = Event()
    for _ in range(int(seconds * 100)):
        if condition():
            return
        waiting.wait(0.01)
    raise AssertionError("it did not happen in time")
