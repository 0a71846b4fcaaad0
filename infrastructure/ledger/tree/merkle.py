"""RFC 6962 Merkle trees over SHA-256: roots, proofs, and their verification.

Trees are never held whole. Proofs are made from *nodes*, the roots of complete subtrees, which a reader supplies;
a *frontier* is what remains of a tree when only appending to it matters. Hashes are 32 bytes. Verifying never
raises on what an outsider sent: it answers False.
Source: RFC 6962 section 2.1; RFC 9162 sections 2.1.3 and 2.1.4 for verification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()

Node = tuple[int, int]
"""(level, index): the complete subtree of the 2**level leaves from index * 2**level on."""

Reader = Callable[[Sequence[Node]], Sequence[bytes]]
"""Gives the hashes of the nodes asked for, in that order."""


def leaf_hash(data: bytes) -> bytes:
    """Hash a leaf's bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into their parent."""
    return sha256(b"\x01" + left + right).digest()


def tree_hash(leaf_hashes: Iterable[bytes]) -> bytes:
    """Compute the root over these leaves; that of no leaves is EMPTY_ROOT.

    >>> tree_hash([]) == EMPTY_ROOT
    True
    """
    return Frontier().extended(leaf_hashes).root()


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree of `size` leaves as the roots of its complete subtrees, largest (leftmost) first.

    Refuses with ValueError: a negative size; hashes that do not fit it.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("a tree has no negative size")
        if len(self.hashes) != self.size.bit_count() or not _all_hashes(self.hashes):
            raise ValueError("a frontier has one hash of 32 bytes for each bit set in its size")

    def extended(self, leaf_hashes: Iterable[bytes]) -> Frontier:
        """Append leaves."""
        return self._grown(list(leaf_hashes))[0]

    def root(self) -> bytes:
        """Compute the tree's root."""
        return _joined(self.hashes) if self.hashes else EMPTY_ROOT

    def _grown(self, leaf_hashes: list[bytes]) -> tuple[Frontier, list[list[bytes]]]:
        """Append leaves, and tell every node that this made.

        Row L holds the nodes of level L from an even index on, `size >> L` or the one before it: if that is odd,
        the frontier's own node comes first.
        """
        rows: list[list[bytes]] = []
        kept: list[bytes] = []
        before, row, waiting = self.size, leaf_hashes, list(self.hashes)
        while row or waiting:
            if before & 1:
                row = [waiting.pop(), *row]
            rows.append(row)
            if len(row) & 1:
                kept.append(row[-1])
            pairs = zip(row[::2], row[1::2], strict=False)
            row = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
            before >>= 1
        return Frontier(self.size + len(leaf_hashes), tuple(reversed(kept))), rows


def consistency_from(
    frontier: Frontier, new_leaf_hashes: Iterable[bytes]
) -> tuple[list[bytes], Frontier]:
    """Append leaves, and prove that the tree before is a prefix of the tree after.

    No reader is needed: what such a proof holds is in the frontier or made of the new leaves.
    """
    grown, rows = frontier._grown(list(new_leaf_hashes))

    def read(nodes: Sequence[Node]) -> list[bytes]:
        return [rows[level][index - (frontier.size >> level & ~1)] for level, index in nodes]

    return consistency_proof(frontier.size, grown.size, read), grown


# ---- Proofs, from nodes that a reader supplies


def reader_of(leaf_hashes: Sequence[bytes]) -> Reader:
    """Read from leaf hashes that are all at hand; each node is computed when it is asked for."""
    return lambda nodes: [
        tree_hash(leaf_hashes[index << level : index + 1 << level]) for level, index in nodes
    ]


def root(size: int, read: Reader) -> bytes:
    """Compute the root of the tree's first `size` leaves.

    Refuses with ValueError: a negative size; a reader's answer that is not one hash for each node.
    """
    if size < 0:
        raise ValueError("a tree has no negative size")
    return _read([(0, size)], read)[0] if size else EMPTY_ROOT


def frontier(size: int, read: Reader) -> Frontier:
    """What remains of the tree's first `size` leaves when only appending to it matters; asks the reader once at most.

    Refuses with ValueError: a negative size; a reader's answer that is not one hash for each node.
    """
    nodes = _complete_subtrees(0, size)
    return Frontier(size, tuple(read(nodes)) if nodes else ())


