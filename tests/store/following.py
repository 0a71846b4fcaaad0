"""What the tests of order share: a writer of batches, and a follower that tails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event
from uuid import UUID, uuid4

from eventsourcing.persistence import StoredEvent

from infrastructure.database import Database
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.wall import bound_to


def batch(rows: int) -> list[StoredEvent]:
    """A new stream of `rows` events."""
    stream = uuid4()
    return [
        StoredEvent(stream, version, "test.written.v1", b"{}") for version in range(1, rows + 1)
    ]


def write(database: Database, tenant: UUID, batches: int, rows: int) -> int:
    """Append so many batches; how many events that made."""
    recorder = SequencedRecorder(database, home=tenant)
    for _ in range(batches):
        recorder.insert_events(batch(rows))
    return batches * rows


@dataclass
class Tail:
    """Follows one tenant by sequence, as a follower does, and keeps what it saw in the order it saw it."""

    database: Database
    tenant: UUID
    seen: list[tuple[int, int, UUID, int]] = field(default_factory=list)

    def look(self) -> int:
        """Read once after what was seen; how much was new."""
        last = self.seen[-1][0] if self.seen else 0
        with bound_to(self.tenant):
            rows = self.database.rows(
                "SELECT sequence, position, stream_id, stream_version FROM sequenced"
                " WHERE sequence > %s ORDER BY sequence LIMIT 500",
                (last,),
            )
        self.seen += [(row[0], row[1], row[2], row[3]) for row in rows]
        return len(rows)

    def follow(self, until: Event) -> None:
        """Look again and again, once more after `until`."""
        while not until.is_set():
            if self.look() == 0:
                until.wait(0.001)
        while self.look():
            pass


def assert_whole(seen: Sequence[tuple[int, int, UUID, int]], written: int) -> None:
    """Nothing missed, nothing twice, positions dense from 0, each stream in its own order."""
    assert len(seen) == written
    assert [row[1] for row in seen] == list(range(written))
    assert len({(stream, version) for _, _, stream, version in seen}) == written
    reached: dict[UUID, int] = {}
    for _, _, stream, version in seen:
        assert version == reached.get(stream, 0) + 1
        reached[stream] = version
