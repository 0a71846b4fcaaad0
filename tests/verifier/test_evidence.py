"""Evidence of one subject's history: whole, or refused; and receipts of single entries."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from infrastructure.canonical import b64, canonical
from tests.verifier.bundles import SUBJECTS, Ledger, entry, small_ledger
from tests.verifier.running import Outcome, run, verify

ABSENT = "d4" * 16


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return small_ledger()


@pytest.fixture
def said(ledger: Ledger) -> dict[str, Any]:
    return copy.deepcopy(ledger.evidence(SUBJECTS[0]))


def check(ledger: Ledger, tmp_path: Path, said: dict[str, Any], *more: object) -> Outcome:
    return verify(tmp_path, ledger.evidence_files(said), ledger, *more)


def refused(outcome: Outcome, reason: str, index: int | None = None) -> None:
    assert outcome.code == 1, outcome
    assert reason in outcome.reason
    assert outcome.index == index


@pytest.mark.parametrize("tag", SUBJECTS)
def test_the_whole_history_of_a_subject_holds(ledger: Ledger, tmp_path: Path, tag: str) -> None:
    said = ledger.evidence(tag)
    found = check(ledger, tmp_path, said)
    assert found.code == 0, found
    assert (found.report["kind"], found.report["events"]) == ("evidence", len(said["events"]))
    assert found.report["covers"] == 10
    assert sum(found.report["types"].values()) == len(said["events"]) > 1


def test_no_history_is_proved_too(ledger: Ledger, tmp_path: Path) -> None:
    found = check(ledger, tmp_path, ledger.evidence(ABSENT))
    assert (found.code, found.report["events"]) == (0, 0)


def test_no_history_where_nothing_stands_is_proved_too(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.add("tenant.founded.v1", {})
    ledger.commit_map()
    assert check(ledger, tmp_path, ledger.evidence(ABSENT)).code == 0


def test_a_subject_among_many_holds(tmp_path: Path) -> None:
    ledger = Ledger()
    tags = [f"{at:032x}" for at in range(300)]
    for at in range(600):
        ledger.add("booking.confirmed.v1", {}, [tags[at % 300]])
    ledger.commit_map()
    for tag in (tags[0], tags[7], tags[299], ABSENT):
        assert check(ledger, tmp_path, ledger.evidence(tag)).code == 0


def test_nobody_elses_envelope_is_shown(said: dict[str, Any], ledger: Ledger) -> None:
    shown = canonical(said)
    assert SUBJECTS[1].encode() not in shown


# ---- Left out, moved, changed


@pytest.mark.parametrize("at", [0, 1, -1])
@pytest.mark.parametrize("count", ["old", "new"])
def test_an_event_left_out_is_refused(
    ledger: Ledger, tmp_path: Path, said: dict[str, Any], at: int, count: str
) -> None:
    said["events"].pop(at)
    if count == "new":
        said["count"] -= 1
    reason, index = ("not say", 10) if count == "new" else ("as many events", None)
    refused(check(ledger, tmp_path, said), reason, index)


def test_events_out_of_order_or_twice_are_refused(
    ledger: Ledger, tmp_path: Path, said: dict[str, Any]
) -> None:
    first, second, *_ = said["events"]
    said["events"][:2] = [second, first]
    refused(check(ledger, tmp_path, said), "order of the log", first["index"])
    said["events"][:2] = [first, first]
    refused(check(ledger, tmp_path, said), "order of the log", first["index"])


def test_an_event_of_somebody_else_is_refused(
    ledger: Ledger, tmp_path: Path, said: dict[str, Any]
) -> None:
    other = ledger.part(4) | {"branch": None}  # subject.registered of another
    said["events"].insert(1, other)
    refused(check(ledger, tmp_path, said), "not shown to be about", 4)


def test_non_existence_cannot_be_claimed_for_a_tag_that_is_there(
    ledger: Ledger, tmp_path: Path
) -> None:
    there, absent = ledger.evidence(SUBJECTS[0]), ledger.evidence(ABSENT)
    for proof in (there["map"]["proof"], absent["map"]["proof"]):
        said = there | {"events": [], "count": 0, "map": there["map"] | {"proof": proof}}
        refused(check(ledger, tmp_path, said), "the map does not say", 10)
    key, value = ledger.items(10)[0]
    nothing: list[str] = []
    for hashes in (nothing, there["map"]["proof"]["hashes"], there["map"]["proof"]["hashes"][:-1]):
        other = {"key": b64(key), "value": b64(value)}
        forged = there["map"] | {"proof": {"hashes": hashes, "other": other}}
        said = there | {"events": [], "count": 0, "map": forged}
        refused(check(ledger, tmp_path, said), "the map does not say", 10)


def test_history_cannot_be_claimed_for_a_tag_that_is_absent(ledger: Ledger, tmp_path: Path) -> None:
    said = ledger.evidence(ABSENT)
    said["map"]["proof"]["hashes"].append(b64(bytes(32)))
    refused(check(ledger, tmp_path, said), "the map does not say", 10)


def test_a_map_that_is_none_is_refused(
    ledger: Ledger, tmp_path: Path, said: dict[str, Any]
) -> None:
    said["map"] = ledger.part(0) | {"proof": said["map"]["proof"]}
    assert check(ledger, tmp_path, said).code == 2
    said["map"] = ledger.part(6) | {"proof": said["map"]["proof"]}
    assert check(ledger, tmp_path, said).code == 1  # an older map than the events need


def test_another_place_in_the_log_is_refused(
    ledger: Ledger, tmp_path: Path, said: dict[str, Any]
) -> None:
    for index in (0, 3, 10**15, -1, True, "2", None):
        bent = copy.deepcopy(said)
        bent["events"][0]["index"] = index
        assert check(ledger, tmp_path, bent).code in (1, 2)
    said["events"][0]["inclusion"].pop()
    refused(check(ledger, tmp_path, said), "not in the log", said["events"][0]["index"])


def test_a_branch_of_another_or_elsewhere_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    said = ledger.evidence(SUBJECTS[0])
    many = next(it for it in said["events"] if it["branch"])
    theirs = next(it for it in ledger.evidence(SUBJECTS[1])["events"] if it["branch"])["branch"]
    mine = many["branch"]
    bad: list[Any] = [theirs, mine | {"position": 1}, mine | {"position": -1}, mine | {"path": []}]
    bad += [mine | {"salt": "0" * 32}]
    for branch in bad:
        many["branch"] = branch
        refused(check(ledger, tmp_path, said), "not shown to be about", many["index"])
    many["branch"] = None
    refused(check(ledger, tmp_path, said), "not shown to be about", many["index"])


def test_my_own_envelope_may_not_be_left_out(
    ledger: Ledger, tmp_path: Path, said: dict[str, Any]
) -> None:
    from base64 import b64decode

    event = said["events"][0]
    plain, *_ = b64decode(event["payload"]).split(b"\n")
    event["payload"] = b64(plain + b"\n")
    refused(check(ledger, tmp_path, said), "content withheld", event["index"])
    event["payload"] = b64(plain)
    refused(check(ledger, tmp_path, said), "one line for each seal", event["index"])
    event["payload"] = None
    refused(check(ledger, tmp_path, said), "content withheld", event["index"])


def test_the_tag_must_be_the_manifests(
    ledger: Ledger, tmp_path: Path, said: dict[str, Any]
) -> None:
    files = ledger.evidence_files(said | {"tag": ABSENT})
    files["evidence.json"] = canonical(said)
    bare = {name: data for name, data in files.items() if not name.startswith("manifest.")}
    signed = ledger.signed(bare, kind="evidence", tag=ABSENT)
    assert verify(tmp_path, signed, ledger).code == 1
    extra = ledger.signed(bare | {"more": b""}, kind="evidence", tag=SUBJECTS[0])
    assert verify(tmp_path, extra, ledger).code == 1


@pytest.mark.parametrize("what", ["events", "map", "count", "tag", "v"])
@pytest.mark.parametrize("value", [None, -1, 10**15, "x", [], {}, [None], [[]], False])
def test_evidence_of_another_shape_is_refused_without_a_trace(
    ledger: Ledger, tmp_path: Path, said: dict[str, Any], what: str, value: Any
) -> None:
    bent = said | {what: value}
    bare = {"checkpoint": ledger.checkpoint(), "evidence.json": canonical(bent)}
    signed = ledger.signed(bare, kind="evidence", tag=bent["tag"])
    assert verify(tmp_path, signed, ledger).code in (1, 2)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[" * 100_000, b'{"v":1,"v":1}', b'{"v":1.5}', b"\xff", b'{"v":NaN}']
)
def test_evidence_that_is_no_json_cannot_be_checked(
    ledger: Ledger, tmp_path: Path, text: bytes
) -> None:
    bare = {"checkpoint": ledger.checkpoint(), "evidence.json": text}
    signed = ledger.signed(bare, kind="evidence", tag=SUBJECTS[0])
    assert verify(tmp_path, signed, ledger).code == 2


def test_a_known_checkpoint_of_the_same_size_must_be_the_same(
    ledger: Ledger, tmp_path: Path, said: dict[str, Any]
) -> None:
    known = tmp_path / "known"
    known.write_bytes(ledger.checkpoint())
    assert check(ledger, tmp_path, said, "--known-checkpoint", known).report["notes"] == []
    known.write_bytes(ledger.checkpoint(5))
    found = check(ledger, tmp_path, said, "--known-checkpoint", known)
    assert (found.code, len(found.report["notes"])) == (0, 1)
    forked = Ledger(ledger.key, entries=[*ledger.entries[:-1], entry("hold.placed.v1", {})])
    known.write_bytes(forked.checkpoint())
    refused(check(ledger, tmp_path, said, "--known-checkpoint", known), "another root")


# ---- Receipts


def receipt(ledger: Ledger, tmp_path: Path, text: bytes, index: int, *more: object) -> Outcome:
    path, leaf = tmp_path / "one.tlog-proof", tmp_path / "leaf"
    path.write_bytes(text)
    leaf.write_bytes(ledger.entries[index].leaf)
    return run(path, "--vkey", ledger.vkey, "--leaf", leaf, *more)


@pytest.mark.parametrize("index", range(12))
def test_a_receipt_holds_for_its_entry_alone(ledger: Ledger, tmp_path: Path, index: int) -> None:
    text = ledger.receipt(index)
    found = receipt(ledger, tmp_path, text, index)
    assert (found.code, found.report["kind"], found.report["index"]) == (0, "receipt", index)
    refused(receipt(ledger, tmp_path, text, (index + 1) % 12), "not in the log", index)
    found = run(
        tmp_path / "one.tlog-proof",
        *("--vkey", ledger.vkey, "--leaf-hash", b64(ledger.hashes()[index])),
    )
    assert found.code == 0


def test_a_receipt_may_carry_extra_data(ledger: Ledger, tmp_path: Path) -> None:
    text = ledger.receipt(3).replace(b"index ", b"extra YQ==\nindex ", 1)
    assert receipt(ledger, tmp_path, text, 3).code == 0
    assert receipt(ledger, tmp_path, text.replace(b"YQ==", b"YR=="), 3).code == 2


def test_any_changed_byte_of_a_receipt_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    text = ledger.receipt(5)
    for at in range(len(text)):
        bent = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
        assert receipt(ledger, tmp_path, bent, 5).code in (1, 2), bent
        assert receipt(ledger, tmp_path, text[:at], 5).code == 2


@pytest.mark.parametrize(
    "index", [b"05", b"-5", b"+5", b"5.0", b"", b"99999999999999999999", b"\xd9\xa5", b"1_0"]
)
def test_an_index_is_written_in_one_way(ledger: Ledger, tmp_path: Path, index: bytes) -> None:
    text = ledger.receipt(5).replace(b"index 5", b"index " + index)
    assert receipt(ledger, tmp_path, text, 5).code == 2


def test_a_receipt_needs_its_entry(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "one.tlog-proof"
    path.write_bytes(ledger.receipt(5))
    assert run(path, "--vkey", ledger.vkey).code == 2
    assert run(path, "--vkey", ledger.vkey, "--leaf", tmp_path / "none").code == 2
    assert run(path, "--vkey", ledger.vkey, "--leaf-hash", "AAAA").code == 1
    assert run(path, "--vkey", ledger.vkey, "--leaf-hash", "?").code == 2
