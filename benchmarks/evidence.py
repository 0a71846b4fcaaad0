"""Evidence about one subject, and proofs from a map of many: `python -m benchmarks.evidence`.

First a log of bookings: the evidence of a customer with a hundred events is made from PostgreSQL, and verified by the
offline verifier in this process (so that starting Python is not counted; the process as a whole is told, too). Then a
map of a million subjects in memory: how large a proof from it is, and how long it takes to make one from the array and
a bucket. The other side, in the same run: the whole log as an export, which is what proves completeness without a map.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from application.ledger.evidence import EvidenceBundle
from application.ledger.exports import LedgerExports
from application.ledger.records import LedgerRecords
from application.permissions import operator
from benchmarks.filling import fill, written
from benchmarks.servers import served
from benchmarks.table import median, percentile, show
from infrastructure.copy_room import FolderCopyRoom
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.ledger.copies.exporter import PostgresExporter
from infrastructure.ledger.publishing.ledger_reads import PostgresLedger
from infrastructure.ledger.publishing.mirror import FolderMirror
from infrastructure.ledger.publishing.origins import Origins, default
from infrastructure.ledger.publishing.publisher import Publisher
from infrastructure.ledger.signing.signer import Signer
from infrastructure.ledger.signing.signer_keys import MEMORY, SignerKeys
from infrastructure.ledger.signing.signer_memory import SignerMemory
from infrastructure.ledger.subjects.cartographer import Cartographer
from infrastructure.ledger.subjects.evidence import PostgresEvidence
from infrastructure.ledger.subjects.map_buckets import (
    bucket_of,
    bucket_to_read,
    build_nodes,
    prove_from,
)
from infrastructure.ledger.subjects.map_drawing import DEPTH_MIN, depth_for
from infrastructure.ledger.subjects.subject_map import Item, key_of
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.store.sequencer import Sequencer
from infrastructure.wall import bound_to
from verifier.command import main as verify

PERSON_EVENTS = 100
ROUNDS = 40


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--events", type=int, default=20_000, help="of everybody else")
    options.add_argument("--subjects", type=int, default=1_000_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as folder, ledger() as made:
        one_person(made, chosen.events, Path(folder))
    proofs(chosen.subjects)


@dataclass
class Ledger:
    """Everything between an append and evidence, a step at a time."""

    deployment: Deployment
    engine: Engine
    signer: Signer
    sequencer: Sequencer
    cartographer: Cartographer
    mapping: Database
    publisher: Publisher

    def settle(self) -> None:
        """Sequence, map and publish what there is."""
        with self.mapping.connection() as connection:
            for _ in range(2):
                while self.sequencer.sequence_now():
                    pass
                while self.cartographer.step(connection):
                    pass
        while self.publisher.tick():
            pass


class Sizes:
    """The signer as an export knows it."""

    def __init__(self, signer: Signer) -> None:
        self.attest = signer.attest

    def sizes(self, origins: object) -> list[int]:
        """It is there."""
        return []


@contextmanager
def ledger() -> Iterator[Ledger]:
    """On a durable server of its own."""
    with served() as server:
        deployment = server.deployment
        keys = SignerKeys(deployment.settings.signer)
        keys.prepare()
        engine = Engine.connect(deployment)
        order = Database(deployment.dsn_of("sequencer"), size=1, walled=False)
        mapping = Database(deployment.dsn_of("mapper"), size=1, walled=False)
        publishing = Database(deployment.dsn_of("publisher"), size=1, walled=False)
        cartographer = Cartographer(
            LedgerRecords(engine.store, engine.clock, engine.ids), engine.clock
        )
        with (
            SignerMemory(deployment.settings.signer / MEMORY) as memory,
            FolderMirror(deployment.settings.mirror) as mirror,
        ):
            signer = Signer(keys, memory)
            publisher = Publisher(publishing, mirror, signer, Origins(publishing), engine.clock)
            publisher.open()
            with mapping.connection() as connection:
                cartographer.open(connection)
            sequencer = Sequencer(order, engine.clock)
            yield Ledger(deployment, engine, signer, sequencer, cartographer, mapping, publisher)
        for database in (order, mapping, publishing, engine):
            database.close()


def one_person(made: Ledger, events: int, folder: Path) -> None:
    """A customer of a hundred events among many others."""
    tenant, subject = uuid4(), uuid4()
    recorder = SequencedRecorder(made.engine.app, home=tenant)
    for _ in range(PERSON_EVENTS):
        fill(recorder, tenant, events // PERSON_EVENTS)
        recorder.insert_events([written(tenant, uuid4(), 1, subject)])
    made.settle()
    source = PostgresEvidence(made.engine.app, made.signer, made.engine.clock)
    found, seconds = taken(made, source, tenant, subject)
    bundle, export = folder / "evidence.zip", folder / "export.zip"
    bundle.write_bytes(found.data)
    export.write_bytes(exported(made, tenant, folder))
    vkey = made.signer.verifier_keys(default(tenant))[-1]
    checked = [verified(bundle, vkey) for _ in range(ROUNDS)]
    show(
        f"Evidence of {found.count} events among {events:,}",
        ("", "measured", "goal"),
        [
            ("its size", f"{len(found.data) / 1000:.0f} kB", "200 kB"),
            ("the whole log as an export", f"{export.stat().st_size / 1e6:.1f} MB", ""),
            ("making it, p50", f"{median(seconds) * 1000:.0f} ms", ""),
            ("verifying it, p50", f"{median(checked) * 1000:.0f} ms", "50 ms"),
            ("verifying it, p99", f"{percentile(checked, 0.99) * 1000:.0f} ms", ""),
            ("... as a process, Python included", f"{process(bundle, vkey) * 1000:.0f} ms", ""),
            ("verifying the export instead", f"{verified(export, vkey) * 1000:.0f} ms", ""),
        ],
    )


def taken(
    made: Ledger, source: PostgresEvidence, tenant: UUID, subject: UUID
) -> tuple[EvidenceBundle, list[float]]:
    """The evidence, and how long it took each time."""
    with bound_to(tenant):
        made.engine.app.rows("INSERT INTO map_wish VALUES (%b) ON CONFLICT DO NOTHING", (tenant,))
        made.settle()
        found = source.bundle(tenant, subject)
        seconds = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            found = source.bundle(tenant, subject)
            seconds.append(time.perf_counter() - began)
    return found, seconds


def exported(made: Ledger, tenant: UUID, folder: Path) -> bytes:
    """The whole log."""
    engine = made.engine
    records = LedgerRecords(engine.store, engine.clock, engine.ids)
    exporter = PostgresExporter(engine.app, Sizes(made.signer))
    room = FolderCopyRoom(folder)
    with bound_to(tenant):
        exports = LedgerExports(PostgresLedger(engine.app), exporter, records, room, engine.clock)
        copy = exports.take(0, None, operator(tenant))
        data = copy.read(copy.length)
        copy.close()
    return data


def verified(bundle: Path, vkey: str) -> float:
    """Seconds of verifying a bundle, which must hold."""
    said = io.StringIO()
    began = time.perf_counter()
    with redirect_stdout(said):
        code = verify([str(bundle), "--vkey", vkey])
    seconds = time.perf_counter() - began
    assert code == 0, said.getvalue()
    return seconds


def process(bundle: Path, vkey: str) -> float:
    """Seconds of a process that verifies a bundle."""
    command = [sys.executable, str(Path("verifier").resolve()), str(bundle), "--vkey", vkey]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={})
    return time.perf_counter() - began


def proofs(subjects: int) -> None:
    """Proofs of who is in a map of many, and of who is not."""
    items: list[Item] = sorted((key_of(os.urandom(16)), os.urandom(32)) for _ in range(subjects))
    depth = depth_for(subjects, DEPTH_MIN)
    began = time.perf_counter()
    nodes = build_nodes(iter(items), depth)
    built = time.perf_counter() - began
    buckets: dict[int, list[Item]] = {}
    for item in items:
        buckets.setdefault(bucket_of(item[0], depth), []).append(item)
    sizes: list[float] = []
    seconds: list[float] = []
    for number in range(2_000):
        key = items[number * 37 % subjects][0] if number % 2 else key_of(os.urandom(16))
        began = time.perf_counter()
        proof = prove_from(nodes, depth, key, buckets.get(bucket_to_read(nodes, depth, key), []))
        seconds.append(time.perf_counter() - began)
        sizes.append(32 * len(proof.hashes) + (64 if proof.other else 0))
    show(
        f"Proofs from a map of {subjects:,} subjects",
        ("", "measured", "goal"),
        [
            ("size of a proof, p50", f"{median(sizes):.0f} bytes", ""),
            ("size of a proof, largest", f"{max(sizes):.0f} bytes", "1,000 bytes"),
            ("making one, p50", f"{median(seconds) * 1e6:.0f} us", ""),
            ("building the map anew", f"{built:.1f} s", ""),
        ],
    )


if __name__ == "__main__":
    main()
