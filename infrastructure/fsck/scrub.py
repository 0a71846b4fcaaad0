"""The scrub: every stored event is looked at again within a set number of days, a few at a time, for good.

A round follows the order of the deployment from its first event to its last: each entry in itself, and each tile when
its last entry is passed. Its place is in the database, so a round goes on where a process has ended.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg

from domain.values import public_id
from infrastructure.fsck.entries import flaws_of_entry
from infrastructure.fsck.finding import Finding, Row
from infrastructure.fsck.tree import LEVEL_MAX, tile_flaws
from infrastructure.ledger.tree.merkle import HASH_SIZE
from infrastructure.ledger.tree.tiles import TILE_WIDTH

EVENTS_AT_ONCE: Final = 500
EVENTS_A_SECOND_MIN: Final = 20  # a small log need not wait for days
SHARE_OF_TIME: Final = 0.9  # a round is planned to be done somewhat early
ROUND_MIN: Final = timedelta(hours=1)  # from the beginning of one round to that of the next
SCRUB: Final = "scrub"
Connection = psycopg.Connection[Any]

# One row at most, and only the process that has it locked goes on.
BEGIN: Final = "INSERT INTO scrub (sequence, begun_at) VALUES (0, %s) ON CONFLICT DO NOTHING"
PLACE: Final = "SELECT sequence, begun_at, finished_at FROM scrub FOR UPDATE"
HEAD: Final = "SELECT sequence FROM sequencer_head"
# The batch first, then each event by its key: no plan may read more of the events than the batch has.
AFTER: Final = (
    "WITH batch AS MATERIALIZED (SELECT tenant_id, position, sequence, recorded_at, leaf_hash, event_id, stream_id,"
    " stream_version FROM sequenced WHERE sequence > %s ORDER BY sequence LIMIT %s)"
    " SELECT b.*, e.event_id, e.type, e.header, e.state FROM batch b LEFT JOIN LATERAL ("
    " SELECT event_id, type, header, state FROM event e WHERE e.tenant_id = b.tenant_id AND e.stream_id = b.stream_id"
    " AND e.stream_version = b.stream_version OFFSET 0) e ON true ORDER BY b.sequence"
)
LEAVES: Final = (
    "SELECT string_agg(leaf_hash, ''::bytea ORDER BY position) FROM sequenced"
    " WHERE tenant_id = %s AND position >= %s AND position < %s"
)
ROOTS: Final = (
    "SELECT string_agg(root, ''::bytea ORDER BY n) FROM ledger_tile"
    " WHERE tenant_id = %s AND n >= %s AND n < %s AND level = %s"
)
TILE: Final = "SELECT root, data FROM ledger_tile WHERE tenant_id = %s AND level = %s AND n = %s"
FOUND: Final = (
    "INSERT INTO scrub_finding VALUES (%s, %s, %s, %s, %s) ON CONFLICT (tenant_id, position, reason)"
    " DO UPDATE SET seen_at = excluded.seen_at RETURNING found_at = seen_at"
)
MOVE: Final = "UPDATE scrub SET sequence = %s"
FINISH: Final = "UPDATE scrub SET finished_at = %s, last_begun_at = begun_at, last_finished_at = %s"
FORGET: Final = "DELETE FROM scrub_finding WHERE seen_at < %s"
AGAIN: Final = "UPDATE scrub SET sequence = 0, begun_at = %s, finished_at = NULL"
STATE: Final = "SELECT sequence, begun_at, finished_at, last_begun_at, last_finished_at FROM scrub"
FINDINGS: Final = (
    "SELECT tenant_id, position, reason, found_at FROM scrub_finding"
    " ORDER BY found_at, tenant_id, position, reason LIMIT %s"
)

log = logging.getLogger("daybook.scrub")


def events_due(total: int, elapsed: timedelta, days: int) -> int:
    """How many of `total` events a round should have looked at by now, so that it is done within `days`.

    >>> events_due(1_000, timedelta(seconds=10), 7), events_due(10**9, timedelta(days=3.5), 7)
    (200, 555555555)
    """
    seconds = max(0.0, elapsed.total_seconds())
    share = seconds / (days * 86_400 * SHARE_OF_TIME)
    return min(total, max(int(total * share), int(seconds * EVENTS_A_SECOND_MIN)))


def scrub_some(connection: Connection, now: datetime, days: int) -> int:
    """Look at the events that are due, at most 500 of them; how many. What is wrong is stored, and logged once."""
    with connection.transaction():
        connection.execute(BEGIN, (now,))
        place = connection.execute(PLACE).fetchone()
        head = connection.execute(HEAD).fetchone()
        assert place is not None
        assert head is not None, "both rows are there from the beginning"
        sequence, begun_at, finished_at = int(place[0]), place[1], place[2]
        if finished_at is not None:
            if now - begun_at < ROUND_MIN:
                return 0
            connection.execute(AGAIN, (now,))
            sequence, begun_at = 0, now
        last = int(head[0])
        count = min(events_due(last, now - begun_at, days) - sequence, EVENTS_AT_ONCE)
        if count > 0:
            sequence = _look(connection, sequence, count, now)
        if count > 0 or sequence >= last:
            connection.execute(MOVE, (sequence,))
        if sequence >= last:
            connection.execute(FINISH, (now, now))
            connection.execute(FORGET, (begun_at,))
    return max(count, 0)


def _look(connection: Connection, after: int, count: int, now: datetime) -> int:
    """Look at the events that come next; how far that goes, past events that are gone."""
    rows = connection.execute(AFTER, (after, count), binary=True).fetchall()
    for finding in _flaws(connection, after, rows):
        values = (finding.tenant, finding.index, finding.reason, now, now)
        row = connection.execute(FOUND, values).fetchone()
        if row == (True,):
            assert finding.tenant is not None
            tenant = public_id("tenant", finding.tenant)
            log.error("event %s of %s is damaged: %s", finding.index, tenant, finding.reason)
    return int(rows[-1][2]) if rows else after + count


def _flaws(connection: Connection, after: int, rows: Sequence[Row]) -> Iterator[Finding]:
    for row in rows:
        tenant, position, sequence = row[:3]
        if sequence != after + 1:
            yield Finding(SCRUB, tenant, position, "what stood before it in the order is missing")
        after = sequence
        for reason in flaws_of_entry(row):
            yield Finding(SCRUB, tenant, position, reason)
        for level in range(LEVEL_MAX + 1):
            n, rest = divmod(position + 1, TILE_WIDTH ** (level + 1))
            if rest:
                break
            yield from _tile(connection, tenant, level, n - 1)


def _tile(connection: Connection, tenant: UUID, level: int, n: int) -> Iterator[Finding]:
    bounds = (tenant, n * TILE_WIDTH, (n + 1) * TILE_WIDTH)
    below = (
        connection.execute(ROOTS, (*bounds, level - 1), binary=True)
        if level
        else connection.execute(LEAVES, bounds, binary=True)
    ).fetchone()
    hashes = below[0] if below else None
    if hashes is None or len(hashes) != TILE_WIDTH * HASH_SIZE:
        reason = f"something of what fills tile {n} of level {level} is missing"
        yield Finding(SCRUB, tenant, n << 8 * (level + 1), reason)
        return
    tile = connection.execute(TILE, (tenant, level, n), binary=True).fetchone()
    yield from tile_flaws(level, (tenant, n), hashes, tile)


@dataclass(frozen=True, slots=True)
class ScrubState:
    """How far the scrub is. `finished_at` is None while the round runs; `last_*` are of the last one that was done."""

    sequence: int
    total: int
    begun_at: datetime
    finished_at: datetime | None
    last_begun_at: datetime | None
    last_finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class ScrubFinding:
    """Something that the scrub saw, and that no whole round since has not seen."""

    tenant: UUID
    position: int
    reason: str
    found_at: datetime


def scrub_state(connection: Connection) -> ScrubState | None:
    """How far the scrub is; None before its first round."""
    row = connection.execute(STATE).fetchone()
    head = connection.execute(HEAD).fetchone()
    if row is None or head is None:
        return None
    return ScrubState(row[0], head[0], *row[1:])


def scrub_findings(connection: Connection, limit: int) -> list[ScrubFinding]:
    """What the scrub found, oldest first."""
    rows = connection.execute(FINDINGS, (limit,), binary=True).fetchall()
    return [ScrubFinding(*row) for row in rows]
