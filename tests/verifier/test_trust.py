"""Whom the verifier believes: keys, notes, cosignatures, policies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from infrastructure.canonical import b64, sha256
from infrastructure.ledger.signed.notes import Signature, VerifierKey
from tests.verifier.bundles import Ledger, cosign, small_ledger, witness_key, zipped
from tests.verifier.running import Outcome, run
from verifier.findings import Finding
from verifier.notes import parse_head, parse_key, parse_note, signed_by

VECTORS = Path(__file__).parents[2] / "../shared/vectors"


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return small_ledger()


@pytest.fixture(scope="module")
def witnesses() -> list[Ed25519PrivateKey]:
    return [Ed25519PrivateKey.generate() for _ in range(3)]


def vkeys(witnesses: list[Ed25519PrivateKey]) -> list[str]:
    return [witness_key(f"w{at}", key).text() for at, key in enumerate(witnesses)]


def receipt(ledger: Ledger, tmp_path: Path, checkpoint: bytes, policy: str) -> Outcome:
    """A receipt under a policy: the quickest way to ask what the policy says of a checkpoint."""
    (tmp_path / "one.tlog-proof").write_bytes(ledger.receipt(3, checkpoint))
    (tmp_path / "leaf").write_bytes(ledger.entries[3].leaf)
    (tmp_path / "policy").write_text(policy)
    return run(
        *(tmp_path / "one.tlog-proof", "--leaf", tmp_path / "leaf", "--policy", tmp_path / "policy")
    )


def two_of_three(ledger: Ledger, witnesses: list[Ed25519PrivateKey], needed: str = "2") -> str:
    lines = [f"log {ledger.vkey} https://log.example"]
    lines += [f"witness W{at} {key}" for at, key in enumerate(vkeys(witnesses))]
    return "\n".join(
        [*lines, "# a comment", "", f"group all-of-us {needed} W0\tW1 W2", "quorum all-of-us", ""]
    )


# ---- Quorums


@pytest.mark.parametrize(
    ("needed", "signing", "code"),
    [
        ("2", [0, 1], 0),
        ("2", [0, 2], 0),
        ("2", [0], 1),
        ("2", [], 1),
        ("any", [2], 0),
        ("any", [], 1),
        ("all", [0, 1, 2], 0),
        ("all", [0, 1], 1),
        ("2", [1, 1], 1),
        ("2", [1, 1, 1], 1),
    ],
)
def test_a_quorum_is_met_or_not(
    ledger: Ledger,
    witnesses: list[Ed25519PrivateKey],
    tmp_path: Path,
    needed: str,
    signing: list[int],
    code: int,
) -> None:
    note = ledger.checkpoint()
    for at, which in enumerate(signing):
        note = cosign(note, f"w{which}", witnesses[which], time=1_805_032_800 + at)
    found = receipt(ledger, tmp_path, note, two_of_three(ledger, witnesses, needed))
    assert found.code == code
    if code == 0:
        assert found.report["cosigned_by"] == [f"w{which}" for which in sorted(set(signing))]
    else:
        assert "lacks the witnesses" in found.reason


def test_a_group_of_groups(
    ledger: Ledger, witnesses: list[Ed25519PrivateKey], tmp_path: Path
) -> None:
    keys = vkeys(witnesses)
    policy = f"log {ledger.vkey}\nwitness A {keys[0]}\nwitness B {keys[1]}\nwitness C {keys[2]}\n"
    policy += "group ab any A B\ngroup top all ab C\nquorum top\n"
    both = cosign(cosign(ledger.checkpoint(), "w1", witnesses[1]), "w2", witnesses[2])
    assert receipt(ledger, tmp_path, both, policy).code == 0
    ab = cosign(cosign(ledger.checkpoint(), "w0", witnesses[0]), "w1", witnesses[1])
    assert receipt(ledger, tmp_path, ab, policy).code == 1


def test_a_cosignature_that_does_not_hold_is_refused(
    ledger: Ledger, witnesses: list[Ed25519PrivateKey], tmp_path: Path
) -> None:
    other = cosign(Ledger(ledger.key, entries=ledger.entries[:5]).checkpoint(), "w0", witnesses[0])
    note = ledger.checkpoint() + other.split(b"\n")[-2] + b"\n"
    policy = two_of_three(ledger, witnesses, "any")
    found = receipt(ledger, tmp_path, note, policy)
    assert (found.code, found.reason) == (1, "a signature on the checkpoint is not that of w0")
    unknown = f"log {ledger.vkey}\nquorum none\n"
    found = receipt(ledger, tmp_path, note, unknown)
    assert (found.code, found.report["unknown_signatures"]) == (0, 1)


def test_a_witness_key_as_a_note_key_counts_for_nothing(
    ledger: Ledger, witnesses: list[Ed25519PrivateKey], tmp_path: Path
) -> None:
    """A cosignature is over its time too; a plain signature by the same key is none."""
    text = ledger.checkpoint().decode().rpartition("\n\n")[0] + "\n"
    vkey = witness_key("w0", witnesses[0])
    line = Signature("w0", vkey.id, bytes(8) + witnesses[0].sign(text.encode())).line()
    note = ledger.checkpoint() + line.encode()
    assert receipt(ledger, tmp_path, note, two_of_three(ledger, witnesses, "any")).code == 1


def ml_dsa_line(name: str, key: MLDSA44PrivateKey, checkpoint: bytes, time: int) -> tuple[str, str]:
    """A cosignature of type 0x06, written after the specification: its vkey and its line."""
    public = key.public_key().public_bytes_raw()
    id_ = sha256(name.encode() + b"\n\x06" + public)[:4]
    origin, size, root = checkpoint.decode().split("\n")[:3]
    from base64 import b64decode

    message = b"subtree/v1\n\0" + bytes([len(name)]) + name.encode() + time.to_bytes(8, "big")
    message += bytes([len(origin)]) + origin.encode() + bytes(8) + int(size).to_bytes(8, "big")
    signature = time.to_bytes(8, "big") + key.sign(message + b64decode(root))
    vkey = f"{name}+{id_.hex()}+{b64(bytes([6]) + public)}"
    return vkey, f"\u2014 {name} {b64(id_ + signature)}\n"


def test_an_ml_dsa_cosignature_counts(ledger: Ledger, tmp_path: Path) -> None:
    key = MLDSA44PrivateKey.generate()
    note = ledger.checkpoint()
    vkey, line = ml_dsa_line("pq.example", key, note, 1_805_032_800)
    policy = f"log {ledger.vkey}\nwitness W {vkey}\nquorum W\n"
    found = receipt(ledger, tmp_path, note + line.encode(), policy)
    assert (found.code, found.report["cosigned_by"]) == (0, ["pq.example"])
    _, elsewhere = ml_dsa_line("pq.example", key, ledger.checkpoint(5), 1_805_032_800)
    assert receipt(ledger, tmp_path, note + elsewhere.encode(), policy).code == 1
    assert receipt(ledger, tmp_path, note, policy).code == 1


# ---- Policies that are none


def bad_policies(ledger: Ledger, witnesses: list[Ed25519PrivateKey]) -> dict[str, str]:
    log, (w0, w1, w2) = f"log {ledger.vkey}\n", vkeys(witnesses)
    pair = f"witness A {w0}\nwitness B {w1}\n"
    renamed = witness_key("elsewhere", witnesses[0]).text()
    both = VerifierKey("log-as-witness", 4, parse_key(ledger.vkey).public).text()
    return {
        "nothing": "",
        "no quorum": log,
        "two quorums": log + "quorum none\nquorum none\n",
        "quorum of nobody": log + "quorum A\n",
        "quorum before its witness": log + f"quorum A\nwitness A {w0}\n",
        "quorum of two": log + pair + "quorum A B\n",
        "no log": "quorum none\n",
        "a log twice": log + log + "quorum none\n",
        "a witness twice": log + f"witness A {w0}\nwitness B {w0}\nquorum A\n",
        "a witness twice under other names": log
        + f"witness A {w0}\nwitness B {renamed}\nquorum A\n",
        "a name twice": log + f"witness A {w0}\nwitness A {w1}\nquorum A\n",
        "a witness called none": log + f"witness none {w0}\nquorum none\n",
        "the log as a witness": log + f"witness A {both}\nquorum A\n",
        "a witness as a log": f"log {w0}\nquorum none\n",
        "a log as a witness": log + f"witness A {Ledger().vkey}\nquorum A\n",
        "a member twice": log + pair + "group g 2 A A\nquorum g\n",
        "a member of two groups": log + pair + "group g any A\ngroup h any A B\nquorum h\n",
        "a member none": log + pair + "group g any A none\nquorum g\n",
        "an unknown member": log + pair + "group g any A C\nquorum g\n",
        "itself as a member": log + pair + "group g any A g\nquorum g\n",
        "no members": log + pair + "group g any\nquorum A\n",
        "none needed": log + pair + "group g 0 A B\nquorum g\n",
        "too many needed": log + pair + "group g 3 A B\nquorum g\n",
        "minus one needed": log + pair + "group g -1 A B\nquorum g\n",
        "some needed": log + pair + "group g some A B\nquorum g\n",
        "01 needed": log + pair + "group g 01 A B\nquorum g\n",
        "a word": log + "quorums none\n",
        "a line too long": log.strip() + " url more\nquorum none\n",
        "a control character": log + "quorum none\x07\n",
        "a carriage return": log + "quorum none\r\n",
        "a broken key": "log x+y+z\nquorum none\n",
        "a key with the id of another": f"log {ledger.origin}+00000000+{ledger.vkey.split('+', 2)[2]}\nquorum none\n",
        "a third witness's key cut short": log + f"witness A {w2[:-4]}\nquorum A\n",
    }


def test_policies_that_are_none_are_refused_with_their_line(
    ledger: Ledger, witnesses: list[Ed25519PrivateKey], tmp_path: Path
) -> None:
    for name, policy in bad_policies(ledger, witnesses).items():
        found = receipt(ledger, tmp_path, ledger.checkpoint(), policy)
        assert found.code == 2, name
    assert "line 2 of the policy" in receipt(ledger, tmp_path, ledger.checkpoint(), "\nx\n").reason


# ---- Keys


def test_without_a_key_of_ones_own_nothing_is_checked(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(zipped(ledger.export()))
    assert run(path).code == 2
    assert run(path, "--vkey", "nonsense").code == 2
    assert run(path, "--vkey", ledger.vkey[:-2]).code == 2
    assert run(path, "--policy", tmp_path / "none").code == 2


def test_another_key_of_the_same_name_is_not_believed(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(zipped(ledger.export()))
    assert run(path, "--vkey", Ledger().vkey).code == 1
    assert run(path, "--vkey", Ledger(ledger.key, origin="other.example/log").vkey).code == 1


def test_old_and_new_key_of_a_log_may_be_given_while_it_changes(
    ledger: Ledger, tmp_path: Path
) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(zipped(ledger.export()))
    new = Ledger().vkey
    assert run(path, "--vkey", new, "--vkey", ledger.vkey).code == 0
    assert run(path, "--vkey", ledger.vkey, "--vkey", ledger.vkey).code == 2


# ---- Notes


@pytest.mark.parametrize(
    "bend",
    [
        lambda note: b"",
        lambda note: note[:-1],
        lambda note: note + b"\n",
        lambda note: note + b"x\n",
        lambda note: note.replace(b"\n\n", b"\n"),
        lambda note: note.replace(b"\n", b"\r\n"),
        lambda note: note.replace(b"\n12\n", b"\n012\n"),
        lambda note: note.replace(b"\n12\n", b"\n-1\n"),
        lambda note: note.replace(b"\n12\n", b"\n99999999999999999999999\n"),
        lambda note: note.replace(b"\n12\n", b"\n9223372036854775808\n"),
        lambda note: note.replace("\u2014".encode(), b"-"),
        lambda note: note.replace(b"=\n", b"\n"),
        lambda note: note + note.split(b"\n\n")[1] * 64,
        lambda note: note + b"\xe2\x80\x94 a b\n",
        lambda note: b"\xff" + note,
        lambda note: note.replace(b"\n12\n", b"\n12\x00\n"),
    ],
)
def test_a_checkpoint_that_is_none_is_refused(ledger: Ledger, tmp_path: Path, bend: Any) -> None:
    policy = f"log {ledger.vkey}\nquorum none\n"
    path = tmp_path / "one.tlog-proof"
    path.write_bytes(ledger.receipt(3).split(b"\n\n")[0] + b"\n\n" + bend(ledger.checkpoint()))
    (tmp_path / "leaf").write_bytes(ledger.entries[3].leaf)
    (tmp_path / "policy").write_text(policy)
    found = run(path, "--leaf", tmp_path / "leaf", "--policy", tmp_path / "policy")
    assert found.code in (1, 2)


def test_public_notes_and_checkpoints_hold() -> None:
    path = VECTORS / "signed_notes.json"
    if not path.exists():
        pytest.skip("the public vectors beside the project are not here")
    known = json.loads(path.read_text())
    assert len(known) == 9
    for each in known:
        note, key = parse_note(each["note"].encode(), "it"), parse_key(each["vkey"])
        head = parse_head(note[0]) if each["kind"] != "ed25519-note" else None
        assert signed_by(note, [key], "it", head) == [key]
        bent = note[0].replace("e", "f", 1), note[1]
        with pytest.raises(Finding):
            signed_by(bent, [key], "it", head)
