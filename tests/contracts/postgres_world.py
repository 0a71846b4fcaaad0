"""PostgreSQL for contract tests: the worker's own deployment, and what only tests ask for."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import psycopg

from application.requests.duties import DutyCounts
from domain.sealing import RETENTION_CLASSES
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.store.denial_counts import PostgresDenialCounts
from infrastructure.store.duty_totals import PostgresDutyTotals
from infrastructure.store.open_erasures import PostgresOpenErasures
from infrastructure.store.request_rows import PostgresRequestRows
from infrastructure.twin.memory import SettableClock
from infrastructure.wall import bound_to
from tests.contracts.world import NOW


class RolesOfTotals:
    """The totals of duties: written by the follower's role, read by the app's."""

    def __init__(self, deployment: Deployment, engine: Engine) -> None:
        self._deployment, self._read = deployment, PostgresDutyTotals(engine.app)

    def keep(self, counts: DutyCounts, at: datetime) -> None:
        """See the port."""
        database = Database(self._deployment.dsn_of("follower"), size=1, walled=False)
        PostgresDutyTotals(database).keep(counts, at)
        database.close()

    def total(self) -> DutyCounts | None:
        """See the port."""
        return self._read.total()


class PostgresContractWorld:
    """The ports of an engine. Keys and fences are changed by the databases' owner, as erasure will."""

    def __init__(self, deployment: Deployment, engine: Engine) -> None:
        self._deployment = deployment
        self._clock = SettableClock(NOW)
        self.store = engine.store
        self.book = engine.book
        self.people = engine.people
        self.opener = engine.vault
        self.shredder = engine.shredder
        self.open_erasures = PostgresOpenErasures(engine.app)
        self.request_rows = PostgresRequestRows(engine.app)
        self.denial_counts = PostgresDenialCounts(engine.app)
        self.duty_totals = RolesOfTotals(deployment, engine)
        self.answers = replace(engine.answers, clock=self._clock)

    def inside(self, tenant: UUID) -> AbstractContextManager[None]:
        return bound_to(tenant)

    def advance(self, seconds: int) -> None:
        self._clock.advance(seconds=seconds)

    def fence(self, tenant: UUID, subject: UUID) -> None:
        with psycopg.connect(self._deployment.main) as connection:
            connection.execute(
                "INSERT INTO subject_fence SELECT %s, %s, class, %s FROM unnest(%s::text[]) class",
                (tenant, subject, NOW, list(RETENTION_CLASSES)),
            )

    def destroy_keys(self, tenant: UUID, subject: UUID) -> None:
        with psycopg.connect(self._deployment.keys) as connection:
            connection.execute(
                "UPDATE subject_key SET wrapped = NULL, destroyed_at = %s"
                " WHERE tenant_id = %s AND subject_id = %s",
                (NOW, tenant, subject),
            )
