"""Events go back into the database at the places they had. A batch is one transaction, so a crash repeats nothing.

    note which logs get events back, and what is to be made anew    crash here: the guard holds the deployment
    a batch: events, places, leaf hashes, full tiles, heads         crash here: the head says how far it is

The head moves by compare-and-set. The queue's low-water mark goes back to 0: the sequencer then looks at the queue from
its beginning, and raises the mark again within seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

import psycopg

from infrastructure.ledger.publishing.mirror import Mirror, MirroredEvent
from infrastructure.ledger.tree.merkle import leaf_hash
from infrastructure.ledger.tree.tile_writer import complete_tiles
from infrastructure.recovery.missing import Missing
from infrastructure.recovery.waiting import RecoveryRefused, Waiting, contradiction

BATCH_EVENTS_MAX: Final = 1_000
BATCH_BYTES_MAX: Final = 16 * 1024 * 1024

NOTE: Final = (
    "INSERT INTO recovery SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[]) ON CONFLICT (tenant_id)"
    " DO UPDATE SET restored = greatest(recovery.restored, excluded.restored), rebuilt = false"
)
# Read models follow the events from their beginning again.
READ_MODELS: Final = (
    "agenda_v1",
    "consents_v1",
    "keeping_v1",
    "access_event_v1",
    "access_subject_v1",
    "access_holder_v1",
    "access_review_v1",
    "recipient_v1",
    "disclosure_v1",
    "disclosure_step_v1",
    "shared_v1",
    "courier_due_v1",
    "courier_change_v1",
    "courier_handed_v1",
    "courier_follow_up_v1",
    "withheld_disclosure_v1",
    "withheld_tag_v1",
    "figure_booking_v1",
    "figure_work_v1",
)
BEGIN_READ_MODELS: Final = (
    "UPDATE read_model SET sequence = 0, state = 'following', error = NULL, failed_event = NULL, failed_type = NULL,"
    " fingerprint = NULL WHERE state <> 'retired'"
)
# What was being made anew is of the events as they were before: it begins again when somebody orders it again.
FORGET_BUILDS: Final = "DELETE FROM read_model_build"
END_JOBS: Final = (
    "UPDATE read_model_job SET state = 'failed', error = 'restored', ended_at = now()"
    " WHERE ended_at IS NULL"
)
EVENTS: Final = (
    "INSERT INTO event (tenant_id, stream_id, stream_version, event_id, type, header, state) SELECT * FROM"
    " unnest(%b::uuid[], %b::uuid[], %b::int[], %b::uuid[], %b::text[], %b::bytea[], %b::bytea[])"
    " ON CONFLICT DO NOTHING"
)
DIFFERENT: Final = (
    "SELECT w.at FROM unnest(%b::int[], %b::uuid[], %b::uuid[], %b::int[], %b::uuid[], %b::text[], %b::bytea[],"
    " %b::bytea[]) AS w(at, tenant_id, stream_id, stream_version, event_id, type, header, state)"
    " JOIN event e USING (tenant_id, stream_id, stream_version)"
    " WHERE (e.event_id, e.type, e.header, e.state) IS DISTINCT FROM (w.event_id, w.type, w.header, w.state)"
    " ORDER BY 1 LIMIT 1"
)
PLACES: Final = (
    "INSERT INTO sequenced (sequence, tenant_id, position, event_id, stream_id, stream_version, recorded_at,"
    " leaf_hash) SELECT * FROM unnest(%b::bigint[], %b::uuid[], %b::bigint[], %b::uuid[], %b::uuid[], %b::int[],"
    " %b::timestamptz[], %b::bytea[])"
)
UNQUEUE: Final = "DELETE FROM event_queue WHERE qid = ANY(%b::bigint[])"
MOVE: Final = "UPDATE sequencer_head SET sequence = %s, low_water = 0 WHERE sequence = %s"
MOVE_HEADS: Final = (
    "INSERT INTO ledger_head SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::timestamptz[])"
    " ON CONFLICT (tenant_id) DO UPDATE SET size = excluded.size, recorded_at = excluded.recorded_at"
)


def begin(connection: psycopg.Connection[Any], missing: Missing) -> None:
    """Note down what is to be done, durably; the read models begin again."""
    logs = missing.logs
    columns = (
        list(logs),
        [found for found, _ in logs.values()],
        [to_be for _, to_be in logs.values()],
    )
    with connection.transaction():
        connection.execute(NOTE, columns)
        for table in READ_MODELS:
            connection.execute(f"DELETE FROM {table}".encode())
        connection.execute("DELETE FROM retained_state")  # they follow from the events, too
        connection.execute(BEGIN_READ_MODELS)
        connection.execute(FORGET_BUILDS)
        connection.execute(END_JOBS)


def bring_back(
    connection: psycopg.Connection[Any], mirror: Mirror, missing: Missing
) -> Iterator[int]:
    """Import the missing events; gives after each batch how many it had. Raises RecoveryRefused, MirrorDamaged."""
    waiting = Waiting.read(connection)
    sizes = {tenant: found for tenant, (found, _) in missing.logs.items()}
    for batch in batches(mirror.read(missing.first - 1)):
        done = [qid for event in batch if (qid := waiting.take(event)) is not None]
        with connection.transaction():
            grown = _import(connection, batch, sizes, done)
        sizes |= grown
        yield len(batch)


def _import(
    connection: psycopg.Connection[Any],
    batch: list[MirroredEvent],
    before: Mapping[UUID, int],
    done: list[int],
) -> dict[UUID, int]:
    """One batch, inside the caller's transaction; the sizes of its logs after it."""
    moved = connection.execute(MOVE, (batch[-1].sequence, batch[0].sequence - 1))
    if moved.rowcount != 1:
        raise RecoveryRefused("somebody else sequences events in this database")
    columns = _columns(batch)
    if connection.execute(EVENTS, columns).rowcount != len(batch):
        different = connection.execute(DIFFERENT, (list(range(len(batch))), *columns)).fetchone()
        if different is not None:
            raise contradiction(batch[different[0]], "the database has another event there")
    tenants, streams, versions, ids = columns[:4]
    connection.execute(
        PLACES,
        (
            [event.sequence for event in batch],
            tenants,
            [event.position for event in batch],
            ids,
            streams,
            versions,
            [event.recorded_at for event in batch],
            [leaf_hash(event.header) for event in batch],
        ),
    )
    if done:
        connection.execute(UNQUEUE, (done,))
    last = {event.tenant: event for event in batch}
    grown = {tenant: event.position + 1 for tenant, event in last.items()}
    connection.execute(
        MOVE_HEADS,
        (list(last), list(grown.values()), [event.recorded_at for event in last.values()]),
    )
    complete_tiles(connection, {one: (before[one], size) for one, size in grown.items()})
    return grown


def _columns(batch: list[MirroredEvent]) -> tuple[list[object], ...]:
    return (
        [event.tenant for event in batch],
        [event.stream for event in batch],
        [event.version for event in batch],
        [event.event_id for event in batch],
        [event.type for event in batch],
        [event.header for event in batch],
        [event.payload for event in batch],
    )


def batches(events: Iterable[MirroredEvent]) -> Iterator[list[MirroredEvent]]:
    """Events in batches, bounded in number and in bytes."""
    batch: list[MirroredEvent] = []
    size = 0
    for event in events:
        batch.append(event)
        size += len(event.header) + len(event.payload)
        if len(batch) >= BATCH_EVENTS_MAX or size >= BATCH_BYTES_MAX:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
