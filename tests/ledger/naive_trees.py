"""The log's tree and the subject map as their definitions say, for comparison: slow, recursive, obvious."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256


def sha(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def flipped(data: bytes, bit: int) -> bytes:
    """The same bytes but for one bit."""
    number = int.from_bytes(data, "big") ^ 1 << bit
    return number.to_bytes(len(data), "big")


class NaiveTree:
    """RFC 6962, section 2.1, over leaves numbered from 0; any range of them, each computed once."""

    def __init__(self, size: int) -> None:
        self.leaves = [sha(b"\x00", str(index).encode()) for index in range(size)]
        self._known: dict[tuple[int, int], bytes] = {}

    def mth(self, begin: int, end: int) -> bytes:
        if begin == end:
            return sha()
        if end - begin == 1:
            return self.leaves[begin]
        if (begin, end) not in self._known:
            middle = begin + largest_power_below(end - begin)
            both = self.mth(begin, middle), self.mth(middle, end)
            self._known[begin, end] = sha(b"\x01", *both)
        return self._known[begin, end]

    def root(self, size: int) -> bytes:
        return self.mth(0, size)

    def path(self, index: int, begin: int, end: int) -> list[bytes]:
        """PATH(m, D[n]) for the leaf at `index` of D[begin:end]."""
        if end - begin == 1:
            return []
        middle = begin + largest_power_below(end - begin)
        if index < middle:
            return [*self.path(index, begin, middle), self.mth(middle, end)]
        return [*self.path(index, middle, end), self.mth(begin, middle)]

    def proof(self, old: int, begin: int, end: int, whole: bool = True) -> list[bytes]:
        """SUBPROOF(m, D[n], b), the old tree ending at `old`; PROOF(m, D[n]) is proof(m, 0, n)."""
        if old == end:
            return [] if whole else [self.mth(begin, end)]
        middle = begin + largest_power_below(end - begin)
        if old <= middle:
            return [*self.proof(old, begin, middle, whole), self.mth(middle, end)]
        return [*self.proof(old, middle, end, False), self.mth(begin, middle)]

    def read(self, nodes: Sequence[tuple[int, int]]) -> list[bytes]:
        """A reader of complete subtrees."""
        return [self.mth(index << level, index + 1 << level) for level, index in nodes]


def largest_power_below(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


EMPTY = bytes(32)
Items = Mapping[bytes, bytes]


def bit(key: bytes, place: int) -> int:
    return key[place // 8] >> 7 - place % 8 & 1


def naive_map_root(items: Items, depth: int = 0) -> bytes:
    """The subtree of these items at a depth down to which they share all bits."""
    if not items:
        return EMPTY
    if len(items) == 1:
        [(key, value)] = items.items()
        return sha(b"\x02", key, value)
    left, right = halves(items, depth)
    return sha(b"\x03", naive_map_root(left, depth + 1), naive_map_root(right, depth + 1))


def naive_map_proof(
    key: bytes, items: Items, depth: int = 0
) -> tuple[list[bytes], tuple[bytes, bytes] | None]:
    """Siblings from the root down, and what stands in the place of a key that is not there."""
    if len(items) <= 1:
        [other] = items.items() or [None]
        return [], None if other is None or other[0] == key else other
    sides = halves(items, depth)
    mine = bit(key, depth)
    hashes, other = naive_map_proof(key, sides[mine], depth + 1)
    return [naive_map_root(sides[1 - mine], depth + 1), *hashes], other


def halves(items: Items, depth: int) -> tuple[Items, Items]:
    return (
        {key: value for key, value in items.items() if not bit(key, depth)},
        {key: value for key, value in items.items() if bit(key, depth)},
    )
