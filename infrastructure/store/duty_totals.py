"""The port `DutyTotals` on PostgreSQL: one row, written by whoever sees all tenants."""

from __future__ import annotations

from collections.abc import Sequence
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
    "SELECT t FROM unnest(%b::uuid[]) t WHERE EXISTS (SELECT FROM catalog c WHERE c.tenant_id = t"
    " AND c.kind = ANY('{privacy_request,legal_process,legal_hold}') AND c.due_from < %s)"
    " OR EXISTS (SELECT FROM courier_follow_up_v1 f WHERE f.tenant_id = t AND f.is_open)"
    " OR EXISTS (SELECT FROM access_review_v1 r WHERE r.tenant_id = t AND r.outcome IS NULL)"
)


def tenants_due(everyone: Database, tenants: Sequence[UUID], before: datetime) -> list[UUID]:
    """Those of whom something may be due before an instant; asked by a role that sees them all."""
    return [row[0] for row in everyone.rows(WHOSE, (list(tenants), before))]


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
