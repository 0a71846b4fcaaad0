"""Each entry of each log: its bytes, its place, and that nothing is missing between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from infrastructure.fsck.finding import OF_TENANT, Finding, Row, Scope
from infrastructure.ledger.tree.intact import StoredRow, flaw_of_row
from infrastructure.ledger.tree.merkle import leaf_hash

ENTRIES: Final = (
    "SELECT s.tenant_id, s.position, s.sequence, s.recorded_at, s.leaf_hash, s.event_id, s.stream_id,"
    " s.stream_version, e.event_id, e.type, e.header, e.state"
    " FROM sequenced s LEFT JOIN event e USING (tenant_id, stream_id, stream_version)"
    f" WHERE {OF_TENANT.format('s')} ORDER BY s.sequence"
)
HEADS: Final = (
    f"SELECT tenant_id, size, recorded_at FROM ledger_head h WHERE {OF_TENANT.format('h')}"
)


@dataclass(slots=True)
class _Reached:
    """Where the reading of a log stands."""

    size: int = 0
    known_at: datetime | None = None


@dataclass(slots=True)
class _Order:
    """Where the reading of all logs stands; memory grows with the number of logs only."""

    sequence: int = 0
    logs: dict[UUID, _Reached] = field(default_factory=dict)


def entries(scope: Scope) -> Iterator[Finding]:
    """Leaf hash, header, payload and place of every entry, in the order of the deployment."""
    order = _Order()
    for row in scope.counted(scope.rows("entries", ENTRIES)):
        tenant, position = row[0], row[1]
        for reason in (*_places(order, row, everyone=scope.tenant is None), *flaws_of_entry(row)):
            yield Finding("entries", tenant, position, reason)
    yield from _heads(scope, order)


def _places(order: _Order, row: Row, *, everyone: bool) -> Iterator[str]:
    tenant, position, sequence, recorded_at = row[:4]
    log = order.logs.setdefault(tenant, _Reached())
    if position != log.size:
        yield f"it stands where entry {log.size} should: positions have a gap"
    if everyone and sequence != order.sequence + 1:
        yield f"its sequence {sequence} does not follow {order.sequence}"
    if log.known_at is not None and recorded_at < log.known_at:
        yield "it was known before the entry before it"
    log.size, log.known_at, order.sequence = position + 1, recorded_at, sequence


def flaws_of_entry(row: Row) -> Iterator[str]:
    """What is wrong with an entry in itself: a row of ENTRIES."""
    tenant, kept, entered, stream, version = row[0], row[4], row[5], row[6], row[7]
    event_id, kind, header, payload = row[8:]
    if event_id is None:
        yield "its event is missing"
        return
    if event_id != entered:
        yield "another event stands in its stream"
    if leaf_hash(header) != kept:
        yield "its header is not the one that was hashed"
    if flaw := flaw_of_row(StoredRow(tenant, stream, version, event_id, kind, header, payload)):
        yield flaw


def _heads(scope: Scope, order: _Order) -> Iterator[Finding]:
    heads = {row[0]: row for row in scope.rows("heads", HEADS)}
    for tenant in heads.keys() | order.logs.keys():
        log, head = order.logs.get(tenant, _Reached()), heads.get(tenant)
        if head is None:
            yield Finding("entries", tenant, None, "the log has entries and no head")
        elif head[1] != log.size:
            reason = f"the log's head says {head[1]} entries, and {log.size} end it"
            yield Finding("entries", tenant, min(head[1], log.size), reason)
        elif head[2] != log.known_at:
            reason = "the log's head was known at another time than its last entry"
            yield Finding("entries", tenant, log.size - 1, reason)
    if scope.tenant is None:
        row = scope.connection.execute("SELECT sequence FROM sequencer_head").fetchone()
        if row is None or row[0] != order.sequence:
            reason = f"the order's head says {row and row[0]}, and {order.sequence} ends it"
            yield Finding("entries", None, None, reason)
