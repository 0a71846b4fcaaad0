"""Worker threads of an application that may be stopped and started again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

R = TypeVar("R")


class Threads:
    """At most `count` threads, started as they are needed."""

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._pool: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[[], R]) -> R:
        """Do `work` in one of them. Call it from the event loop only."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._count, self._name)
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def stop(self) -> None:
        """Let them finish what they do, and end them."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()
