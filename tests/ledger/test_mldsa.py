"""ML-DSA-44 beside Ed25519: both hold, whoever knows only one passes over the other, and no key has two roles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from infrastructure.canonical import canonical, unb64
from infrastructure.deployment import Deployment
from infrastructure.ledger.signed import mldsa
from infrastructure.ledger.signed.notes import (
    ED25519,
    BadNote,
    Note,
    Signature,
    VerifierKey,
    parse_note,
    verify,
)
from infrastructure.ledger.signing.signer import Signed, Signer, SignRequest
from infrastructure.ledger.signing.signer_keys import MEMORY, SignerKeys, derived
from infrastructure.ledger.signing.signer_memory import SignerMemory
from infrastructure.ledger.signing.signer_wire import MESSAGE_BYTES_MAX, answer_message
from infrastructure.settings import SettingRefused, Settings
from tests.ledger.ledger_house import house
from tests.ledger.naive_trees import NaiveTree

ORIGIN = "example.test/ledger/one"
TREE = NaiveTree(50)
# The structure of https://c2sp.org/tlog-cosignature, written out by hand.
MESSAGE = (
    b"subtree/v1\n\x00"
    b"\x01w" + bytes(7) + b"\x05" + b"\x03log" + bytes(8) + bytes(7) + b"\x09" + b"\xaa" * 32
)
TEXT = "log\n9\nqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=\n"


@pytest.fixture
def signer(tmp_path: Path) -> Iterator[Signer]:
    keys = SignerKeys(tmp_path / "signer", lattice=True)
    keys.prepare()
    with SignerMemory(tmp_path / "signer" / MEMORY) as memory:
        yield Signer(keys, memory)


def signed(signer: Signer, size: int = 20, origin: str = ORIGIN) -> Note:
    (answer,) = signer.sign([SignRequest(origin, 0, size, TREE.root(size), ())])
    assert isinstance(answer, Signed)
    return parse_note(answer.note)


def keys(signer: Signer, origin: str = ORIGIN) -> list[VerifierKey]:
    return [VerifierKey.parse(text) for text in signer.verifier_keys(origin)]


def test_what_is_signed_is_the_structure_of_the_specification() -> None:
    assert mldsa.message(TEXT, "w", 5) == MESSAGE


def test_a_checkpoint_bears_both_signatures_and_each_holds_alone(signer: Signer) -> None:
    note = signed(signer)
    plain, lattice = keys(signer)
    assert (plain.kind, lattice.kind, len(lattice.public)) == (ED25519, mldsa.MLDSA44, 1_312)
    for known in ([plain], [lattice], [plain, lattice]):
        assert verify(note, known) == known
    assert len(note.whole()) < 3_700


@pytest.mark.parametrize("at", [0, 4, 11, 12, 100, 2_431])
def test_a_changed_byte_of_the_signature_is_refused(signer: Signer, at: int) -> None:
    note = signed(signer)
    (lattice,) = keys(signer)[1:]
    (line,) = note.by(lattice)
    data = bytearray(line.key_id + line.signature)
    data[at] ^= 1
    changed = Signature(line.name, bytes(data[:4]), bytes(data[4:]))
    with pytest.raises(BadNote):
        verify(Note(note.text, (changed,)), [lattice])


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("9", "8"),
        TEXT.replace("q", "r", 1),
        TEXT.replace("log", "lag"),
        "one line\n",
        "",
        TEXT.replace("9", "x"),
        TEXT.replace("9", "9" * 20),
        "log\n9\nAAAA\n",
        "log\n9\n?\n",
        "l" * 256 + TEXT[3:],
    ],
)
def test_another_text_is_refused_and_never_a_crash(text: str) -> None:
    key = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
    public, signature = key.public_key().public_bytes_raw(), mldsa.sign_checkpoint(TEXT, "w", key)
    assert mldsa.holds(TEXT, "w", public, signature)
    assert not mldsa.holds(text, "w", public, signature)
    assert not mldsa.holds(TEXT, "v", public, signature)
    assert not mldsa.holds(TEXT, "w", public, signature[:-1])


def test_a_time_that_the_specification_forbids_is_refused() -> None:
    key = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
    public = key.public_key().public_bytes_raw()
    for time, good in ((5, True), (2**63, False)):
        signature = mldsa.TIME.pack(time) + key.sign(
            MESSAGE.replace(b"\0" * 7 + b"\x05", mldsa.TIME.pack(time))
        )
        assert mldsa.holds(TEXT, "w", public, signature) is good


def test_a_verifier_that_knows_one_kind_only_passes_over_the_other(signer: Signer) -> None:
    note = signed(signer)
    plain, _ = keys(signer)
    broken = tuple(
        Signature(each.name, each.key_id, bytes(len(each.signature)))
        if each.key_id != plain.id
        else each
        for each in note.signatures
    )
    assert verify(Note(note.text, broken), [plain]) == [plain]


def test_no_secret_has_two_roles_or_two_logs(signer: Signer) -> None:
    seed = bytes(range(32))
    secrets = {
        derived(seed, role, log) for role in ("log-key", "log-key-mldsa44") for log in ("a", "b")
    }
    assert len(secrets) == 4 and seed not in secrets


def test_a_manifest_is_signed_with_ed25519_alone(signer: Signer) -> None:
    note = parse_note(signer.attest(ORIGIN, b"{}"))
    plain, _ = keys(signer)
    assert verify(note, [plain]) and len(note.signatures) == 1


def test_an_origin_that_is_too_long_for_the_structure_has_ed25519_alone(signer: Signer) -> None:
    for length, kinds in ((255, 2), (256, 1)):
        origin = "a" * length
        assert len(signed(signer, origin=origin).signatures) == kinds == len(keys(signer, origin))


def test_a_batch_of_500_logs_fits_into_a_message_during_a_rotation(
    signer: Signer, tmp_path: Path
) -> None:
    (tmp_path / "signer" / "seed-2.key").write_bytes(bytes(32))
    origins = [f"example.test/{'x' * 200}/{number}" for number in range(500)]
    answers = signer.sign([SignRequest(it, 0, 1, TREE.root(1), ()) for it in origins])
    assert (
        len(canonical({"answers": [answer_message(one) for one in answers]}))
        < MESSAGE_BYTES_MAX / 2
    )
    assert all(isinstance(one, Signed) and one.note.count("\u2014") == 4 for one in answers)


@pytest.mark.parametrize("size", [0, 31, 33, 1_311, 1_313])
def test_a_key_of_another_length_is_no_key(size: int) -> None:
    for kind in (ED25519, mldsa.MLDSA44):
        with pytest.raises(BadNote):
            VerifierKey.parse(VerifierKey("log", kind, bytes(size)).text())


def test_a_key_reads_as_it_was_written(signer: Signer) -> None:
    (_, lattice) = keys(signer)
    assert VerifierKey.parse(lattice.text()) == lattice
    assert unb64(lattice.text().split("+", 2)[2])[0] == 0x06


# --- in a deployment -------------------------------------------------------------------------------------------------

ADDED = "ledger.key_added.v1"


def kinds(texts: Sequence[str]) -> list[int]:
    return [VerifierKey.parse(text).kind for text in texts]


def test_it_is_switched_on_told_in_every_log_and_rotated_like_the_other(
    own_deployment: Deployment,
) -> None:
    with house(own_deployment) as at:
        old = at.found()
    with house(own_deployment, DAYBOOK_MLDSA="1") as at:
        new = at.found()
        origins = at.publisher.origins.of([old, new])
        listed = {tenant: at.signer.client.verifier_keys(origins[tenant]) for tenant in (old, new)}
        assert kinds(listed[new]) == [ED25519, mldsa.MLDSA44]
        assert at.tenants[0]["log_vkey"] == listed[new][0]
        assert [one["vkey"] for one in at.said(new, ADDED)] == [listed[new][1]]
        assert all(at.verifies(new, vkey) for vkey in listed[new])

        assert at.said(old, ADDED) == [] and not at.verifies(old, listed[old][1])
        for _ in range(2):
            assert at.verb("tell-keys").returncode == 0
        at.publish()
        assert [one["vkey"] for one in at.said(old, ADDED)] == [listed[old][1]]
        assert all(at.verifies(old, vkey) for vkey in listed[old])
        header = at.rows("SELECT header FROM event WHERE type = %s LIMIT 1", ADDED)[0][0]
        assert len(bytes(header)) < 700, "the key is in the payload; the leaf has its digest"

        assert at.verb("rotate-key").returncode == 0
        rotated = at.signer.client.verifier_keys(origins[old])
        assert kinds(rotated) == [ED25519, mldsa.MLDSA44] * 2 and rotated[:2] == listed[old]
        assert all(at.verifies(old, vkey) for vkey in rotated)
        assert at.verb("retire-key", "--now", "--reason", "lost").returncode == 0
        at.publish()
        assert [at.verifies(old, vkey) for vkey in rotated] == [False, False, True, True]
        retired = [one["vkey"] for one in at.said(old, "ledger.key_retired.v1")]
        assert retired == rotated[:2]


def test_the_setting_is_one_or_nothing(tmp_path: Path) -> None:
    for text, on in (("1", True), ("0", False), ("", False)):
        assert Settings.read(tmp_path, {"DAYBOOK_MLDSA": text}).mldsa is on
    with pytest.raises(SettingRefused, match="DAYBOOK_MLDSA"):
        Settings.read(tmp_path, {"DAYBOOK_MLDSA": "yes"})
