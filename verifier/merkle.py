"""RFC 6962 trees over SHA-256. Hashes have 32 bytes."""

from collections.abc import Sequence
from hashlib import sha256


def leaf_hash(data: bytes) -> bytes:
    """Hash a leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def tree_root(hashes: Sequence[bytes]) -> bytes:
    """Compute the root over leaves, or over complete subtrees of one width and a last one no wider.

    Row by row from below: what has no neighbour to its right rises as it is."""
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2])  # noqa: B905 - the last may be alone
        row = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        hashes = [*row, *hashes[2 * len(row) :]]
    return hashes[0] if hashes else sha256(b"").digest()


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Check an audit path: RFC 9162, 2.1.3.2. The size must come from what was signed."""
    if not 0 <= index < size or any(len(it) != 32 for it in (leaf, root, *path)):
        return False
    # Below `inner` the way up differs from that of the last leaf; above, all siblings are to the left.
    inner, found = (index ^ size - 1).bit_length(), leaf
    if len(path) != inner + (index >> inner).bit_count():
        return False
    for level, sibling in enumerate(path):
        right = level >= inner or index >> level & 1
        found = node_hash(sibling, found) if right else node_hash(found, sibling)
    return found == root
