"""What engineers ask of read models, from PostgreSQL: where they stand, and digests of one tenant's rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from application.read_models import ModelDigest, ModelStanding
from projections.engine.digest import digest
from projections.engine.looking_back import LookingBack
from projections.engine.proving import TEMPORARY
from projections.engine.read_model import Connection, ReadModel

# By the tenant's own positions: the first of its events that is not in, and the last that has a place.
STANDING: Final = (
    "SELECT m.name, m.version, m.state, p.position, h.size - 1 - p.position, coalesce(extract(epoch FROM"
    " greatest(now() - n.recorded_at, interval '0'))::float8, 0),"
    " split_part(m.error, ' ', 1), m.failed_type, f.event_id, ARRAY(SELECT q.stream_id FROM read_model_quarantine q"
    " WHERE q.tenant_id = %b AND q.name = m.name AND q.generation = m.generation ORDER BY q.recorded_at)"
    " FROM read_model m CROSS JOIN LATERAL (SELECT coalesce((SELECT s.position FROM sequenced s WHERE s.tenant_id = %b"
    " AND s.sequence <= m.sequence ORDER BY s.position DESC LIMIT 1), -1) AS position) p"
    " CROSS JOIN LATERAL (SELECT coalesce((SELECT size FROM ledger_head WHERE tenant_id = %b), 0) AS size) h"
    " LEFT JOIN sequenced n ON n.tenant_id = %b AND n.position = p.position + 1"
    " LEFT JOIN sequenced f ON f.tenant_id = %b AND f.event_id = m.failed_event"
    " WHERE m.is_current ORDER BY m.name"
)


class Asked(Protocol):
    """A database, walled by tenant: its connections are bound to the present one."""

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of one statement."""
        ...

    def connection(self) -> AbstractContextManager[Connection]:
        """One of its connections."""
        ...


@dataclass(frozen=True, slots=True)
class PostgresModelReads:
    """The port `ModelReads`."""

    database: Asked
    past: LookingBack
    models: Sequence[ReadModel]

    def standing(self, tenant: UUID) -> list[ModelStanding]:
        """See the port."""
        rows = self.database.rows(STANDING, [tenant] * 5)
        return [
            ModelStanding(*place, _error(kind, type_), failed, tuple(left))  # type: ignore[call-arg]  # ten columns
            for *place, kind, type_, failed, left in rows
        ]

    def digest(self, tenant: UUID, name: str) -> ModelDigest | None:
        """See the port."""
        model = self._model(name)
        if model is None:
            return None
        with self.database.connection() as connection, connection.transaction():
            _see_one_instant(connection)
            position = _position(connection, tenant, model)
            found = digest(connection, model.tables, tenant=tenant)
        return ModelDigest(name, model.version, position, found.rows, str(found))

    def replayed(self, tenant: UUID, name: str, position: int) -> ModelDigest | None:
        """See the port."""
        model = self._model(name)
        if model is None:
            return None
        with self.past.at(tenant, model, position, from_the_first=True) as rows:
            found = digest(rows.connection, model.tables, TEMPORARY, tenant)
        return ModelDigest(name, model.version, position, found.rows, str(found))

    def _model(self, name: str) -> ReadModel | None:
        return next((one for one in self.models if one.name == name), None)


def _see_one_instant(connection: Connection) -> None:
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    connection.execute("SET LOCAL enable_seqscan = on")


def _position(connection: Connection, tenant: UUID, model: ReadModel) -> int:
    row = connection.execute(
        "SELECT s.position FROM sequenced s WHERE s.tenant_id = %s AND s.sequence <= (SELECT sequence FROM read_model"
        " WHERE name = %s AND version = %s) ORDER BY s.position DESC LIMIT 1",
        (tenant, model.name, model.version),
    ).fetchone()
    return row[0] if row else -1


def _error(kind: str | None, type_: str | None) -> str | None:
    if not kind:
        return None
    return f"{kind} at {type_}" if type_ else "its code is not the code that filled it"
