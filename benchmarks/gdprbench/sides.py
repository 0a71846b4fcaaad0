"""What a side of the comparison is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Final, Protocol, TypeVar

from benchmarks.gdprbench.operations import Operation
from benchmarks.gdprbench.records import SHARED_AT_ONCE

LOADING_CLIENTS: Final = 8
Tell = Callable[[int], None]
T = TypeVar("T")


class Side(Protocol):
    """One way to keep personal data. Every answer is in the terms of `expected`."""

    name: str

    def load(self, count: int, tell: Tell) -> None:
        """Take in the records 0 to `count`; what is derived from them has caught up on return."""
        ...

    def client(self) -> AbstractContextManager[None]:
        """What a thread does inside may call `perform`."""
        ...

    def perform(self, it: Operation) -> object:
        """Do an operation. What it wrote is durable on return."""
        ...

    def sizes(self) -> list[tuple[str, int]]:
        """The bytes of everything that is stored, indexes included, in parts that add up to the whole."""
        ...


def batches(count: int) -> Iterator[range]:
    """The numbers of the records, as many at a time as go to one recipient at once."""
    for first in range(0, count, SHARED_AT_ONCE):
        yield range(first, min(first + SHARED_AT_ONCE, count))


def load_with(
    clients: Callable[[], AbstractContextManager[None]],
    put: Callable[[range], None],
    count: int,
    tell: Tell,
) -> None:
    """Put all batches, several at a time; `tell` hears how many records are there."""

    def one(batch: range) -> int:
        with clients():
            put(batch)
        return len(batch)

    done = 0
    with ThreadPoolExecutor(LOADING_CLIENTS) as pool:
        for loaded in pool.map(one, batches(count)):
            done += loaded
            tell(done)


def in_threads(clients: int, work: Iterable[T], do: Callable[[T], None]) -> None:
    """Do all of `work`, so many at a time."""
    with ThreadPoolExecutor(clients) as pool:
        for _ in pool.map(do, work):
            pass
