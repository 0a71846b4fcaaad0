"""Trees and proofs that other people computed; most of the proofs are wrong on purpose."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from infrastructure.ledger.tree.merkle import (
    EMPTY_ROOT,
    leaf_hash,
    node_hash,
    tree_hash,
    verify_consistency,
    verify_inclusion,
)

VECTORS = Path(__file__).parents[2] / "../shared/vectors"

# The eight leaves with which Certificate Transparency's own tests begin, and three of their roots.
LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def vectors(name: str) -> dict[str, Any]:
    path = VECTORS / name
    if not path.exists():
        pytest.skip("the public vectors beside the project are not here")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def hashes(proof: list[str] | None) -> list[bytes]:
    return [b64decode(each) for each in proof or []]


@pytest.mark.parametrize("size", ROOTS)
def test_the_tree_that_everybody_begins_with_has_its_roots(size: int) -> None:
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:size]]
    assert tree_hash(leaves).hex() == ROOTS[size]


def test_public_trees_have_their_roots() -> None:
    known = vectors("rfc6962_tree.json")
    assert EMPTY_ROOT.hex() == known["empty_root"]
    for data, expected in known["leaf_hashes"]:
        assert leaf_hash(bytes.fromhex(data)).hex() == expected
    left, right, parent = map(bytes.fromhex, known["node_hash"])
    assert node_hash(left, right) == parent
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in known["leaves"]]
    roots = [tree_hash(leaves[: size + 1]).hex() for size in range(8)]
    assert roots == known["roots_size_1_to_8"]


def test_public_inclusion_proofs_hold_or_are_refused_as_they_should() -> None:
    cases = vectors("merkle_proofs.json")["inclusion"]
    wrong = [
        case["file"]
        for case in cases
        if verify_inclusion(
            b64decode(case["leafHash"]),
            case["leafIdx"],
            case["treeSize"],
            hashes(case["proof"]),
            b64decode(case["root"]),
        )
        == case["wantErr"]
    ]
    assert wrong == []
    assert {case["wantErr"] for case in cases} == {True, False}


def test_public_consistency_proofs_hold_or_are_refused_as_they_should() -> None:
    cases = vectors("merkle_proofs.json")["consistency"]
    wrong = [
        case["file"]
        for case in cases
        if verify_consistency(
            case["size1"],
            b64decode(case["root1"]),
            case["size2"],
            b64decode(case["root2"]),
            hashes(case["proof"]),
        )
        == case["wantErr"]
    ]
    assert wrong == []
    assert {case["wantErr"] for case in cases} == {True, False}
