"""A certificate of erasure: it holds where the ledger says so, and nothing in it can be bent."""

from __future__ import annotations

import copy
import json
from base64 import b64encode
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from infrastructure.canonical import b64, canonical, sha256
from tests.verifier.bundles import Files, Ledger, hex_id, small_ledger, zipped
from tests.verifier.running import Outcome, run, verify

ADA, BOB = "a7" * 16, "b8" * 16


def header(ledger: Ledger, index: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ledger.entries[index].leaf.split(b"\n", 1)[1])
    return found


def keys_of(ledger: Ledger, *indexes: int) -> list[str]:
    return [header(ledger, index)["seals"][0]["k"] for index in indexes]


class Erased:
    """A ledger in which somebody was erased, and the certificate of it before it is logged."""

    def __init__(self, *, after: bool = False) -> None:
        self.ledger = small_ledger()
        booked = [self.ledger.add("booking.confirmed.v1", {"n": n}, [ADA]) for n in range(2)]
        self.ledger.add("booking.confirmed.v1", {"n": 3}, [BOB])
        self.keys = sorted(keys_of(self.ledger, *booked))
        done = {"subject": ADA, "classes": ["booking"]}
        listed = [{"key": str(UUID(key)), "retention_class": "booking"} for key in self.keys]
        self.events = [
            self.ledger.add("erasure.ordered.v1", done),
            self.ledger.add("erasure.effected.v1", done | {"keys": listed}),
            self.ledger.add("erasure.completed.v1", done),
        ]
        if after:
            self.ledger.add("booking.confirmed.v1", {"n": 4}, [ADA])
        self.said: dict[str, Any] = {
            "subject": {"pseudonym": f"sub_{ADA}"},
            "destroyed": [{"retention_class": "booking", "keys": self.keys}],
            "events": [
                {
                    "event_id": f"evt_{header(self.ledger, at)['id']}",
                    "type": header(self.ledger, at)["type"],
                }
                for at in self.events
            ],
        }

    def logged(self, said: dict[str, Any] | None = None) -> Files:
        """The bundle, once the digest of `said` is in the ledger."""
        body = canonical(said or self.said)
        self.ledger.add("erasure.certified.v1", {"subject": ADA, "body_sha256": b64(sha256(body))})
        self.ledger.commit_map()
        return self.bundle(body)

    def bundle(self, body: bytes) -> Files:
        files = {
            "checkpoint": self.ledger.checkpoint(),
            "evidence.json": canonical(self.ledger.evidence(ADA)),
            "certificate.json": body,
        }
        return self.ledger.signed(files, kind="certificate", tag=ADA)


@pytest.fixture
def erased() -> Erased:
    return Erased()


def refused(outcome: Outcome, reason: str, index: int | None = None) -> None:
    assert outcome.code == 1, outcome
    assert reason in outcome.reason
    assert outcome.index == index


def test_what_the_ledger_says_holds(erased: Erased, tmp_path: Path) -> None:
    found = verify(tmp_path, erased.logged(), erased.ledger)
    assert found.code == 0, found
    assert found.report["kind"] == "certificate"
    assert (found.report["destroyed"], found.report["keys"]) == (["booking"], 2)
    assert found.report["not_destroyed"] == []


def test_it_is_verified_as_it_was_answered(erased: Erased, tmp_path: Path) -> None:
    files = erased.logged()
    path = tmp_path / "certificate.json"
    whole = {
        "certificate": json.loads(files["certificate.json"]),
        "proof": b64encode(zipped(files)).decode(),
    }
    path.write_bytes(canonical(whole))
    assert run(path, "--vkey", erased.ledger.vkey).code == 0
    whole["certificate"]["destroyed"][0]["retention_class"] = "profile"
    path.write_bytes(canonical(whole))
    refused(run(path, "--vkey", erased.ledger.vkey), "shown is not the one in its proof")
    for torn in (b"{}", b'{"proof": 1}', b"[", canonical({"certificate": {}, "proof": "AAAA"})):
        path.write_bytes(torn)
        assert run(path, "--vkey", erased.ledger.vkey).code == 2


def test_a_class_that_is_not_destroyed_is_told(erased: Erased, tmp_path: Path) -> None:
    said = erased.said | {"destroyed": []}
    found = verify(tmp_path, erased.logged(said), erased.ledger)
    assert (found.code, found.report["not_destroyed"]) == (0, ["booking"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subject": {"pseudonym": f"sub_{BOB}"}}, "not one that was logged for this subject"),
        (
            {"events": [{"event_id": f"evt_{hex_id()}", "type": "erasure.ordered.v1"}]},
            "not in the history",
        ),
        ({"destroyed": [{"retention_class": "profile", "keys": []}]}, "does not say"),
        ({"destroyed": [{"retention_class": "booking", "keys": ["c" * 32]}]}, "does not say"),
    ],
)
def test_what_the_ledger_does_not_say_is_refused(
    erased: Erased, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    refused(verify(tmp_path, erased.logged(erased.said | change), erased.ledger), reason)


def test_a_value_under_a_key_that_lives_is_found(tmp_path: Path) -> None:
    again = Erased(after=True)
    at = again.events[-1] + 1
    refused(verify(tmp_path, again.logged(), again.ledger), "a key that is not destroyed", at)


def test_a_key_that_is_left_out_is_found(erased: Erased, tmp_path: Path) -> None:
    said = copy.deepcopy(erased.said)
    left = said["destroyed"][0]["keys"].pop()
    outcome = verify(tmp_path, erased.logged(said), erased.ledger)
    assert outcome.code == 1
    assert outcome.index is not None
    assert keys_of(erased.ledger, outcome.index) == [left]


def test_one_that_was_never_logged_is_refused(erased: Erased, tmp_path: Path) -> None:
    erased.logged()
    other = canonical(erased.said | {"status": "complete"})
    refused(verify(tmp_path, erased.bundle(other), erased.ledger), "not one that was logged")


def test_evidence_of_somebody_else_does_not_carry_it(erased: Erased, tmp_path: Path) -> None:
    files = erased.logged()
    files["evidence.json"] = canonical(erased.ledger.evidence(BOB))
    named = {name: data for name, data in files.items() if not name.startswith("manifest")}
    bent = erased.ledger.signed(named, kind="certificate", tag=ADA)
    refused(verify(tmp_path, bent, erased.ledger), "of the manifest's subject")
