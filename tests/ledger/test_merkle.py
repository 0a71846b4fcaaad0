"""The log's tree against its definition: roots, proofs, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.ledger.tree.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    consistency_from,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    tree_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.ledger.naive_trees import NaiveTree, flipped

SMALL, LARGE = 300, 5_000
TREE = NaiveTree(LARGE)

sizes = st.integers(1, LARGE)
huge = st.integers(-(2**70), 2**70)


def some_of(count: int, salt: int) -> list[int]:
    """All of range(count) while it is small; else its ends, its middle and a few that `salt` chooses."""
    if count <= 40:
        return list(range(count))
    chosen = {0, 1, count // 2, count - 2, count - 1, *(salt * k % count for k in range(7, 12))}
    return sorted(chosen)


class Asked:
    """A reader that tells what it was asked."""

    def __init__(self) -> None:
        self.calls: list[list[Node]] = []

    def __call__(self, nodes: Sequence[Node]) -> list[bytes]:
        self.calls.append(list(nodes))
        return TREE.read(nodes)


# ---- Against the definition


@pytest.mark.parametrize("begin", range(0, SMALL, 50))
def test_every_small_tree_has_the_root_of_the_definition(begin: int) -> None:
    for size in range(begin, begin + 51):
        expected = TREE.root(size)
        assert tree_hash(TREE.leaves[:size]) == expected
        assert root(size, TREE.read) == expected


@pytest.mark.parametrize("begin", range(1, SMALL, 50))
def test_every_small_tree_proves_its_leaves(begin: int) -> None:
    for size in range(begin, begin + 50):
        for index in some_of(size, 31 * size):
            path = inclusion_proof(index, size, TREE.read)
            assert path == TREE.path(index, 0, size)
            assert verify_inclusion(TREE.leaves[index], index, size, path, TREE.root(size))


@pytest.mark.parametrize("begin", range(1, SMALL, 50))
def test_every_small_tree_proves_what_it_grew_from(begin: int) -> None:
    for size in range(begin, begin + 50):
        for old in (it + 1 for it in some_of(size, 37 * size)):
            path = consistency_proof(old, size, TREE.read)
            assert path == TREE.proof(old, 0, size)
            assert verify_consistency(old, TREE.root(old), size, TREE.root(size), path)


@given(sizes, st.data())
def test_any_tree_proves_any_leaf(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(index, size, TREE.read)
    assert path == TREE.path(index, 0, size)
    assert verify_inclusion(TREE.leaves[index], index, size, path, TREE.root(size))


@given(sizes, sizes)
def test_any_tree_proves_any_smaller_one(one: int, other: int) -> None:
    old, size = sorted((one, other))
    path = consistency_proof(old, size, TREE.read)
    assert path == TREE.proof(old, 0, size)
    assert verify_consistency(old, TREE.root(old), size, TREE.root(size), path)


@given(st.lists(st.one_of(sizes, st.integers(0, 70)), max_size=12))
def test_leaves_appended_in_any_batches_make_the_same_tree(cuts: list[int]) -> None:
    frontier = Frontier()
    for begin, end in pairwise(sorted([0, *cuts])):
        proof, grown = consistency_from(frontier, TREE.leaves[begin:end])
        assert grown == frontier.extended(TREE.leaves[begin:end])
        assert grown.size == end
        assert grown.root() == TREE.root(end)
        assert proof == (TREE.proof(begin, 0, end) if begin else [])
        frontier = grown


# ---- The reader


@given(sizes, st.data())
def test_the_reader_is_asked_once_for_complete_subtrees_that_do_not_overlap(
    size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    for prove in (
        partial(root, size),
        partial(inclusion_proof, index, size),
        partial(consistency_proof, index, size),
    ):
        asked = Asked()
        prove(asked)
        assert len(asked.calls) <= 1
        nodes = [node for call in asked.calls for node in call]
        ranges = sorted((index << level, index + 1 << level) for level, index in nodes)
        assert all(end <= begin for (_, end), (begin, _) in pairwise(ranges))
        assert all(end <= size for _, end in ranges)


@pytest.mark.parametrize(
    "answer", [[], [bytes(32)] * 2, [bytes(31)] * 3, [*[bytes(32)] * 2, bytes(33)], [bytes(32)] * 4]
)
def test_a_reader_that_does_not_answer_what_was_asked_is_refused(answer: list[bytes]) -> None:
    def read(nodes: Sequence[Node]) -> list[bytes]:
        assert len(nodes) == 3
        return answer

    for prove in (
        lambda: root(7, read),
        lambda: inclusion_proof(3, 8, read),
        lambda: consistency_proof(6, 8, read),
    ):
        with pytest.raises(ValueError, match="one hash for each node"):
            prove()


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5), (0, -1), (2**64, 2**63)])
def test_no_leaf_is_proved_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_proof(index, size, TREE.read)


@pytest.mark.parametrize(("old", "size"), [(-1, 5), (6, 5), (1, 0), (0, -1)])
def test_no_growth_is_proved_that_is_none(old: int, size: int) -> None:
    with pytest.raises(ValueError, match="a tree grows"):
        consistency_proof(old, size, TREE.read)


def test_no_root_is_computed_of_a_negative_size() -> None:
    with pytest.raises(ValueError, match="negative"):
        root(-1, TREE.read)


def test_nothing_is_proved_about_growth_from_nothing_or_to_the_same() -> None:
    assert consistency_proof(0, 9, TREE.read) == consistency_proof(9, 9, TREE.read) == []


@pytest.mark.parametrize(
    ("size", "hashes"),
    [(-1, ()), (1, ()), (0, (bytes(32),)), (3, (bytes(32),)), (1, (bytes(31),)), (1, (bytes(33),))],
)
def test_a_frontier_whose_hashes_do_not_fit_is_refused(size: int, hashes: tuple[bytes]) -> None:
    with pytest.raises(ValueError, match=r"negative size|one hash of 32 bytes for each bit"):
        Frontier(size, hashes)


# ---- What verification refuses


@pytest.mark.parametrize(("index", "size"), [(0, 2), (4, 5), (6, 7), (100, 257), (4_000, 5_000)])
def test_an_inclusion_proof_with_any_bit_flipped_is_refused(index: int, size: int) -> None:
    leaf, top, path = TREE.leaves[index], TREE.root(size), TREE.path(index, 0, size)
    assert verify_inclusion(leaf, index, size, path, top)
    for bit in range(256):
        assert not verify_inclusion(flipped(leaf, bit), index, size, path, top)
        assert not verify_inclusion(leaf, index, size, path, flipped(top, bit))
        for place, sibling in enumerate(path):
            changed = [*path[:place], flipped(sibling, bit), *path[place + 1 :]]
            assert not verify_inclusion(leaf, index, size, changed, top)


@pytest.mark.parametrize(
    ("old", "size"), [(1, 2), (4, 5), (6, 7), (64, 200), (100, 257), (4_097, 5_000)]
)
def test_a_consistency_proof_with_any_bit_flipped_is_refused(old: int, size: int) -> None:
    before, after, path = TREE.root(old), TREE.root(size), TREE.proof(old, 0, size)
    assert verify_consistency(old, before, size, after, path)
    for bit in range(256):
        assert not verify_consistency(old, flipped(before, bit), size, after, path)
        assert not verify_consistency(old, before, size, flipped(after, bit), path)
        for place, sibling in enumerate(path):
            changed = [*path[:place], flipped(sibling, bit), *path[place + 1 :]]
            assert not verify_consistency(old, before, size, after, changed)


@pytest.mark.parametrize("size", [1, 2, 5, 64, 100, 257])
def test_a_leaf_is_not_elsewhere_in_the_tree(size: int) -> None:
    for index in some_of(size, 13):
        path = TREE.path(index, 0, size)
        for elsewhere in (*range(size), size, -1, -size, 2**64, 2**64 + index):
            holds = verify_inclusion(TREE.leaves[index], elsewhere, size, path, TREE.root(size))
            assert holds == (elsewhere == index)


@pytest.mark.parametrize("size", [2, 5, 64, 100, 257])
def test_a_tree_grew_from_no_other_size(size: int) -> None:
    for old in (it + 1 for it in some_of(size, 17)):
        path = TREE.proof(old, 0, size)
        for other in (*range(size + 1), size + 1, -1, -old, 2**64):
            holds = verify_consistency(other, TREE.root(old), size, TREE.root(size), path)
            assert holds == (other == old)


@given(sizes, st.data())
def test_a_proof_of_another_length_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaf, top, path = TREE.leaves[index], TREE.root(size), TREE.path(index, 0, size)
    old, before, growth = index + 1, TREE.root(index + 1), TREE.proof(index + 1, 0, size)
    for extra in (b"", bytes(32), top, leaf):
        for longer in ([extra, *path], [*path, extra]):
            assert not verify_inclusion(leaf, index, size, longer, top)
        for longer in ([extra, *growth], [*growth, extra]):
            assert not verify_consistency(old, before, size, top, longer)
    for shorter in (path[1:], path[:-1]):
        assert shorter == path or not verify_inclusion(leaf, index, size, shorter, top)
    for shorter in (growth[1:], growth[:-1]):
        assert shorter == growth or not verify_consistency(old, before, size, top, shorter)


@given(huge, huge, st.lists(st.binary(max_size=33), max_size=70), st.binary(max_size=33))
def test_whatever_an_outsider_sends_is_refused_without_an_error(
    one: int, other: int, path: list[bytes], top: bytes
) -> None:
    assert not verify_inclusion(bytes(32), one, other, path, top)
    assert not verify_consistency(one, bytes(32), other, top, path)


def test_hashes_of_another_length_are_refused_even_where_they_agree() -> None:
    # A public vector holds two equal roots of 12 bytes for good; here a hash has 32.
    assert not verify_consistency(1, b"don't care 1", 1, b"don't care 1", [])
    assert not verify_inclusion(b"short", 0, 1, [], b"short")
    assert verify_consistency(1, bytes(32), 1, bytes(32), [])


def test_growth_from_the_empty_tree_proves_nothing() -> None:
    assert verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    assert not verify_consistency(0, bytes(32), 0, bytes(32), [])
    assert not verify_consistency(0, EMPTY_ROOT, 1, TREE.root(1), [])
    assert not verify_consistency(0, EMPTY_ROOT, 2, TREE.root(2), [TREE.root(2)])


def test_a_node_is_not_a_leaf_and_an_odd_leaf_is_not_doubled() -> None:
    one, two, three = TREE.leaves[:3]
    assert leaf_hash(one + two) != node_hash(one, two)
    assert tree_hash([one, two, three]) != tree_hash([one, two, three, three])
