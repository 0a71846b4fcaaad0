"""A real PostgreSQL for tests: one server per run, one database per worker.

`DATABASE_URL` (a superuser's) is used when set; else a server of our own is started in the run's
temporary folder when the first test asks for it, shared by all workers, and gone with the run.

    postgres_server    superuser dsn of the server, database `postgres`
    database           superuser dsn of a database of this worker, empty when the session begins

and as plain functions `create_database`, `drop_database` and `with_database` for tests that need a
database of their own (`template=` copies a ready one in about 70 ms).
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

KEEPER = Path(__file__).with_name("postgres_keeper.py")
START_SECONDS_MAX = 60.0


def with_database(dsn: str, database: str) -> str:
    """The same server and user, another database.

    >>> with_database("postgresql://u:p@127.0.0.1:5432/postgres?sslmode=disable", "mine")
    'postgresql://u:p@127.0.0.1:5432/mine?sslmode=disable'
    """
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


def create_database(server: str, name: str, *, template: str | None = None) -> str:
    """Make a database, replacing one of that name; give its dsn. `template` must be idle."""
    drop_database(server, name)
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)
    return with_database(server, name)


def drop_database(server: str, name: str) -> None:
    """Drop a database if it exists, and whoever is connected to it."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def worker_name() -> str:
    """This worker's name within the run (`gw0`), and `main` without workers."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> str:
    given = os.environ.get("DATABASE_URL")
    if given:
        return given
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if worker_name() != "main" else base
    return _server_of(shared / "postgres-server")


@pytest.fixture(scope="session")
def database(postgres_server: str) -> Iterator[str]:
    name = f"daybook_test_{worker_name()}_{os.getpid()}"
    yield create_database(postgres_server, name)
    drop_database(postgres_server, name)


def _server_of(folder: Path) -> str:
    """The dsn of the run's server in `folder`; whoever comes first starts it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    published, fault = folder / "dsn", folder / "fault"
    with (folder / "starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not published.exists():
            keeper = _start_keeper(folder)
            deadline = time.monotonic() + START_SECONDS_MAX
            while not published.exists():
                if has_ended(keeper) or time.monotonic() > deadline:
                    reason = fault.read_text() if fault.exists() else (folder / "log").read_text()
                    pytest.fail(f"no PostgreSQL for the tests: {reason}", pytrace=False)
                time.sleep(0.02)
    return published.read_text()


def has_ended(child: int) -> bool:
    """Whether a child process is gone; its end is taken note of."""
    return os.waitpid(child, os.WNOHANG)[0] != 0


def _start_keeper(folder: Path) -> int:
    """Its process id. It outlives this worker, so it is no `Popen`, which would complain of a child left behind."""
    controller = os.getpid() if worker_name() == "main" else os.getppid()
    log = str(folder / "log")
    return os.posix_spawn(
        sys.executable,
        [sys.executable, str(KEEPER), str(folder), str(controller)],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
