"""Exports: a good one holds; whatever is bent is refused, by somebody with the log's key and by somebody without."""

from __future__ import annotations

import copy
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infrastructure.canonical import b64, canonical, sha256
from tests.verifier.bundles import (
    ORIGIN,
    SUBJECTS,
    Files,
    Ledger,
    entry,
    hex_id,
    payload_bundle,
    small_ledger,
    zipped,
)
from tests.verifier.running import Outcome, run, verify


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return small_ledger()


@pytest.fixture(scope="module")
def long_ledger() -> Ledger:
    """600 events: two full tiles, a tile of level 1, and a partial one."""
    ledger = Ledger()
    for number in range(598):
        ledger.add("hold.placed.v1", {"n": number}, SUBJECTS[number % 3 :][:1])
    ledger.commit_map()
    ledger.commit_map()
    return ledger


def entries_of(ledger: Ledger, tile: int = 0) -> str:
    names = ledger.tiles(0, ledger.size)
    return [name for name in names if name.startswith("tile/entries/")][tile]


def refused(outcome: Outcome, reason: str, index: int | None = None) -> None:
    assert outcome.code == 1, outcome
    assert reason in outcome.reason
    assert outcome.index == index


# ---- What holds


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_good_export_holds(ledger: Ledger, tmp_path: Path, method: int) -> None:
    found = verify(tmp_path, zipped(ledger.export(), method), ledger)
    assert found.code == 0
    assert found.report | {"types": {}, "tenant": ""} == {
        "verdict": "holds",
        "kind": "export",
        "origin": ORIGIN,
        "size": 12,
        "problem": None,
        "notes": [],
        "signed_by": [ORIGIN],
        "cosigned_by": [],
        "unknown_signatures": 0,
        "entries": [0, 12],
        "types": {},
        "times": ["2027-03-14T14:00:00.123456Z"] * 2,
        "tenant": "",
        "maps": 2,
        "subjects": 3,
        "payloads_gone": 1,
    }
    assert found.report["types"]["ledger.map_committed.v1"] == 2


def test_the_report_for_people_says_the_same(ledger: Ledger, tmp_path: Path, capsys: Any) -> None:
    from verifier.command import main

    path = tmp_path / "bundle.zip"
    path.write_bytes(zipped(ledger.export()))
    assert main([str(path), "--vkey", ledger.vkey]) == 0
    assert capsys.readouterr().out.startswith("HOLDS\n")
    path.write_bytes(zipped(ledger.export() | {"checkpoint": small_ledger().checkpoint()}))
    assert main([str(path), "--vkey", ledger.vkey]) == 1
    assert capsys.readouterr().out.startswith("DOES NOT HOLD: ")


def test_an_export_of_several_tiles_holds(long_ledger: Ledger, tmp_path: Path) -> None:
    found = verify(tmp_path, long_ledger.export(), long_ledger)
    assert (found.code, found.report["maps"], found.report["subjects"]) == (0, 2, 3)


def test_what_is_too_much_for_memory_is_checked_all_the_same(
    long_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verifier.prefix_map.MEMORY_BYTES_MAX", 1_000)
    assert verify(tmp_path, long_ledger.export(), long_ledger).report["subjects"] == 3
    bent = Ledger(long_ledger.key, entries=list(long_ledger.entries))
    bent.commit_map(keys=4)
    refused(verify(tmp_path, bent.export(), bent), "the map is not", 600)
    bent.entries[-1] = bent.entries[0]
    refused(verify(tmp_path, bent.export(), bent), "twice", 600)


@pytest.mark.parametrize(
    ("first", "past", "entries"),
    [(0, 256, [0, 256]), (300, 400, [256, 512]), (512, 600, [512, 600]), (300, 300, [256, 256])],
)
def test_a_part_of_the_log_holds(
    long_ledger: Ledger, tmp_path: Path, first: int, past: int, entries: list[int]
) -> None:
    files = long_ledger.export(first, past)
    found = verify(tmp_path, files, long_ledger)
    assert (found.code, found.report["entries"]) == (0, entries)
    assert "not replayed" in found.report["notes"][0]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512])
def test_an_export_of_any_size_holds(long_ledger: Ledger, tmp_path: Path, size: int) -> None:
    ledger = Ledger(long_ledger.key, entries=long_ledger.entries[:size])
    assert verify(tmp_path, ledger.export(), ledger).code == 0


