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
            barrier.wait(10)

    threads = [Thread(target=use) for _ in range(SIZE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_one_call_finds_out_that_all_connections_were_ended(own_deployment: Deployment) -> None:
    database = Database(own_deployment.dsn_of("sequencer"), size=SIZE, walled=False)
    try:
        fill(database)
        with psycopg.connect(own_deployment.main, autocommit=True) as owner:
            role = Roles(owner.info.dbname).name("sequencer")
            assert owner.execute(END_ALL, (role,)).fetchall() == [(SIZE,)]
        with pytest.raises(Unavailable):
            database.row("SELECT 1")
        for _ in range(2 * SIZE):
            assert database.row("SELECT 1") == (1,)
        assert wait_until(lambda: database.pool.get_stats()["pool_available"] > 0, 10)
    finally:
        database.close()
