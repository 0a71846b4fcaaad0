"""Connections to a socket that two processes share are shared, and none is lost."""

from __future__ import annotations

import asyncio
import http.client
import multiprocessing
import os
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

import uvicorn

from api.process.accepting import FairServer
from api.process.listening import listen

CONNECTIONS = 16
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing resets the connection


async def who(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """An application that answers which process it runs in."""
    assert scope["type"] == "http"
    body = str(os.getpid()).encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


def serve(listening: socket.socket) -> None:
    """One of the processes."""
    config = uvicorn.Config(who, lifespan="off", log_level="error")
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(FairServer(config, listening).serve())


@contextmanager
def two_processes() -> Iterator[tuple[int, list[BaseProcess]]]:
    """The port, and who serves it."""
    spawn = multiprocessing.get_context("spawn")
    with listen("127.0.0.1", 0) as listening:
        processes = [spawn.Process(target=serve, args=(listening,)) for _ in range(2)]
        for process in processes:
            process.start()
        try:
            port = listening.getsockname()[1]
            while len(asked_anew(port, 10)) < 2:
                pass  # one of them has not begun
            yield port, list(processes)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.join(30)


def opened(port: int) -> http.client.HTTPConnection:
    """A connection that is kept."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.connect()
    return connection


def asked(connection: http.client.HTTPConnection) -> int:
    """Which process answers it."""
    connection.request("GET", "/")
    return int(connection.getresponse().read())


def asked_anew(port: int, count: int) -> set[int]:
    """Which processes answer so many connections that come at once."""
    with ExitStack() as kept:
        connections = [kept.enter_context(closing(opened(port))) for _ in range(count)]
        return {asked(one) for one in connections}


def test_connections_that_come_at_once_are_shared() -> None:
    with two_processes() as (port, _), ExitStack() as kept:
        connections = [kept.enter_context(closing(opened(port))) for _ in range(CONNECTIONS)]
        shares = Counter(asked(connection) for connection in connections)
        assert sum(shares.values()) == CONNECTIONS
        assert min(shares.values()) >= CONNECTIONS // 8, shares


def test_when_one_is_killed_the_other_takes_who_comes() -> None:
    with two_processes() as (port, processes):
        processes[0].kill()
        processes[0].join(30)
        assert asked_anew(port, 4) == {processes[1].pid}


def test_who_hangs_up_at_once_stops_nobody() -> None:
    with two_processes() as (port, processes):
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", port)) as hasty:
                hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        assert asked_anew(port, 4) <= {process.pid for process in processes}