def test_a_log_of_65_537_entries_holds(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.entries = [entry("hold.placed.v1", {"n": at}) for at in range(65_537)]
    files = ledger.export()
    assert "tile/2/000.p/1" in files
    assert verify(tmp_path, files, ledger).code == 0
    bent = files | {"tile/2/000.p/1": bytes(32)}
    refused(verify(tmp_path, ledger.signed(_bare(bent), **_said(files)), ledger), "level 2", 0)


# ---- Folders


def unpacked(files: Files, folder: Path) -> Path:
    for name, data in files.items():
        path = folder / "export" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder / "export"


def test_an_unpacked_export_holds(ledger: Ledger, tmp_path: Path) -> None:
    found = run(unpacked(ledger.export(), tmp_path), "--vkey", ledger.vkey)
    assert (found.code, found.report["notes"]) == (0, [])


def test_a_bare_folder_holds_and_says_that_it_has_no_manifest(
    ledger: Ledger, tmp_path: Path
) -> None:
    files = _bare(ledger.export())
    found = run(unpacked(files, tmp_path), "--vkey", ledger.vkey)
    assert (found.code, found.report["subjects"]) == (0, 3)
    assert "no signed manifest" in found.report["notes"][0]


def test_a_folder_of_somebody_elses_software_has_no_payloads(
    ledger: Ledger, tmp_path: Path
) -> None:
    files = {name: data for name, data in ledger.tiles(0, 12).items() if "payload" not in name}
    found = run(unpacked(files, tmp_path), "--vkey", ledger.vkey)
    assert found.code == 0
    assert "no payloads" in found.report["notes"][1]


def test_a_folder_with_a_link_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    folder = unpacked(ledger.export(), tmp_path)
    (folder / "payload/000.p/12").rename(tmp_path / "elsewhere")
    (folder / "payload/000.p/12").symlink_to(tmp_path / "elsewhere")
    assert run(folder, "--vkey", ledger.vkey).code == 2


# ---- Rows removed, moved, changed


def _bare(files: Files) -> Files:
    return {name: data for name, data in files.items() if not name.startswith("manifest.")}


def _said(files: Files, **bent: Any) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(files["manifest.json"])
    return {key: said[key] for key in ("kind", "from", "to")} | bent


def without(ledger: Ledger, index: int) -> Ledger:
    return Ledger(ledger.key, entries=ledger.entries[:index] + ledger.entries[index + 1 :])


@pytest.mark.parametrize("index", [0, 5, 11])
def test_a_row_removed_under_the_old_checkpoint_is_refused(
    ledger: Ledger, tmp_path: Path, index: int
) -> None:
    """Somebody with the log's key who signs the manifest again cannot change what the checkpoint says."""
    files = _bare(ledger.export())
    fewer = [*ledger.entries[:index], *ledger.entries[index + 1 :]]
    files["tile/entries/000.p/12"] = b"".join(
        len(one.leaf).to_bytes(2, "big") + one.leaf for one in fewer
    )
    files["payload/000.p/12"] = payload_bundle(fewer)
    found = verify(tmp_path, ledger.signed(files, **_said(ledger.export())), ledger)
    assert found.code in (1, 2)
    assert found.index == index


@pytest.mark.parametrize("index", [0, 5, 11])
def test_a_log_made_anew_does_not_fit_the_old_checkpoint(
    ledger: Ledger, tmp_path: Path, index: int
) -> None:
    other = without(ledger, index)
    files = _bare(other.export()) | {"checkpoint": ledger.checkpoint()}
    found = verify(tmp_path, other.signed(files, **_said(other.export())), ledger)
    assert found.code == 1


def test_an_attacker_without_the_key_cannot_sign_the_manifest(
    ledger: Ledger, tmp_path: Path
) -> None:
    thief = Ledger(Ed25519PrivateKey.generate(), entries=ledger.entries[:-1])
    refused(verify(tmp_path, thief.export(), ledger), "not signed by a key that is trusted")


def test_two_rows_swapped_are_refused_at_the_first(ledger: Ledger, tmp_path: Path) -> None:
    other = Ledger(ledger.key, entries=list(ledger.entries))
    other.entries[3], other.entries[8] = other.entries[8], other.entries[3]
    files = _bare(other.export())
    kept = {"tile/0/000.p/12", "checkpoint"}
    files |= {name: data for name, data in ledger.export().items() if name in kept}
    found = verify(tmp_path, other.signed(files, **_said(other.export())), ledger)
    refused(found, "does not hash to its leaf", 3)
    files["tile/0/000.p/12"] = other.tiles(0, 12)["tile/0/000.p/12"]
    found = verify(tmp_path, other.signed(files, **_said(other.export())), ledger)
    refused(found, "the map is not", 6)


def test_a_changed_payload_is_named_by_its_entry(long_ledger: Ledger, tmp_path: Path) -> None:
    files = long_ledger.export()
    name = "payload/001"
    at = files[name].index(b'"n":333') + 4
    files[name] = files[name][:at] + b"9" + files[name][at + 1 :]
    refused(verify(tmp_path, files, long_ledger), "(pd)", 333)
    refused(
        verify(tmp_path, long_ledger.signed(_bare(files), **_said(files)), long_ledger), "(pd)", 333
    )


def test_payloads_swapped_are_refused(ledger: Ledger, tmp_path: Path) -> None:
    other = Ledger(ledger.key, entries=list(ledger.entries))
    for one, two in ((1, 2), (2, 1)):
        other.entries[one] = ledger.entries[one]._replace(payload=ledger.entries[two].payload)
    refused(verify(tmp_path, other.export(), ledger), "(pd)", 1)


def test_envelopes_swapped_are_refused(ledger: Ledger, tmp_path: Path) -> None:
    other = Ledger(ledger.key, entries=list(ledger.entries))
    payload = ledger.entries[5].payload
    assert payload is not None
    plain, one, two = payload.split(b"\n")
    other.entries[5] = ledger.entries[5]._replace(payload=b"\n".join([plain, two, one]))
    refused(verify(tmp_path, other.export(), ledger), "(cd)", 5)
    other.entries[5] = ledger.entries[5]._replace(payload=b"\n".join([plain, one]))
    refused(verify(tmp_path, other.export(), ledger), "one line for each seal", 5)


def test_an_envelope_under_another_name_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    other = Ledger(ledger.key, entries=list(ledger.entries))
    payload = ledger.entries[1].payload
    assert payload is not None
    bent = payload.replace(b'"class":"booking"', b'"class":"billing"')
    other.entries[1] = ledger.entries[1]._replace(payload=bent)
    refused(verify(tmp_path, other.export(), ledger), "subject, class and key", 1)


# ---- What leaves say


@pytest.mark.parametrize(
    "bent",
    [
        {"note": "free text"},
        {"v": 2},
        {"v": True},
        {"ver": -1},
        {"ver": 2**53 - 1},
        {"ver": "1"},
        {"at": "2027-02-30T14:00:00Z"},
        {"at": "2027-03-14T14:00:00+01:00"},
        {"id": "1"},
        {"type": "Free Text"},
        {"actor": "Ann Example"},
        {"purpose": "a b"},
        {"pd": "AAAA"},
        {"many": {"n": 1}},
        {"seals": []},
    ],
)
def test_a_leaf_that_says_what_it_may_not_is_refused(tmp_path: Path, bent: dict[str, Any]) -> None:
    ledger = Ledger()
    ledger.add("tenant.founded.v1", {})
    ledger.add("hold.placed.v1", {}, **bent)
    found = verify(tmp_path, ledger.export(), ledger)
    assert found.code in (1, 2)
    assert found.index == 1


@pytest.mark.parametrize(
    "leaf",
    [
        b"",
        b"{}",
        b"daybook/leaf/v2\n{}",
        b"daybook/leaf/v1\n{}\n",
        b"daybook/leaf/v1\n" + b"[" * 50_000,
        b"\xff" * 100,
    ],
)
def test_an_entry_that_is_no_leaf_is_refused(tmp_path: Path, leaf: bytes) -> None:
    ledger = small_ledger()
    ledger.entries[4] = ledger.entries[4]._replace(leaf=leaf)
    refused(verify(tmp_path, ledger.export(), ledger), "no leaf", 4)


def test_white_space_and_order_of_keys_are_canonical(tmp_path: Path) -> None:
    for bend in (lambda leaf: leaf.replace(b'"v":1', b'"v": 1'), _reordered, _doubled):
        ledger = small_ledger()
        ledger.entries[4] = ledger.entries[4]._replace(leaf=bend(ledger.entries[4].leaf))
        refused(verify(tmp_path, ledger.export(), ledger), "no leaf", 4)


def _reordered(leaf: bytes) -> bytes:
    return leaf.replace(b'"v":1,"ver":1', b'"ver":1,"v":1')


def _doubled(leaf: bytes) -> bytes:
    return leaf.replace(b'"v":1,', b'"v":1,"v":1,')


def test_an_event_twice_is_refused(tmp_path: Path) -> None:
    ledger = small_ledger()
    ledger.entries.append(ledger.entries[4])
    refused(verify(tmp_path, ledger.export(), ledger), "twice", 12)


@pytest.mark.parametrize("versions", [(2,), (1, 3), (1, 1), (1, 2, 2)])
def test_versions_of_a_stream_that_jump_are_refused(
    tmp_path: Path, versions: tuple[int, ...]
) -> None:
    ledger, stream = Ledger(), hex_id()
    ledger.add("tenant.founded.v1", {})
    for version in versions:
        ledger.add("hold.placed.v1", {}, stream=stream, version=version)
    refused(verify(tmp_path, ledger.export(), ledger), "version", len(versions))


def test_a_stranger_among_the_tenants_is_refused(tmp_path: Path) -> None:
    ledger = small_ledger()
    ledger.add("hold.placed.v1", {}, tenant="8" * 32)
    refused(verify(tmp_path, ledger.export(), ledger), "another tenant", 12)


@pytest.mark.parametrize("bend", ["fewer", "other", "salt", "none"])
def test_a_list_of_many_that_was_changed_is_refused(tmp_path: Path, bend: str) -> None:
    ledger = Ledger()
    seen = [{"salt": hex_id(), "subject": subject} for subject in SUBJECTS]
    good = entry("access.granted.v1", {"subjects": seen})
    many = json.loads(good.leaf.split(b"\n")[1])["many"]
    bent: list[Any] = copy.deepcopy(seen)
    if bend == "fewer":
        bent.pop()
    elif bend == "none":
        bent = []
    else:
        bent[1]["subject" if bend == "other" else "salt"] = hex_id()
    ledger.add("access.granted.v1", {"subjects": bent}, many=many)
    refused(verify(tmp_path, ledger.export(), ledger), "(many)", 0)


@pytest.mark.parametrize("subject", ["12", 12, ["1"], "g" * 32, "a1a1a1a1-" + "a1" * 12])
def test_a_subject_that_is_no_tag_is_unreadable(tmp_path: Path, subject: object) -> None:
    ledger = Ledger()
    one = entry("hold.placed.v1", {})
    plain = canonical({"subject": subject})
    leaf = one.leaf.replace(b64(sha256(b"{}")).encode(), b64(sha256(plain)).encode())
    ledger.entries.append(one._replace(leaf=leaf, payload=plain))
    found = verify(tmp_path, ledger.export(), ledger)
    assert (found.code, found.index) == (2, 0)


# ---- Maps


@pytest.mark.parametrize(
    ("bent", "reason"),
    [
        ({"root": b64(bytes(32))}, "not that of the entries"),
        ({"keys": 5}, "not that of the entries"),
        ({"keys": 2}, "not that of the entries"),
        ({"covers": 11}, "not that of the entries"),
        ({"covers": 12, "root": b64(bytes(32))}, "not that of the entries"),
        ({"covers": 13}, "what cannot be"),
        ({"covers": -1}, "what cannot be"),
        ({"covers": 3}, "does not follow"),
        ({"previous": None}, "does not follow"),
        ({"previous": 6}, "does not follow"),
        ({"previous": 12}, "what cannot be"),
    ],
)
def test_a_map_that_is_wrong_is_refused(tmp_path: Path, bent: dict[str, Any], reason: str) -> None:
    ledger = small_ledger()
    ledger.add("subject.registered.v1", {"subject": "d4" * 16})
    ledger.entries.pop(-2)
    if "covers" in bent and 3 < bent["covers"] < 12:
        bent = bent | {"root": b64(bytes(32))}
    ledger.commit_map(**bent)
    refused(verify(tmp_path, ledger.export(), ledger), reason, 12)


@pytest.mark.parametrize(
    "bent", [{"covers": 2**53 - 1}, {"covers": "1"}, {"root": "x"}, {"keys": None}]
)
def test_a_map_of_nonsense_is_refused_without_a_trace(tmp_path: Path, bent: dict[str, Any]) -> None:
    ledger = small_ledger()
    one = entry(
        "ledger.map_committed.v1", {"covers": 3, "keys": 3, "previous": 10, "root": "x"} | bent
    )
    ledger.entries.append(one)
    assert verify(tmp_path, ledger.export(), ledger).code in (1, 2)


def test_an_event_left_out_of_its_subjects_chain_is_refused(tmp_path: Path) -> None:
    ledger = Ledger()
    for _ in range(4):
        ledger.add("booking.confirmed.v1", {}, SUBJECTS[:1])
    ledger.entries[2] = ledger.entries[2]._replace(tags=frozenset())
    ledger.commit_map()
    refused(verify(tmp_path, ledger.export(), ledger), "the map is not", 4)


def test_a_subject_behind_an_escape_counts(tmp_path: Path) -> None:
    """Somebody who hides a subject from a careless reader hides it from no map."""
    ledger = Ledger()
    one = entry("hold.placed.v1", {})
    plain = b'{"\\u0073ubject":"' + SUBJECTS[0].encode() + b'"}'
    leaf = one.leaf.replace(b64(sha256(b"{}")).encode(), b64(sha256(plain)).encode())
    ledger.entries.append(one._replace(leaf=leaf, payload=plain))
    ledger.commit_map()
    refused(verify(tmp_path, ledger.export(), ledger), "the map is not", 1)


# ---- Withheld content


def gone(ledger: Ledger, index: int) -> Ledger:
    ledger.entries[index] = ledger.entries[index]._replace(payload=None)
    return ledger


def test_a_payload_that_is_gone_without_an_order_is_withheld(tmp_path: Path) -> None:
    ledger = gone(small_ledger(), 5)  # of two subjects, of which one was erased
    refused(verify(tmp_path, ledger.export(), ledger), "withheld", 5)
    ledger = gone(small_ledger(), 0)  # of nobody
    refused(verify(tmp_path, ledger.export(), ledger), "withheld", 0)
    ledger = gone(small_ledger(), 7)  # of many
    refused(verify(tmp_path, ledger.export(), ledger), "withheld", 7)


def test_an_order_before_the_event_is_none(tmp_path: Path) -> None:
    ledger = small_ledger()
    late = ledger.add("booking.confirmed.v1", {}, SUBJECTS[1:2])
    refused(verify(tmp_path, gone(ledger, late).export(), ledger), "withheld", late)


def test_one_envelope_of_two_may_be_gone(tmp_path: Path) -> None:
    ledger = small_ledger()
    payload = ledger.entries[5].payload
    assert payload is not None
    plain, one, two = payload.split(b"\n")
    ledger.entries[5] = ledger.entries[5]._replace(payload=b"\n".join([plain, one, b""]))
    assert verify(tmp_path, ledger.export(), ledger).code == 0
    ledger.entries[5] = ledger.entries[5]._replace(payload=b"\n".join([plain, b"", two]))
    refused(verify(tmp_path, ledger.export(), ledger), "withheld", 5)


# ---- Known checkpoints


def test_a_checkpoint_kept_from_earlier_on_must_be_of_this_log(
    long_ledger: Ledger, tmp_path: Path
) -> None:
    known = tmp_path / "known"
    export = long_ledger.export()
    for size in (0, 1, 256, 300, 512, 600):
        known.write_bytes(long_ledger.checkpoint(size))
        assert verify(tmp_path, export, long_ledger, "--known-checkpoint", known).code == 0
    forked = Ledger(long_ledger.key, entries=list(reversed(long_ledger.entries)))
    for size in (1, 256, 300, 600):
        known.write_bytes(forked.checkpoint(size))
        found = verify(tmp_path, export, long_ledger, "--known-checkpoint", known)
        refused(found, f"the first {size} entries are not those")


def test_an_export_that_ends_before_what_is_known_is_refused(
    ledger: Ledger, tmp_path: Path
) -> None:
    known = tmp_path / "known"
    known.write_bytes(ledger.checkpoint())
    shorter = Ledger(ledger.key, entries=ledger.entries[:9])
    found = verify(tmp_path, shorter.export(), ledger, "--known-checkpoint", known)
    refused(found, "ends before 12 entries")


def test_a_known_checkpoint_of_somebody_else_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_bytes(small_ledger().checkpoint())
    found = verify(tmp_path, ledger.export(), ledger, "--known-checkpoint", known)
    refused(found, "not signed by a key that is trusted")
    known.write_bytes(b"nonsense")
    assert verify(tmp_path, ledger.export(), ledger, "--known-checkpoint", known).code == 2
    assert (
        verify(tmp_path, ledger.export(), ledger, "--known-checkpoint", tmp_path / "no").code == 2
    )
