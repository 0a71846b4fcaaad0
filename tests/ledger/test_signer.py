"""The signer signs what extends what it signed, and nothing else; it forgets nothing, whatever happens to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

import pytest

from domain.errors import Unavailable
from infrastructure.ledger.signed.checkpoints import TreeHead, parse_tree_head
from infrastructure.ledger.signed.notes import VerifierKey, parse_note, verify
from infrastructure.ledger.signing.signer import Refused, Signed, Signer, SignRequest
from infrastructure.ledger.signing.signer_keys import MEMORY, SignerKeys
from infrastructure.ledger.signing.signer_memory import (
    MemoryDamaged,
    MemoryInUse,
    Remembered,
    SignerMemory,
    read_journal,
)
from infrastructure.ledger.signing.signer_socket import SignerClient, SignerServer
from tests.ledger.naive_trees import NaiveTree

ORIGIN = "example.test/ledger/one"
TREE = NaiveTree(300)


def grown(old: int, size: int, origin: str = ORIGIN, tree: NaiveTree = TREE) -> SignRequest:
    proof = tree.proof(old, 0, size) if old else []
    return SignRequest(origin, old, size, tree.root(size), tuple(proof))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    SignerKeys(tmp_path / "signer").prepare()
    return tmp_path / "signer"


@pytest.fixture
def signer(folder: Path) -> Iterator[Signer]:
    with SignerMemory(folder / MEMORY) as memory:
        yield Signer(SignerKeys(folder), memory)


def answers(signer: Signer, *requests: SignRequest) -> list[object]:
    return [one.reason if isinstance(one, Refused) else one.size for one in signer.sign(requests)]


def test_it_signs_what_extends_what_it_signed(signer: Signer) -> None:
    key = VerifierKey.parse(signer.verifier_keys(ORIGIN)[0])
    for old, size in ((0, 1), (1, 7), (7, 7), (7, 300)):
        (signed,) = signer.sign([grown(old, size)])
        assert isinstance(signed, Signed)
        note = parse_note(signed.note)
        assert verify(note, [key]) == [key]
        assert parse_tree_head(note.text) == TreeHead(ORIGIN, size, TREE.root(size))
    assert signer.size(ORIGIN) == 300


def test_it_refuses_every_other_tree(signer: Signer) -> None:
    assert answers(signer, grown(0, 8)) == [8]
    rewritten = NaiveTree(300)
    rewritten.leaves[3] = bytes(32)
    assert answers(signer, grown(8, 20, tree=rewritten)) == ["inconsistent"]
    assert answers(signer, grown(8, 8, tree=rewritten)) == ["inconsistent"]
    assert answers(signer, grown(0, 7)) == ["smaller"]
    assert answers(signer, grown(0, 20)) == ["behind"]
    assert answers(signer, grown(7, 20)) == ["behind"]
    assert signer.sign([grown(7, 20)]) == [Refused("behind", 8)]
    assert answers(signer, grown(8, 20)) == [20]


def test_a_log_that_it_does_not_know_begins_at_nothing(signer: Signer) -> None:
    assert answers(signer, grown(5, 8)) == ["behind"]
    assert signer.sign([grown(5, 8)]) == [Refused("behind", 0)]


@pytest.mark.parametrize(
    "change",
    [
        {"origin": ""},
        {"origin": "a b"},
        {"origin": "a\nb"},
        {"origin": "a" * 513},
        {"size": 0},
        {"size": -1},
        {"size": 2**63},
        {"old_size": -1},
        {"old_size": 9},
        {"root": bytes(31)},
        {"proof": (bytes(31),)},
        {"proof": (bytes(32),) * 65},
    ],
    ids=str,
)
def test_what_is_no_request_is_refused(signer: Signer, change: dict[str, object]) -> None:
    assert answers(signer, replace(grown(0, 8), **change)) == ["malformed"]  # type: ignore[arg-type]


def test_one_batch_is_many_logs_and_a_log_twice_in_it_is_looked_at_in_order(signer: Signer) -> None:
    others = [grown(0, 3, f"log{number}") for number in range(20)]
    requests = [*others, grown(0, 8), grown(8, 9), grown(0, 9), replace(grown(9, 9), size=4)]
    assert answers(signer, *requests) == [*[3] * 20, 8, 9, "behind", "malformed"]


def test_a_frozen_log_gets_no_signature_any_more_and_others_do(
    signer: Signer, folder: Path
) -> None:
    assert answers(signer, grown(0, 8)) == [8]
    signer.freeze(ORIGIN, "key_compromised")
    assert answers(signer, grown(8, 9), grown(0, 3, "other")) == ["frozen", 3]
    known = read_journal((folder / MEMORY).read_bytes(), folder / MEMORY)
    assert known[ORIGIN] == Remembered(8, TREE.root(8), "key_compromised")


def test_a_signer_that_was_restarted_remembers(folder: Path) -> None:
    for old, size in ((0, 5), (5, 9), (9, 40)):
        with SignerMemory(folder / MEMORY) as memory:
            signer = Signer(SignerKeys(folder), memory)
            assert answers(signer, grown(0, size + 1) if old else grown(0, 5)) != [size + 1]
            assert answers(signer, grown(old, size) if old else grown(5, 5)) == [size]


def test_two_signers_cannot_work_on_one_memory(signer: Signer, folder: Path) -> None:
    with pytest.raises(MemoryInUse), SignerMemory(folder / MEMORY):
        pass
    assert answers(signer, grown(0, 1)) == [1]


def test_a_signer_whose_memory_is_gone_does_not_begin_again(folder: Path) -> None:
    (folder / MEMORY).unlink()
    with pytest.raises(MemoryDamaged, match="retired"):
        SignerKeys(folder).prepare()
    with pytest.raises(MemoryDamaged, match="retired"), SignerMemory(folder / MEMORY):
        pass


def filled(folder: Path) -> bytes:
    with SignerMemory(folder / MEMORY) as memory:
        memory.remember({f"log{number}": Remembered(number + 1, bytes(32)) for number in range(3)})
        memory.remember({"log0": Remembered(9, bytes(32))})
    return (folder / MEMORY).read_bytes()


def test_a_torn_last_line_was_never_answered_and_is_dropped(folder: Path) -> None:
    whole = filled(folder)
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for length in range(last, len(whole)):
        (folder / MEMORY).write_bytes(whole[:length])
        with SignerMemory(folder / MEMORY) as memory:
            assert memory.known("log0") == Remembered(1, bytes(32))
            assert memory.known("log2") == Remembered(3, bytes(32))


def test_any_other_damage_is_refused(folder: Path) -> None:
    whole = filled(folder)
    for at in range(len(whole) - 1):
        changed = bytearray(whole)
        changed[at] ^= 1
        (folder / MEMORY).write_bytes(changed)
        with pytest.raises(MemoryDamaged), SignerMemory(folder / MEMORY):
            pass


def test_what_cannot_be_written_is_not_signed(
    signer: Signer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answers(signer, grown(0, 8)) == [8]
    before = (folder / MEMORY).read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        signer.sign([grown(8, 9)])
    monkeypatch.undo()
    assert (folder / MEMORY).read_bytes() == before
    assert answers(signer, grown(8, 9)) == [9]


def test_the_journal_is_rewritten_short(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.ledger.signing.signer_memory.REWRITE_BYTES", 2_000)
    with SignerMemory(folder / MEMORY) as memory:
        for size in range(1, 200):
            memory.remember({"log": Remembered(size, bytes(32))})
            assert (folder / MEMORY).stat().st_size < 2_200
    with SignerMemory(folder / MEMORY) as memory:
        assert memory.known("log") == Remembered(199, bytes(32))


def test_logs_have_keys_of_their_own_and_both_seeds_sign_during_a_rotation(folder: Path) -> None:
    keys = SignerKeys(folder)
    (old,), (other,) = keys.verifier_keys(ORIGIN), keys.verifier_keys("other")
    assert old.public != other.public
    (folder / "seed-2.key").write_bytes(bytes(range(32)))
    rotating = SignerKeys(folder)
    note = parse_note(rotating.sign("text\n", ORIGIN).whole())
    first, second = rotating.verifier_keys(ORIGIN)
    assert first == old
    assert verify(note, [first]) and verify(note, [second])


# --- behind its socket -----------------------------------------------------------------------------------------------


@pytest.fixture
def client(signer: Signer, tmp_path: Path) -> Iterator[SignerClient]:
    path = tmp_path / ("long" * 40) / "signer.sock"
    stopping, ready = Event(), Event()
    server = Thread(
        target=SignerServer(signer, path).serve, args=(stopping.is_set, ready.set), daemon=True
    )
    server.start()
    assert ready.wait(60)
    client = SignerClient(path)
    yield client
    client.close()
    stopping.set()
    server.join(60)


def test_the_socket_says_what_the_signer_says(client: SignerClient, signer: Signer) -> None:
    (signed,) = client.sign([grown(0, 8)])
    assert isinstance(signed, Signed) and signed.root == TREE.root(8)
    assert client.sign([grown(7, 9)]) == [Refused("behind", 8)]
    assert client.sizes([ORIGIN, "unknown"]) == [8, 0]
    assert client.verifier_keys(ORIGIN) == signer.verifier_keys(ORIGIN)
    note = parse_note(client.attest(ORIGIN, b"{}"))
    assert note.text.startswith(f"daybook/manifest/v1\n{ORIGIN}\n")
    client.freeze(ORIGIN, "test")
    assert client.sign([grown(8, 9)]) == [Refused("frozen", 8)]


def test_nonsense_on_the_socket_is_answered_and_does_no_harm(client: SignerClient) -> None:
    for message in ({}, {"do": "burn"}, {"do": "sign"}, {"do": "sign", "requests": [1]}):
        with pytest.raises(Unavailable, match="malformed"):
            client._ask(message)
    assert client.sizes([ORIGIN]) == [0]


def test_a_signer_that_is_away_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        SignerClient(tmp_path / f"{uuid4()}.sock").sizes([ORIGIN])
