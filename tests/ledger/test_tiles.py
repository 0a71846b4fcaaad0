"""The tree in tiles, as C2SP tlog-tiles has it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.ledger.tree.merkle import consistency_proof, inclusion_proof, root
from infrastructure.ledger.tree.tiles import (
    N_MAX,
    TileId,
    TileReader,
    entries_path,
    entry_bundle,
    hashes_of,
    parse_entries_path,
    parse_entry_bundle,
    parse_tile_path,
    tile_for,
    tiles_completed,
    tiles_of,
)
from tests.ledger.naive_trees import NaiveTree

TREE = NaiveTree(66_000)
SIZES = [1, 2, 255, 256, 257, 511, 512, 5_000, 65_535, 65_536, 65_537, 65_793, 66_000]

levels = st.integers(0, 63)
numbers = st.one_of(st.integers(0, N_MAX), st.integers(0, 2_000_000))
widths = st.integers(1, 256)


def content(tile: TileId) -> bytes:
    """A tile as its definition says: MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l])."""
    places = range(tile.n * 256, tile.n * 256 + tile.width)
    span = 256**tile.level
    return b"".join(TREE.mth(place * span, (place + 1) * span) for place in places)


class Fetching:
    """Gives tiles, and tells which it was asked for."""

    def __init__(self) -> None:
        self.calls: list[list[TileId]] = []

    def __call__(self, tiles: Sequence[TileId]) -> list[bytes]:
        self.calls.append(list(tiles))
        return [content(tile) for tile in tiles]


# ---- Paths


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (TileId(0, 0), "tile/0/000"),
        (TileId(0, 0, 1), "tile/0/000.p/1"),
        (TileId(1, 999, 255), "tile/1/999.p/255"),
        (TileId(0, 1_000), "tile/0/x001/000"),
        (TileId(63, 1_234_067), "tile/63/x001/x234/067"),
        (TileId(2, 1_234_067, 10), "tile/2/x001/x234/067.p/10"),
    ],
)
def test_a_tile_has_the_path_that_the_specification_gives_it(tile: TileId, path: str) -> None:
    assert tile.path() == path
    assert parse_tile_path(path) == tile


@given(levels, numbers, widths)
def test_every_tile_and_bundle_is_found_again_by_its_path(level: int, n: int, width: int) -> None:
    tile = TileId(level, n, width)
    assert parse_tile_path(tile.path()) == tile
    assert parse_entries_path(entries_path(n, width)) == (n, width)


WRONG_PLACES = [
    "", "0", "00", "0000", "1000", "x000", "x000/000", "x000/001", "x001", "001/000", "x001/x000",
    "x1/000", "x001/0", "x001//000", "x0001/000", "X001/000", "-01", "+01", " 01", "0.1", "1e2", "000/", "000\n",
    "٠٠٠", "000.p", "000.p/", "000.p/0", "000.p/00", "000.p/01", "000.p/256", "000.p/257", "000.p/1000",
    "000.p/-1", "000.p/+1", "000.p/1/", "000.p/1.p/1", "000.p/1\n", "000.p/١", "000/p/1", "000.P/1", "000.p/x01",
    "x009/x223/x372/x036/x854/x775/808", "x001/" * 7 + "000", "x001/" * 5_000 + "000", "9" * 5_000, "../000", "000%",
]  # fmt: skip


@pytest.mark.parametrize("place", WRONG_PLACES, ids=range(len(WRONG_PLACES)))
def test_a_path_that_is_not_exactly_right_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match=r"tile's|path of a tile"):
        parse_tile_path(f"tile/0/{place}")
    with pytest.raises(ValueError, match=r"tile's|path of a bundle"):
        parse_entries_path(f"tile/entries/{place}")


@pytest.mark.parametrize(
    "path",
    ["", "tile", "tile/", "tile/0", "tile//000", "tile/00/000", "tile/01/000", "tile/64/000", "tile/100/000",
     "tile/-1/000", "tile/x/000", "tile/entries/000", "/tile/0/000", "tile/0/000/", "Tile/0/000", "tile/1\n/000"],
)  # fmt: skip
def test_a_tile_without_a_proper_level_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"tile's level|path of a tile"):
        parse_tile_path(path)


@pytest.mark.parametrize(
    ("level", "n", "width"),
    [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, N_MAX + 1, 1), (0, 0, 0), (0, 0, 257), (0, 0, -5)],
)
def test_there_are_no_other_tiles(level: int, n: int, width: int) -> None:
    with pytest.raises(ValueError, match="a tile's"):
        TileId(level, n, width)
    if level == 0:
        with pytest.raises(ValueError, match="a tile's"):
            entries_path(n, width)


# ---- Which tiles a tree has


def test_a_tree_of_70000_has_the_tiles_that_the_specification_counts() -> None:
    tiles = list(tiles_of(70_000))
    assert tiles[:273] == [TileId(0, n) for n in range(273)]
    assert tiles[273:] == [TileId(0, 273, 112), TileId(1, 0), TileId(1, 1, 17), TileId(2, 0, 1)]


def test_a_tree_of_256_has_a_full_tile_and_one_above_it() -> None:
    assert list(tiles_of(256)) == [TileId(0, 0), TileId(1, 0, 1)]
    assert list(tiles_of(0)) == []


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_what_is_completed_is_what_was_not_full_before(one: int, other: int) -> None:
    old, size = sorted((one, other))
    full = [{tile for tile in tiles_of(it) if tile.width == 256} for it in (old, size)]
    completed = list(tiles_completed(old, size))
    assert completed == sorted(full[1] - full[0])


@given(st.integers(1, 10**18), st.data())
def test_every_node_is_in_a_tile_of_its_tree(size: int, data: st.DataObject) -> None:
    level = data.draw(st.integers(0, size.bit_length() - 1))
    index = data.draw(st.integers(0, (size >> level) - 1))
    tile = tile_for((level, index), size)
    span = 256**tile.level
    first = tile.n * 256 * span
    assert first <= index << level
    assert index + 1 << level <= first + tile.width * span <= size
    assert tile.width == 256 or first + (tile.width + 1) * span > size
    assert 1 << level >= span


@pytest.mark.parametrize("node", [(0, 5), (0, -1), (-1, 0), (3, 0), (1, 2), (2**70, 0), (0, 2**70)])
def test_a_node_outside_the_tree_is_in_no_tile(node: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="not complete in a tree of this size"):
        tile_for(node, 5)


# ---- Reading proofs from tiles


@pytest.mark.parametrize("size", SIZES)
def test_proofs_from_tiles_are_those_of_the_tree_and_take_each_tile_once(size: int) -> None:
    for index in {0, size // 3, size // 2, size - 1}:
        fetching = Fetching()
        read = TileReader(size, fetching)
        assert inclusion_proof(index, size, read) == TREE.path(index, 0, size)
        assert consistency_proof(index + 1, size, read) == TREE.proof(index + 1, 0, size)
        assert root(size, read) == TREE.root(size)
        assert len(fetching.calls) <= 3
        assert all(len(call) == len(set(call)) for call in fetching.calls)
        assert {tile for call in fetching.calls for tile in call} <= set(tiles_of(size))


def test_nothing_is_fetched_for_nothing() -> None:
    fetching = Fetching()
    assert TileReader(7, fetching)([]) == []
    assert fetching.calls == []


@pytest.mark.parametrize(
    "answer", [[], [bytes(32 * 4)], [bytes(32 * 6)], [bytes(159)], [bytes(160)] * 2]
)
def test_a_tile_of_another_length_is_refused(answer: list[bytes]) -> None:
    read = TileReader(5, lambda tiles: answer)
    with pytest.raises(ValueError, match="not as"):
        read([(0, 4), (2, 0)])


def test_a_tile_is_taken_apart_into_whole_hashes() -> None:
    assert hashes_of(bytes(32) + b"a" * 32) == [bytes(32), b"a" * 32]
    assert hashes_of(b"") == []
    with pytest.raises(ValueError, match="whole hashes"):
        hashes_of(bytes(33))


# ---- Entries


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    bundle = entry_bundle(entries)
    assert parse_entry_bundle(bundle, len(entries)) == entries
    for width in (len(entries) - 1, len(entries) + 1):
        if width >= 0:
            with pytest.raises(ValueError, match="the bundle"):
                parse_entry_bundle(bundle, width)
    for cut in {1, 2, len(bundle) // 2} if bundle else ():
        with pytest.raises(ValueError, match="the bundle"):
            parse_entry_bundle(bundle[:-cut], len(entries))


def test_a_bundle_is_written_as_the_specification_says() -> None:
    assert entry_bundle([b"", b"abc"]) == b"\x00\x00\x00\x03abc"


def test_an_entry_too_long_for_its_length_is_refused() -> None:
    longest = bytes(65_535)
    assert parse_entry_bundle(entry_bundle([longest]), 1) == [longest]
    with pytest.raises(ValueError, match="65,535"):
        entry_bundle([longest + b"\x00"])
