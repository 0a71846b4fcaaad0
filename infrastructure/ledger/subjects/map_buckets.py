"""The subject map in two parts: the top of its tree in an array, the rest in buckets that are read one at a time.

The keys that share their first `depth` bits are a *bucket*. Of the tree only the nodes down to the buckets are kept;
when keys change, their buckets are computed anew and the array from there up; a proof needs the array and one bucket.

The array is a complete binary tree of cells in heap order: cell 1 is the root, cells 2i and 2i+1 are below cell i, and
bucket b is cell 2**depth + b (cell 0 is unused). A cell is one byte and a hash:

* 0: nothing is below this prefix; the hash is zero. So all zeros is the map of no keys.
* 1: *exactly one key* is; the hash is that key's leaf.
* 2: two keys or more are; the hash is the tree's node that stands here.

The byte is what makes the array exact. A key alone in its bucket has its leaf where another key parts from it,
perhaps far above the bucket. Each cell on the way holds that same leaf, still alone, until there is a neighbour to be
hashed with (`subject_map.joined`); when the neighbour goes, the leaf rises again. A node of two keys or more does not
rise: beside nothing it is hashed with EMPTY, as everywhere in the map.

The array has 2**(depth + 1) cells of 33 bytes: 1 MB at depth 14, where 1,000,000 keys make some 60 to a bucket.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final

from infrastructure.ledger.subjects.subject_map import (
    EMPTY,
    HASH_SIZE,
    KEY_BITS,
    Item,
    MapProof,
    Subtree,
    in_order,
    joined,
    proof_of,
    siblings,
    subtree_of,
)

DEPTH_MAX: Final = 24
CELL_SIZE: Final = 1 + HASH_SIZE
_NOTHING, _ALONE, _MANY = 0, 1, 2


def bucket_of(key: bytes, depth: int) -> int:
    """Say in which bucket a key is: its first `depth` bits."""
    return int.from_bytes(key, "big") >> KEY_BITS - depth


def key_range(bucket: int, depth: int) -> tuple[bytes, bytes]:
    """Say between which keys a bucket lies, both included.

    >>> first, last = key_range(5, 4)
    >>> first.hex()[:4], last.hex()[:4]
    ('5000', '5fff')
    """
    rest = KEY_BITS - depth
    first = bucket << rest
    last = first | (1 << rest) - 1
    return first.to_bytes(HASH_SIZE, "big"), last.to_bytes(HASH_SIZE, "big")


def empty_nodes(depth: int) -> bytearray:
    """Make the array of the map of no keys; ValueError unless `depth` is between 0 and 24."""
    if not 0 <= depth <= DEPTH_MAX:
        raise ValueError("the array goes down to a depth between 0 and 24")
    return bytearray(CELL_SIZE << depth + 1)


def bucket_root(items: Iterable[Item], depth: int) -> Subtree:
    """Compute what stands below a bucket's prefix; its sorted items may be none.

    Refuses with ValueError: items of more than one bucket; keys out of order or twice.
    """
    return subtree_of(items, depth)


def build_nodes(items: Iterable[Item], depth: int) -> bytearray:
    """Make the array of the map of these sorted items, in one pass."""
    nodes = empty_nodes(depth)
    buckets = groupby(in_order(items), lambda item: bucket_of(item[0], depth))
    update_nodes(nodes, depth, {bucket: bucket_root(group, depth) for bucket, group in buckets})
    return nodes


def update_nodes(nodes: bytearray, depth: int, changed: Mapping[int, Subtree]) -> bytes:
    """Write what changed buckets have come to (`bucket_root`) into the array in place; gives the map's root.

    Refuses with ValueError, before it writes anything: an array of another depth; a bucket that there is none of.
    """
    _check(nodes, depth)
    if any(not 0 <= bucket < 1 << depth for bucket in changed):
        raise ValueError("there is no such bucket")
    for bucket, subtree in changed.items():
        _write(nodes, (1 << depth) + bucket, subtree)
    touched = {(1 << depth) + bucket for bucket in changed}
    for _ in range(depth):
        touched = {cell >> 1 for cell in touched}
        for cell in touched:
            _write(nodes, cell, joined(_cell(nodes, 2 * cell), _cell(nodes, 2 * cell + 1)))
    return _cell(nodes, 1).hash


def nodes_root(nodes: bytes | bytearray) -> bytes:
    """Read the map's root from the array."""
    return _cell(nodes, 1).hash


def bucket_to_read(nodes: bytes | bytearray, depth: int, key: bytes) -> int:
    """Say which bucket's items `prove_from` needs for the key.

    That is the key's own, unless nothing is there and a key alone in another bucket has risen to take its place.
    """
    _check(nodes, depth)
    own = bucket_of(key, depth)
    cell = (1 << depth) + own
    if _cell(nodes, cell).hash == EMPTY:
        while cell > 1 and _cell(nodes, cell ^ 1).hash == EMPTY:
            cell >>= 1
        if cell > 1 and _cell(nodes, cell ^ 1).alone:
            return _bucket_below(nodes, depth, cell ^ 1)
    return own


def prove_from(nodes: bytes | bytearray, depth: int, key: bytes, items: Iterable[Item]) -> MapProof:
    """Prove that a key is in the map or is not, from the array and the sorted items of `bucket_to_read`.

    The proof is the same as one from all items.
    Refuses with ValueError: an array of another depth; items that are not what the array says of their bucket.
    """
    held = list(items)
    own, read = bucket_of(key, depth), bucket_to_read(nodes, depth, key)
    if bucket_root(held, depth) != _cell(nodes, (1 << depth) + read):
        raise ValueError("the array and the bucket are not of the same map")
    path = (1 << depth) + own
    beside = {above: _cell(nodes, path >> depth - 1 - above ^ 1) for above in range(depth)}
    if read != own:
        return proof_of(beside, False, held[0])
    below, mine, lone = siblings(key, held, depth)
    return proof_of(beside | below, mine, lone)


def _bucket_below(nodes: bytes | bytearray, depth: int, cell: int) -> int:
    """The bucket of the key that is alone below a cell."""
    while cell < 1 << depth:
        cell = 2 * cell + (_cell(nodes, 2 * cell).hash == EMPTY)
    return cell - (1 << depth)


def _check(nodes: bytes | bytearray, depth: int) -> None:
    if not 0 <= depth <= DEPTH_MAX or len(nodes) != CELL_SIZE << depth + 1:
        raise ValueError("the array is of another depth")


def _cell(nodes: bytes | bytearray, cell: int) -> Subtree:
    place = CELL_SIZE * cell
    return Subtree(bytes(nodes[place + 1 : place + CELL_SIZE]), nodes[place] == _ALONE)


def _write(nodes: bytearray, cell: int, subtree: Subtree) -> None:
    place = CELL_SIZE * cell
    kind = _ALONE if subtree.alone else _NOTHING if subtree.hash == EMPTY else _MANY
    nodes[place] = kind
    nodes[place + 1 : place + CELL_SIZE] = subtree.hash
