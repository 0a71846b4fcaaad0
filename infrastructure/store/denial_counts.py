"""The port `DenialCounts` on PostgreSQL: one row for each kind of denial and minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from application.access.denials import Counted
from domain.access import Field
from infrastructure.database import Database, Row

COLUMNS: Final = (
    "denial_id, minute, actor, subject_id, case_ref, reason, purpose, fields, count, last_at"
)
ADD: Final = (
    f"INSERT INTO denial_count (tenant_id, {COLUMNS}, settled)"
    " VALUES (%b, %b, %b, %s, %b, %s, %s, %s, %s, 1, %b, 0) ON CONFLICT (tenant_id, denial_id) DO UPDATE"
    " SET count = denial_count.count + 1, purpose = excluded.purpose, fields = excluded.fields,"
    " last_at = greatest(denial_count.last_at, excluded.last_at) RETURNING count"
)
UNSETTLED: Final = (
    f"SELECT {COLUMNS} FROM denial_count WHERE tenant_id = %b AND minute <= %b AND count > settled"
    " ORDER BY minute LIMIT %s"
)
SETTLE: Final = (
    "UPDATE denial_count SET settled = greatest(settled, least(count, %s::int))"
    " WHERE tenant_id = %b AND denial_id = %b"
)
FORGET: Final = "DELETE FROM denial_count WHERE tenant_id = %b AND minute <= %b AND settled = count"


@dataclass(frozen=True, slots=True)
class PostgresDenialCounts:
    """See the port."""

    database: Database

    def add(self, tenant: UUID, one: Counted) -> int:
        """See the port."""
        row = self.database.row(
            ADD,
            (
                tenant,
                one.id,
                one.minute,
                one.actor,
                one.subject,
                one.case,
                one.reason,
                one.purpose,
                ",".join(one.fields),
                one.last_at,
            ),
        )
        assert row is not None, "an upsert gives its row"
        return int(row[0])

    def unsettled(self, tenant: UUID, before: datetime, limit: int) -> Sequence[Counted]:
        """See the port."""
        rows = self.database.rows(UNSETTLED, (tenant, before, limit))
        return [_counted(row) for row in rows]

    def settle(self, tenant: UUID, id: UUID, count: int) -> None:
        """See the port."""
        self.database.rows(SETTLE, (count, tenant, id))

    def forget(self, tenant: UUID, before: datetime) -> None:
        """See the port."""
        self.database.rows(FORGET, (tenant, before))


def _counted(row: Row) -> Counted:
    id, minute, actor, subject, case, reason, purpose, fields, count, last_at = row
    names = cast(tuple[Field, ...], tuple(fields.split(",")) if fields else ())
    return Counted(id, minute, actor, subject, case, reason, purpose, names, count, last_at)
