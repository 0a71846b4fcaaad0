"""Bundles that are damaged anywhere: refused, with a line and never with a trace; nothing of them is believed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scratch import scratch_folder
from tests.verifier.bundles import SUBJECTS, Files, Ledger, small_ledger, zipped
from tests.verifier.running import run, verify
from verifier.bundle import Bundle
from verifier.trust import Trust


def tiny_ledger() -> Ledger:
    ledger = Ledger()
    ledger.add("booking.confirmed.v1", {"n": 1}, SUBJECTS[:1])
    ledger.commit_map()
    return ledger


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return tiny_ledger()


def bundles(ledger: Ledger) -> dict[str, Files]:
    return {
        "export": ledger.export(),
        "evidence": ledger.evidence_files(ledger.evidence(SUBJECTS[0])),
    }


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory, where it can be: thousands of bundles are written."""
    with scratch_folder("damage") as it:
        yield it


# Which of the bytes that a hash of the manifest covers: one in 17, so that each of their eight bits is among them, and
# all of them with `make soak`. Every byte of the rest is always tried: checkpoint, manifest, signature, a zip's order.
step_of_contents = pytest.mark.parametrize("step", [17, pytest.param(1, marks=pytest.mark.soak)])


@step_of_contents
@pytest.mark.parametrize("kind", ["export", "evidence"])
def test_any_changed_byte_of_any_file_is_refused(
    ledger: Ledger, folder: Path, kind: str, step: int
) -> None:
    files = bundles(ledger)[kind]
    for name, data in files.items():
        is_signed_itself = name == "checkpoint" or name.startswith("manifest.")
        for at in range(0, len(data), 1 if is_signed_itself else step):
            bent = data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]
            assert verify(folder, files | {name: bent}, ledger).code in (1, 2), (name, at)


