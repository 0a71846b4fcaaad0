"""A deployment with a signer in a process of its own, a publisher to be ticked, and the verbs of `daybook ledger`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import StoredEvent

from api.administration import found_tenant
from api.ledger_office import Office, office
from application.ports import Clock
from domain.values import parse_id
from infrastructure.clock import SystemClock
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing.mirror import FolderMirror
from infrastructure.ledger.publishing.origins import Origins
from infrastructure.ledger.publishing.publisher import Publisher
from infrastructure.ledger.signed.checkpoints import parse_tree_head
from infrastructure.ledger.signed.notes import BadNote, VerifierKey, parse_note, verify
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.store.sequencer import Sequencer
from tests.ledger.signer_process import SignerProcess, signer_process
from tests.verbs import run_verb_in_text


@dataclass
class House:
    """Everything between a verb and the checkpoints that an auditor sees."""

    deployment: Deployment
    signer: SignerProcess
    app: Database
    sequencer: Sequencer
    publisher: Publisher
    tenants: list[dict[str, Any]] = field(default_factory=list)

    def found(self) -> UUID:
        """A tenant, with its first event sequenced and published."""
        self.tenants.append(found_tenant(self.deployment, "Glow"))
        self.publish()
        found = parse_id("tenant", self.tenants[-1]["tenant"])
        assert found is not None
        return found

    def append(self, tenant: UUID) -> None:
        """One more event of a tenant."""
        recorder = SequencedRecorder(self.app, home=tenant)
        recorder.insert_events([StoredEvent(uuid4(), 1, "test.written.v1", b"{}")])

    def publish(self) -> None:
        """Sequence, mirror, sign and publish what there is."""
        while self.sequencer.sequence_now():
            pass
        while self.publisher.tick() or self.publisher.unfinished():
            pass

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What the owner of the database reads, past every wall."""
        with psycopg.connect(self.deployment.main, autocommit=True) as owner:
            return owner.execute(statement.encode(), values).fetchall()

    def note(self, tenant: UUID) -> str:
        """The last checkpoint that is published."""
        found = "SELECT note FROM ledger_checkpoint WHERE tenant_id = %s ORDER BY size DESC LIMIT 1"
        return str(self.rows(found, tenant)[0][0])

    def size(self, tenant: UUID) -> int:
        """Its size."""
        return parse_tree_head(parse_note(self.note(tenant)).text).size

    def verifies(self, tenant: UUID, vkey: str) -> bool:
        """True when somebody who has this key only accepts the last checkpoint."""
        try:
            return bool(verify(parse_note(self.note(tenant)), [VerifierKey.parse(vkey)]))
        except BadNote:
            return False

    def said(self, tenant: UUID, kind: str) -> list[dict[str, Any]]:
        """What the log was told: the plain payloads of its leaves of a type, in order."""
        found = (
            "SELECT convert_from(state, 'UTF8')::jsonb FROM event"
            " WHERE tenant_id = %s AND type = %s ORDER BY stream_version"
        )
        return [row[0] for row in self.rows(found, tenant, kind)]

    @contextmanager
    def office(self, clock: Clock | None = None) -> Iterator[Office]:
        """What the verbs work with, in this process."""
        with office(self.deployment, clock) as made:
            yield made

    def verb(self, *arguments: str, kill: tuple[str, str, int] | None = None) -> Any:
        """Run `daybook ledger ...` in a process of its own, to be killed at a place or not."""
        data = str(self.deployment.settings.data)
        environment = {**os.environ, "DATABASE_URL": self.deployment.main}
        return run_verb_in_text(
            "ledger", *arguments, "--data", data, environment=environment, kill=kill
        )


@contextmanager
def house(deployment: Deployment, **environment: str) -> Iterator[House]:
    """Make one; its signer runs."""
    app = Database(deployment.dsn_of("app"), size=1)
    order = Database(deployment.dsn_of("sequencer"), size=1, walled=False)
    publishing = Database(deployment.dsn_of("publisher"), size=1, walled=False)
    try:
        with (
            signer_process(deployment.settings.data, forked=True, **environment) as signer,
            FolderMirror(deployment.settings.mirror) as mirror,
        ):
            signer.start()
            clock = SystemClock()
            publisher = Publisher(publishing, mirror, signer.client, Origins(publishing), clock)
            publisher.open()
            yield House(deployment, signer, app, Sequencer(order, clock), publisher)
    finally:
        for database in (app, order, publishing):
            database.close()
