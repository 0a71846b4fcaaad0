"""A whole ledger, a step at a time: store, sequencer, cartographer, mirror, signer, publisher, and evidence from it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from application.ledger.evidence import EvidenceBundle
from application.ledger.records import LedgerRecords
from infrastructure.clock import SystemIds
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.publishing.publisher import Publisher
from infrastructure.ledger.subjects.cartographer import PAUSE, Cartographer
from infrastructure.ledger.subjects.evidence import PostgresEvidence
from infrastructure.twin.memory import SettableClock
from infrastructure.wall import bound_to
from tests.store.publishing import Press, press


@dataclass
class LedgerHouse:
    """`settle` brings everything up to date; a second publisher or cartographer is made by hand."""

    press: Press
    engine: Engine
    mapping: Database
    clock: SettableClock
    publisher: Publisher
    cartographer: Cartographer

    def settle(self, *tenants: UUID) -> None:
        """Sequence, map (for those tenants), sequence the maps, and sign."""
        self.sequence()
        for tenant in tenants:
            with bound_to(tenant):
                self.engine.app.rows(
                    "INSERT INTO map_wish VALUES (%b) ON CONFLICT DO NOTHING", (tenant,)
                )
        self.clock.set(self.clock.now() + PAUSE + timedelta(seconds=1))
        with self.mapping.connection() as connection:
            self.cartographer.step(connection)
            self.sequence()
            self.cartographer.step(connection)  # the index takes in the leaf of the map
        self.publisher.tick()

    def sequence(self) -> None:
        """Give everything its place."""
        while self.press.sequencer.sequence_now():
            pass

    def evidence(self, tenant: UUID, subject: UUID) -> EvidenceBundle:
        """The bundle about a subject."""
        source = PostgresEvidence(self.engine.app, self.press.signer.signer, self.engine.clock)
        with bound_to(tenant):
            return source.bundle(tenant, subject)

    def vkey(self, tenant: UUID) -> str:
        """The public key of a log."""
        return self.press.signer.signer.verifier_keys(default(tenant))[-1]


@contextmanager
def ledger_house(deployment: Deployment) -> Iterator[LedgerHouse]:
    """Make one on a deployment of the test's own."""
    engine = Engine.connect(deployment)
    mapping = Database(deployment.dsn_of("mapper"), size=1, walled=False)
    clock = SettableClock(engine.clock.now())
    cartographer = Cartographer(LedgerRecords(engine.store, engine.clock, SystemIds()), clock)
    try:
        with press(deployment) as made:
            with mapping.connection() as connection:
                cartographer.open(connection)
            yield LedgerHouse(made, engine, mapping, clock, made.publisher(), cartographer)
    finally:
        mapping.close()
        engine.close()


def content(bundle: EvidenceBundle) -> dict[str, Any]:
    """What an evidence bundle says."""
    with zipfile.ZipFile(io.BytesIO(bundle.data)) as archive:
        found: dict[str, Any] = json.loads(archive.read("evidence.json"))
    return found
