"""Exports of a press: what an operator or an auditor takes of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO
from uuid import UUID

from application.ledger.exports import Copy, ExportPlan, LedgerExports
from application.ledger.records import LedgerRecords
from application.permissions import operator
from benchmarks.filling import fill
from infrastructure.copy_room import FolderCopyRoom
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.ledger.copies.exporter import PostgresExporter
from infrastructure.ledger.publishing.ledger_reads import PostgresLedger
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.publishing.publisher import Publisher
from infrastructure.ledger.signed.notes import VerifierKey
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.wall import bound_to
from tests.ledger.bundles import Unpacked
from tests.store.publishing import Press, press


@dataclass
class AttestingPress:
    """The press's signer, as what reads the ledger out knows it; it can be away."""

    press: Press

    def attest(self, origin: str, manifest: bytes) -> str:
        self.sizes([])
        return self.press.signer.signer.attest(origin, manifest)

    def sizes(self, origins: object) -> list[int]:
        if self.press.signer.away is not None:
            raise self.press.signer.away
        return []


@dataclass
class ExportPress:
    """A press, and copies of what it published."""

    press: Press
    publisher: Publisher
    engine: Engine
    room: FolderCopyRoom

    @property
    def exporter(self) -> PostgresExporter:
        return PostgresExporter(self.engine.app, AttestingPress(self.press))

    @property
    def exports(self) -> LedgerExports:
        engine = self.engine
        records = LedgerRecords(engine.store, engine.clock, engine.ids)
        ledger = PostgresLedger(engine.app)
        return LedgerExports(ledger, self.exporter, records, self.room, engine.clock)

    def fill(self, tenant: UUID, count: int) -> None:
        """Record so many events, and publish them."""
        fill(SequencedRecorder(self.press.app, home=tenant), tenant, count)
        self.publish()

    def publish(self) -> None:
        """Publish what was recorded."""
        while self.press.sequencer.sequence_now():
            pass
        while self.publisher.tick():
            pass

    def copy(self, tenant: UUID, first: int = 0, past: int | None = None) -> Copy:
        """A copy, as the operator takes it."""
        with bound_to(tenant):
            return self.exports.take(first, past, operator(tenant))

    def taken(self, tenant: UUID, first: int = 0, past: int | None = None) -> Unpacked:
        """What a copy holds."""
        return Unpacked.read(whole(self.copy(tenant, first, past)))

    def begun(self, tenant: UUID) -> ExportPlan:
        """An export that is recorded, and of which nothing is written yet."""
        with bound_to(tenant):
            return self.exports.begin(0, None, operator(tenant))

    def write(self, plan: ExportPlan, file: IO[bytes]) -> None:
        """Write it."""
        with bound_to(plan.tenant):
            self.exporter.write(plan, file, lambda _: None)

    def key(self, tenant: UUID) -> VerifierKey:
        """The key of the tenant's log."""
        return VerifierKey.parse(self.press.signer.signer.verifier_keys(default(tenant))[0])


@contextmanager
def export_press(deployment: Deployment) -> Iterator[ExportPress]:
    """Make one."""
    engine = Engine.connect(deployment, connections=2)
    try:
        with press(deployment) as made:
            room = FolderCopyRoom(deployment.settings.data / "run", spare=0)
            yield ExportPress(made, made.publisher(), engine, room)
    finally:
        engine.close()


def whole(copy: Copy) -> bytes:
    """All bytes of a copy, which is then removed."""
    parts = io.BytesIO()
    while part := copy.read(100_000):
        parts.write(part)
    assert parts.tell() == copy.length
    copy.close()
    return parts.getvalue()
