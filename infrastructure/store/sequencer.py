"""The sequencer: takes events from the queue as they become visible and gives each its place. README D3.

One sequencer works at a time, by an advisory lock of its session and by compare-and-set on the head: one that lost its
connection without noticing can write nothing more. A batch is one transaction:

    take queue rows in order of qid       crash here: the rows are still queued
    number them: sequence, position, known time
    insert with leaf hashes, complete tiles, move the heads
                                          crash here: nothing was committed, the rows are still queued
    commit                                crash here: all of it is durable, the rows are gone

Why qid order is each stream's order: version n+1 is written only after n was committed (`append_events` looks), so its
qid is drawn later. Rows of appends that are still running are not visible yet and come in a later batch; that is why
sequences are dense and nothing is filled in behind a follower.

The low-water mark lets the scan start where rows can still be. A row below it can appear no more: its append held the
queue's lock (ROW EXCLUSIVE, taken before its qid was drawn) when the mark was read, and has ended since.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from application.ports import Clock
from infrastructure.database import Database, WalledConnection
from infrastructure.ledger.tree.tile_writer import catch_up, complete_tiles

LOCK: Final = 5550917283
BATCH_APPENDS_MAX: Final = 2_048
MARK_SECONDS: Final = 1.0

TAKE: Final = (
    "SELECT qid, tenant_id, event_ids, stream_ids, stream_versions FROM event_queue"
    " WHERE qid >= %s ORDER BY qid LIMIT %s"
)
REMOVE: Final = "DELETE FROM event_queue WHERE qid = ANY(%b::bigint[])"
INSERT: Final = (
    "INSERT INTO sequenced SELECT n.*, sha256('\\x00'::bytea || e.header)"
    " FROM unnest(%b::bigint[], %b::uuid[], %b::bigint[], %b::uuid[], %b::uuid[], %b::int[], %b::timestamptz[])"
    " AS n(sequence, tenant_id, position, event_id, stream_id, stream_version, recorded_at)"
    " JOIN event e USING (tenant_id, stream_id, stream_version) WHERE e.event_id = n.event_id"
)
# A mark a second, of those in which anything happened: the last hour of them tells since when a follower is behind.
MARKS_KEPT: Final = 3_600
MARK: Final = (
    "WITH marked AS (INSERT INTO sequence_mark SELECT sequence, %s FROM sequencer_head WHERE sequence > 0"
    " ON CONFLICT DO NOTHING RETURNING sequence)"
    " DELETE FROM sequence_mark WHERE EXISTS (SELECT FROM marked) AND sequence <="
    " (SELECT sequence FROM sequence_mark ORDER BY sequence DESC OFFSET %s LIMIT 1)"
)
MOVE: Final = "UPDATE sequencer_head SET sequence = %s WHERE sequence = %s"
HEADS: Final = (
    "SELECT tenant_id, size, recorded_at FROM ledger_head WHERE tenant_id = ANY(%b::uuid[])"
)
MOVE_HEADS: Final = (
    "INSERT INTO ledger_head SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::timestamptz[])"
    " ON CONFLICT (tenant_id) DO UPDATE SET size = excluded.size, recorded_at = excluded.recorded_at"
)
WRITERS: Final = (
    "SELECT DISTINCT l.virtualtransaction FROM pg_locks l"
    " WHERE l.relation = 'event_queue'::regclass AND l.mode = 'RowExclusiveLock' AND l.pid <> pg_backend_pid()"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class NotTheSequencer(Exception):
    """Someone else moved the head: this sequencer has to stop."""


class EventsMissing(Exception):
    """The queue names events that are not stored as they were queued: someone changed rows by hand."""


@dataclass(slots=True)
class Numbered:
    """A batch with its numbers, as columns."""

    sequences: list[int] = field(default_factory=list)
    tenants: list[UUID] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    events: list[UUID] = field(default_factory=list)
    streams: list[UUID] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)


@dataclass(slots=True)
class Mark:
    """A low-water mark on its way: `qid` becomes the mark once none of `writers` is running any more."""

    qid: int
    writers: frozenset[str]


class Sequencer:
    """Gives places to queued events. `take_office` first; then `run_once` in a loop."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._low_water = 0
        self._coming: Mark | None = None

    def take_office(self, connection: WalledConnection) -> bool:
        """True when this session is the one sequencer; it is until the session ends."""
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        if row != (True,):
            return False
        mark = connection.execute("SELECT low_water FROM sequencer_head").fetchone()
        assert mark is not None
        self._low_water = mark[0]
        catch_up(connection)
        # After a crash of the server qids may be drawn again that were never committed: only the kept mark counts.
        self._coming = None
        return True

    def sequence_now(self) -> int:
        """One batch on a connection of its own, waiting for the office: for tests and tools."""
        with self._database.connection() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
            try:
                return self.run_once(connection)
            finally:
                connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))

    def run_once(self, connection: WalledConnection, limit: int = BATCH_APPENDS_MAX) -> int:
        """Give places to the events of at most `limit` appends; how many got one. Durable on return.

        Raises NotTheSequencer.
        """
        with connection.transaction():
            rows = connection.execute(TAKE, (self._low_water, limit), binary=True).fetchall()
            if not rows:
                return 0
            head = connection.execute("SELECT sequence FROM sequencer_head").fetchone()
            assert head is not None
            now = self._clock.now()
            sizes = self._heads(connection, {row[1] for row in rows})
            before = {
                tenant: sizes[tenant][0] if tenant in sizes else 0
                for tenant in {row[1] for row in rows}
            }
            batch = number(rows, head[0], sizes, now)
            self._write(connection, batch, head[0], [row[0] for row in rows], sizes)
            complete_tiles(connection, {one: (size, sizes[one][0]) for one, size in before.items()})
        return len(batch.sequences)

    def _heads(
        self, connection: WalledConnection, tenants: set[UUID]
    ) -> dict[UUID, tuple[int, datetime]]:
        found = connection.execute(HEADS, (list(tenants),), binary=True).fetchall()
        return {tenant: (size, recorded_at) for tenant, size, recorded_at in found}

    def _write(
        self,
        connection: WalledConnection,
        batch: Numbered,
        head: int,
        qids: list[int],
        sizes: dict[UUID, tuple[int, datetime]],
    ) -> None:
        moved = connection.execute(MOVE, (batch.sequences[-1], head))
        removed = connection.execute(REMOVE, (qids,))
        if moved.rowcount != 1 or removed.rowcount != len(qids):
            raise NotTheSequencer()
        inserted = connection.execute(
            INSERT,
            (
                batch.sequences,
                batch.tenants,
                batch.positions,
                batch.events,
                batch.streams,
                batch.versions,
                batch.times,
            ),
        )
        if inserted.rowcount != len(batch.sequences):
            raise EventsMissing(
                f"{len(batch.sequences) - inserted.rowcount} queued events are not stored"
            )
        changed = list(set(batch.tenants))
        connection.execute(
            MOVE_HEADS,
            (
                changed,
                [sizes[tenant][0] for tenant in changed],
                [sizes[tenant][1] for tenant in changed],
            ),
        )

    def mark_time(self, connection: WalledConnection) -> None:
        """Note how far the order is now; call it every second or so, between batches."""
        connection.execute(MARK, (self._clock.now(), MARKS_KEPT))

    def raise_mark(self, connection: WalledConnection) -> int:
        """Raise the low-water mark as far as it can be; call it every second or so, between batches."""
        with connection.transaction():
            writers = frozenset(row[0] for row in connection.execute(WRITERS).fetchall())
        if self._coming is not None and not (self._coming.writers & writers):
            first = connection.execute(
                "SELECT qid FROM event_queue WHERE qid >= %s ORDER BY qid LIMIT 1",
                (self._low_water,),
            ).fetchone()
            reached = self._coming.qid if first is None else min(self._coming.qid, first[0])
            self._keep_mark(connection, max(self._low_water, reached))
            self._coming = None
        if self._coming is None:
            drawn = connection.execute("SELECT last_value FROM event_queue_qid_seq").fetchone()
            assert drawn is not None
            running = frozenset(row[0] for row in connection.execute(WRITERS).fetchall())
            self._coming = Mark(drawn[0], running)
        return self._low_water

    def _keep_mark(self, connection: WalledConnection, mark: int) -> None:
        if mark != self._low_water:
            connection.execute("UPDATE sequencer_head SET low_water = %s", (mark,))
            self._low_water = mark


def number(
    rows: list[tuple[Any, ...]], head: int, sizes: dict[UUID, tuple[int, datetime]], now: datetime
) -> Numbered:
    """Number the events of queue rows (qid, tenant, events, streams, versions) after `head`; `sizes` is moved along.

    Known time never goes back within a tenant, whatever the clock does.
    """
    batch = Numbered()
    for _, tenant, events, streams, versions in rows:
        size, last = sizes.get(tenant, (0, now))
        known = max(now, last)
        count = len(events)
        sizes[tenant] = (size + count, known)
        batch.sequences += range(head + 1, head + 1 + count)
        batch.tenants += [tenant] * count
        batch.positions += range(size, size + count)
        batch.events += events
        batch.streams += streams
        batch.versions += versions
        batch.times += [known] * count
        head += count
    return batch
