"""RFC 6962 trees over SHA-256. Hashes have 32 bytes."""

from collections.abc import Sequence
from hashlib import sha256


def leaf_hash(data: bytes) -> bytes:
    """Hash a leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees."""
    return sha256(b"\x01" + left + right).digest()


class Growing:
    """A tree that leaves or complete subtrees are appended to."""

    def __init__(self, peaks: Sequence[tuple[int, bytes]] = ()) -> None:
        # (leaves, hash) of the complete subtrees, widest first; no two of one width.
        self.peaks = list(peaks)

    def add(self, hash_: bytes, leaves: int = 1) -> None:
        """Append a complete subtree, no wider than the narrowest that is there."""
        while self.peaks and self.peaks[-1][0] == leaves:
            hash_, leaves = node_hash(self.peaks.pop()[1], hash_), leaves * 2
        self.peaks.append((leaves, hash_))

    def root(self, more: Sequence[bytes] = ()) -> bytes:
        """Compute the root, as if the leaves with the hashes `more` stood at the end."""
        grown = Growing(self.peaks)
        for each in more:
            grown.add(each)
        found = grown.peaks[-1][1] if grown.peaks else sha256(b"").digest()
        for _, left in grown.peaks[-2::-1]:
            found = node_hash(left, found)
        return found


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """Compute the root over hashes whose number is a power of two: the quick way for full tiles."""
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return hashes[0]


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Check an audit path: RFC 9162, 2.1.3.2. The size must come from what was signed."""
    if not 0 <= index < size or any(len(it) != 32 for it in (leaf, root, *path)):
        return False
    node, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root
