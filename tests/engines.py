"""A real deployment for tests: both databases migrated once per worker, and everything wired to them.

Tests keep apart by tenant: each asks for a tenant of its own. A test that needs the whole order to itself (dense
sequences from 1) asks for `own_deployment`; tests that follow the events share one with their module.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

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


@pytest.fixture
def own_deployment(postgres_server: str, tmp_path: Path) -> Iterator[Deployment]:
    name = f"daybook_own_{uuid4().hex[:12]}"
    yield make_deployment(postgres_server, tmp_path, name)
    drop_deployment(postgres_server, name)


@pytest.fixture(scope="module")
def module_deployment(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    name = f"daybook_module_{uuid4().hex[:12]}"
    yield make_deployment(postgres_server, tmp_path_factory.mktemp("deployment"), name)
    drop_deployment(postgres_server, name)


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
