"""Cosignatures are written as C2SP tlog-cosignature says, and no bit of one can be changed."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from infrastructure.ledger.signed.cosignatures import (
    CLOCK_SKEW_SECONDS,
    Cosigner,
    cosigned_at,
    cosigners,
    message,
    parse_lines,
    with_cosignatures,
)
from infrastructure.ledger.signed.notes import BadNote, Note, Signature, VerifierKey, parse_note
from tests.ledger.naive_trees import flipped
from tests.ledger.witnesses import Log

NOW = 1_800_000_000
LOG = Log()
NOTE = LOG.note(8)
COSIGNER = Cosigner("w.example/1", Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate())
CLASSIC, QUANTUM = COSIGNER.keys
# The example of the specification, whose key is not published: its text and the shape of its lines.
PUBLISHED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa"
    " Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1"
    " jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def cosigned(at: int = NOW) -> Note:
    return with_cosignatures(NOTE, COSIGNER.cosign(NOTE.text, at))


def test_the_published_example_has_the_shape_that_is_read_here() -> None:
    note = parse_note(PUBLISHED)
    (time,) = struct.unpack(">Q", note.signatures[1].signature[:8])
    assert time == 1_679_315_147
    assert len(note.signatures[1].signature) == 72
    key = VerifierKey("witness.example.com/w1", 0x04, bytes(32))
    assert message(key, note.text, time).decode() == (
        "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


def test_the_quantum_message_is_the_structure_of_the_specification() -> None:
    name, origin = b"w.example/1", LOG.origin.encode()
    assert message(QUANTUM, NOTE.text, 7) == b"".join(
        (
            b"subtree/v1\n\0",
            bytes([len(name)]),
            name,
            (7).to_bytes(8, "big"),
            bytes([len(origin)]),
            origin,
            bytes(8),
            (8).to_bytes(8, "big"),
            LOG.tree.root(8),
        )
    )


@pytest.mark.parametrize("key", [CLASSIC, QUANTUM], ids=["ed25519", "ml-dsa-44"])
def test_what_was_cosigned_holds_and_says_when(key: VerifierKey) -> None:
    assert VerifierKey.parse(key.text()) == key
    assert cosigned_at(parse_note(cosigned().whole()), key, NOW) == NOW
    assert cosigned_at(NOTE, key, NOW) is None


@pytest.mark.parametrize("key", [CLASSIC, QUANTUM], ids=["ed25519", "ml-dsa-44"])
def test_no_bit_of_a_cosignature_can_be_changed(key: VerifierKey) -> None:
    note = cosigned()
    (line,) = note.by(key)
    length = 8 * len(line.signature)
    for bit in range(0, length, 1 if length < 1_000 else 61):
        bad = replace(line, signature=flipped(line.signature, bit))
        with pytest.raises(BadNote):
            cosigned_at(Note(note.text, (bad,)), key, NOW)
        assert cosigners(Note(note.text, (bad,)), [key], NOW) == {}
    for signature in (b"", line.signature[:-1], line.signature + b"\0", line.signature[8:]):
        with pytest.raises(BadNote):
            cosigned_at(Note(note.text, (replace(line, signature=signature),)), key, NOW)


@pytest.mark.parametrize("key", [CLASSIC, QUANTUM], ids=["ed25519", "ml-dsa-44"])
def test_it_is_of_one_checkpoint_only(key: VerifierKey) -> None:
    other = Note(LOG.note(9).text, cosigned().signatures)
    with pytest.raises(BadNote):
        cosigned_at(other, key, NOW)
    fork = Note(LOG.rewritten().note(8).text, cosigned().signatures)
    with pytest.raises(BadNote):
        cosigned_at(fork, key, NOW)


@pytest.mark.parametrize("at", [0, NOW + CLOCK_SKEW_SECONDS + 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_times_that_cannot_be_are_refused(at: int) -> None:
    for key in COSIGNER.keys:
        with pytest.raises(BadNote, match="time"):
            cosigned_at(cosigned(at), key, NOW)
    assert cosigned_at(cosigned(NOW + CLOCK_SKEW_SECONDS), CLASSIC, NOW)


def test_a_witness_counts_once_however_often_it_signs() -> None:
    twice = Note(
        NOTE.text, (*COSIGNER.cosign(NOTE.text, NOW), *COSIGNER.cosign(NOTE.text, NOW - 9))
    )
    assert cosigners(twice, [CLASSIC], NOW) == {CLASSIC: NOW}


def test_a_second_cosignature_takes_the_place_of_the_first() -> None:
    again = with_cosignatures(cosigned(NOW - 60), COSIGNER.cosign(NOTE.text, NOW))
    assert len(again.signatures) == 3
    assert cosigned_at(again, CLASSIC, NOW) == NOW
    many = [Signature(f"w{number}", bytes(4), b"x") for number in range(64)]
    with pytest.raises(BadNote):
        with_cosignatures(NOTE, many)


@pytest.mark.parametrize("lines", ["", "\n", "no dash\n", "— a b\n\n— c d\n", "— w AAAA"])
def test_an_answer_that_is_not_lines_is_refused(lines: str) -> None:
    with pytest.raises(BadNote):
        parse_lines(NOTE.text, lines)


def test_an_answer_cannot_smuggle_in_another_text() -> None:
    other = LOG.note(9)
    with pytest.raises(BadNote):
        parse_lines(NOTE.text, f"{NOTE.signatures[0].line()}\n{other.signatures[0].line()}")
