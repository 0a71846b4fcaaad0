"""Leaves' times beside those of the witnesses: backdated and postdated leaves of a log that holds otherwise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.verifier.bundles import SUBJECTS, Entry, Ledger, cosign, witness_key, zipped
from tests.verifier.running import Outcome, run

NOON = 1_805_025_600  # 2027-03-14T12:00:00Z
SEEN = 8  # so many entries had the log when the witness cosigned it at noon
Bundle = Callable[[Ledger], bytes]
WITNESS = Ed25519PrivateKey.generate()


def text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def log(*, before: float = NOON - 60, later: float = NOON + 60) -> Ledger:
    """A whole log of two maps; its first SEEN entries are of `before`, the others of `later`."""
    made = Ledger()
    for number in range(SEEN - 1):
        made.add("hold.placed.v1", {"n": number}, SUBJECTS[:1], at=text(before))
    made.entries += _map_at(made, before)
    for number in range(3):
        made.add("hold.placed.v1", {"n": number}, SUBJECTS[:1], at=text(later))
    made.entries += _map_at(made, later)
    return made


def _map_at(made: Ledger, seconds: float) -> list[Entry]:
    made.commit_map()
    last = made.entries.pop()
    bent = last.leaf.replace(b"2027-03-14T14:00:00.123456Z", text(seconds).encode())
    return [last._replace(leaf=bent)]


def audited(folder: Path, made: Ledger, bundle: bytes, *more: object, time: int = NOON) -> Outcome:
    """What an auditor finds who kept the checkpoint that the witness cosigned."""
    vkey = witness_key("w.example", WITNESS).text()
    (folder / "policy").write_text(f"log {made.vkey}\nwitness W {vkey}\nquorum none\n")
    (folder / "kept").write_bytes(cosign(made.checkpoint(SEEN), "w.example", WITNESS, time))
    (folder / "it").write_bytes(bundle)
    kept = ("--policy", folder / "policy", "--known-checkpoint", folder / "kept")
    return run(folder / "it", *kept, *more)


def evidence(made: Ledger) -> bytes:
    return zipped(made.evidence_files(made.evidence(SUBJECTS[0])))


def exported(made: Ledger) -> bytes:
    return zipped(made.export())


both = pytest.mark.parametrize("bundle", [exported, evidence])


@both
@pytest.mark.parametrize("off", [0, -299, 299])
def test_an_honest_log_holds_and_so_does_one_whose_clock_is_a_little_off(
    tmp_path: Path, bundle: Bundle, off: int
) -> None:
    made = log(before=NOON + off - 1, later=NOON + off + 1)
    assert audited(tmp_path, made, bundle(made)).code == 0


@both
def test_leaves_behind_a_witnessed_size_cannot_be_of_before(tmp_path: Path, bundle: Bundle) -> None:
    """The attack: the clock was set back by an hour after the witness had been there."""
    made = log(later=NOON - 3_600)
    found = audited(tmp_path, made, bundle(made))
    # In evidence the map's leaf is looked at first.
    assert (found.code, found.index) == (1, SEEN if bundle is exported else SEEN + 3)
    assert found.reason == (
        "the leaf says that it is of 2027-03-14T11:00:00Z, but w.example saw the log without it"
        " at 2027-03-14T12:00:00Z"
    )
    assert audited(tmp_path, made, bundle(made), "--skew", "3600").code == 0
    assert audited(tmp_path, made, bundle(made), "--skew", "3599").code == 1


@both
def test_leaves_that_a_witness_saw_cannot_be_of_later(tmp_path: Path, bundle: Bundle) -> None:
    made = log(before=NOON + 3_600, later=NOON + 3_600)
    found = audited(tmp_path, made, bundle(made))
    assert (found.code, found.index) == (1, 0)
    assert "w.example saw it in the log at 2027-03-14T12:00:00Z" in found.reason


def test_the_bundle_s_own_checkpoint_counts_too(tmp_path: Path) -> None:
    made = log(before=NOON + 3_600, later=NOON + 3_600)
    files = made.export()
    noted = cosign(files["checkpoint"], "w.example", WITNESS, NOON)
    files = {name: data for name, data in files.items() if not name.startswith("manifest")}
    whole = files | {"checkpoint": noted}
    found = audited(
        *(tmp_path, made, zipped(made.signed(whole, **{"kind": "export", "from": 0, "to": 12}))),
        time=NOON + 3_600,
    )
    assert (found.code, found.index) == (1, 0)


def test_a_receipt_is_held_against_the_time_of_the_witness(tmp_path: Path) -> None:
    for later, code in ((NOON + 60, 0), (NOON - 3_600, 1)):
        made = log(later=later)
        leaf = tmp_path / "leaf"
        leaf.write_bytes(made.entries[SEEN + 1].leaf)
        found = audited(tmp_path, made, made.receipt(SEEN + 1), "--leaf", leaf)
        assert (found.code, found.index) == (code, SEEN + 1 if code else None)


def test_only_trusted_witnesses_that_say_a_time_are_asked(tmp_path: Path) -> None:
    made = log(later=NOON - 3_600)
    assert audited(tmp_path, made, exported(made), time=0).code == 0
    (tmp_path / "policy").write_text(f"log {made.vkey}\nquorum none\n")
    kept = ("--policy", tmp_path / "policy", "--known-checkpoint", tmp_path / "kept")
    assert run(tmp_path / "it", *kept).code == 0


@pytest.mark.parametrize("time", [1, 2**40, 2**63 - 1])
def test_a_time_that_no_clock_shows_is_refused_with_the_witness_s_name(
    tmp_path: Path, time: int
) -> None:
    made = log()
    found = audited(tmp_path, made, exported(made), time=time)
    assert found.code == 1
    assert "w.example saw" in found.reason
    assert audited(tmp_path, made, exported(made), "--skew", str(2**80), time=time).code == 0
