"""Keeps a read model up with the events. README D12.

It reads by sequence, in batches; what a batch changes and the checkpoint are one transaction, so a crash repeats
nothing and loses nothing. A batch that fails is tried again by halves, until the event that the model cannot take in
is alone: what comes before it is taken in, and there the model stops and says which it was. Nothing is ever skipped,
but for streams that somebody had it leave out, on record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import psycopg

from projections.engine.arrays import teach
from projections.engine.fingerprint import fingerprint
from projections.engine.quarantine import left_out, without
from projections.engine.read_model import Connection, EventSource, ReadModel

BATCH_EVENTS_MAX: Final = 1_000
LOST: Final = (psycopg.OperationalError, psycopg.InterfaceError)

BEGIN: Final = (
    "INSERT INTO read_model AS m (name, version, sequence, is_current, fingerprint, tables)"
    " SELECT %s, %s, 0, true, %s, %s WHERE NOT EXISTS (SELECT FROM read_model WHERE name = %s AND version <> %s)"
    " ON CONFLICT (name, version) DO UPDATE SET fingerprint = coalesce(m.fingerprint, excluded.fingerprint),"
    " tables = excluded.tables,"
    " state = CASE WHEN m.fingerprint <> excluded.fingerprint THEN 'changed'"
    " WHEN m.state IN ('stopped', 'changed') THEN 'following' ELSE m.state END,"
    " error = CASE WHEN m.fingerprint <> excluded.fingerprint THEN 'its code is not the code that filled it' END,"
    " failed_event = NULL, failed_type = NULL"
    " RETURNING state"
)
PAUSE: Final = "UPDATE read_model SET state = 'paused' WHERE name = %s AND version = %s AND state = 'following'"

RESUME: Final = (
    "UPDATE read_model SET state = 'following', fingerprint = %s, error = NULL, failed_event = NULL, failed_type = NULL"
    " WHERE name = %s AND version = %s AND state <> 'retired'"
)
# Looked at before anything is locked: a lock is written, and a follower that idles looks twenty times a second.
BEHIND: Final = (
    "SELECT EXISTS (SELECT FROM sequenced WHERE sequence > (SELECT sequence FROM read_model"
    " WHERE name = %s AND version = %s AND state = 'following' AND coalesce(fingerprint, %s) = %s))"
)
# Whoever made the tables anew, or vouched for them, did so for one code: no other comes near them.
HELD: Final = (
    "SELECT sequence, EXISTS (SELECT FROM read_model_quarantine q WHERE q.name = m.name"
    " AND q.generation = m.generation) FROM read_model m WHERE name = %s AND version = %s AND state = 'following'"
    " AND coalesce(fingerprint, %s) = %s FOR UPDATE"
)
# A stream that was left out while we waited for the row is not seen in HELD, whose look is older than that: it is here.
MOVE: Final = (
    "UPDATE read_model m SET sequence = %s WHERE name = %s AND version = %s AND %s = EXISTS ("
    "SELECT FROM read_model_quarantine q WHERE q.name = m.name AND q.generation = m.generation)"
)
STOP: Final = (
    "UPDATE read_model m SET state = 'stopped', error = %s, failed_event = e.event_id, failed_type = e.type"
    " FROM (SELECT) AS one LEFT JOIN (SELECT s.event_id, e.type FROM sequenced s LEFT JOIN event e"
    " ON e.tenant_id = s.tenant_id AND e.stream_id = s.stream_id AND e.stream_version = s.stream_version"
    " WHERE s.sequence = %s) AS e ON true"
    " WHERE m.name = %s AND m.version = %s AND m.sequence = %s AND m.state = 'following'"
)
LOCK: Final = "hashtextextended('daybook/read-model/' || %s || '/' || %s, 0)"
LEAD: Final = f"SELECT pg_try_advisory_lock({LOCK})"
LEAD_NO_LONGER: Final = f"SELECT pg_advisory_unlock({LOCK})"


class ModelStopped(Exception):
    """The model cannot take an event in; the message names its place and the kind of error, never what it says."""


@dataclass(frozen=True, slots=True)
class Follower:
    """Keeps one read model up."""

    model: ReadModel
    source: EventSource
    code: str = field(init=False)  # the fingerprint of what runs here

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", fingerprint(self.model))

    def lead(self, connection: Connection) -> bool:
        """True when this session is the one that follows; it is until the session ends, or gives it up."""
        row = connection.execute(LEAD, (self.model.name, str(self.model.version))).fetchone()
        return row == (True,)

    def lead_no_longer(self, connection: Connection) -> None:
        """Leave it to another session."""
        connection.execute(LEAD_NO_LONGER, (self.model.name, str(self.model.version)))

    def begin(self, connection: Connection) -> str | None:
        """Make the checkpoint if no version has one; a stopped model tries again where it stopped.

        A model whose code has changed without a new version is marked so, and is not followed. Gives the state; None
        where another version is read.
        """
        teach(connection)
        name, version = self.model.name, self.model.version
        row = connection.execute(
            BEGIN, (name, version, self.code, list(self.model.tables), name, version)
        ).fetchone()
        return row[0] if row else None

    def pause(self, connection: Connection) -> bool:
        """Follow no more until resumed; False where it did not follow. Whoever runs a step brings it to its end."""
        key = (self.model.name, self.model.version)
        return connection.execute(PAUSE, key).rowcount == 1

    def resume(self, connection: Connection) -> bool:
        """Follow on from where it stands, with the code that is here; False where there is nothing to follow on.

        Who calls it vouches that this code would have made the same rows so far: else the model is to be rebuilt.
        """
        key = (self.code, self.model.name, self.model.version)
        return connection.execute(RESUME, key).rowcount == 1

    def step(self, connection: Connection, limit: int = BATCH_EVENTS_MAX) -> int:
        """Look at no more than `limit` events; how many were. 0: there are none, or the model does not follow.

        Two followers of one model take turns at the checkpoint's row: each event is taken in once. Raises ModelStopped.
        """
        while True:
            try:
                return self._take(connection, limit)
            except LOST:
                raise  # the database is away, the events are not at fault
            except Exception as error:  # tidy: allow broad-except - whatever a model raises, it has failed at an event
                if limit == 1:
                    raise self._stop(connection, error) from error
                limit = max(1, limit // 2)

    def _take(self, connection: Connection, limit: int) -> int:
        key = (self.model.name, self.model.version)
        with_this_code = (*key, self.code, self.code)
        if connection.execute(BEHIND, with_this_code).fetchone() != (True,):
            return 0
        with connection.transaction():
            row = connection.execute(HELD, with_this_code).fetchone()
            if row is None:
                return 0
            batch = self.source.after(connection, row[0], limit, self.model.consumes)
            if not batch.looked:
                return 0
            assert batch.last == row[0] + batch.looked, "sequences have no gaps"
            out = left_out(connection, self.model) if row[1] else {}
            if events := without(batch.events, out):
                self.model.apply(connection, events)
            moved = connection.execute(MOVE, (batch.last, *key, row[1])).rowcount
            if not moved:
                raise psycopg.Rollback  # the next step knows what is left out
        return batch.looked if moved else 0

    def _stop(self, connection: Connection, error: Exception) -> ModelStopped:
        """Stop at the event after the checkpoint: it was alone, and failed."""
        key = (self.model.name, self.model.version)
        row = connection.execute(
            "SELECT sequence FROM read_model WHERE name = %s AND version = %s", key
        ).fetchone()
        reached = row[0] if row else 0
        # The kind of error and the place only: what it says may hold values.
        said = f"{type(error).__name__} at event {reached + 1}"
        connection.execute(STOP, (said, reached + 1, *key, reached))
        return ModelStopped(f"read model {self.model.name}: {said}")
