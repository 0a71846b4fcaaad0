"""What becomes of the connections to PostgreSQL when something ends them."""

from __future__ import annotations

from threading import Barrier, Thread

import psycopg
import pytest

from domain.errors import Unavailable
from infrastructure.database import Database, Roles
from infrastructure.deployment import Deployment
from infrastructure.server.processes import wait_until

SIZE = 4
END_ALL = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = %s"


def fill(database: Database) -> None:
    """Use all of its connections at once, so that it has made them."""
    barrier = Barrier(SIZE)

    def use() -> None:
        with database.connection():
            barrier.wait(60)

    threads = [Thread(target=use) for _ in range(SIZE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def end_all(deployment: Deployment) -> None:
    """End every connection of the sequencer's role, as a restart of the server does."""
    with psycopg.connect(deployment.main, autocommit=True) as owner:
        role = Roles(owner.info.dbname).name("sequencer")
        assert owner.execute(END_ALL, (role,)).fetchall() == [(SIZE,)]


def test_no_call_pays_for_connections_that_ended_while_nobody_used_them(
    own_deployment: Deployment,
) -> None:
    database = Database(own_deployment.dsn_of("sequencer"), size=SIZE, walled=False)
    try:
        fill(database)
        end_all(own_deployment)
        for _ in range(2 * SIZE):
            assert database.row("SELECT 1") == (1,)
        assert wait_until(lambda: database.pool.get_stats()["pool_available"] > 0, 60)
    finally:
        database.close()


def test_only_the_call_in_whose_hands_it_ended_is_told(own_deployment: Deployment) -> None:
    database = Database(own_deployment.dsn_of("sequencer"), size=SIZE, walled=False)
    try:
        fill(database)
        with pytest.raises(Unavailable), database.connection() as connection:
            end_all(own_deployment)
            connection.execute("SELECT 1")
        for _ in range(2 * SIZE):
            assert database.row("SELECT 1") == (1,)
    finally:
        database.close()
