"""A PostgreSQL of our own for a benchmark, durable, with a migrated deployment on it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from application.event_types import catalogue
from infrastructure.deployment import Deployment, pin_zones
from infrastructure.server.local_postgres import LocalPostgres
from infrastructure.settings import Settings


@dataclass(frozen=True)
class Served:
    """A running server: its superuser's connection string, and a migrated deployment."""

    dsn: str
    deployment: Deployment


@contextmanager
def served() -> Iterator[Served]:
    """The embedded server with its durable settings, until the block ends."""
    pin_zones()
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as scratch:
        folder = Path(scratch)
        server = LocalPostgres(folder)
        dsn = server.start()
        try:
            deployment = Deployment.locate(Settings(folder), dsn)
            deployment.prepare(frozenset(catalogue()))
            yield Served(dsn, deployment)
        finally:
            server.stop()
