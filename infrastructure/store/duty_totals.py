"""The port `DutyTotals` on PostgreSQL: one row, written by whoever sees all tenants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from application.requests.duties import DutyCounts
from infrastructure.database import Database

KEEP: Final = (
    "INSERT INTO duty_total (late, soon, counted_at) VALUES (%s, %s, %s) ON CONFLICT (is_all)"
    " DO UPDATE SET late = excluded.late, soon = excluded.soon, counted_at = excluded.counted_at RETURNING is_all"
)
WHOSE: Final = (
    "SELECT tenant_id FROM catalog WHERE due_from < %s UNION SELECT tenant_id FROM courier_follow_up_v1 WHERE is_open"
    " UNION SELECT tenant_id FROM access_review_v1 WHERE outcome IS NULL ORDER BY tenant_id"
)


def tenants_due(everyone: Database, before: datetime) -> list[UUID]:
    """The tenants of whom something may be due before an instant; asked by a role that sees them all."""
    return [row[0] for row in everyone.rows(WHOSE, (before,))]


@dataclass(frozen=True, slots=True)
class PostgresDutyTotals:
    """See the port. The app's role reads, the follower's writes."""

    database: Database

    def keep(self, counts: DutyCounts, at: datetime) -> None:
        """See the port."""
        self.database.row(KEEP, (counts.late, counts.soon, at))

    def total(self) -> DutyCounts | None:
        """See the port."""
        row = self.database.row("SELECT late, soon FROM duty_total")
        return None if row is None else DutyCounts(*row)
