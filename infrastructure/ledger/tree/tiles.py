"""A Merkle tree as C2SP tiles, and its entries as bundles.

A tile at level L holds up to 256 nodes of binary level 8 L; a tile that is not full is a prefix of the full one.
Source: https://c2sp.org/tlog-tiles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from infrastructure.ledger.tree.merkle import HASH_SIZE, Node, tree_hash

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
LEVEL_MAX: Final = 63
N_MAX: Final = 2**63 - 1
ENTRY_BYTES_MAX: Final = 65_535

_TILE_PATH: Final = re.compile(
    r"tile/(0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(\.p/[0-9]{1,3})?"
)
_ENTRIES_PATH: Final = re.compile(r"tile/entries/((?:x[0-9]{3}/){0,6}[0-9]{3})(\.p/[0-9]{1,3})?")


@dataclass(frozen=True, slots=True, order=True)
class TileId:
    """The first `width` hashes of the `n`-th tile at a level of tiles.

    Refuses with ValueError: a level outside 0..63; an n that is negative or above 2**63 - 1; a width outside 1..256.
    """

    level: int
    n: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if not 0 <= self.level <= LEVEL_MAX:
            raise ValueError("a tile's level is between 0 and 63")
        _check_place(self.n, self.width)

    def path(self) -> str:
        """Write where the tile is served.

        >>> TileId(0, 1_234_067).path(), TileId(1, 0, 17).path()
        ('tile/0/x001/x234/067', 'tile/1/000.p/17')
        """
        return f"tile/{self.level}/{_place(self.n, self.width)}"


def entries_path(n: int, width: int = TILE_WIDTH) -> str:
    """Write where the bundle of the entries below the `n`-th tile at level 0 is served.

    Refuses with ValueError: what TileId refuses.
    """
    _check_place(n, width)
    return f"tile/entries/{_place(n, width)}"


def parse_tile_path(text: str) -> TileId:
    """Read what `TileId.path` writes; ValueError on anything else."""
    found = _TILE_PATH.fullmatch(text)
    if found is not None:
        level, n, partial = found.groups()
        tile = TileId(int(level), _number(n), _width(partial))
        if tile.path() == text:
            return tile
    raise ValueError("not the path of a tile")


def parse_entries_path(text: str) -> tuple[int, int]:
    """Read n and width from what `entries_path` writes; ValueError on anything else."""
    found = _ENTRIES_PATH.fullmatch(text)
    if found is not None:
        n, width = _number(found[1]), _width(found[2])
        if entries_path(n, width) == text:
            return n, width
    raise ValueError("not the path of a bundle of entries")


def _check_place(n: int, width: int) -> None:
    if not 0 <= n <= N_MAX:
        raise ValueError("a tile's number is between 0 and 2**63 - 1")
    if not 1 <= width <= TILE_WIDTH:
        raise ValueError("a tile's width is between 1 and 256")


def _place(n: int, width: int) -> str:
    place = f"{n % 1000:03}"
    while n := n // 1000:
        place = f"x{n % 1000:03}/{place}"
    return place if width == TILE_WIDTH else f"{place}.p/{width}"


def _number(place: str) -> int:
    return int(place.replace("x", "").replace("/", ""))


def _width(partial: str | None) -> int:
    return int(partial.removeprefix(".p/")) if partial else TILE_WIDTH


def tiles_of(size: int) -> Iterator[TileId]:
    """List every tile of a tree of that size: by level, each level from the left, its partial tile last.

    >>> [tile.path() for tile in tiles_of(257)]
    ['tile/0/000', 'tile/0/001.p/1', 'tile/1/000.p/1']
    """
    level = 0
    while hashes := size >> TILE_HEIGHT * level:
        full, rest = divmod(hashes, TILE_WIDTH)
        yield from (TileId(level, n) for n in range(full))
        if rest:
            yield TileId(level, full, rest)
        level += 1


def tiles_completed(old_size: int, size: int) -> Iterator[TileId]:
    """List the tiles that are full at `size` and were not at `old_size`: by level, each level from the left.

    >>> [tile.path() for tile in tiles_completed(65_535, 65_536)]
    ['tile/0/255', 'tile/1/000']
    """
    level = 0
    while full := size >> TILE_HEIGHT * (level + 1):
        for n in range(old_size >> TILE_HEIGHT * (level + 1), full):
            yield TileId(level, n)
        level += 1


def tile_for(node: Node, size: int) -> TileId:
    """Name the tile, as wide as it is in a tree of that size, from which the node's hash follows.

    Refuses with ValueError: a node that is not complete in a tree of that size.
    """
    level, index = node
    if level < 0 or index < 0 or index + 1 > size >> level:
        raise ValueError("the node is not complete in a tree of this size")
    tile_level, inner = divmod(level, TILE_HEIGHT)
    n = index << inner >> TILE_HEIGHT
    return TileId(
        tile_level, n, min(TILE_WIDTH, (size >> TILE_HEIGHT * tile_level) - n * TILE_WIDTH)
    )


def hashes_of(data: bytes) -> list[bytes]:
    """Take a tile's bytes apart; ValueError if they are not whole hashes."""
    if len(data) % HASH_SIZE:
        raise ValueError("a tile holds whole hashes")
    return [data[start : start + HASH_SIZE] for start in range(0, len(data), HASH_SIZE)]


@dataclass(frozen=True, slots=True)
class TileReader:
    """A merkle.Reader over the tiles of a tree of `size` leaves.

    `fetch` gives the bytes of the tiles asked for, in that order: 32 for each hash, so many as the tile is wide.
    Each call fetches once, and each tile once. What the tiles say is not checked: verify a proof made of them.
    Refuses with ValueError: a node outside the tree; an answer of `fetch` of another length.
    """

    size: int
    fetch: Callable[[Sequence[TileId]], Sequence[bytes]]

    def __call__(self, nodes: Sequence[Node]) -> list[bytes]:
        """Read nodes."""
        places = [tile_for(node, self.size) for node in nodes]
        wanted = list(dict.fromkeys(places))
        if not wanted:
            return []
        answers = self.fetch(wanted)
        if len(answers) != len(wanted):
            raise ValueError("not as many tiles as asked for")
        tiles = dict(zip(wanted, answers, strict=True))
        for tile, data in tiles.items():
            if len(data) != HASH_SIZE * tile.width:
                raise ValueError("a tile is not as wide as it should be")
        return [_node_in(tiles[tile], node) for tile, node in zip(places, nodes, strict=True)]


def _node_in(data: bytes, node: Node) -> bytes:
    level, index = node
    inner = level % TILE_HEIGHT
    first = (index << inner) % TILE_WIDTH
    return tree_hash(hashes_of(data[HASH_SIZE * first : HASH_SIZE * (first + (1 << inner))]))


def entry_bundle(entries: Iterable[bytes]) -> bytes:
    """Join entries, each after its length in two bytes.

    Refuses with ValueError: an entry of more than 65,535 bytes.
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise ValueError("an entry has 65,535 bytes at most")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def parse_entry_bundle(data: bytes, width: int) -> list[bytes]:
    """Take a bundle of exactly `width` entries apart.

    Refuses with ValueError: a bundle that is cut short, or goes on after its last entry.
    """
    entries: list[bytes] = []
    place = 0
    for _ in range(width):
        begin = place + 2
        place = begin + int.from_bytes(data[begin - 2 : begin], "big")
        if begin > len(data) or place > len(data):
            raise ValueError("the bundle is cut short")
        entries.append(data[begin:place])
    if place != len(data):
        raise ValueError("the bundle goes on after its last entry")
    return entries
