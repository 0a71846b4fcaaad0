"""The ledger of a running deployment, checked from outside with nothing but the key of its log."""

from __future__ import annotations

import os
import signal
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infrastructure.ledger.signed.checkpoints import TreeHead, parse_tree_head
from infrastructure.ledger.signed.notes import VerifierKey, parse_note, verify
from infrastructure.ledger.signed.tlog_proof import parse_tlog_proof
from infrastructure.ledger.tree.merkle import (
    leaf_hash,
    tree_hash,
    verify_consistency,
    verify_inclusion,
)
from infrastructure.ledger.tree.tiles import parse_entry_bundle, tiles_of
from infrastructure.server.processes import wait_until
from tests.api_client import Api, Business, Reply
from tests.running import Running

pytestmark = pytest.mark.xdist_group("running")

SECONDS_MAX = 60.0


@dataclass
class Auditor:
    """Somebody with the key of the log and a key of the API. Remembers the last checkpoint that it saw."""

    api: Api
    tenant: str
    key: VerifierKey
    seen: TreeHead | None = None

    def get(self, path: str) -> Reply:
        """GET below the tenant's ledger."""
        return self.api.get(f"/v1/ledger/{self.tenant}/{path}")

    def checkpoint(self) -> TreeHead:
        """The last checkpoint, which must extend the one that was seen before."""
        note = parse_note(self.get("checkpoint").raw.decode())
        assert verify(note, [self.key]) == [self.key]
        head = parse_tree_head(note.text)
        assert head.origin == self.key.name
        if self.seen is not None:
            asked = {"from": self.seen.size, "to": head.size}
            proof = self.api.post("/v1/ledger/proofs/consistency", asked)
            path = [b64decode(each) for each in proof.body["hashes"]]
            assert verify_consistency(self.seen.size, self.seen.root, head.size, head.root, path)
        self.seen = head
        return head

    def receipt(self, event: str) -> Reply:
        """The receipt of an event, waited for."""
        answers: list[Reply] = []

        def asked() -> bool:
            answers.append(self.api.get(f"/v1/events/{event}/receipt"))
            # A process that has just lost its connections says so once for each.
            return answers[-1].status not in (202, 503)

        assert wait_until(asked, SECONDS_MAX)
        return answers[-1]

    def holds(self, event: str) -> int:
        """Check that an event is in the log; its position."""
        proof = parse_tlog_proof(self.receipt(event).raw.decode())
        shown = self.api.get(f"/v1/events/{event}").body
        leaf = b64decode(shown["leaf"])
        assert proof.extra == leaf and proof.holds_for(leaf_hash(leaf), self.key)
        assert shown["position"] == proof.index
        assert event.removeprefix("evt_") in leaf.decode()
        return proof.index


@pytest.fixture
def business(running: Running) -> Business:
    return Business.found(running)


@pytest.fixture
def auditor(business: Business) -> Iterator[Auditor]:
    with business.api("auditor") as api:
        yield Auditor(api, business.tenant, VerifierKey.parse(business.log_vkey))


def booked(business: Business, count: int) -> list[str]:
    """The events of so many bookings, an hour apart from each other."""
    service = business.offer("Visit", 30, booking_window_days=365)
    staff = business.engage([service])
    events: list[str] = []
    with business.api("booking") as api:
        for number in range(count):
            wish = business.wish(service, 60 * number, f"ada{number}@example.test", staff_id=staff)
            events.append(api.made("/v1/bookings", wish)["event_id"])
    return events


def test_a_booking_has_a_receipt_that_needs_nobodys_word(
    business: Business, auditor: Auditor
) -> None:
    events = booked(business, 3)
    positions = [auditor.holds(event) for event in events]
    assert positions == sorted(positions)
    with business.api("booking") as api:
        assert api.get(f"/v1/events/{events[0]}/receipt").status == 200


