"""A witness cosigns what extends what it cosigned, and answers everything else as C2SP tlog-witness says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.canonical import sha256
from infrastructure.ledger.signed.checkpoints import TreeHead
from infrastructure.ledger.signed.cosignatures import cosigned_at, parse_lines
from infrastructure.ledger.signed.notes import Note, VerifierKey, parse_note, sign
from infrastructure.ledger.signing.signer_memory import MemoryDamaged, MemoryInUse, SignerMemory
from infrastructure.ledger.witnesses.witness import Witness, WitnessAnswer
from infrastructure.ledger.witnesses.witness_keys import WitnessKeys
from tests.ledger.witnesses import ORIGIN, Log, Stopped, trusted, witness_in

CLOCK = Stopped()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    with witness_in(tmp_path / "witness", CLOCK) as made:
        yield made


def keys_of(witness: Witness) -> list[VerifierKey]:
    return [VerifierKey.parse(text) for text in witness.verifier_keys()]


def status(witness: Witness, log: Log, body: bytes) -> int:
    return witness.add_checkpoint(body, trusted(log)).status


def test_it_cosigns_what_extends_what_it_cosigned(witness: Witness, log: Log) -> None:
    for old, size in ((0, 5), (5, 5), (5, 6), (6, 256), (256, 257), (257, 300)):
        answer = witness.add_checkpoint(log.asks(old, size), trusted(log))
        assert answer.status == 200
        note = parse_lines(log.note(size).text, answer.text)
        for key in keys_of(witness):
            assert cosigned_at(note, key, CLOCK.seconds()) == CLOCK.seconds()
        kept = witness.checkpoint(sha256(ORIGIN.encode()))
        assert kept is not None and parse_note(kept).text == log.note(size).text


def test_it_refuses_what_does_not(witness: Witness, log: Log) -> None:
    assert status(witness, log, log.asks(0, 8)) == 200
    fork = log.rewritten()
    assert status(witness, log, fork.asks(8, 20)) == 422
    assert status(witness, log, fork.asks(8, 8)) == 422
    for old, size in ((0, 8), (0, 20), (7, 20), (9, 20), (5, 5)):
        assert witness.add_checkpoint(log.asks(old, size), trusted(log)) == WitnessAnswer(
            409, "8\n"
        )
    assert status(witness, log, log.asks(8, 20)) == 200


def test_a_log_that_it_never_saw_begins_at_nothing(witness: Witness, log: Log) -> None:
    assert witness.add_checkpoint(log.asks(5, 8), trusted(log)) == WitnessAnswer(409, "0\n")
    with_proof = log.asks(0, 8).replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\n")
    assert status(witness, log, with_proof) == 422
    note = sign(TreeHead(ORIGIN, 0, bytes(32)).text(), ORIGIN, log.key).whole()
    assert status(witness, log, b"old 0\n\n" + note.encode()) == 422
    assert status(witness, log, log.asks(0, 0)) == 200
    assert status(witness, log, log.asks(0, 8)) == 200
    with_proof = log.asks(8, 8).replace(b"old 8\n", b"old 8\n" + b"A" * 43 + b"=\n")
    assert status(witness, log, with_proof) == 422


def test_a_log_is_known_by_its_origin_and_its_key(witness: Witness, log: Log) -> None:
    stranger, impostor = Log("log.example/two"), Log()
    assert status(witness, log, stranger.asks(0, 8)) == 404
    assert status(witness, log, impostor.asks(0, 8)) == 403
    # The name and id of the key, and the bytes of another signature.
    note = log.note(8)
    other = Note(note.text, log.note(9).signatures).whole()
    body = b"old 0\n\n" + other.encode()
    assert status(witness, log, body) == 403
    # Signatures of nobody that we know are passed over.
    both = Note(note.text, (*impostor.note(8).signatures, *note.signatures)).whole()
    assert status(witness, log, b"old 0\n\n" + both.encode()) == 200


def test_it_cosigns_extension_lines_with_the_rest(witness: Witness, log: Log) -> None:
    note = log.note(8, "an extension\n")
    answer = witness.add_checkpoint(b"old 0\n\n" + note.whole().encode(), trusted(log))
    assert answer.status == 200
    (classic, _) = keys_of(witness)
    assert cosigned_at(parse_lines(note.text, answer.text), classic, CLOCK.seconds())


def malformed(log: Log) -> dict[str, bytes]:
    good = log.asks(3, 8)
    proof = good.split(b"\n")[1]
    return {
        "nothing": b"",
        "no UTF-8": b"\xff" + good,
        "no old size": good.partition(b"\n")[2],
        "old size with a zero": good.replace(b"old 3", b"old 03"),
        "negative old size": good.replace(b"old 3", b"old -3"),
        "old size with a plus": good.replace(b"old 3", b"old +3"),
        "old size with two spaces": good.replace(b"old 3", b"old  3"),
        "huge old size": good.replace(b"old 3", b"old " + b"9" * 40),
        "old size above the checkpoint": good.replace(b"old 3", b"old 9"),
        "CRLF": good.replace(b"\n", b"\r\n"),
        "64 proof lines": good.replace(proof, b"\n".join([proof] * 64)),
        "a short hash": good.replace(proof, b"AAAA"),
        "no base64": good.replace(proof, b"!" * 44),
        "loose bits": good.replace(proof, b"A" * 42 + b"B="),
        "no empty line": good.replace(b"\n\n", b"\n"),
        "no signature": good.rpartition(b"\n\n")[0] + b"\n\n",
        "no newline at the end": good[:-1],
        "huge": good + b"A" * 100_000,
        "size with a zero": good.replace(b"\n8\n", b"\n08\n"),
        "an empty origin": good.replace(ORIGIN.encode() + b"\n8", b"\n8"),
    }


@pytest.mark.parametrize("fault", malformed(Log()))
def test_what_is_no_request_is_refused(witness: Witness, log: Log, fault: str) -> None:
    assert status(witness, log, log.asks(0, 3)) == 200
    assert status(witness, log, malformed(log)[fault]) == 400
    assert status(witness, log, log.asks(3, 8)) == 200


def test_every_bit_of_a_request_counts(witness: Witness, log: Log) -> None:
    assert status(witness, log, log.asks(0, 3)) == 200
    good = log.asks(3, 8)
    for at in range(len(good)):
        bad = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        assert status(witness, log, bad) in (400, 403, 404, 409, 422), at
    assert status(witness, log, good) == 200


def test_of_many_at_once_exactly_one_wins(witness: Witness, log: Log) -> None:
    """Through the turns that the signer's server takes."""
    assert status(witness, log, log.asks(0, 10)) == 200
    turn, found, gate = threading.Lock(), [], threading.Barrier(16)

    def ask(size: int) -> None:
        body = log.asks(10, size)
        gate.wait()
        with turn:
            found.append(witness.add_checkpoint(body, trusted(log)))

    threads = [threading.Thread(target=ask, args=(size,)) for size in range(11, 27)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.status for one in found) == [200] + [409] * 15
    assert len({one.text for one in found if one.status == 409}) == 1


