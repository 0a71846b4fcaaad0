"""The verifier's own trees, on the vectors that everybody uses and beside the definitions."""

from __future__ import annotations

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.ledger.subjects import subject_map
from verifier.merkle import included, leaf_hash, node_hash, tree_root
from verifier.prefix_map import digest, key_of, map_leaf_hash, proof_holds, put

VECTORS = Path(__file__).parents[2] / "../shared/vectors"


def vectors(name: str) -> dict[str, Any]:
    path = VECTORS / name
    if not path.exists():
        pytest.skip("the public vectors beside the project are not here")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_public_trees_have_their_roots() -> None:
    known = vectors("rfc6962_tree.json")
    assert tree_root([]).hex() == known["empty_root"]
    for data, expected in known["leaf_hashes"]:
        assert leaf_hash(bytes.fromhex(data)).hex() == expected
    left, right, parent = map(bytes.fromhex, known["node_hash"])
    assert node_hash(left, right) == parent
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in known["leaves"]]
    roots = [tree_root(leaves[: size + 1]).hex() for size in range(8)]
    assert roots == known["roots_size_1_to_8"]


def test_public_inclusion_proofs_hold_or_are_refused_as_they_should() -> None:
    cases = vectors("merkle_proofs.json")["inclusion"]
    wrong = [
        case["file"]
        for case in cases
        if included(
            b64decode(case["leafHash"]),
            case["leafIdx"],
            case["treeSize"],
            [b64decode(each) for each in case["proof"] or []],
            b64decode(case["root"]),
        )
        == case["wantErr"]
    ]
    assert wrong == []
    assert {case["wantErr"] for case in cases} == {True, False}


def keys() -> st.SearchStrategy[list[bytes]]:
    """Keys that share many bits, and keys that do not."""
    close = st.integers(0, 255).map(lambda number: number.to_bytes(32, "big"))
    far = st.binary(min_size=32, max_size=32)
    return st.lists(close | far, unique=True, max_size=12)


@given(keys(), st.binary(min_size=32, max_size=32))
def test_the_map_and_its_proofs_are_those_of_the_house(found: list[bytes], absent: bytes) -> None:
    items = sorted((key, sha256(key).digest()) for key in found)
    tree = None
    for key, value in reversed(items):
        leaf = sha256(b"\x02" + key + value).digest()
        tree = put(tree, int.from_bytes(key, "big"), leaf, 255)
    root = subject_map.map_root(items)
    assert digest(tree) == root
    for key in {*found, absent}:
        proof = subject_map.prove(key, items)
        path, other = list(proof.hashes), list(proof.other) if proof.other else None
        mine = sha256(b"\x02" + key + sha256(key).digest()).digest() if key in found else None
        assert proof_holds(root, key, mine, path, other)
        assert not proof_holds(root, key, None if mine else sha256(key).digest(), path, other)
        assert not proof_holds(bytes(31) + b"\1", key, mine, path, other)
        for at in {0, len(path) // 2, len(path) - 1} if path else ():
            bent = [*path[:at], sha256(path[at]).digest(), *path[at + 1 :]]
            assert not proof_holds(root, key, mine, bent, other)


def test_a_proof_is_no_longer_than_a_key() -> None:
    assert not proof_holds(bytes(32), bytes(32), None, [bytes(31) + b"\1"] * 257, None)


def test_a_chain_is_hashed_as_the_house_does() -> None:
    chain = subject_map.Chain().extended(5, bytes(32))
    key = subject_map.key_of(bytes(16))
    assert key_of(bytes(16)) == key
    assert map_leaf_hash(key, 1, chain.head) == subject_map.map_leaf(
        key, subject_map.value_of(chain)
    )
