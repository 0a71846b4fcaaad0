"""The read model `consents`: every record of what people said, by person; the evidence still sealed.

It answers a person's history, as of any event time and any known time, and says which consents will expire.
What stands is never decided from it: that is read from the person's stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString, Protocol
from uuid import UUID

from application.consents.history import ConsentRow
from application.following import Sequenced
from application.recorded import Recorded
from domain import consent
from domain.consent import ConsentExpired, ConsentRejected, record_of
from domain.sealing import Envelope
from projections.engine.arrays import columns
from projections.engine.read_model import Connection

NAME: Final = "consents"
VERSION: Final = 1
TABLES: Final = ("consents_v1",)
ROWS_MAX: Final = 10_000
COLUMNS: Final[LiteralString] = (
    "consent_id, subject_id, purpose, decision, said_at, method, channel, expires_at, replaces, policy_id,"
    " policy_version, notice_sha256, reason, actor, event_id, version"
)
INSERT: Final[LiteralString] = (
    f"INSERT INTO consents_v1 (tenant_id, {COLUMNS}, evidence) SELECT * FROM unnest(%b::uuid[], %b::uuid[],"
    " %b::uuid[], %s::text[], %s::text[], %b::timestamptz[], %s::text[], %s::text[], %b::timestamptz[], %b::uuid[],"
    " %b::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %b::uuid[], %b::int[], %s::text[])"
)
END: Final[LiteralString] = (
    "UPDATE consents_v1 SET ended = true WHERE (tenant_id, consent_id) IN"
    " (SELECT * FROM unnest(%b::uuid[], %b::uuid[]))"
)
# Its place in the ledger is looked up by its key: a person has few records, the log has many.
OF: Final = (
    f"SELECT {', '.join(f'c.{name.strip()}' for name in COLUMNS.split(','))}, s.recorded_at, s.position"
    " FROM consents_v1 c JOIN sequenced s ON s.tenant_id = c.tenant_id AND s.event_id = c.event_id"
    " WHERE c.tenant_id = %b AND c.subject_id = %b"
    " AND (%b::timestamptz IS NULL OR s.recorded_at <= %b::timestamptz) ORDER BY c.version LIMIT %s"
)
DUE: Final = (
    "SELECT subject_id, purpose FROM consents_v1 WHERE tenant_id = %b AND expires_at <= %b::timestamptz"
    " AND expires_at IS NOT NULL AND NOT ended ORDER BY expires_at LIMIT %s"
)


class Rows(Protocol):
    """Runs one statement for the bound tenant."""

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All its rows."""
        ...


@dataclass(frozen=True, slots=True)
class ConsentsModel:
    """Takes consent events in."""

    name: str = NAME
    version: int = VERSION
    tables: tuple[LiteralString, ...] = TABLES
    consumes: frozenset[type] = frozenset(consent.DECISIONS)

    def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
        """See ReadModel. The batch is written at once."""
        rows = [_columns(one.event) for one in events]
        connection.execute(INSERT, columns(rows))
        replaced = [(row[0], row[9]) for row in rows if row[9] is not None]
        if replaced:
            connection.execute(END, columns(replaced))


def _columns(event: Recorded[Any]) -> tuple[object, ...]:
    it: consent.Decision = event.decision
    record = record_of(it)
    notice = None if isinstance(it, ConsentExpired | ConsentRejected) else it.notice
    evidence = None if isinstance(it, ConsentExpired | ConsentRejected) else it.evidence
    return (
        event.tenant,
        it.consent,
        it.subject,
        it.purpose,
        "rejected" if record is None else record.decision,
        event.occurred_at if record is None else record.at,
        None if isinstance(it, ConsentExpired) else it.method,
        None if isinstance(it, ConsentExpired) else it.channel,
        None if record is None else record.expires_at,
        None if record is None else record.replaces,
        None if notice is None else notice.policy,
        None if notice is None else notice.version,
        None if notice is None else notice.sha256,
        it.reason if isinstance(it, ConsentRejected) else None,
        event.actor,
        event.event_id,
        event.version,
        evidence.text if isinstance(evidence, Envelope) else None,
    )


@dataclass(frozen=True, slots=True)
class PostgresConsents:
    """The ports `ConsentHistory` and `DueConsents`: the model's questions."""

    database: Rows

    def of(self, tenant: UUID, subject: UUID, known_at: datetime | None) -> list[ConsentRow]:
        """See the port."""
        rows = self.database.rows(OF, (tenant, subject, known_at, known_at, ROWS_MAX))
        return [ConsentRow(*row) for row in rows]

    def due(self, tenant: UUID, by: datetime, limit: int) -> list[tuple[UUID, str]]:
        """See the port."""
        rows = self.database.rows(DUE, (tenant, by, limit))
        return [(row[0], row[1]) for row in rows]
