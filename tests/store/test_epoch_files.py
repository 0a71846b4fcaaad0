"""Epoch keys: in two places before they are used, in none once they are destroyed. README D9."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from domain.errors import Unavailable, Unreadable
from infrastructure.keys.epoch_files import EpochKeyFiles
from infrastructure.keys.key_tree import KEY_BYTES

CONTEXT = b"what it is bound to"


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "keys", tmp_path / "keys-copy"


@pytest.fixture
def keys(places: tuple[Path, Path]) -> EpochKeyFiles:
    """The key of epoch 1, and of its successor."""
    made = EpochKeyFiles(*places)
    made.create(1)
    made.create(2)
    return made


def files(places: tuple[Path, Path]) -> list[list[str]]:
    return [sorted(path.name for path in place.iterdir()) for place in places]


def opens(keys: EpochKeyFiles, wrapped: bytes) -> bool:
    return keys.unwrap_all(1, [(wrapped, CONTEXT)]) == [b"plain"]


def test_a_key_is_the_same_in_both_places_and_is_made_once(
    keys: EpochKeyFiles, places: tuple[Path, Path]
) -> None:
    first = [(place / "epoch-1.key").read_bytes() for place in places]
    keys.create(1)
    assert [(place / "epoch-1.key").read_bytes() for place in places] == first
    assert len(set(first)) == 1
    assert files(places) == [["epoch-1.key", "epoch-2.key"]] * 2


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("harm", ["gone", "cut short", "other bytes"])
def test_one_place_is_enough_to_read(
    keys: EpochKeyFiles, places: tuple[Path, Path], place: int, harm: str
) -> None:
    (wrapped,) = keys.wrap_all(1, [(b"plain", CONTEXT)])
    path = places[place] / "epoch-1.key"
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(b"short" if harm == "cut short" else os.urandom(KEY_BYTES))
    assert opens(keys, wrapped)


@pytest.mark.parametrize("place", [0, 1])
def test_a_place_that_lost_the_key_gets_it_back_and_somebody_is_told(
    keys: EpochKeyFiles,
    places: tuple[Path, Path],
    place: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (places[place] / "epoch-1.key").unlink()
    with caplog.at_level(logging.WARNING, "daybook.keys"):
        assert keys.heal(1) == [places[place]]
    assert len(caplog.records) == 1
    assert keys.heal(1) == []
    (places[1 - place] / "epoch-1.key").unlink()
    assert keys.heal(3) == [], "a key that nobody has is not made up"
    (wrapped,) = keys.wrap_all(1, [(b"plain", CONTEXT)])
    assert opens(keys, wrapped)


def test_a_place_that_cannot_be_written_to_does_not_stop_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    EpochKeyFiles(tmp_path / "keys").create(1)
    (tmp_path / "file").write_text("in the way")
    keys = EpochKeyFiles(tmp_path / "keys", tmp_path / "file")
    assert keys.heal(1) == []
    assert len(caplog.records) == 2
    assert keys.wrap_all(1, [(b"plain", CONTEXT)])


def test_two_keys_of_one_epoch_are_not_chosen_between(
    keys: EpochKeyFiles, places: tuple[Path, Path]
) -> None:
    (places[1] / "epoch-1.key").write_bytes(os.urandom(KEY_BYTES))
    with pytest.raises(Unreadable):
        keys.create(1)


def test_a_destroyed_key_is_in_no_place_and_in_no_memory(
    keys: EpochKeyFiles, places: tuple[Path, Path]
) -> None:
    (wrapped,) = keys.wrap_all(1, [(b"plain", CONTEXT)])
    left = places[1] / "epoch-1.4711.new"  # of a process that died between link and unlink
    left.hardlink_to(places[1] / "epoch-1.key")
    held = [(place / "epoch-1.key").open("rb") for place in places]
    before = held[0].read()
    keys.destroy(1, 2)
    assert files(places) == [["epoch-2.key"]] * 2
    assert keys.is_destroyed(1)
    for file in held:  # who has the file open still reads what it was overwritten with
        file.seek(0)
        assert file.read() != before
        file.close()
    with pytest.raises(Unreadable):
        opens(keys, wrapped)
    keys.destroy(1, 2)  # again


def test_a_key_is_destroyed_everywhere_or_nothing_is_touched(
    keys: EpochKeyFiles, places: tuple[Path, Path]
) -> None:
    away = places[1].with_name("away")
    places[1].rename(away)
    for present in (False, True):  # a disk that is not mounted leaves an empty folder
        if present:
            places[1].mkdir()
        with pytest.raises(Unavailable):
            keys.destroy(1, 2)
        assert (places[0] / "epoch-1.key").exists()
    places[1].rmdir()
    away.rename(places[1])
    keys.destroy(1, 2)
    assert files(places) == [["epoch-2.key"]] * 2


def test_what_a_crash_left_of_destroying_is_finished(
    keys: EpochKeyFiles, places: tuple[Path, Path]
) -> None:
    (places[0] / "epoch-1.key").unlink()
    assert not keys.is_destroyed(1)
    keys.destroy(1, 2)
    assert keys.is_destroyed(1)


def test_a_place_that_cannot_be_made_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    keys = EpochKeyFiles(tmp_path / "keys", tmp_path / "file")
    with pytest.raises(Unavailable):
        keys.create(1)
    with pytest.raises(Unavailable):
        keys.is_destroyed(1)


def test_the_key_of_epoch_10_is_not_that_of_epoch_1(
    keys: EpochKeyFiles, places: tuple[Path, Path]
) -> None:
    keys.create(10)
    keys.destroy(1, 2)
    assert files(places) == [["epoch-10.key", "epoch-2.key"]] * 2
