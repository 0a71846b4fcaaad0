"""Epoch keys as files, in two places at least: durable in each before they are used, gone from each when destroyed.

A place is a folder that only its owner reads; `keys/` and `keys-copy/`, best on another disk. No key is kept in
memory: each use reads the file, so a destroyed key is forgotten by every process at once.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from domain.errors import Unavailable, Unreadable
from infrastructure.keys.key_tree import KEY_BYTES, Bound, unwrap, wrap

LOG: Final = logging.getLogger("daybook.keys")
KEY_NAME: Final = re.compile(r"epoch-(\d+)\.key")


class EpochKeyFiles:
    """See `EpochKeys`. What is made is made in all `places`; what is read may come from any of them."""

    def __init__(self, *places: Path) -> None:
        self._places = places

    def create(self, epoch: int) -> None:
        """See EpochKeys. What a crash left half made is finished."""
        keys = [key for _, key in self._held(epoch)]
        if len(set(keys)) > 1:
            raise Unreadable(f"The places of epoch keys hold two keys of epoch {epoch}")
        with unreachable():
            for place in self._places:
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
            key = keys[0] if keys else os.urandom(KEY_BYTES)
            first = write_key(file_in(self._places[0], epoch), key)
            for place in self._places[
                1:
            ]:  # someone else may have been first: theirs is the key then
                if write_key(file_in(place, epoch), first) != first:
                    raise Unreadable(f"The places of epoch keys hold two keys of epoch {epoch}")

    def heal(self, epoch: int) -> list[Path]:
        """Copy the key of `epoch` to places that lack it, with a warning; those places.

        A place that cannot be written to is warned of, too: nothing is lost yet, but no epoch can turn. Raises
        Unreadable when the others hold two keys.
        """
        held = self._held(epoch)
        lacking = [place for place in self._places if place not in {one for one, _ in held}]
        if not held or not lacking:
            return []
        for place in lacking:
            LOG.warning(
                "the key of epoch %d is missing in %s: copied from %s", epoch, place, held[0][0]
            )
        try:
            self.create(epoch)
        except Unavailable:
            LOG.warning(
                "a place of epoch keys cannot be written to: no erasure is completed until it can"
            )
            return []
        return lacking

    def holds(self, epoch: int) -> bool:
        """True when some place has a whole key of `epoch`; a place that cannot be read has none."""
        return bool(self._held(epoch))

    def epochs(self) -> list[int]:
        """The epochs that some place has a key of, sorted; a place that cannot be read has none."""
        names = {path.name for place in self._places for path in place.glob("epoch-*.key")}
        return sorted(int(found[1]) for name in names if (found := KEY_NAME.fullmatch(name)))

    def wrap_all(self, epoch: int, plain: Sequence[Bound]) -> list[bytes]:
        """See EpochKeys."""
        key = self._keys(epoch)[0]
        return [wrap(key, one, context) for one, context in plain]

    def unwrap_all(self, epoch: int, wrapped: Sequence[Bound]) -> list[bytes]:
        """See EpochKeys. A place whose key is damaged is passed over."""
        for key in self._keys(epoch):
            try:
                return [unwrap(key, one, context) for one, context in wrapped]
            except Unreadable:
                continue
        raise Unreadable(f"The key of epoch {epoch} does not open what was wrapped under it")

    def is_destroyed(self, epoch: int) -> bool:
        """See EpochKeys. Raises Unavailable when a place cannot be looked into."""
        with unreachable():
            return not any(traces(place, epoch) for place in self._places)

    def destroy(self, epoch: int, successor: int) -> None:
        """See EpochKeys. Every place is looked into before the first is touched: it must hold the successor."""
        held = {place for place, _ in self._held(successor)}
        if held != set(self._places):
            raise Unavailable("A place of epoch keys cannot be reached", retry_after_seconds=60)
        with unreachable():
            for place in self._places:
                for trace in traces(place, epoch):
                    destroy_file(trace)
                sync_folder(place)
        if not self.is_destroyed(epoch):
            raise Unavailable("A destroyed epoch key is still there", retry_after_seconds=60)

    def _held(self, epoch: int) -> list[tuple[Path, bytes]]:
        """The places that hold a whole key of `epoch`, and the key."""
        found: list[tuple[Path, bytes]] = []
        for place in self._places:
            try:
                key = file_in(place, epoch).read_bytes()
            except OSError:
                continue
            if len(key) == KEY_BYTES:
                found.append((place, key))
        return found

    def _keys(self, epoch: int) -> list[bytes]:
        keys = [key for _, key in self._held(epoch)]
        if not keys:
            raise Unreadable(f"The key of epoch {epoch} is not here, or damaged")
        return list(dict.fromkeys(keys))


@contextmanager
def unreachable() -> Iterator[None]:
    """Turn what the file system says into Unavailable, without its words."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            "A place of epoch keys cannot be reached", retry_after_seconds=60
        ) from error


def file_in(place: Path, epoch: int) -> Path:
    """Where a place has the key of `epoch`."""
    return place / f"epoch-{epoch}.key"


def traces(place: Path, epoch: int) -> list[Path]:
    """The file of `epoch`'s key, and what a crash while it was written may have left of it."""
    listed = place.iterdir()  # says so when the place is not there
    return sorted(path for path in listed if path.name.startswith(f"epoch-{epoch}."))


def write_key(path: Path, key: bytes) -> bytes:
    """Write a key, 0600 and durable, unless a whole one is there; the key that is there now."""
    passing = path.with_suffix(f".{os.getpid()}.new")
    passing.unlink(missing_ok=True)
    if path.exists() and path.stat().st_size != KEY_BYTES:
        path.unlink()  # damaged, and it is held elsewhere or was never used
    handle = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, key)
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(passing, path)  # never over a key that someone else has just made
    except FileExistsError:
        pass
    finally:
        passing.unlink()
    sync_folder(path.parent)
    return path.read_bytes()


def destroy_file(path: Path) -> None:
    """Overwrite a file, durably, and unlink it. A disk may keep old blocks all the same."""
    handle = os.open(path, os.O_WRONLY)
    try:
        size = os.fstat(handle).st_size
        os.write(handle, os.urandom(max(size, KEY_BYTES)))
        os.fsync(handle)
    finally:
        os.close(handle)
    path.unlink()


def sync_folder(folder: Path) -> None:
    """Make what was linked and unlinked in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
