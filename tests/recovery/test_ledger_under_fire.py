"""32 writers, aborts, kill -9 of sequencer, signer and PostgreSQL: no gap, nothing twice, nothing lost, all signed."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import PersistenceError, StoredEvent

from domain.errors import Unavailable
from infrastructure.database import Database
from infrastructure.ledger.signed.checkpoints import parse_tree_head
from infrastructure.ledger.signed.notes import parse_note
from infrastructure.ledger.tree.merkle import leaf_hash, tree_hash
from infrastructure.server.processes import wait_until
from infrastructure.store.append_call import NOTHING, append_call, columns
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.wall import bound_to
from tests.running import Running
from tests.scratch import scratch_folder

WRITERS = 32
EVENTS_EACH = 30
ABORT_SHARE = 0.15
SECONDS_MAX = 60.0
KIND = "test.written.v1"


@pytest.fixture
def running() -> Iterator[Running]:
    """One of its own: what is written here no read model can read, and so the agenda stops for good."""
    with scratch_folder("under-fire") as scratch:
        one = Running(scratch / "data")
        one.start()
        try:
            yield one
        finally:
            if one.process is not None:
                one.stop()


@dataclass
class Writers:
    """Each writes streams of its own in one log, an event or a few at a time; some give up in the middle."""

    dsn: str
    tenant: UUID
    app: Database
    written: list[tuple[UUID, int]] = field(default_factory=list)
    aborted: list[UUID] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    def run(self) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._write, args=(seed,)) for seed in range(WRITERS)]
        for thread in threads:
            thread.start()
        return threads

    def _write(self, seed: int) -> None:
        try:
            draw = random.Random(seed)
            stream, version = uuid4(), 1
            recorder = SequencedRecorder(self.app, home=self.tenant)
            while version <= EVENTS_EACH:
                if draw.random() < ABORT_SHARE:
                    self._abort()
                some = min(draw.choice((1, 1, 1, 4)), EVENTS_EACH + 1 - version)
                events = [StoredEvent(stream, version + at, KIND, b"{}") for at in range(some)]
                with suppress(PersistenceError, Unavailable):
                    recorder.insert_events(events)
                    self.written += [(stream, event.originator_version) for event in events]
                    version += some
                    continue
                version = self._stored(stream) + 1  # what came of it is looked up, not guessed
                self.written += [
                    (stream, at) for at in range(1, version) if (stream, at) not in self.written
                ]
        except BaseException as failure:
            self.failures.append(failure)
            raise

    def _stored(self, stream: UUID) -> int:
        found: list[int] = []

        def asked() -> bool:
            with suppress(Unavailable, psycopg.Error), bound_to(self.tenant):
                rows = self.app.rows(
                    "SELECT count(*) FROM event WHERE tenant_id = %b AND stream_id = %b",
                    (self.tenant, stream),
                )
                found.append(rows[0][0])
                return True
            return False

        assert wait_until(asked, SECONDS_MAX)
        return found[-1]

    def _abort(self) -> None:
        """Append without committing, and hang up."""
        stream = uuid4()
        event = [StoredEvent(stream, 1, KIND, b"{}")]
        statement, values = append_call(columns(event, self.tenant, uuid4), NOTHING, None)
        with suppress(psycopg.Error):
            connection = psycopg.connect(self.dsn)
            connection.execute(
                "SELECT set_config('daybook.tenant', %s, false)", (str(self.tenant),)
            )
            connection.execute(statement.encode(), values, binary=True)
            self.aborted.append(stream)
            connection.close()


def in_order(running: Running, tenant: UUID) -> list[tuple[int, UUID, int, bytes, bytes]]:
    """The log: position, stream, version, header, leaf hash."""
    return running.rows(
        "SELECT s.position, s.stream_id, s.stream_version, e.header, s.leaf_hash FROM sequenced s"
        " JOIN event e USING (tenant_id, stream_id, stream_version) WHERE s.tenant_id = %s ORDER BY s.position",
        (tenant,),
    )


def is_signed(running: Running, tenant: UUID) -> bool:
    """True when nothing waits, and the last checkpoint covers the log."""
    with suppress(psycopg.Error):
        rows = running.rows(
            "SELECT (SELECT count(*) FROM event_queue WHERE tenant_id = %s),"
            " (SELECT size FROM ledger_head WHERE tenant_id = %s),"
            " (SELECT max(size) FROM ledger_checkpoint WHERE tenant_id = %s)",
            (tenant, tenant, tenant),
        )
        waiting, size, signed = rows[0]
        return waiting == 0 and size is not None and size == signed
    return False


def versions(log: Sequence[tuple[int, UUID, int, bytes, bytes]]) -> dict[UUID, list[int]]:
    """The versions of each stream, in the order of the log."""
    found: dict[UUID, list[int]] = {}
    for _, stream, version, _, _ in log:
        found.setdefault(stream, []).append(version)
    return found


def test_nothing_is_lost_or_doubled_whatever_dies(running: Running) -> None:
    tenant = uuid4()
    dsn = running.deployment.dsn_of("app")
    app = Database(dsn, size=WRITERS)
    writers = Writers(dsn, tenant, app)
    threads = writers.run()
    for part in ("sequencer", "signer", "sequencer", "publisher"):
        running.kill(part)
    running.kill_postgres()
    running.kill("sequencer")
    for thread in threads:
        thread.join(SECONDS_MAX)
    app.close()
    assert writers.failures == []
    assert wait_until(lambda: is_signed(running, tenant), SECONDS_MAX)
    log = in_order(running, tenant)
    assert [position for position, *_ in log] == list(range(len(log)))
    assert len(log) == WRITERS * EVENTS_EACH
    assert {(stream, version) for _, stream, version, _, _ in log} == set(writers.written)
    whole = list(range(1, EVENTS_EACH + 1))
    assert all(found == whole for found in versions(log).values()), "each stream in its own order"
    assert not set(writers.aborted) & versions(log).keys()
    assert all(leaf_hash(header) == kept for *_, header, kept in log)
    note = running.rows(
        "SELECT note FROM ledger_checkpoint WHERE tenant_id = %s ORDER BY size DESC LIMIT 1",
        (tenant,),
    )[0][0]
    head = parse_tree_head(parse_note(note).text)
    assert (head.size, head.root) == (len(log), tree_hash([kept for *_, kept in log]))
