"""The read model `keeping`: of whom something is sealed, by class and age; and until when what an erasure left is kept.

It says where to look for what has expired; nothing is decided from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, LiteralString
from uuid import UUID

from application.following import Sequenced
from application.holding.expiry import Aged
from application.holding.sealings import PERSONAL, sealed_by
from domain.custody import CustodyTaken
from domain.sealing import RetentionClass
from projections.agenda import Rows
from projections.engine.arrays import columns
from projections.engine.read_model import Connection

NAME: Final = "keeping"
VERSION: Final = 1
TABLES: Final = ("keeping_v1",)
SEALED: Final[LiteralString] = (
    "INSERT INTO keeping_v1 (tenant_id, subject_id, retention_class, recorded_at)"
    " SELECT * FROM unnest(%b::uuid[], %b::uuid[], %s::text[], %b::timestamptz[])"
    " ON CONFLICT (tenant_id, subject_id, retention_class)"
    " DO UPDATE SET recorded_at = greatest(keeping_v1.recorded_at, excluded.recorded_at)"
)
TAKEN: Final[LiteralString] = (
    "DELETE FROM keeping_v1 WHERE tenant_id = %b AND subject_id = %b AND retention_class = ANY(%s::text[])"
)
KEPT: Final[LiteralString] = (
    "UPDATE keeping_v1 k SET kept_until = x.until FROM unnest(%s::text[], %b::date[]) AS x(class, until)"
    " WHERE k.tenant_id = %b AND k.subject_id = %b AND k.retention_class = x.class"
)
AGED: Final[LiteralString] = (
    "SELECT subject_id, recorded_at FROM keeping_v1 WHERE tenant_id = %b AND retention_class = %s"
    " AND recorded_at < %b AND (recorded_at, subject_id) > (%s::timestamptz, %b)"
    " ORDER BY recorded_at, subject_id LIMIT %s"
)
OVER: Final[LiteralString] = (
    "SELECT DISTINCT subject_id FROM keeping_v1 WHERE tenant_id = %b AND kept_until IS NOT NULL"
    " AND kept_until < %b AND subject_id > %b ORDER BY subject_id LIMIT %s"
)
NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class KeepingModel:
    """Takes in what is sealed, taken and kept."""

    name: str = NAME
    version: int = VERSION
    tables: tuple[LiteralString, ...] = TABLES
    consumes: frozenset[type] = frozenset((*PERSONAL, CustodyTaken))

    def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
        """See ReadModel. What is sealed between two erasures is written at once."""
        sealed: dict[tuple[UUID, UUID, str], datetime] = {}
        for event in (one.event for one in events):
            for subject, name in sealed_by(event.decision):
                key = (event.tenant, subject, name)
                sealed[key] = max(event.occurred_at, sealed.get(key, event.occurred_at))
            if isinstance(event.decision, CustodyTaken):
                _write(connection, sealed)
                sealed = {}
                _take(connection, event.tenant, event.decision)
        _write(connection, sealed)


def _write(connection: Connection, sealed: dict[tuple[UUID, UUID, str], datetime]) -> None:
    if not sealed:
        return
    # In one order: two followers that write the same rows wait for one another, and not both.
    rows = [(*key, at) for key, at in sorted(sealed.items())]
    connection.execute(SEALED, columns(rows))


def _take(connection: Connection, tenant: UUID, it: CustodyTaken) -> None:
    connection.execute(TAKEN, (tenant, it.subject, list(it.classes)))
    if it.kept:
        names = [one.retention_class for one in it.kept]
        connection.execute(KEPT, (names, [one.until for one in it.kept], tenant, it.subject))


@dataclass(frozen=True, slots=True)
class PostgresKeeping:
    """The port `KeepingRows`: the model's questions."""

    database: Rows

    def aged(
        self,
        tenant: UUID,
        retention_class: RetentionClass,
        before: datetime,
        after: Aged | None,
        limit: int,
    ) -> list[Aged]:
        """See the port."""
        since = ("-infinity", NOBODY) if after is None else (after.recorded_at, after.subject)
        rows = self.database.rows(AGED, (tenant, retention_class, before, *since, limit))
        return [Aged(row[0], row[1]) for row in rows]

    def over(self, tenant: UUID, today: date, after: UUID | None, limit: int) -> list[UUID]:
        """See the port."""
        rows = self.database.rows(OVER, (tenant, today, after or NOBODY, limit))
        return [row[0] for row in rows]
