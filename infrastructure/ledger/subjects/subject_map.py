"""The map from a subject's tag to the chain of its leaves: roots, and proofs of what is in it and what is not.

A chain says how many leaves are about a tag and which. The map is a binary prefix tree over the tags' keys: a key's
leaf stands at the smallest depth at which no other key shares its bits so far, so the root depends on the set of keys
and values alone. Its format is in docs/ledger.md, "Which leaves are about a subject" and "Map". Keys, values and hashes
are 32 bytes; items are (key, value). Everything that takes items takes them sorted by key, each key once, and
refuses others with ValueError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, groupby
from typing import Final, NamedTuple

HASH_SIZE: Final = 32
KEY_BITS: Final = 256
TAG_SIZE: Final = 16
EMPTY: Final = bytes(HASH_SIZE)

Item = tuple[bytes, bytes]


def key_of(tag: bytes) -> bytes:
    """Hash a tag into its key in the map; ValueError unless it has 16 bytes."""
    if len(tag) != TAG_SIZE:
        raise ValueError("a tag has 16 bytes")
    return sha256(b"subject\x00" + tag).digest()


@dataclass(frozen=True, slots=True)
class Chain:
    """The leaves about one tag, in the order of the log: how many, and a hash over them all."""

    count: int = 0
    head: bytes = EMPTY

    def extended(self, index: int, leaf_hash: bytes) -> Chain:
        """Append the leaf at `index` of the log; ValueError if that is no index or hash."""
        if not 0 <= index < 2**64 or len(leaf_hash) != HASH_SIZE:
            raise ValueError("a chain takes an index of 64 bits and a hash of 32 bytes")
        head = sha256(b"\x04" + self.head + index.to_bytes(8, "big") + leaf_hash).digest()
        return Chain(self.count + 1, head)


def value_of(chain: Chain) -> bytes:
    """Hash a chain into its value in the map."""
    return sha256(chain.count.to_bytes(8, "big") + chain.head).digest()


def map_leaf(key: bytes, value: bytes) -> bytes:
    """Hash a key and its value into their leaf."""
    return sha256(b"\x02" + key + value).digest()


def map_node(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into their parent."""
    return sha256(b"\x03" + left + right).digest()


class Subtree(NamedTuple):
    """What stands below one prefix: its hash, and whether it is one key alone.

    A key alone has not found its depth yet: it rises to where another key parts from it.
    """

    hash: bytes = EMPTY
    alone: bool = False


NOTHING: Final = Subtree()


def joined(left: Subtree, right: Subtree) -> Subtree:
    """Put two neighbours under their parent: a key alone rises, anything else is hashed."""
    if left == NOTHING and (right.alone or right == NOTHING):
        return right
    if right == NOTHING and left.alone:
        return left
    return Subtree(map_node(left.hash, right.hash))


def map_root(items: Iterable[Item]) -> bytes:
    """Compute the map's root over sorted items, in one pass and in constant memory.

    >>> map_root([]) == EMPTY
    True
    """
    return subtree_of(items, 0).hash


def subtree_of(items: Iterable[Item], depth: int) -> Subtree:
    """Compute the subtree of sorted items whose keys share their first `depth` bits.

    Refuses with ValueError: keys that do not; keys out of order, twice, or of another size than 32 bytes.
    """
    # Subtrees that wait for their right neighbour: depths[i] grows with i, and each is the left child of its parent.
    depths, hashes = [-1], [EMPTY]
    key = -1
    leaf, before = (
        EMPTY,
        depth - 1,
    )  # of the key at hand; and how many bits it shares with the one before it
    for bits, value in items:
        coming = int.from_bytes(bits, "big")
        if len(bits) != HASH_SIZE or len(value) != HASH_SIZE or coming <= key:
            raise ValueError("keys come sorted, each once; keys and values have 32 bytes")
        if key >= 0:
            shared = KEY_BITS - (key ^ coming).bit_length()
            if shared < depth:
                raise ValueError("a key belongs to another subtree")
            if shared < before:
                leaf = _lifted(key, leaf, before + 1, shared + 1, depths, hashes)
            depths.append(shared + 1)
            hashes.append(leaf)
            before = shared
        key = coming
        leaf = sha256(b"\x02" + bits + value).digest()
    if key < 0:
        return NOTHING
    if before < depth:
        return Subtree(leaf, alone=True)
    return Subtree(_lifted(key, leaf, before + 1, depth, depths, hashes))


