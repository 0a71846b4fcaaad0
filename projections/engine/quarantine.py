"""Streams that a read model leaves out because somebody said so: who, when, why and from which event on. README D12.

It holds for the tables as they are filled now. Tables that are made anew take everything in, so that is how it ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from application.following import Sequenced
from projections.engine.read_model import Connection, ReadModel

LEFT_OUT: Final = (
    "SELECT q.name, q.tenant_id, q.stream_id, q.after_sequence FROM read_model_quarantine q JOIN read_model m"
    " ON m.name = q.name AND m.generation = q.generation"
    " WHERE (m.name, m.version) IN (SELECT * FROM unnest(%s::text[], %s::int[]))"
)
STREAM: Final = (
    "SELECT h.tenant_id FROM ledger_head h WHERE EXISTS (SELECT FROM event e"
    " WHERE e.tenant_id = h.tenant_id AND e.stream_id = %s)"
)
# What it had taken in stays; a model that had stopped at an event of that stream goes on.
LEAVE_OUT: Final = (
    "INSERT INTO read_model_quarantine (tenant_id, name, generation, stream_id, after_sequence, by_whom, reason,"
    " recorded_at) SELECT %s, name, generation, %s, sequence, %s, %s, %s FROM read_model"
    " WHERE name = %s AND version = %s ON CONFLICT DO NOTHING"
)
HOLD: Final = "SELECT FROM read_model WHERE name = %s AND version = %s FOR UPDATE"
GO_ON: Final = (
    "UPDATE read_model m SET state = 'following', error = NULL, failed_event = NULL, failed_type = NULL"
    " WHERE m.name = %s AND m.version = %s AND m.state = 'stopped' AND EXISTS (SELECT FROM sequenced s"
    " WHERE s.sequence = m.sequence + 1 AND s.tenant_id = %s AND s.stream_id = %s)"
)

LeftOut = Mapping[tuple[UUID, UUID], int]
"""By tenant and stream: the sequence after which its events are left out."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A stream of a tenant that is to be left out; `by` says who wants it."""

    tenant: UUID
    stream: UUID
    by: str
    reason: str
    at: datetime


def left_out(connection: Connection, model: ReadModel) -> LeftOut:
    """What the model leaves out; of the present tenant only, where the connection is walled."""
    return left_out_of(connection, [model]).get(model.name, {})


def left_out_of(connection: Connection, models: Sequence[ReadModel]) -> Mapping[str, LeftOut]:
    """The same of several, by name; those that leave nothing out are not in it."""
    keys = [one.name for one in models], [one.version for one in models]
    found: dict[str, dict[tuple[UUID, UUID], int]] = {}
    for name, tenant, stream, after in connection.execute(LEFT_OUT, keys).fetchall():
        found.setdefault(name, {})[(tenant, stream)] = after
    return found


def without(events: Sequence[Sequenced], out: LeftOut) -> Sequence[Sequenced]:
    """The events but for those that are left out."""
    if not out:
        return events
    return [
        one
        for one in events
        if one.sequence <= out.get((one.event.tenant, one.event.stream), one.sequence)
    ]


def tenants_with(connection: Connection, stream: UUID) -> list[UUID]:
    """The tenants who have such a stream; hardly ever more than one."""
    return [row[0] for row in connection.execute(STREAM, (stream,)).fetchall()]


def leave_out(connection: Connection, model: ReadModel, wanted: Wanted) -> bool:
    """Leave a stream out from where the model stands; False where it does already, or follows nothing yet."""
    key = (model.name, model.version)
    with connection.transaction():
        connection.execute(HOLD, key)
        row = (wanted.tenant, wanted.stream, wanted.by, wanted.reason, wanted.at)
        added = connection.execute(LEAVE_OUT, (*row, *key)).rowcount == 1
        connection.execute(GO_ON, (*key, wanted.tenant, wanted.stream))
    return added
