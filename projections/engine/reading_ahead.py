"""Read the next batch while the last one is taken in: the database reads in one process, and writes in another."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from application.following import EVERY_TENANT, Batch, Shard
from projections.engine.read_model import Connection, EventSource


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a batch was asked for; how far it may go is said apart."""

    sequence: int
    limit: int
    wanted: frozenset[type]
    shard: Shard


class ReadingAhead:
    """An EventSource on a connection of its own; `reading_ahead` makes one.

    Events never change, and those up to the end that is asked for are stored: when they are read makes no difference.
    """

    def __init__(
        self, source: EventSource, connection: Connection, pool: ThreadPoolExecutor
    ) -> None:
        self._source = source
        self._connection = connection
        self._pool = pool
        self._next: tuple[_Wish, int, Future[Batch]] | None = None

    def after(
        self,
        connection: Connection,
        sequence: int,
        limit: int,
        wanted: frozenset[type],
        shard: Shard = EVERY_TENANT,
        until: int = 2**63 - 1,
    ) -> Batch:
        """See EventSource."""
        wish = _Wish(sequence, limit, wanted, shard)
        batch = self._read_before(wish, until)
        if batch is None:
            batch = self._source.after(connection, sequence, limit, wanted, shard, until)
        left = until - batch.last
        if batch.looked == limit and left > 0:
            self._begin(_Wish(batch.last, min(limit, left), wanted, shard), until)
        return batch

    def _read_before(self, wish: _Wish, until: int) -> Batch | None:
        """The batch that was read ahead, if it is the one that is asked for now."""
        if self._next is None:
            return None
        read, end, future = self._next
        self._next = None
        batch = future.result()
        # A full batch was not cut short by the end that was known then.
        fits = read == wish and (
            end == until or (batch.looked == wish.limit and batch.last <= until)
        )
        return batch if fits else None

    def _begin(self, wish: _Wish, until: int) -> None:
        future = self._pool.submit(
            self._source.after,
            self._connection,
            wish.sequence,
            wish.limit,
            wish.wanted,
            wish.shard,
            until,
        )
        self._next = wish, until, future


@contextmanager
def reading_ahead(source: EventSource, connection: Connection) -> Iterator[ReadingAhead]:
    """`source`, a batch ahead on `connection`, which is good for nothing else meanwhile."""
    with ThreadPoolExecutor(1, "reading-ahead") as pool:
        yield ReadingAhead(source, connection, pool)
