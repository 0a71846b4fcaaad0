"""A copy of the ledger over HTTP: a zip that needs nobody's word, and room for few at a time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Send

from api.http import file_answers
from api.http.file_answers import file_answer, send_file
from api.http.threads import Threads
from application.ledger.exports import CopyRoom, LedgerExports
from domain.values import public_id
from infrastructure.copy_room import FolderCopyRoom
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.signed.notes import verifier_key
from infrastructure.twin.memory_ledger import KEY
from tests.http.business import Business
from tests.http.problem import assert_problem
from tests.ledger.bundles import Unpacked

EXPORT = "/v1/ledger/export"


@pytest.fixture
def room(shop: Business) -> FolderCopyRoom:
    exports: LedgerExports = shop.server.platform.exports
    room: CopyRoom = exports.room
    assert isinstance(room, FolderCopyRoom)
    return room


def test_an_auditor_gets_the_whole_log_as_a_signed_zip(shop: Business):
    shop.book()
    given = shop.get(EXPORT, role="auditor")
    assert given.status_code == 200
    assert given.headers["content-type"] == "application/zip"
    name = f"{public_id('tenant', shop.tenant)}.ledger.zip"
    assert given.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert int(given.headers["content-length"]) == len(given.content)
    assert given.headers["cache-control"] == "no-store"
    found = Unpacked.read(given.content)
    found.require_signed(verifier_key(default(shop.tenant), KEY))
    leaves = found.require_tree()
    recorded = shop.get("/v1/events?type=ledger.exported.v1", role="auditor").json()["data"]
    assert [one["position"] for one in recorded] == [len(leaves)]
    assert b"booking.confirmed.v1" in b"".join(leaves)
    assert b"Ada Example" not in given.content


def test_a_range_gives_what_it_touches(shop: Business):
    found = Unpacked.read(shop.get(EXPORT, params={"from": 1, "to": 2}).content)
    assert (found.manifest["from"], found.manifest["to"]) == (1, 2)
    found.require_tree()


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ({"from": 10**6}, "malformed", "/from"),
        ({"from": 2, "to": 2}, "malformed", "/from"),
        ({"from": 3, "to": 2}, "malformed", "/from"),
        ({"to": 0}, "malformed", "/to"),
        ({"to": 10**6}, "malformed", "/to"),
        ({"from": -1}, "invalid", "/from"),
        ({"to": "1.5"}, "invalid", "/to"),
        ({"from": "²"}, "invalid", "/from"),
        ({"to": 2**53 + 1}, "invalid", "/to"),
        ({"to": "9" * 30}, "invalid", "/to"),
        ({"until": 1}, "unknown_field", "/until"),
    ],
)
def test_a_range_that_cannot_be_is_refused(
    shop: Business, room: FolderCopyRoom, query: dict[str, Any], code: str, pointer: str
):
    assert_problem(shop.get(EXPORT, params=query), code, pointer)
    assert shop.get(EXPORT).status_code == 200
    assert shop.get("/v1/events?type=ledger.exported", role="auditor").json()["data"][1:] == []


def test_one_too_many_is_asked_to_come_back(shop: Business, room: FolderCopyRoom):
    for _ in range(room.at_once):
        assert room.places.acquire(blocking=False)
    refused = shop.get(EXPORT)
    assert_problem(refused, "unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert_problem(shop.get(EXPORT, role="booking"), "not_permitted")
    for _ in range(room.at_once):
        room.places.release()
    for _ in range(2 * room.at_once):
        assert shop.get(EXPORT).status_code == 200, "each gives its place back"


class Waiting:
    """A copy of two parts that waits to be handed out."""

    length = 2

    def __init__(self) -> None:
        self.parts = [b"a", b"b"]
        self.closed = 0

    def read(self, count: int) -> bytes:
        return self.parts.pop(0) if self.parts else b""

    def close(self) -> None:
        self.closed += 1


def handed_out(send: Send) -> Waiting:
    """What became of a copy that was sent by `send`."""
    copy, threads = Waiting(), Threads(1, "carrier")
    try:
        asyncio.run(send_file(send, file_answer(copy, "application/zip", "x.zip"), threads))
    finally:
        threads.stop()
        assert copy.closed == 1
    return copy


def test_a_copy_is_sent_in_parts_and_removed():
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    handed_out(send)
    assert (b"content-length", b"2") in sent[0]["headers"]
    assert [(it["body"], it.get("more_body", False)) for it in sent[1:]] == [
        (b"a", True),
        (b"b", True),
        (b"", False),
    ]


def test_a_copy_that_nobody_takes_is_removed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file_answers, "STALLED_SECONDS_MAX", 0.01)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    assert handed_out(send).parts == [b"b"]


def test_a_copy_whose_caller_hangs_up_is_removed():
    async def send(message: Any) -> None:
        raise OSError("hung up")

    with pytest.raises(OSError, match="hung up"):
        handed_out(send)
