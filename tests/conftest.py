"""Fixtures that every test may ask for."""

from __future__ import annotations

import zoneinfo

import hypothesis

from tests.engines import deployment, engine, module_deployment, own_deployment, sequencer, tenant
from tests.postgres import database, postgres_server
from tests.running import running, running_session
from tests.running_demo import running_demo

# Zone rules come from the pinned package, as in a running deployment, not from this machine.
zoneinfo.reset_tzpath(())

# How long an example takes says nothing on a busy machine; what failed is to be found again.
hypothesis.settings.register_profile("daybook", deadline=None, print_blob=True)
hypothesis.settings.load_profile("daybook")

__all__ = [
    "database",
    "deployment",
    "engine",
    "module_deployment",
    "own_deployment",
    "postgres_server",
    "running",
    "running_demo",
    "running_session",
    "sequencer",
    "tenant",
]
