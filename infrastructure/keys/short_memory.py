"""A memory for secrets: bounded, and short. What is not used again does not stay either."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ShortMemory(Generic[K, V]):
    """Keeps at most `most` values, none longer than `seconds`; the oldest goes first.

    >>> memory = ShortMemory[str, int](seconds=60, most=1)
    >>> memory.keep("a", 1)
    >>> memory.keep("b", 2)
    >>> memory.find("a"), memory.find("b")
    (None, 2)
    """

    def __init__(self, *, seconds: float, most: int, now: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._most = most
        self._now = now
        self._lock = Lock()
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()  # oldest first

    def find(self, key: K) -> V | None:
        """The value, None when there is none any more."""
        with self._lock:
            held = self._kept.get(key)
            if held is None or self._now() - held[0] > self._seconds:
                return None
            return held[1]

    def keep(self, key: K, value: V) -> None:
        """Keep a value from now on, and forget what is too old."""
        with self._lock:
            at = self._now()
            self._kept[key] = (at, value)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most or at - self._oldest() > self._seconds:
                self._kept.popitem(last=False)

    def forget(self, key: K) -> None:
        """Forget one value."""
        with self._lock:
            self._kept.pop(key, None)

    def forget_where(self, is_one: Callable[[V], bool]) -> None:
        """Forget every value of which `is_one` is true."""
        with self._lock:
            for key in [key for key, (_, value) in self._kept.items() if is_one(value)]:
                del self._kept[key]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def _oldest(self) -> float:
        return next(iter(self._kept.values()))[0]