def inclusion_proof(index: int, size: int, read: Reader) -> list[bytes]:
    """Prove that a leaf stands at `index` in the tree of `size` leaves; asks the reader once at most.

    Refuses with ValueError: an index outside the tree; a reader's answer that is not one hash for each node.
    """
    if not 0 <= index < size:
        raise ValueError("there is no such leaf in a tree of this size")
    path: list[tuple[int, int]] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return _read(path[::-1], read)


def consistency_proof(old_size: int, size: int, read: Reader) -> list[bytes]:
    """Prove that the tree of `old_size` leaves is a prefix of that of `size`; asks the reader once at most.

    Empty for equal sizes, and for an `old_size` of 0, from which there is nothing to prove.
    Refuses with ValueError: sizes that are negative or shrink; a reader's answer that is not one hash for each node.
    """
    if not 0 <= old_size <= size:
        raise ValueError("a tree grows from a size that is not negative")
    if old_size in (0, size):
        return []
    path: list[tuple[int, int]] = []
    begin, end = 0, size
    while end != old_size:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    if begin:  # else the whole old tree is one subtree of the new, and its root is known
        path.append((begin, end))
    return _read(path[::-1], read)


def _split(count: int) -> int:
    """The largest power of two below `count` (2 or more): where RFC 6962 divides a tree."""
    return 1 << (count - 1).bit_length() - 1


def _complete_subtrees(begin: int, end: int) -> list[Node]:
    """The complete subtrees, left to right, of a subtree that starts at a multiple of its widest one."""
    nodes: list[Node] = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        nodes.append((level, begin >> level))
        begin += 1 << level
    return nodes


def _read(ranges: Sequence[tuple[int, int]], read: Reader) -> list[bytes]:
    """The root of each range of leaves, with one call of the reader for all of them."""
    parts = [_complete_subtrees(begin, end) for begin, end in ranges]
    wanted = [node for part in parts for node in part]
    if not wanted:
        return []
    hashes = read(wanted)
    if len(hashes) != len(wanted) or not _all_hashes(hashes):
        raise ValueError("the reader gave something else than one hash for each node")
    found = iter(hashes)
    return [_joined([next(found) for _ in part]) for part in parts]


def _joined(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, of which each is wider than the next."""
    joined = hashes[-1]
    for left in hashes[-2::-1]:
        joined = node_hash(left, joined)
    return joined


# ---- Verification


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Check that the leaf with hash `leaf` stands at `index` in the tree of `size` leaves with this root.

    Index and size must come from what was signed, not from the proof. Only a path of exactly the right length holds.
    """
    if not 0 <= index < size or not _all_hashes([leaf, root, *path]):
        return False
    # Below `inner` the path to the leaf has left and right neighbours; above, only left ones.
    inner = (index ^ (size - 1)).bit_length()
    if len(path) != inner + (index >> inner).bit_count():
        return False
    found = leaf
    for level, sibling in enumerate(path):
        from_left = level >= inner or index >> level & 1
        found = node_hash(sibling, found) if from_left else node_hash(found, sibling)
    return found == root


def verify_consistency(
    old_size: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]
) -> bool:
    """Check that the tree of `old_size` leaves with `old_root` is a prefix of that of `size` with `root`.

    Equal sizes need equal roots and an empty path. Growth from the empty tree is refused: anything grows from it, so
    a path proves nothing (who accepts a first checkpoint says so itself).
    """
    if not 0 <= old_size <= size or not _all_hashes([old_root, root, *path]):
        return False
    if old_size == size:
        return not path and old_root == root and (size > 0 or root == EMPTY_ROOT)
    if old_size == 0:
        return False
    # `first` and `last` are the last leaf's ancestors in both trees, lifted to the subtree that the path starts from.
    level = (old_size & -old_size).bit_length() - 1
    first, last = (old_size - 1) >> level, (size - 1) >> level
    steps = list(path) if first else [old_root, *path]
    inner = (first ^ last).bit_length()
    if len(steps) != 1 + inner + (first >> inner).bit_count():
        return False
    old_found = found = steps[0]
    for height, sibling in enumerate(steps[1:]):
        if height >= inner or first >> height & 1:
            old_found, found = node_hash(sibling, old_found), node_hash(sibling, found)
        else:
            found = node_hash(found, sibling)
    return old_found == old_root and found == root


def _all_hashes(values: Iterable[bytes]) -> bool:
    return all(len(value) == HASH_SIZE for value in values)
