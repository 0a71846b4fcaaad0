"""The map of subjects: proofs from it, and its replay from the log in bounded memory (docs/ledger.md, "Map")."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from hashlib import sha256
from operator import itemgetter
from struct import Struct
from typing import IO, Any, Final

from verifier.findings import DoesNotHold

EMPTY: Final = bytes(32)
RECORD: Final = Struct("32s40s")  # key, u64(index) || leaf hash
SHELVES: Final = 256  # one for each first byte of a key
MEMORY_BYTES_MAX: Final = 4 * 2**20  # of each Shelves; what is beyond lies in a file

# None (no key), (number, None, hash) (one key alone, which rises), or [left, right, hash] (None: not computed).
Tree = Any


def key_of(tag: bytes) -> bytes:
    """Hash a tag into its key."""
    return sha256(b"subject\x00" + tag).digest()


def map_leaf_hash(key: bytes, count: int, head: bytes) -> bytes:
    """Hash a key and its chain into their leaf."""
    return sha256(b"\x02" + key + sha256(count.to_bytes(8, "big") + head).digest()).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees."""
    return sha256(b"\x03" + left + right).digest()


def proof_holds(
    root: bytes, key: bytes, leaf: bytes | None, path: list[bytes], other: list[bytes] | None
) -> bool:
    """Check that the key's leaf is in the map with this root; for None, that the key is not in it."""
    if len(path) > 256 or (path and path[-1] == EMPTY) or (leaf is not None and other is not None):
        return False
    number, found = int.from_bytes(key, "big"), leaf or EMPTY
    if other is not None:
        shared = 256 - (number ^ int.from_bytes(other[0], "big")).bit_length()
        if not len(path) <= shared < 256:
            return False
        found = sha256(b"\x02" + other[0] + other[1]).digest()
    for depth, sibling in reversed(list(enumerate(path))):
        right = number >> 255 - depth & 1
        found = node_hash(sibling, found) if right else node_hash(found, sibling)
    return found == root


def put(tree: Tree, number: int, leaf: bytes, bit: int) -> Tree:
    """Set a key's leaf in a tree whose root parts its keys by `bit`."""
    holder = [tree]
    above, side = holder, 0
    while (below := above[side]) is not None and below[0] != number:
        if type(below) is tuple:
            above[side] = [None, None, None]
            above[side][below[0] >> bit & 1] = below
            below = above[side]
        below[2] = None
        above, side, bit = below, number >> bit & 1, bit - 1
    above[side] = (number, None, leaf)
    return holder[0]


def digest(tree: Tree) -> bytes:
    """Compute a tree's hash; what did not change is not computed again."""
    if tree is None:
        return EMPTY
    found: bytes | None = tree[2]
    if found is None:
        found = tree[2] = sha256(b"\x03" + digest(tree[0]) + digest(tree[1])).digest()
    return found


class Shelves:
    """Records, put on shelves by their first byte, and taken back a shelf at a time, as they came."""

    def __init__(self, spill: IO[bytes]) -> None:
        self.shelves = [bytearray() for _ in range(SHELVES)]
        self._spill = spill
        self._spilt: list[list[tuple[int, int]]] = [[] for _ in range(SHELVES)]

    def settle(self) -> None:
        """Move everything to the file `spill` if it is much. To be called every now and then."""
        if sum(map(len, self.shelves)) > MEMORY_BYTES_MAX:
            place = self._spill.seek(0, 2)
            for spilt, kept in zip(self._spilt, self.shelves, strict=True):
                spilt.append((place, len(kept)))
                place += self._spill.write(kept)
                kept.clear()

    def __iter__(self) -> Iterator[bytes]:
        for spilt, kept in zip(self._spilt, self.shelves, strict=True):
            data = b""
            for place, length in spilt:
                self._spill.seek(place)
                data += self._spill.read(length)
            yield data + kept


def replay(chains: Shelves, maps: Sequence[tuple[int, dict[str, Any]]]) -> int:
    """Replay the maps (index, what it says) from RECORDs; DoesNotHold at the first that is wrong.

    Gives the number of subjects in the log."""
    changes, keys, subjects = [bytearray() for _ in maps], [0] * len(maps), 0
    for shelf, data in enumerate(chains):
        records: list[tuple[bytes, bytes]] = list(RECORD.iter_unpack(data))
        heads: dict[bytes, tuple[int, bytes]] = {}
        tree, at = None, 0
        for place, (_, said) in enumerate(maps):
            end, before = said["covers"].to_bytes(8, "big"), len(heads)
            start, at = at, bisect_left(records, end, at, key=itemgetter(1))
            for key, tail in records[start:at]:
                count, head = heads.get(key) or (0, EMPTY)
                heads[key] = (count + 1, sha256(b"\x04" + head + tail).digest())
            for key in {record[0] for record in records[start:at]}:
                leaf = map_leaf_hash(key, *heads[key])
                tree = put(tree, int.from_bytes(key, "big"), leaf, 247)
            if start < at:
                changes[place] += bytes([shelf, type(tree) is tuple]) + digest(tree)
                keys[place] += len(heads) - before
        subjects += len(heads.keys() | {key for key, _ in records[at:]})
    total, cells = 0, [(EMPTY, True)] * (2 * SHELVES)  # a heap of (hash, no key or one alone)
    for (index, said), changed, added in zip(maps, changes, keys, strict=True):
        total, dirty = total + added, set()
        for at in range(0, len(changed), 34):
            cell = SHELVES + changed[at]
            cells[cell] = (bytes(changed[at + 2 : at + 34]), changed[at + 1] == 1)
            dirty.add(cell >> 1)
        while dirty:
            for cell in dirty:
                cells[cell] = _joined(*cells[2 * cell : 2 * cell + 2])
            dirty = {cell >> 1 for cell in dirty if cell > 1}
        if (cells[1][0], total) != (said["root"], said["keys"]):
            raise DoesNotHold("the map is not that of the entries that it covers", index)
    return subjects


def _joined(left: tuple[bytes, bool], right: tuple[bytes, bool]) -> tuple[bytes, bool]:
    if left[1] and right[1] and EMPTY in (left[0], right[0]):
        return right if left[0] == EMPTY else left
    return node_hash(left[0], right[0]), False
