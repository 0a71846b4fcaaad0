"""The engine that keeps a read model up with the events. README D12.

It reads by sequence, in batches; what a batch changes and the checkpoint are one transaction, so a crash repeats
nothing and loses nothing. On an error the model stops where it is and says so: nothing is ever skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import psycopg

from application.recorded import Recorded

BATCH_EVENTS_MAX: Final = 1_000
# Looked at before anything is locked: a lock is written, and a follower that idles looks twenty times a second.
BEHIND: Final = (
    "SELECT EXISTS (SELECT FROM sequenced"
    " WHERE sequence > (SELECT sequence FROM read_model WHERE name = %s AND state = 'following'))"
)

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Sequenced:
    """An event and its number in the deployment's order."""

    sequence: int
    event: Recorded[object]


class EventSource(Protocol):
    """Sequenced events of all tenants."""

    def after(self, connection: Connection, sequence: int, limit: int) -> list[Sequenced]:
        """At most `limit` events after `sequence`, in order, without gaps."""
        ...


class ReadModel(Protocol):
    """A read model's permanent name, the version of its tables, and how events change them."""

    @property
    def name(self) -> str:
        """Permanent: the checkpoint hangs on it."""
        ...

    @property
    def version(self) -> int:
        """Of its tables."""
        ...

    def apply(self, connection: Connection, events: Sequence[Recorded[object]]) -> None:
        """Take `events` in, in order, inside the caller's transaction. Events of other concepts are ignored."""
        ...


@dataclass(frozen=True, slots=True)
class Follower:
    """Keeps one read model up."""

    model: ReadModel
    source: EventSource

    def begin(self, connection: Connection) -> None:
        """Make the checkpoint if there is none; a stopped model tries again where it stopped."""
        connection.execute(
            "INSERT INTO read_model (name, version, sequence) VALUES (%s, %s, 0)"
            " ON CONFLICT (name) DO UPDATE SET state = 'following', error = NULL",
            (self.model.name, self.model.version),
        )

    def step(self, connection: Connection, limit: int = BATCH_EVENTS_MAX) -> int:
        """Take in at most `limit` events; how many. 0 when there are none, or the model has stopped.

        Two followers of one model take turns at the checkpoint's row: each event is taken in once.
        """
        if connection.execute(BEHIND, (self.model.name,)).fetchone() != (True,):
            return 0
        reached = 0
        try:
            with connection.transaction():
                row = connection.execute(
                    "SELECT sequence, state FROM read_model WHERE name = %s FOR UPDATE",
                    (self.model.name,),
                ).fetchone()
                if row is None or row[1] != "following":
                    return 0
                reached = row[0]
                found = self.source.after(connection, reached, limit)
                if not found:
                    return 0
                assert found[0].sequence == reached + 1, "sequences have no gaps"
                self.model.apply(connection, [one.event for one in found])
                connection.execute(
                    "UPDATE read_model SET sequence = %s WHERE name = %s",
                    (found[-1].sequence, self.model.name),
                )
                return len(found)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise  # the database is away, the events are not at fault
        except Exception as error:
            self._stop(connection, reached, error)
            raise

    def _stop(self, connection: Connection, reached: int, error: Exception) -> None:
        # The kind of error and the place only: what it says may hold values.
        connection.execute(
            "UPDATE read_model SET state = 'stopped', error = %s WHERE name = %s",
            (f"{type(error).__name__} after sequence {reached}", self.model.name),
        )
