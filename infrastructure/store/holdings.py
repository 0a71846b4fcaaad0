"""The port `Holdings` on PostgreSQL: counted from headers, by the ledger's own index of whom they are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from time import monotonic, sleep
from typing import Final
from uuid import UUID

from application.people.people import Holding
from domain.errors import Behind
from infrastructure.database import Database

# A leaf is `daybook/leaf/v1`, a newline, and a header: 16 bytes before its JSON. Each leaf is read by its key.
# What is fenced is not held any more.
HELD: Final = (
    "SELECT held.type, held.class, count(*), min(held.at), max(held.at) FROM ("
    " SELECT e.type, seal ->> 'c' AS class, (e.header ->> 'at')::timestamptz AS at"
    " FROM subject_leaf l CROSS JOIN LATERAL ("
    "  SELECT v.type, convert_from(substr(v.header, 17), 'UTF8')::jsonb AS header FROM sequenced q"
    "  JOIN event v USING (tenant_id, stream_id, stream_version)"
    "  WHERE q.tenant_id = l.tenant_id AND q.position = l.position OFFSET 0) e"
    " CROSS JOIN LATERAL jsonb_array_elements(e.header -> 'seals') seal"
    " WHERE l.tenant_id = %b AND l.subject_id = %b AND seal ->> 's' = %s) held"
    " WHERE held.at <= %b::timestamptz AND NOT EXISTS (SELECT FROM subject_fence f"
    "  WHERE f.tenant_id = %b AND f.subject_id = %b AND f.retention_class = held.class)"
    " GROUP BY held.type, held.class ORDER BY 4, 1, 2"
)
# What waits for its place now, and where the log ends once none of that waits any more.
LAST_QUEUED: Final = "SELECT coalesce(max(qid), 0) FROM event_queue WHERE tenant_id = %b"
LAST: Final = (
    "SELECT EXISTS (SELECT FROM event_queue WHERE tenant_id = %b AND qid <= %s), coalesce("
    "(SELECT sequence FROM sequenced WHERE tenant_id = %b ORDER BY position DESC LIMIT 1), 0)"
)
INDEXED: Final = "SELECT sequence FROM subject_index"
WAIT_SECONDS_MAX: Final = 5.0
LOOK_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True)
class PostgresHoldings:
    """See the port."""

    database: Database

    def of(self, tenant: UUID, subject: UUID, as_of: datetime) -> list[Holding]:
        """See the port."""
        self._wait(tenant)
        parameters = (tenant, subject, subject.hex, as_of, tenant, subject)
        return [Holding(*row) for row in self.database.rows(HELD, parameters)]

    def _wait(self, tenant: UUID) -> None:
        """Wait until the index has all that was recorded of the tenant before. Refuses: Behind."""
        deadline = monotonic() + WAIT_SECONDS_MAX
        queued, last = self._number(LAST_QUEUED, (tenant,)), None
        while True:
            if last is None:
                row = self.database.row(LAST, (tenant, queued, tenant))
                assert row is not None
                last = None if row[0] else int(row[1])
            if last is not None and self._number(INDEXED, ()) >= last:
                return
            if monotonic() > deadline:
                raise Behind(retry_after_seconds=1)
            sleep(LOOK_SECONDS)

    def _number(self, statement: str, parameters: tuple[object, ...]) -> int:
        row = self.database.row(statement, parameters)
        assert row is not None
        return int(row[0])
