"""Fills the tables of a read model that is being made anew: a part of the tenants, in batches with a checkpoint.

Several parts are filled side by side; each may be ended at any moment, and goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg import sql

from application.following import Shard
from projections.engine.arrays import teach
from projections.engine.layout import building
from projections.engine.read_model import Connection, EventSource, ReadModel

BATCH_EVENTS_MAX: Final = 2_000
HELD: Final = "SELECT sequence FROM read_model_build WHERE name = %s AND shard = %s FOR UPDATE"
MOVE: Final = "UPDATE read_model_build SET sequence = %s WHERE name = %s AND shard = %s"
# Where the version that is read stands: nothing is filled beyond it, so that the two can be compared at one event.
# A version that does not follow any more holds nobody back.
BOUND: Final = (
    "SELECT coalesce((SELECT sequence FROM read_model WHERE name = %s AND is_current AND state = 'following'),"
    " (SELECT sequence FROM sequencer_head))"
)


@dataclass(frozen=True, slots=True)
class Filling:
    """One part of a model that is being made anew."""

    model: ReadModel
    source: EventSource
    shard: Shard

    def prepare(self, connection: Connection) -> None:
        """Have statements find the tables that are filled. The connection is good for nothing else afterwards."""
        teach(connection)
        path = sql.SQL("SET search_path = {}, public").format(sql.Identifier(building(self.model)))
        connection.execute(path)

    def step(self, connection: Connection, until: int | None = None) -> int:
        """Look at some events, none beyond sequence `until`: by default, where the version that is read stands.

        By how much the checkpoint moved; 0: it is there, or nothing is being made anew.
        """
        key = (self.model.name, self.shard.shard)
        with connection.transaction():
            row = connection.execute(HELD, key).fetchone()
            if row is None:
                return 0
            reached = int(row[0])
            bound = self.bound(connection) if until is None else until
            if reached >= bound:
                return 0
            limit = min(BATCH_EVENTS_MAX, bound - reached)
            batch = self.source.after(
                connection, reached, limit, self.model.consumes, self.shard, bound
            )
            if batch.events:
                self.model.apply(connection, batch.events)
            last = batch.last if batch.looked == limit else bound
            connection.execute(MOVE, (last, *key))
        return last - reached

    def bound(self, connection: Connection) -> int:
        """How far it may be filled by now."""
        row = connection.execute(BOUND, (self.model.name,)).fetchone()
        assert row is not None
        return int(row[0] or 0)
