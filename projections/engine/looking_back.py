"""Looks back: the tables of a read model as they were at an earlier position of a tenant's log. README D12.

The tenant's events from the nearest retained state up to there, those that the model consumes, are replayed into
temporary tables of the same names, which statements without a schema find first. Where no state is retained it begins
at the first event. What is read and what it is replayed from are of one instant, nothing is left behind, and nobody is
held up. A stream that the model leaves out is left out here, too.
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
from projections.engine.retained import put_back_nearest

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
    def at(
        self, tenant: UUID, model: ReadModel, position: int, *, from_the_first: bool = False
    ) -> Iterator[PastRows]:
        """The model's tables, of this tenant alone, as they were at `position`; gone when the block ends.

        `from_the_first` uses no retained state: what is to prove something rests on events alone.
        Refuses: TooMany (others look back), RangeTooLong (too many events lie between the nearest retained state, or
        the beginning, and it), UnknownReference (there is no such position), LedgerDamaged, Unavailable.
        """
        if not self._places.acquire(timeout=WAIT_SECONDS_MAX):
            raise TooMany("Others look back", retry_after_seconds=5)
        try:
            with (
                self.database.fresh() as connection,
                connection.transaction(force_rollback=True),
            ):
                begin(connection, model)
                reached = -1
                if not from_the_first:
                    most = LOOK_BACK_EVENTS_MAX
                    reached = put_back_nearest(connection, tenant, model, position, most)
                if position - reached > LOOK_BACK_EVENTS_MAX:
                    raise RangeTooLong(
                        f"More than {LOOK_BACK_EVENTS_MAX:,} events come between the nearest retained state and then"
                    )
                replay_of_tenant(connection, self.source, tenant, model, reached, position)
                yield PastRows(connection)
        finally:
            self._places.release()


def begin(connection: Connection, model: ReadModel) -> None:
    """Have empty temporary tables, at the beginning of a transaction that sees one instant."""
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    connection.execute("SET LOCAL enable_seqscan = on")
    teach(connection)
    lay_out_temporary(connection, model.tables)


def replay_of_tenant(
    connection: Connection,
    source: TenantEvents,
    tenant: UUID,
    model: ReadModel,
    reached: int,
    position: int,
) -> None:
    """Take the tenant's events after `reached` and up to `position` into the temporary tables.

    Refuses: UnknownReference (there is no such position), LedgerDamaged.
    """
    out = left_out(connection, model)
    while reached < position:
        limit = min(BATCH_EVENTS_MAX, position - reached)
        batch = source.of_tenant(connection, tenant, reached, position, limit, model.consumes)
        if batch.looked < limit:
            raise unknown_position()
        if events := without(batch.events, out):
            model.apply(connection, events)
        reached += batch.looked


def unknown_position() -> UnknownReference:
    """The refusal of a position that the log has not reached."""
    error = FieldError("/at", "unknown_reference", "There is no such position.")
    return UnknownReference(errors=(error,))
