"""Fixtures that every test may ask for."""

from __future__ import annotations

import zoneinfo

from tests.engines import deployment, engine, own_deployment, sequencer, tenant
from tests.postgres import database, postgres_server
from tests.running import running, running_session

# Zone rules come from the pinned package, as in a running deployment, not from this machine.
zoneinfo.reset_tzpath(())

__all__ = [
    "database",
    "deployment",
    "engine",
    "own_deployment",
    "postgres_server",
    "running",
    "running_session",
    "sequencer",
    "tenant",
]
