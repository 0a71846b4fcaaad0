"""Signed notes, checkpoints, travelling proofs: those of others are read, ours are as they should be."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infrastructure.ledger.signed.checkpoints import TreeHead, parse_tree_head
from infrastructure.ledger.signed.notes import (
    BadNote,
    Note,
    Signature,
    VerifierKey,
    parse_note,
    sign,
    verifier_key,
    verify,
)
from infrastructure.ledger.signed.tlog_proof import TlogProof, parse_tlog_proof
from infrastructure.ledger.tree.merkle import leaf_hash, tree_hash
from tests.ledger.naive_trees import NaiveTree
from tests.ledger.test_merkle_vectors import VECTORS

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NAME = "example.test/ledger/one"


def public_notes() -> list[dict[str, Any]]:
    path = VECTORS / "signed_notes.json"
    if not path.exists():
        pytest.skip("the public vectors beside the project are not here")
    found: list[dict[str, Any]] = json.loads(path.read_text())
    return found


def test_notes_of_others_are_read_and_hold() -> None:
    for vector in public_notes():
        key = VerifierKey.parse(vector["vkey"])
        note = parse_note(vector["note"])
        assert verify(note, [key]) == [key]
        assert note.whole() == vector["note"]
        if vector["kind"] == "checkpoint":
            head = parse_tree_head(note.text)
            entries = [leaf_hash(entry.encode()) for entry in vector["entries"]]
            assert (head.origin, head.size) == (key.name, len(entries))
            assert head.root == tree_hash(entries)


def test_no_bit_of_a_note_can_be_changed() -> None:
    key = verifier_key(NAME, KEY)
    whole = sign(TreeHead(NAME, 3, bytes(32)).text(), NAME, KEY).whole().encode()
    for at in range(len(whole)):
        for bit in range(8):
            changed = bytearray(whole)
            changed[at] ^= 1 << bit
            with pytest.raises((BadNote, UnicodeDecodeError)):
                verify(parse_note(changed.decode()), [key])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "text\n",
        "text\n\n",
        "\n\n\u2014 a AAAAAAA=\n",
        "text\n\n\u2014 a AAAAAAA=",
        "text\n\n- a AAAAAAA=\n",
        "text\n\n\u2014 a\n",
        "text\n\n\u2014 a+b AAAAAAA=\n",
        "text\n\n\u2014 a AAAA\n",
        "text\n\n\u2014 a AAAAAA==\n",
        "text\n\n\u2014 a AAAAAAB=\n",
        "text\n\n\u2014  AAAAAAA=\n",
        "te\rxt\n\n\u2014 a AAAAAAA=\n",
        "text\n\n" + "\u2014 a AAAAAAA=\n" * 65,
        "x" * 70_000 + "\n\n\u2014 a AAAAAAA=\n",
    ],
)
def test_what_is_not_a_note_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        parse_note(text)


def test_signatures_of_strangers_are_passed_over_and_none_is_not_enough() -> None:
    key, stranger = verifier_key(NAME, KEY), Ed25519PrivateKey.generate()
    note = sign("text\n", NAME, KEY)
    both = Note(note.text, (*sign("text\n", "other", stranger).signatures, *note.signatures))
    assert verify(both, [key]) == [key]
    with pytest.raises(BadNote, match="no key"):
        verify(both, [verifier_key("third", stranger)])


def test_a_signature_that_claims_a_known_key_and_does_not_hold_refuses_the_note() -> None:
    key, other = verifier_key(NAME, KEY), Ed25519PrivateKey.generate()
    forged = Signature(NAME, key.id, other.sign(b"text\n"))
    with pytest.raises(BadNote, match="does not hold"):
        verify(Note("text\n", (forged,)), [key])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        f"{NAME}+00000000+{b64encode(bytes(33)).decode()}",
        verifier_key(NAME, KEY).text()[:-4],
        verifier_key(NAME, KEY).text().replace("one", "two"),
        verifier_key(NAME, KEY).text().upper(),
        verifier_key(NAME, KEY, kind=9).text(),
    ],
)
def test_what_is_not_a_key_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        VerifierKey.parse(text)


def test_a_key_is_read_as_it_is_written() -> None:
    key = verifier_key(NAME, KEY)
    assert VerifierKey.parse(key.text()) == key


@pytest.mark.parametrize(
    "text",
    [
        "a\n1\n",
        f"a\n-1\n{b64encode(bytes(32)).decode()}\n",
        f"a\n01\n{b64encode(bytes(32)).decode()}\n",
        f"a\n\u0661\n{b64encode(bytes(32)).decode()}\n",
        f"a\n{'9' * 5_000}\n{b64encode(bytes(32)).decode()}\n",
        f"a\n1\n{b64encode(bytes(31)).decode()}\n",
        f"a b\n1\n{b64encode(bytes(32)).decode()}\n",
        f"a\n1\n{b64encode(bytes(32)).decode()}\nextension\n",
        "a\n1\n!\n",
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        parse_tree_head(text)


def a_proof(index: int = 3, size: int = 7) -> tuple[bytes, TlogProof]:
    tree = NaiveTree(size)
    note = sign(TreeHead(NAME, size, tree.root(size)).text(), NAME, KEY)
    return tree.leaves[index], TlogProof(index, tuple(tree.path(index, 0, size)), note.whole())


def test_a_proof_holds_for_its_leaf_and_key_alone() -> None:
    leaf, proof = a_proof()
    key = verifier_key(NAME, KEY)
    assert proof.holds_for(leaf, key)
    assert parse_tlog_proof(proof.text()) == proof
    with_leaf = replace(proof, extra=b"daybook/leaf/v1\n{}")
    assert parse_tlog_proof(with_leaf.text()) == with_leaf
    assert with_leaf.text().startswith("c2sp.org/tlog-proof@v1\nextra ZGF5Ym9vay")
    assert not proof.holds_for(leaf_hash(b"other"), key)
    assert not proof.holds_for(leaf, verifier_key(NAME, Ed25519PrivateKey.generate()))
    assert not proof.holds_for(leaf, verifier_key("other", KEY))
    assert not TlogProof(2, proof.hashes, proof.note).holds_for(leaf, key)


def test_no_byte_of_a_proof_can_be_changed() -> None:
    leaf, proof = a_proof()
    key, whole = verifier_key(NAME, KEY), proof.text().encode()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1
        try:
            held = parse_tlog_proof(changed.decode()).holds_for(leaf, key)
        except (BadNote, UnicodeDecodeError):
            held = False
        assert not held, at


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("index 3", "index 03"),
        ("index 3", "index -3"),
        ("index 3", f"index {'3' * 5_000}"),
        ("index 3", "extra !\nindex 3"),
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        ("\n\n", "\n"),
    ],
)
def test_what_is_not_a_proof_is_refused(old: str, new: str) -> None:
    text = a_proof()[1].text()
    with pytest.raises(BadNote):
        parse_tlog_proof(text.replace(old, new, 1 if old != "\n\n" else -1))


def test_a_proof_with_too_many_hashes_is_refused() -> None:
    _, proof = a_proof()
    with pytest.raises(BadNote, match="at most 63"):
        parse_tlog_proof(TlogProof(3, (bytes(32),) * 64, proof.note).text())