def contents(whole: bytes) -> set[int]:
    """The bytes of a zip that are those of its files."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        starts = [(it.header_offset + 30 + len(it.filename), it) for it in archive.infolist()]
    return {at for start, it in starts for at in range(start, start + it.compress_size)}


@step_of_contents
@pytest.mark.parametrize(
    ("kind", "method"), [("export", zipfile.ZIP_STORED), ("evidence", zipfile.ZIP_DEFLATED)]
)
def test_any_changed_byte_of_a_zip_is_refused_or_changes_nothing(
    ledger: Ledger, folder: Path, kind: str, method: int, step: int
) -> None:
    files = bundles(ledger)[kind]
    whole = zipped(files, method)
    inside = contents(whole)
    for at in range(len(whole)):
        if at in inside and at % step:
            continue
        bent = whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :]
        if verify(folder, bent, ledger).code == 0:
            trust = Trust()
            trust.add_log(ledger.vkey)
            bundle = Bundle(folder / "bundle.zip", trust)
            assert {name: bundle.read(name) for name in bundle.names} == files, at


@pytest.mark.parametrize("kind", ["export", "evidence"])
def test_a_bundle_cut_short_anywhere_cannot_be_checked(
    ledger: Ledger, tmp_path: Path, kind: str
) -> None:
    whole = zipped(bundles(ledger)[kind])
    for length in range(0, len(whole), 11):
        assert verify(tmp_path, whole[:length], ledger).code == 2


@pytest.mark.parametrize("kind", ["export", "evidence"])
def test_a_file_cut_short_or_missing_is_refused_even_under_a_good_manifest(
    ledger: Ledger, tmp_path: Path, kind: str
) -> None:
    files = bundles(ledger)[kind]
    bare = {name: data for name, data in files.items() if not name.startswith("manifest.")}
    more = {"from": 0, "to": 2} if kind == "export" else {"tag": SUBJECTS[0]}
    for name, data in bare.items():
        for length in range(0, len(data), 37):
            bent = ledger.signed(bare | {name: data[:length]}, kind=kind, **more)
            assert verify(tmp_path, bent, ledger).code in (1, 2), (name, length)
        bent = ledger.signed(bare | {name: data + b"x"}, kind=kind, **more)
        assert verify(tmp_path, bent, ledger).code in (1, 2), name
        missing = {each: it for each, it in bare.items() if each != name}
        assert verify(tmp_path, ledger.signed(missing, kind=kind, **more), ledger).code == 1, name


# ---- Manifests


def test_a_file_that_the_manifest_does_not_name_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    files = ledger.export()
    found = verify(tmp_path, files | {"more": b""}, ledger)
    assert (found.code, "more" in found.reason) == (1, True)
    files.pop("payload/000.p/2")
    assert verify(tmp_path, files, ledger).code == 1


def test_a_file_that_the_format_does_not_know_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    files = ledger.tiles(0, 2) | {"more": b""}
    found = verify(tmp_path, ledger.signed(files, kind="export", **{"from": 0, "to": 2}), ledger)
    assert (found.code, found.reason) == (1, "more does not belong into this export")


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig", "checkpoint"])
def test_a_zip_has_manifest_and_checkpoint(ledger: Ledger, tmp_path: Path, name: str) -> None:
    files = ledger.export()
    files.pop(name)
    assert verify(tmp_path, files, ledger).code == 1


@pytest.mark.parametrize(
    "bent",
    [
        {"v": 2},
        {"v": None},
        {"kind": "gift"},
        {"kind": None},
        {"kind": ["export"]},
        {"origin": "elsewhere.example/log"},
        {"origin": None},
        {"files": None},
        {"files": []},
        {"from": -1},
        {"from": 1, "to": 0},
        {"to": 3},
        {"to": 2**53 - 1},
        {"to": None},
        {"from": "0"},
    ],
)
def test_a_manifest_that_says_what_cannot_be_is_refused(
    ledger: Ledger, tmp_path: Path, bent: dict[str, Any]
) -> None:
    assert verify(tmp_path, ledger.export(**bent), ledger).code in (1, 2)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"null", b"1", b"[" * 100_000, b"\xff"])
def test_a_manifest_that_is_none_cannot_be_checked(
    ledger: Ledger, tmp_path: Path, text: bytes
) -> None:
    files = ledger.tiles(0, 2) | ledger.manifest_files(text)
    assert verify(tmp_path, files, ledger).code == 2


def test_the_manifest_of_another_export_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    other = Ledger(ledger.key, entries=small_ledger().entries)
    for name in ("manifest.json", "manifest.sig"):
        bent = ledger.export() | {name: other.export()[name]}
        assert verify(tmp_path, bent, ledger).code == 1


# ---- Zips


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 93])
def test_a_file_packed_in_an_unusual_way_is_refused_before_it_is_unpacked(
    ledger: Ledger, tmp_path: Path, method: int
) -> None:
    """Each way fails in errors of its own; and what says LZMA, and is not, once ended in a stack trace."""
    data = bytearray(zipped(ledger.export()))
    entry = data.index(b"PK\x01\x02")
    data[entry + 10] = method
    found = verify(tmp_path, bytes(data), ledger)
    assert (found.code, "not stored or deflated" in found.reason) == (2, True)


def test_two_files_of_one_name_are_refused(ledger: Ledger, tmp_path: Path) -> None:
    out = io.BytesIO(zipped(ledger.export()))
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("checkpoint", ledger.checkpoint())
    found = verify(tmp_path, out.getvalue(), ledger)
    assert (found.code, "two files of one name" in found.reason) == (2, True)


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "tile/../outside"])
def test_a_name_leads_nowhere(ledger: Ledger, tmp_path: Path, name: str) -> None:
    bare = ledger.tiles(0, 2) | {name: b"x"}
    signed = ledger.signed(bare, kind="export", **{"from": 0, "to": 2})
    assert verify(tmp_path, signed, ledger).code in (1, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.zip"]


def test_a_bomb_is_not_unpacked(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verifier.bundle.FILE_BYTES_MAX", 100_000)
    bare = ledger.tiles(0, 2) | {"tile/entries/000.p/2": bytes(10_000_000)}
    signed = ledger.signed(bare, kind="export", **{"from": 0, "to": 2})
    packed = zipped(signed, zipfile.ZIP_DEFLATED)
    assert len(packed) < 100_000
    found = verify(tmp_path, packed, ledger)
    assert (found.code, found.reason) == (2, "tile/entries/000.p/2 is too large")
    monkeypatch.setattr("verifier.bundle.FILES_MAX", 3)
    assert "too many files" in verify(tmp_path, packed, ledger).reason


@pytest.mark.parametrize("what", ["nothing", "a folder", "text", "another zip"])
def test_what_is_no_bundle_cannot_be_checked(ledger: Ledger, tmp_path: Path, what: str) -> None:
    path = tmp_path / "thing"
    if what == "a folder":
        path.mkdir()
    elif what != "nothing":
        path.write_bytes(zipped({"a": b"b"}) if what == "another zip" else b"hello")
    assert run(path, "--vkey", ledger.vkey).code in (1, 2)
