"""Looks back: the tables of a read model as they were at an earlier position of a tenant's log. README D12.

No earlier state is kept: the tenant's events up to there, those that the model consumes, are replayed into temporary
tables of the same names, which statements without a schema find first. What is read and what it is replayed from are
of one instant, nothing is left behind, and nobody is held up. A stream that the model leaves out is left out here, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any, Final, Protocol
from uuid import UUID

from application.following import Batch
from domain.errors import FieldError, RangeTooLong, TooMany, UnknownReference
from projections.engine.arrays import teach
from projections.engine.proving import lay_out_temporary
from projections.engine.quarantine import left_out, without
from projections.engine.read_model import Connection, ReadModel

BATCH_EVENTS_MAX: Final = 2_000
LOOK_BACK_EVENTS_MAX: Final = 100_000
AT_ONCE_MAX: Final = 2
WAIT_SECONDS_MAX: Final = 5.0


class TenantEvents(Protocol):
    """Events of one tenant."""

    def of_tenant(
        self,
        connection: Connection,
        tenant: UUID,
        position: int,
        until: int,
        limit: int,
        wanted: frozenset[type],
    ) -> Batch:
        """Look at no more than `limit` events after `position` and up to `until`, in order. Raises LedgerDamaged."""
        ...


class Fresh(Protocol):
    """A database, walled by tenant: its connections are bound to the present one."""

    def fresh(self) -> AbstractContextManager[Connection]:
        """A connection of its own, in autocommit, that prepares no statements."""
        ...


@dataclass(frozen=True, slots=True)
class PastRows:
    """Answers statements from the tables as they were."""

    connection: Connection

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of one statement."""
        return self.connection.execute(statement.encode(), parameters, binary=True).fetchall()


@dataclass(frozen=True, slots=True)
class LookingBack:
    """Replays one tenant's events. It costs processor time by their number: few at once, and no more than so many."""

    database: Fresh
    source: TenantEvents
    _places: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(AT_ONCE_MAX))

    @contextmanager
    def at(self, tenant: UUID, model: ReadModel, position: int) -> Iterator[PastRows]:
        """The model's tables, of this tenant alone, as they were at `position`; gone when the block ends.

        Refuses: RangeTooLong (too many events lie before it), TooMany (others look back), UnknownReference (there is
        no such position), LedgerDamaged, Unavailable.
        """
        if position >= LOOK_BACK_EVENTS_MAX:
            raise RangeTooLong(f"More than {LOOK_BACK_EVENTS_MAX:,} events were recorded by then")
        if not self._places.acquire(timeout=WAIT_SECONDS_MAX):
            raise TooMany("Others look back", retry_after_seconds=5)
        try:
            with (
                self.database.fresh() as connection,
                connection.transaction(force_rollback=True),
            ):
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                connection.execute("SET LOCAL enable_seqscan = on")
                teach(connection)
                lay_out_temporary(connection, model.tables)
                self._replay(connection, tenant, model, position)
                yield PastRows(connection)
        finally:
            self._places.release()

    def _replay(
        self, connection: Connection, tenant: UUID, model: ReadModel, position: int
    ) -> None:
        out = left_out(connection, model)
        reached = -1
        while reached < position:
            limit = min(BATCH_EVENTS_MAX, position - reached)
            batch = self.source.of_tenant(
                connection, tenant, reached, position, limit, model.consumes
            )
            if batch.looked < limit:
                raise unknown_position()
            if events := without(batch.events, out):
                model.apply(connection, events)
            reached += batch.looked


def unknown_position() -> UnknownReference:
    """The refusal of a position that the log has not reached."""
    error = FieldError("/at", "unknown_reference", "There is no such position.")
    return UnknownReference(errors=(error,))
