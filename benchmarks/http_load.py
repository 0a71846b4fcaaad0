"""A small HTTP/1.1 client that costs little: keep-alive connections, one request at a time each."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Result:
    """What came of a load: seconds per answer, answers by status, and how long it all took."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    elapsed: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed


def request(method: str, path: str, key: str, body: object = None) -> bytes:
    """The bytes of one request; a text as body is a calendar, anything else JSON."""
    kind, content = "application/json", b"" if body is None else json.dumps(body).encode()
    if isinstance(body, str):
        kind, content = "text/calendar", body.encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The next answer: its status and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = 0
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            length = int(line[15:])
    return status, await reader.readexactly(length) if length else b""


async def _client(
    url: str, requests: list[bytes], result: Result, interval: float, offset: float
) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    began = time.perf_counter()
    for number, content in enumerate(requests):
        due = began + offset + number * interval
        if interval and (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        started = due if interval else time.perf_counter()  # a late start counts as waiting
        writer.write(content)
        status, _ = await answer(reader)
        result.seconds.append(time.perf_counter() - started)
        result.statuses[status] = result.statuses.get(status, 0) + 1
    writer.close()


async def _load(url: str, requests: list[bytes], clients: int, rate: float) -> Result:
    result = Result()
    shares = [requests[number::clients] for number in range(clients)]
    interval = clients / rate if rate else 0.0
    began = time.perf_counter()
    jobs = [
        _client(url, share, result, interval, number * interval / clients)
        for number, share in enumerate(shares)
    ]
    await asyncio.gather(*jobs)
    result.elapsed = time.perf_counter() - began
    return result


def load(url: str, requests: list[bytes], *, clients: int, rate: float = 0.0) -> Result:
    """Send `requests` over so many connections: as fast as answers come, or at `rate` a second in all."""
    return asyncio.run(_load(url, requests, clients, rate))


def call(url: str, method: str, path: str, key: str, body: object = None) -> Any:
    """One request, its answer parsed; for setting up."""

    async def once() -> tuple[int, bytes]:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(request(method, path, key, body))
        found = await answer(reader)
        writer.close()
        return found

    status, content = asyncio.run(once())
    if status >= 400:
        raise SystemExit(f"{method} {path}: {status} {content.decode()}")
    return json.loads(content) if content else None
