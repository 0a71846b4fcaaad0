"""Take connections from a socket that other processes take them from too: one at a time.

An event loop takes all that wait at once, so that of two processes the one that looks first has everybody, until they
hang up: clients that keep their connections (proxies do) were then served by one processor.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

import uvicorn

FULL_SECONDS: Final = 0.5  # until the next try, where there are no more file descriptors
# Who has many connections leaves the next one to others for a moment: so long for each, and so long at most.
LEAVE_SECONDS: Final = 0.0001
LEAVE_SECONDS_MAX: Final = 0.002

log = logging.getLogger("daybook.serving")


class FairServer(uvicorn.Server):
    """uvicorn over a listening socket that is shared."""

    def __init__(self, config: uvicorn.Config, listening: socket.socket) -> None:
        super().__init__(config)
        self._listening = listening
        self._accepting: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn; it has no socket of its own."""
        assert sockets is None
        await super().startup(sockets=[])
        self._listening.setblocking(False)
        self._accepting = asyncio.create_task(self._accept())
        self._accepting.add_done_callback(self._end)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn; first take no more."""
        if self._accepting is not None:
            self._accepting.cancel()
            with suppress(asyncio.CancelledError):
                await self._accepting
        self._listening.close()
        await super().shutdown(sockets=sockets)

    def _end(self, accepting: asyncio.Task[None]) -> None:
        """Who takes nobody any more is of no use: it ends, and is started again."""
        if not accepting.cancelled():
            log.critical("connections are taken no more: %r", accepting.exception())
            self.should_exit = True

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        # As `Server.startup` makes them; what asyncio calls a protocol takes no arguments.
        made: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        protocol = partial(
            made,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listening)
                await loop.connect_accepted_socket(protocol, connection)
            except OSError as problem:  # it hung up meanwhile, or we have too many open
                log.warning("a connection was not taken: %s", problem.strerror)
                await asyncio.sleep(FULL_SECONDS)
            held = len(self.server_state.connections)
            await asyncio.sleep(min(held * LEAVE_SECONDS, LEAVE_SECONDS_MAX))
