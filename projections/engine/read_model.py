"""What a read model is: a permanent name, the version of its tables, the events it takes in, and how.

A model's tables carry its version in their names, and its statements name them without a schema: the engine decides
where they stand. Its rows follow from the events alone, whatever the size of the batches in which those come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, Protocol

import psycopg

from application.following import Batch, Sequenced

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a read model. `columns` is what stands between the brackets of CREATE TABLE.

    `indexes` are (name without the table's, what stands after ON and the table's name). Every key leads with
    `tenant_id`.
    """

    name: LiteralString
    columns: LiteralString
    indexes: tuple[tuple[LiteralString, LiteralString], ...] = ()

    @property
    def statements(self) -> tuple[LiteralString, ...]:
        """What makes it, in the first schema of the search path."""
        made = (
            f"CREATE INDEX {self.name}_{name} ON {self.name} {rest}" for name, rest in self.indexes
        )
        return (f"CREATE TABLE {self.name} ({self.columns})", *made)


class ReadModel(Protocol):
    """Takes events in. `apply` never asks what time it is, nor for anything but its own tables."""

    @property
    def name(self) -> str:
        """Permanent: the checkpoint hangs on it."""
        ...

    @property
    def version(self) -> int:
        """Of its tables and of what it makes of events: another version is another set of tables."""
        ...

    @property
    def tables(self) -> tuple[Table, ...]:
        """Its tables."""
        ...

    @property
    def consumes(self) -> frozenset[type]:
        """The decisions that change it; it is given no other."""
        ...

    def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
        """Take `events` in, in order, inside the caller's transaction."""
        ...


class EventSource(Protocol):
    """Sequenced events of all tenants."""

    def after(
        self, connection: Connection, sequence: int, limit: int, wanted: frozenset[type]
    ) -> Batch:
        """Look at no more than `limit` events after `sequence`, in order. Raises LedgerDamaged (one is missing)."""
        ...
