"""The read model `courier`: what is to be looked at and when, who has whose data, which follow-ups there are.

It tells the courier where to look, and nothing more: what is done is decided from the streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString, Protocol
from uuid import UUID

from application.disclosing.courier import DueThing
from application.disclosing.courier_rows import CONSUMED, CourierRows
from application.following import Sequenced
from application.setup.register import CreationKey
from projections.engine.arrays import columns
from projections.engine.read_model import Connection

NAME: Final = "courier"
VERSION: Final = 1
TABLES: Final = (
    "courier_due_v1",
    "courier_handed_v1",
    "courier_follow_up_v1",
    "courier_change_v1",
)
HANDED_MAX: Final = 100_000

ENTER: Final[LiteralString] = (
    "INSERT INTO courier_due_v1 (tenant_id, thing_id, kind, stream_id, recipient_id, due_at)"
    " SELECT * FROM unnest(%b::uuid[], %b::uuid[], %s::text[], %b::uuid[], %b::uuid[], %b::timestamptz[])"
    " ON CONFLICT (tenant_id, thing_id) DO UPDATE SET due_at = excluded.due_at"
)
MOVE: Final[LiteralString] = (
    "UPDATE courier_due_v1 d SET due_at = x.at FROM unnest(%b::uuid[], %b::uuid[], %b::timestamptz[]) AS x(t, i, at)"
    " WHERE d.tenant_id = x.t AND d.thing_id = x.i"
)
DROP: Final[LiteralString] = (
    "DELETE FROM courier_due_v1 d USING unnest(%b::uuid[], %b::uuid[]) AS x(t, i)"
    " WHERE d.tenant_id = x.t AND d.thing_id = x.i"
)
HAND: Final[LiteralString] = (
    "INSERT INTO courier_handed_v1 (tenant_id, subject_id, disclosure_id)"
    " SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[]) ON CONFLICT DO NOTHING"
)
CHANGE: Final[LiteralString] = (
    "INSERT INTO courier_change_v1 (tenant_id, position, kind, event_id, stream_id)"
    " SELECT * FROM unnest(%b::uuid[], %b::bigint[], %s::text[], %b::uuid[], %b::uuid[])"
)
LIST: Final[LiteralString] = (
    "INSERT INTO courier_follow_up_v1 (tenant_id, follow_up_id, recipient_id, ordered_at, is_open)"
    " SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::timestamptz[], %b::bool[]) ON CONFLICT DO NOTHING"
)
CLOSE: Final[LiteralString] = (
    "UPDATE courier_follow_up_v1 f SET is_open = false FROM unnest(%b::uuid[], %b::uuid[]) AS x(t, i)"
    " WHERE f.tenant_id = x.t AND f.follow_up_id = x.i"
)


CHANGED: Final = (
    "SELECT kind, event_id, stream_id, NULL::uuid FROM courier_change_v1 WHERE tenant_id = %b AND position >"
    " coalesce((SELECT position FROM courier_mark WHERE tenant_id = %b), -1) ORDER BY position LIMIT %s"
)
# The mark moves on by one at a time, in order: what could not be followed up stays due, and what comes after it.
DONE: Final = (
    "INSERT INTO courier_mark AS m (tenant_id, position) SELECT c.tenant_id, c.position FROM courier_change_v1 c"
    " WHERE c.tenant_id = %b AND c.event_id = %b AND NOT EXISTS (SELECT FROM courier_change_v1 b"
    " WHERE b.tenant_id = c.tenant_id AND b.position < c.position AND b.position >"
    " coalesce((SELECT position FROM courier_mark k WHERE k.tenant_id = c.tenant_id), -1))"
    " ON CONFLICT (tenant_id) DO UPDATE SET position = greatest(m.position, excluded.position)"
)


class Rows(Protocol):
    """Runs one statement for the bound tenant."""

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All its rows."""
        ...


FOLLOW_UPS: Final[LiteralString] = (
    "SELECT ordered_at, follow_up_id FROM courier_follow_up_v1 WHERE tenant_id = %b"
    " AND (%s::timestamptz IS NULL OR (ordered_at, follow_up_id) > (%s, %b))"
    " AND (%s::bool IS NULL OR is_open = %s) ORDER BY ordered_at, follow_up_id LIMIT %s"
)


@dataclass(frozen=True, slots=True)
class CourierModel:
    """Takes in the events of disclosures and follow-ups, and the changes that recipients have to be told of."""

    name: str = NAME
    version: int = VERSION
    tables: tuple[LiteralString, ...] = TABLES
    consumes: frozenset[type] = CONSUMED

    def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
        """See ReadModel."""
        batch = CourierRows()
        for one in events:
            batch.take(one.event, one.position)
        # Handed and listed rows first: whoever sees that something is due may ask for them.
        _run(connection, HAND, list(batch.handed))
        _run(connection, LIST, [(*key, *row) for key, row in batch.listed.items()])
        _run(connection, CHANGE, batch.changed)
        _run(connection, CLOSE, list(batch.closed))
        _run(connection, DROP, list(batch.dropped))
        _run(connection, MOVE, [(*key, due) for key, due in batch.moved.items()])
        _run(connection, ENTER, [(*key, *row) for key, row in batch.entered.items()])


@dataclass(frozen=True, slots=True)
class PostgresCourier:
    """The ports `DueThings`, `HandedTo` and `FollowUpList`."""

    database: Rows

    def due(self, tenant: UUID, now: datetime, limit: int) -> Sequence[DueThing]:
        """See the port."""
        rows = self.database.rows(
            "SELECT kind, thing_id, stream_id, recipient_id FROM courier_due_v1"
            " WHERE tenant_id = %b AND due_at <= %s ORDER BY due_at, thing_id LIMIT %s",
            (tenant, now, limit),
        )
        changed = self.database.rows(CHANGED, (tenant, tenant, limit))
        return [DueThing(*row) for row in (*rows, *changed)][:limit]

    def done(self, tenant: UUID, change: UUID) -> None:
        """See the port."""
        self.database.rows(DONE, (tenant, change))

    def disclosures(self, tenant: UUID, subject: UUID) -> Sequence[UUID]:
        """See the port."""
        rows = self.database.rows(
            "SELECT disclosure_id FROM courier_handed_v1 WHERE tenant_id = %b AND subject_id = %b"
            " ORDER BY disclosure_id LIMIT %s",
            (tenant, subject, HANDED_MAX),
        )
        return [row[0] for row in rows]

    def page(
        self, tenant: UUID, limit: int, after: CreationKey | None, *, is_open: bool | None
    ) -> Sequence[tuple[datetime, UUID]]:
        """See the port."""
        at, id = after or (None, None)
        rows = self.database.rows(FOLLOW_UPS, (tenant, at, at, id, is_open, is_open, limit))
        return [(row[0], row[1]) for row in rows]


def _run(connection: Connection, statement: LiteralString, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        connection.execute(statement, columns(rows))


def tenants_due(everyone: Rows, now: datetime) -> list[UUID]:
    """The tenants of whom something is due by `now`; asked by a role that sees them all."""
    rows = everyone.rows(
        "SELECT h.tenant_id FROM ledger_head h WHERE EXISTS (SELECT FROM courier_due_v1 d"
        " WHERE d.tenant_id = h.tenant_id AND d.due_at <= %s)"
        " OR EXISTS (SELECT FROM courier_change_v1 c WHERE c.tenant_id = h.tenant_id AND c.position >"
        " coalesce((SELECT position FROM courier_mark m WHERE m.tenant_id = h.tenant_id), -1)) ORDER BY h.tenant_id",
        (now,),
    )
    return [row[0] for row in rows]
