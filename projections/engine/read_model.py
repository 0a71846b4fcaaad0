"""What a read model is: a permanent name, the version of its tables, the events it takes in, and how.

A model's tables carry its version in their names, and its statements name them without a schema: the engine decides
where they stand. Its rows follow from the events alone, whatever the size of the batches in which those come.
A migration makes the tables of a version; those of any but the first in the schema `building_<name>`, from where the
engine moves them once they are filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString, Protocol

import psycopg

from application.following import Batch, Sequenced, Shard

Connection = psycopg.Connection[Any]


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
    def tables(self) -> tuple[LiteralString, ...]:
        """The names of its tables. Every key of them leads with `tenant_id`."""
        ...

    @property
    def consumes(self) -> frozenset[type]:
        """The decisions that change it; it is given no other."""
        ...

    def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
        """Take `events`, at least one, in, in order, inside the caller's transaction."""
        ...


class EventSource(Protocol):
    """Sequenced events of all tenants."""

    def after(
        self,
        connection: Connection,
        sequence: int,
        limit: int,
        wanted: frozenset[type],
        shard: Shard = ...,
        until: int = ...,
    ) -> Batch:
        """Look at no more than `limit` events of the shard's tenants after `sequence` and up to `until`, in order.

        Raises LedgerDamaged (one is missing, or was changed).
        """
        ...
