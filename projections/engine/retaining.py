"""Retains states of a tenant's rows as their log grows, so that looking back begins near by. README D12.

A state is made by what looking back does: from the state before it and the events since, in one transaction whose only
trace is one row. A crash leaves no part of it, and it is made at the next look. None is made ahead of what the model
has taken in: a stream that is left out from then on is in it as it is in the followed rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from projections.engine.looking_back import TenantEvents, begin, replay_of_tenant
from projections.engine.read_model import Connection, ReadModel
from projections.engine.retained import OF_THE_CODE, made_by, pack, put_back_nearest

EVERY_EVENTS: Final = 10_000
STATES_MAX: Final = 16  # of a tenant and model
NEWEST: Final = 4  # of them, that are never thinned out
PACKED_BYTES_MAX: Final = 32 * 1024 * 1024  # after a state as large as this no further one is made

LEAD: Final = "SELECT pg_try_advisory_lock(hashtextextended('daybook/retaining', 0))"
FORGET_OTHERS: Final = (
    f"DELETE FROM retained_state r WHERE r.name = %s AND ({OF_THE_CODE}) IS NOT TRUE"
)
# What has passed the next place of a state. What is packed is compressed and not inline: its size is known unread.
DUE: Final = (
    "SELECT h.tenant_id, n.position, n.position + %s FROM ledger_head h CROSS JOIN LATERAL (SELECT"
    " coalesce(max(position), -1) AS position FROM retained_state r WHERE r.tenant_id = h.tenant_id"
    f" AND {OF_THE_CODE}) n JOIN sequenced s ON s.tenant_id = h.tenant_id AND s.position = n.position + %s"
    " WHERE h.size > n.position + %s AND s.sequence <= (SELECT sequence FROM read_model"
    " WHERE name = %s AND version = %s) AND NOT EXISTS (SELECT FROM retained_state b"
    " WHERE b.tenant_id = h.tenant_id AND b.name = %s AND b.position = n.position"
    " AND pg_column_size(b.packed) >= %s) ORDER BY 1"
)
KEEP: Final = (
    "INSERT INTO retained_state (tenant_id, name, version, fingerprint, generation, position, packed)"
    " SELECT %b, name, version, %s, generation, %s, %b::bytea[] FROM read_model WHERE name = %s AND version = %s"
)
KEPT: Final = (
    f"SELECT position FROM retained_state r WHERE {OF_THE_CODE} AND r.tenant_id = %b ORDER BY 1"
)
FORGET: Final = f"DELETE FROM retained_state r WHERE {OF_THE_CODE} AND r.tenant_id = %b"
FORGET_ONE: Final = f"{FORGET} AND r.position = %s"
FORGET_AFTER: Final = f"{FORGET} AND r.position > %s"


@dataclass(frozen=True, slots=True)
class Due:
    """A tenant whose next state is to be made: at `next`, where the one before it is at `last`; -1: there is none."""

    tenant: UUID
    last: int
    next: int


def leads(connection: Connection) -> bool:
    """True when this session is the one that retains states; it is until the session ends."""
    return connection.execute(LEAD).fetchone() == (True,)


@dataclass(frozen=True, slots=True)
class Retaining:
    """Retains states of one model, on fresh connections of the follower's role, which prepare no statements."""

    model: ReadModel
    source: TenantEvents

    def forget_others(self, connection: Connection) -> int:
        """Delete what other code made, or for tables that were replaced; how many there were."""
        key = (self.model.name, *self._key(connection))
        return connection.execute(FORGET_OTHERS, key).rowcount

    def due(self, connection: Connection) -> list[Due]:
        """Whose next state is to be made."""
        name, version = self.model.name, self.model.version
        places = (EVERY_EVENTS, *self._key(connection), EVERY_EVENTS, EVERY_EVENTS)
        rows = connection.execute(DUE, (*places, name, version, name, PACKED_BYTES_MAX)).fetchall()
        return [Due(*row) for row in rows]

    def make(self, connection: Connection, due: Due) -> bool:
        """Make a tenant's next state, and thin out those before it.

        False: the last one could not be read; it is deleted, to be made anew. Refuses: LedgerDamaged.
        """
        with connection.transaction():
            begin(connection, self.model)
            key = (*self._key(connection), due.tenant)
            most = due.next - due.last
            reached = put_back_nearest(connection, due.tenant, self.model, due.next, most)
            if reached < due.last:
                connection.execute(FORGET_AFTER, (*key, due.last - 1))
                return False
            replay_of_tenant(connection, self.source, due.tenant, self.model, reached, due.next)
            packed = pack(connection, self.model.tables)
            row = (due.tenant, key[2], due.next, packed)
            connection.execute(KEEP, (*row, self.model.name, self.model.version))
            kept = [row[0] for row in connection.execute(KEPT, key).fetchall()]
            if len(kept) > STATES_MAX:
                connection.execute(FORGET_ONE, (*key, superfluous(kept)))
        return True

    def _key(self, connection: Connection) -> tuple[str, int, str]:
        return self.model.name, self.model.version, made_by(connection, self.model)


def superfluous(positions: Sequence[int]) -> int:
    """Of ascending positions, more than `NEWEST`, the one that is missed least: its neighbours lie closest.

    So the newest lie densely, and those before them evenly over the log, ever farther apart as it grows.

    >>> superfluous([9, 19, 29, 39, 49, 59, 69])
    9
    >>> superfluous([19, 29, 39, 59, 69, 79, 89])
    29
    """
    before = [-1, *positions]
    older = range(len(positions) - NEWEST)
    return positions[min(older, key=lambda at: positions[at + 1] - before[at])]
