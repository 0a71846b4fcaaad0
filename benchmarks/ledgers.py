"""A filled, signed log for a benchmark: everything between an append and its checkpoint, in this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
from eventsourcing.persistence import StoredEvent

from api.administration import found_tenant
from benchmarks.filling import batches
from benchmarks.servers import served
from domain.values import parse_id
from infrastructure.clock import SystemClock
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.ledger.publishing.mirror import FolderMirror
from infrastructure.ledger.publishing.origins import Origins
from infrastructure.ledger.publishing.publisher import Publisher
from infrastructure.ledger.signing.signer import Signer
from infrastructure.ledger.signing.signer_keys import MEMORY, SignerKeys
from infrastructure.ledger.signing.signer_memory import SignerMemory
from infrastructure.ledger.signing.signer_socket import SignerServer
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.store.sequencer import Sequencer


@dataclass(frozen=True)
class FilledLedger:
    """A deployment with one log, all of it signed, and a signer that listens; how fast it was filled.

    `settle` sequences, mirrors and signs what was recorded since.
    """

    deployment: Deployment
    engine: Engine
    tenant: UUID
    log_vkey: str
    events_a_second: float
    settle: Callable[[], None]


@contextmanager
def filled_ledger(events: int) -> Iterator[FilledLedger]:
    """Append, sequence, mirror and sign so many events beside those of the tenant's founding; durable."""
    with served() as server:
        deployment = server.deployment
        founded = found_tenant(deployment, "Benchmark")
        tenant = parse_id("tenant", founded["tenant"])
        assert tenant is not None
        order = Database(deployment.dsn_of("sequencer"), size=1, walled=False)
        publishing = Database(deployment.dsn_of("publisher"), size=1, walled=False)
        engine = Engine.connect(deployment, connections=2)
        try:
            with listening_signer(deployment) as signer:

                def settle() -> None:
                    sequencer = Sequencer(order, SystemClock())
                    while sequencer.sequence_now():
                        pass
                    with FolderMirror(deployment.settings.mirror) as mirror:
                        publish(Publisher(publishing, mirror, signer, origins, SystemClock()))

                origins = Origins(publishing)
                made = batches(tenant, events)
                appended = append(SequencedRecorder(engine.app, home=tenant), made)
                began = time.perf_counter()
                settle()
                rate = events / (appended + time.perf_counter() - began)
                with psycopg.connect(deployment.main, autocommit=True) as owner:
                    owner.execute("VACUUM ANALYZE")
                yield FilledLedger(deployment, engine, tenant, founded["log_vkey"], rate, settle)
        finally:
            engine.close()
            order.close()
            publishing.close()


@contextmanager
def listening_signer(deployment: Deployment) -> Iterator[Signer]:
    """A signer that also listens where the deployment's parts look for it."""
    settings = deployment.settings
    keys = SignerKeys(settings.signer)
    keys.prepare()
    stop, ready = threading.Event(), threading.Event()
    with SignerMemory(settings.signer / MEMORY) as memory:
        signer = Signer(keys, memory)
        server = SignerServer(signer, settings.signer_socket)
        serving = threading.Thread(target=server.serve, args=(stop.is_set, ready.set))
        serving.start()
        try:
            ready.wait()
            yield signer
        finally:
            stop.set()
            serving.join()


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
