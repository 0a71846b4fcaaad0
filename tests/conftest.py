"""Fixtures that every test may ask for."""

from __future__ import annotations

from tests.engines import deployment, engine, own_deployment, sequencer, tenant
from tests.postgres import database, postgres_server

__all__ = [
    "database",
    "deployment",
    "engine",
    "own_deployment",
    "postgres_server",
    "sequencer",
    "tenant",
]
