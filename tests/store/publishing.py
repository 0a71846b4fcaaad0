"""A publisher with its signer and mirror, on a deployment of the test's own, and events to publish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import StoredEvent

from infrastructure.clock import SystemClock
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing.mirror import FolderMirror
from infrastructure.ledger.publishing.origins import Origins
from infrastructure.ledger.publishing.publisher import Publisher
from infrastructure.ledger.signing.signer import Refused, Signed, Signer, SignRequest
from infrastructure.ledger.signing.signer_keys import MEMORY, SignerKeys
from infrastructure.ledger.signing.signer_memory import SignerMemory
from infrastructure.ledger.tree.merkle import leaf_hash, tree_hash
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.store.sequencer import Sequencer


@dataclass
class Counted:
    """A signer that counts what it is asked, and can be away."""

    signer: Signer
    asked: list[SignRequest] = field(default_factory=list)
    away: BaseException | None = None

    def sign(self, requests: Sequence[SignRequest]) -> list[Signed | Refused]:
        if self.away is not None:
            raise self.away
        self.asked += requests
        return self.signer.sign(requests)


@dataclass
class Press:
    """Everything between a booking and its checkpoint, step by step."""

    deployment: Deployment
    app: Database
    sequencer: Sequencer
    publishing: Database
    mirror: FolderMirror
    signer: Counted

    def publisher(self) -> Publisher:
        """A publisher that has just been started."""
        made = Publisher(
            self.publishing, self.mirror, self.signer, Origins(self.publishing), SystemClock()
        )
        made.open()
        return made

    def append(self, tenant: UUID, count: int, kind: str = "test.written.v1") -> None:
        """Record events of one stream, and give them their places."""
        stream = uuid4()
        recorder = SequencedRecorder(self.app, home=tenant)
        for first in range(1, count + 1, 200):
            upto = min(first + 200, count + 1)
            recorder.insert_events(
                [StoredEvent(stream, at, kind, b"{}") for at in range(first, upto)]
            )
        while self.sequencer.sequence_now():
            pass

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """What the owner of the database does, past every wall."""
        with psycopg.connect(self.deployment.main, autocommit=True) as owner:
            cursor = owner.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def published(self, tenant: UUID) -> list[int]:
        """The sizes of the checkpoints that are there."""
        found = "SELECT size FROM ledger_checkpoint WHERE tenant_id = %s ORDER BY size"
        return [int(str(row[0])) for row in self.rows(found, tenant)]

    def root(self, tenant: UUID, size: int) -> bytes:
        """The root over the stored headers."""
        found = self.rows(
            "SELECT e.header FROM sequenced s JOIN event e USING (tenant_id, stream_id, stream_version)"
            " WHERE s.tenant_id = %s AND s.position < %s ORDER BY s.position",
            tenant,
            size,
        )
        return tree_hash([leaf_hash(bytes(row[0])) for row in found])  # type: ignore[call-overload]


@contextmanager
def press(deployment: Deployment) -> Iterator[Press]:
    """Make one; signer and mirror live in the deployment's folder."""
    folder: Path = deployment.settings.signer
    keys = SignerKeys(folder)
    keys.prepare()
    app = Database(deployment.dsn_of("app"), size=1)
    order = Database(deployment.dsn_of("sequencer"), size=1, walled=False)
    publishing = Database(deployment.dsn_of("publisher"), size=1, walled=False)
    try:
        with (
            SignerMemory(folder / MEMORY) as memory,
            FolderMirror(deployment.settings.mirror) as mirror,
        ):
            yield Press(
                deployment,
                app,
                Sequencer(order, SystemClock()),
                publishing,
                mirror,
                Counted(Signer(keys, memory)),
            )
    finally:
        for database in (app, order, publishing):
            database.close()
