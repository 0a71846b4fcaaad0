"""A data folder with a cluster in it, made once: making one takes most of a second."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.server.local_postgres import LocalPostgres
from tests.scratch import scratch_folder


@pytest.fixture
def empty() -> Iterator[Path]:
    """An empty folder for a cluster of the test's own."""
    with scratch_folder("recovery") as folder:
        yield folder


@pytest.fixture(scope="session")
def made() -> Iterator[Path]:
    with scratch_folder("recovery") as folder:
        with LocalPostgres(folder, fast=True):
            pass
        yield folder


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    """The cluster, stopped, in good order, and left so whatever the test did to it."""
    cluster = made / "postgres" / "data"
    version = (cluster / "PG_VERSION").read_text()
    yield made
    os.chown(cluster, os.geteuid(), os.getegid())
    (cluster / "PG_VERSION").write_text(version)
    assert LocalPostgres(made).pid is None
