"""A real deployment for tests: both databases migrated once per worker, and everything wired to them.

Tests keep apart by tenant: each asks for a tenant of its own. A test that needs the whole order to itself (dense
sequences from 1) asks for `own_deployment`; tests that follow the events share one with their module.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from application.event_types import catalogue
from infrastructure.database import Database
from infrastructure.deployment import Deployment, pin_zones
from infrastructure.engine import Engine
from infrastructure.settings import Settings
from infrastructure.store.sequencer import Sequencer
from infrastructure.wall import bound_to
from tests.postgres import create_database, drop_database, with_database, worker_name

pin_zones()


def make_deployment(server: str, folder: Path, name: str) -> Deployment:
    """Two fresh databases `name` and `name_keys`, migrated; secrets in `folder`."""
    for database in (name, f"{name}_keys"):
        create_database(server, database)
    deployment = Deployment.locate(Settings(folder, database_url=with_database(server, name)))
    deployment.prepare(frozenset(catalogue()))
    return deployment


def drop_deployment(server: str, name: str) -> None:
    """Drop what `make_deployment` made."""
    for database in (name, f"{name}_keys"):
        drop_database(server, database)


@pytest.fixture(scope="session")
def deployment(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    name = f"daybook_{worker_name()}_{os.getpid()}"
    yield make_deployment(postgres_server, tmp_path_factory.mktemp("deployment"), name)
    drop_deployment(postgres_server, name)


@dataclass(frozen=True)
class Mould:
    """A migrated deployment to be copied, one copy at a time: to migrate anew takes some ten times as long.

    The copies have one name, since roles belong to the server and are named after the database.
    """

    server: str
    folder: Path
    name: str

    @property
    def databases(self) -> tuple[str, str]:
        """Those of a copy; the mould's own are called after them."""
        return self.name, f"{self.name}_keys"

    def make(self) -> None:
        """Migrate it, and put it aside."""
        make_deployment(self.server, self.folder, self.name)
        with psycopg.connect(self.server, autocommit=True) as connection:
            for database in self.databases:
                names = sql.Identifier(database), sql.Identifier(f"{database}_mould")
                connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))

    def cast(self, folder: Path) -> Deployment:
        """A copy, with its secrets in `folder`."""
        for database in self.databases:
            create_database(self.server, database, template=f"{database}_mould")
        for mine, its in zip(secrets(folder), secrets(self.folder), strict=True):
            shutil.copytree(its, mine)
        main = with_database(self.server, self.name)
        return Deployment.locate(Settings(folder, database_url=main))

    def drop(self, *, itself: bool = False) -> None:
        """Drop the copy, or the mould."""
        for database in self.databases:
            drop_database(self.server, f"{database}_mould" if itself else database)


def secrets(folder: Path) -> tuple[Path, Path]:
    """The folders of a deployment's secrets."""
    settings = Settings(folder)
    return settings.keys, settings.keys_copy


def mould(server: str, factory: pytest.TempPathFactory, kind: str) -> Iterator[Mould]:
    """One for a kind of copies, and for this worker."""
    made = Mould(server, factory.mktemp("mould"), f"daybook_{kind}_{worker_name()}_{os.getpid()}")
    made.make()
    yield made
    made.drop(itself=True)


@pytest.fixture(scope="session")
def own_mould(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mould]:
    yield from mould(postgres_server, tmp_path_factory, "own")


@pytest.fixture(scope="session")
def module_mould(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mould]:
    yield from mould(postgres_server, tmp_path_factory, "module")


@pytest.fixture
def own_deployment(own_mould: Mould, tmp_path: Path) -> Iterator[Deployment]:
    yield own_mould.cast(tmp_path)
    own_mould.drop()


@pytest.fixture(scope="module")
def module_deployment(
    module_mould: Mould, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    yield module_mould.cast(tmp_path_factory.mktemp("deployment"))
    module_mould.drop()


@pytest.fixture(scope="session")
def engine(deployment: Deployment) -> Iterator[Engine]:
    engine = Engine.connect(deployment)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def sequencer(deployment: Deployment, engine: Engine) -> Iterator[Sequencer]:
    database = Database(deployment.dsn_of("sequencer"), size=2, walled=False)
    yield Sequencer(database, engine.clock)
    database.close()


@pytest.fixture
def tenant() -> Iterator[UUID]:
    """A tenant of its own, and this test bound to it."""
    fresh = uuid4()
    with bound_to(fresh):
        yield fresh
