"""A filled, signed log for a benchmark: everything between an append and its checkpoint, in this process."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import StoredEvent

from benchmarks.filling import batches
from benchmarks.servers import served
from infrastructure.clock import SystemClock
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.ledger.mirror import FolderMirror
from infrastructure.ledger.origins import Origins
from infrastructure.ledger.publisher import Publisher
from infrastructure.ledger.signer import Signer
from infrastructure.ledger.signer_keys import MEMORY, SignerKeys
from infrastructure.ledger.signer_memory import SignerMemory
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.store.sequencer import Sequencer


@dataclass(frozen=True)
class FilledLedger:
    """A deployment with one log of `events` events, and the signer in person."""

    deployment: Deployment
    engine: Engine
    signer: Attesting
    tenant: UUID
    events_a_second: float


@dataclass(frozen=True)
class Attesting:
    """The signer, as what reads the ledger out knows it."""

    signer: Signer

    def attest(self, origin: str, manifest: bytes) -> str:
        """Sign a manifest."""
        return self.signer.attest(origin, manifest)

    def sizes(self, origins: object) -> list[int]:
        """It is there."""
        return []


@contextmanager
def filled_ledger(events: int) -> Iterator[FilledLedger]:
    """Append, sequence, mirror and sign so many events; durable."""
    tenant = uuid4()
    with served() as server:
        deployment = server.deployment
        keys = SignerKeys(deployment.settings.signer)
        keys.prepare()
        order = Database(deployment.dsn_of("sequencer"), size=1, walled=False)
        publishing = Database(deployment.dsn_of("publisher"), size=1, walled=False)
        engine = Engine.connect(deployment, connections=2)
        try:
            with SignerMemory(deployment.settings.signer / MEMORY) as memory:
                signer = Signer(keys, memory)
                made = batches(tenant, events)
                appended = append(SequencedRecorder(engine.app, home=tenant), made)
                began = time.perf_counter()
                sequencer = Sequencer(order, SystemClock())
                while sequencer.sequence_now():
                    pass
                with FolderMirror(deployment.settings.mirror) as mirror:
                    publish(
                        Publisher(publishing, mirror, signer, Origins(publishing), SystemClock())
                    )
                rate = events / (appended + time.perf_counter() - began)
                with psycopg.connect(deployment.main, autocommit=True) as owner:
                    owner.execute("VACUUM ANALYZE")
                yield FilledLedger(deployment, engine, Attesting(signer), tenant, rate)
        finally:
            engine.close()
            order.close()
            publishing.close()


def append(recorder: SequencedRecorder, batches: Iterable[list[StoredEvent]]) -> float:
    """Append each batch; the seconds that it took, without making them."""
    taken = 0.0
    for batch in batches:
        began = time.perf_counter()
        recorder.insert_events(batch)
        taken += time.perf_counter() - began
    return taken


def publish(publisher: Publisher) -> None:
    """Sign for everything that is sequenced."""
    publisher.open()
    while publisher.tick():
        pass