def test_what_it_cosigned_is_durable_before_it_says_so(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    with witness_in(tmp_path) as witness:
        assert status(witness, log, log.asks(0, 5)) == 200

        def full(*_: object) -> None:
            raise OSError("No space left on device")

        monkeypatch.setattr(SignerMemory, "remember", full)
        with pytest.raises(OSError, match="space"):
            witness.add_checkpoint(log.asks(5, 9), trusted(log))
        monkeypatch.undo()
        assert status(witness, log, log.asks(5, 8)) == 200
    with witness_in(tmp_path) as again:
        assert again.add_checkpoint(log.asks(5, 9), trusted(log)) == WitnessAnswer(409, "8\n")


def test_a_witness_that_forgot_is_retired(tmp_path: Path, log: Log) -> None:
    with witness_in(tmp_path) as witness:
        assert status(witness, log, log.asks(0, 5)) == 200
    keys = WitnessKeys.in_folder(tmp_path, None)
    keys.memory.rename(tmp_path / "elsewhere")
    with pytest.raises(MemoryDamaged, match="retired"):
        keys.prepare()
    (tmp_path / "elsewhere").rename(keys.memory)
    data = bytearray(keys.memory.read_bytes())
    data[40] ^= 1
    keys.memory.write_bytes(data)
    with pytest.raises(MemoryDamaged), witness_in(tmp_path):
        pass


def test_two_witnesses_cannot_share_a_memory(witness: Witness, tmp_path: Path) -> None:
    with pytest.raises(MemoryInUse), witness_in(tmp_path / "witness"):
        pass


def test_its_key_is_its_own_and_readable_by_it_alone(witness: Witness, tmp_path: Path) -> None:
    seed = tmp_path / "witness" / "seed.key"
    assert seed.stat().st_mode & 0o777 == 0o600
    kinds = [key.kind for key in keys_of(witness)]
    assert kinds == [0x04, 0x06]
    unnamed = WitnessKeys(seed, tmp_path / "witness" / "memory.journal").cosigner().keys[0]
    assert unnamed.name.startswith("daybook.local/witness/")


def test_the_key_of_a_log_never_cosigns_and_that_of_a_witness_never_signs(log: Log) -> None:
    from infrastructure.ledger.signed.notes import BadNote, verify

    as_witness = VerifierKey(log.origin, 0x04, log.vkey.public)
    with pytest.raises(BadNote):
        verify(log.note(3), [as_witness])
    with pytest.raises(BadNote):
        cosigned_at(sign(log.note(3).text, log.origin, log.key), log.vkey, CLOCK.seconds())