def test_the_whole_log_can_be_read_as_tiles_and_recomputed(
    business: Business, auditor: Auditor
) -> None:
    last = booked(business, 290)[-1]
    assert auditor.holds(last) >= 290
    head = auditor.checkpoint()
    leaves: list[bytes] = []
    for tile in tiles_of(head.size):
        found = auditor.get(tile.path())
        assert found.status == 200 and len(found.raw) == 32 * tile.width
        if tile.level == 0:
            bundle = auditor.get(tile.path().replace("tile/0/", "tile/entries/"))
            entries = parse_entry_bundle(bundle.raw, tile.width)
            assert found.raw == b"".join(map(leaf_hash, entries))
            leaves += entries
        kept = found.headers["cache-control"]
        assert ("immutable" in kept) == (tile.width == 256)
    assert tree_hash(map(leaf_hash, leaves)) == head.root
    assert auditor.get("tile/0/002").status == 404
    proof = auditor.api.post("/v1/ledger/proofs/inclusion", {"index": 7, "size": 260}).body
    root = tree_hash(map(leaf_hash, leaves[:260]))
    path = [b64decode(each) for each in proof["hashes"]]
    assert verify_inclusion(leaf_hash(leaves[7]), 7, 260, path, root)


def test_events_are_listed_in_order_by_type_and_from_anywhere(
    business: Business, auditor: Auditor
) -> None:
    events = booked(business, 3)
    auditor.holds(events[-1])
    listed: list[Any] = []
    asked: dict[str, object] = {"limit": 4}
    while True:
        part = auditor.api.get("/v1/events", asked).body
        listed += part["data"]
        if part["next_cursor"] is None:
            break
        asked["after"] = part["next_cursor"]
    assert [one["position"] for one in listed] == list(range(len(listed)))
    bookings = auditor.api.get("/v1/events", {"type": "booking", "at_least": events[-1]}).body
    assert [one["id"] for one in bookings["data"]] == events
    assert auditor.api.get("/v1/events", {"type": "book"}).body["data"] == []
    # Not three letters of base64 by chance: the bytes themselves, and every digest left out.
    shown = str(listed) + "".join(b64decode(one["leaf"]).decode() for one in listed)
    assert "Ada " not in shown and "example.test" not in shown


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("inclusion", {"index": 0, "size": 10**9}),
        ("inclusion", {"index": -1, "size": 1}),
        ("inclusion", {"index": 1, "size": 1}),
        ("inclusion", {"index": 0, "size": 0}),
        ("inclusion", {"index": 2**70, "size": 2**71}),
        ("inclusion", {"index": "0", "size": 1}),
        ("consistency", {"from": 0, "to": 1}),
        ("consistency", {"from": 2, "to": 1}),
        ("consistency", {"from": 1, "to": 10**9}),
        ("consistency", {"from": 1.5, "to": 2}),
    ],
)
def test_proofs_of_what_nobody_signed_are_refused(
    auditor: Auditor, business: Business, path: str, body: object
) -> None:
    assert wait_until(lambda: auditor.get("checkpoint").status == 200, SECONDS_MAX)
    assert auditor.api.post(f"/v1/ledger/proofs/{path}", body).status in (400, 422)


def test_kill_9_of_signer_and_publisher_loses_no_signature(
    running: Running, business: Business, auditor: Auditor
) -> None:
    auditor.holds(booked(business, 2)[-1])
    sizes = [auditor.checkpoint().size]
    for part in ("signer", "publisher", "sequencer"):
        os.kill(running.parts()[part], signal.SIGSTOP)
        events = booked(business, 2)
        assert auditor.api.get(f"/v1/events/{events[-1]}/receipt").status == 202
        running.kill(part)
        auditor.holds(events[-1])
        sizes.append(auditor.checkpoint().size)
    running.kill_postgres()
    taken: list[str] = []
    # Each connection of each process is lost, and says so once.
    assert wait_until(lambda: serves_again(business, taken), SECONDS_MAX)
    auditor.holds(taken[-1])
    sizes.append(auditor.checkpoint().size)
    assert sizes == sorted(set(sizes))


def serves_again(business: Business, taken: list[str]) -> bool:
    """True when so many are taken in a row that every API process took one; the last is the last of `taken`."""
    try:
        for _ in range(12):
            taken += booked(business, 1)
    except AssertionError:
        return False
    return True