def _lifted(
    key: int, found: bytes, depth: int, target: int, depths: list[int], hashes: list[bytes]
) -> bytes:
    """Lift the subtree at `depth` above `key` to `target`, taking the left neighbours that wait for it."""
    while depth > target:
        if depths[-1] == depth:
            depths.pop()
            found = sha256(b"\x03" + hashes.pop() + found).digest()
        elif key >> KEY_BITS - depth & 1:
            found = map_node(EMPTY, found)
        else:
            found = map_node(found, EMPTY)
        depth -= 1
    return found


def in_order(items: Iterable[Item]) -> Iterator[Item]:
    """Pass items on; ValueError where one is not sorted, comes twice, or has another size."""
    last = b""
    for item in items:
        if len(item[0]) != HASH_SIZE or len(item[1]) != HASH_SIZE or item[0] <= last:
            raise ValueError("keys come sorted, each once; keys and values have 32 bytes")
        last = item[0]
        yield item


# ---- Proofs


@dataclass(frozen=True, slots=True)
class MapProof:
    """What stands beside a key's path from the root down, and what stands in its place if it is not in the map.

    `other` is None for a key that is there, and where nothing stands in its place.
    """

    hashes: tuple[bytes, ...]
    other: Item | None = None


def prove(key: bytes, items: Iterable[Item]) -> MapProof:
    """Prove that a key is in the map of these sorted items, or that it is not."""
    beside, mine, lone = siblings(key, items)
    return proof_of(beside, mine, lone)


def siblings(
    key: bytes, items: Iterable[Item], depth: int = 0
) -> tuple[dict[int, Subtree], bool, Item | None]:
    """Find what stands beside a key's path, from `depth` down.

    Gives the subtree that parts from the path after d shared bits, for each such d; whether the key itself is there;
    and the only key of the deepest of those subtrees, if it has but one.
    """
    number = _number(key)
    beside: dict[int, Subtree] = {}
    mine, deepest, lone = False, -1, None
    for shared, group in groupby(in_order(items), lambda item: _shared(number, item[0])):
        if shared == KEY_BITS:
            mine = True
            continue
        if shared < depth:
            raise ValueError("a key belongs to another subtree")
        beside[shared], only = _with_its_only_key(group, shared + 1)
        if shared > deepest:
            deepest, lone = shared, only
    return beside, mine, lone


def _with_its_only_key(items: Iterator[Item], depth: int) -> tuple[Subtree, Item | None]:
    first = next(items)
    subtree = subtree_of(chain([first], items), depth)
    return subtree, first if subtree.alone else None


def proof_of(beside: dict[int, Subtree], mine: bool, lone: Item | None) -> MapProof:
    """Put a proof together from what `siblings` finds in the whole map."""
    found = sorted(shared for shared, subtree in beside.items() if subtree != NOTHING)
    if not mine and lone is not None:
        # One key alone stands beside the end of the path: it rises, and takes the place of the key asked for.
        found.pop()
    length = found[-1] + 1 if found else 0
    hashes = tuple(beside.get(shared, NOTHING).hash for shared in range(length))
    return MapProof(hashes, None if mine else lone)


def verify_proof(root: bytes, key: bytes, value: bytes | None, proof: MapProof) -> bool:
    """Check that the map with this root has `value` for the key, or, for None, that it does not have the key.

    Never raises on what an outsider sent. It says nothing about how the root came about: that takes a replay.
    """
    parts = [root, key, *proof.hashes, *(proof.other or ())]
    if value is not None:
        parts.append(value)
    if len(proof.hashes) > KEY_BITS or any(len(part) != HASH_SIZE for part in parts):
        return False
    if proof.hashes and proof.hashes[-1] == EMPTY:
        return False  # then the key, or what takes its place, would stand higher up
    number = int.from_bytes(key, "big")
    found = _at_the_end(number, key, value, proof)
    if found is None:
        return False
    for depth in range(len(proof.hashes), 0, -1):
        sibling = proof.hashes[depth - 1]
        right = number >> KEY_BITS - depth & 1
        found = map_node(sibling, found) if right else map_node(found, sibling)
    return found == root


def _at_the_end(number: int, key: bytes, value: bytes | None, proof: MapProof) -> bytes | None:
    """What a proof puts at the end of the path; None if it contradicts itself."""
    if value is not None:
        return map_leaf(key, value) if proof.other is None else None
    if proof.other is None:
        return EMPTY
    other = proof.other[0]
    if other == key or _shared(number, other) < len(proof.hashes):
        return None
    return map_leaf(*proof.other)


def _number(key: bytes) -> int:
    if len(key) != HASH_SIZE:
        raise ValueError("a key has 32 bytes")
    return int.from_bytes(key, "big")


def _shared(number: int, other: bytes) -> int:
    """How many leading bits two keys share."""
    return KEY_BITS - (number ^ int.from_bytes(other, "big")).bit_length()
