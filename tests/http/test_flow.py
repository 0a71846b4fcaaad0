"""How requests share one process: quotas, threads, and clients that leave."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from api.http.app import create_app
from api.http.limits import Disconnected, read_body
from api.http.security import BUCKETS_MAX, RateLimiter
from api.http.settings import ApiSettings
from api.http.threads import Threads
from domain.errors import TooLarge, TooMany
from tests.http.business import Server

Message = dict[str, Any]


@dataclass(slots=True)
class Hand:
    """A clock's hand that is moved by hand."""

    at: float = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_quota_refills_with_time_up_to_its_burst():
    now = Hand()
    limiter = RateLimiter(per_second=2, burst=3, now=now)
    for _ in range(3):
        limiter.take("a")
    with pytest.raises(TooMany):
        limiter.take("a")
    now.at = 0.5
    limiter.take("a")
    with pytest.raises(TooMany):
        limiter.take("a")
    now.at = 100.0
    assert dict(limiter.take("a"))["ratelimit"] == '"key";r=2;t=2'


def test_quotas_are_kept_for_so_many_keys_and_no_more():
    now = Hand()
    limiter = RateLimiter(per_second=1, burst=2, now=now)
    for number in range(BUCKETS_MAX):
        limiter.take(f"key-{number}")
    limiter.take("one more")
    assert len(limiter._buckets) == BUCKETS_MAX
    now.at = 2.0
    limiter.take("later")
    assert len(limiter._buckets) == 1, "those that are full again are forgotten"


@dataclass(slots=True)
class Positions:
    """A ledger that is behind until the gate is opened."""

    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)

    def wait(self, tenant: UUID, model: str, at_least: UUID | int) -> int:
        """Wait at the gate."""
        self.entered.set()
        assert self.gate.wait(60)
        return 7

    def current(self, tenant: UUID, model: str) -> int:
        """Nothing yet."""
        return -1


def test_a_read_that_waits_keeps_no_booking_waiting(own_server: Server):
    positions = Positions()
    platform = replace(own_server.platform, positions=positions)
    settings = ApiSettings(threads=1, waiting_threads=1)
    shop = own_server.business().opened()
    behind = replace(
        shop, server=replace(own_server, client=TestClient(create_app(platform, settings)))
    )
    seen: list[str] = []

    def read() -> None:
        answer = behind.get("/v1/services", params={"at_least": "3"})
        seen.append(answer.headers["daybook-position"])

    with behind.server.client:
        reader = threading.Thread(target=read)
        reader.start()
        assert positions.entered.wait(60)
        behind.book()
        assert seen == []
        positions.gate.set()
        reader.join(60)
    assert seen == ["7"]


def body_of(*messages: Message) -> bytes:
    """What is read from a client that sends these."""
    left = list(messages)

    async def receive() -> Message:
        return left.pop(0)

    return asyncio.run(read_body({}, receive, 10))


def part(body: bytes, *, more: bool) -> Message:
    """A part of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_is_read_in_parts_up_to_its_bound():
    assert body_of(part(b"12345", more=True), part(b"67890", more=False)) == b"1234567890"
    with pytest.raises(TooLarge):
        body_of(part(b"12345", more=True), part(b"678901", more=True), part(b"", more=False))


def test_a_client_that_leaves_is_noticed():
    with pytest.raises(Disconnected):
        body_of(part(b"123", more=True), {"type": "http.disconnect"})


def test_nothing_is_done_for_a_client_that_leaves_within_its_body(own_server: Server):
    shop = own_server.business().opened()
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    key = shop.keys["owner"].encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/locations",
        "raw_path": b"/v1/locations",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer " + key)],
    }
    app: Any = own_server.client.app
    asyncio.run(app(scope, receive, send))
    assert sent == []
    assert len(shop.get("/v1/locations").json()["data"]) == 1


def test_threads_may_be_stopped_and_used_again():
    threads = Threads(1, "test")
    assert asyncio.run(threads.run(lambda: 1)) == 1
    threads.stop()
    threads.stop()
    assert asyncio.run(threads.run(lambda: 2)) == 2
    threads.stop()
