"""Key backups between the turns of the epoch: by the hour, and when an operator asks. README D9.

    keys-<epoch>-<revision>-<made at, UTC>.backup

They are what a turn writes (`key_backup.py`), and die with their epoch as those do. Keys that were made since the last
turn are in no other copy.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from domain.errors import Unreadable
from infrastructure.keys.epoch_files import sync_folder, unreachable
from infrastructure.keys.key_backup import (
    NAME,
    SNAPSHOT,
    backup_opens,
    header,
    write_sections,
)
from infrastructure.keys.key_tree import EpochKeys
from infrastructure.keys.rekeying import Connection

STAMP: Final = "%Y%m%dT%H%M%SZ"


class BackupExists(Exception):
    """There is such a file already; it was not touched."""


def back_up(
    connection: Connection, epoch_keys: EpochKeys, folder: Path, at: datetime, out: Path | None
) -> Path:
    """Write a backup to `out`, by default under its name into `folder`, and open it; durable on return. Where it is.

    The caller keeps turns of the epoch away. All or nothing, 0600, and nothing is ever overwritten. `connection` is in
    autocommit. Raises BackupExists, Unavailable, and Unreadable when what was written does not open: it is removed.
    Crash: a `.new` file is left, which the next turn removes from `folder`.
    """
    connection.execute(SNAPSHOT)
    try:
        head = header(connection, epoch_keys, at)
        stamp = at.astimezone(UTC).strftime(STAMP)
        path = out or folder / f"keys-{head['epoch']}-{head['revision']}-{stamp}.backup"
        passing = path.with_name(f"{path.name}.new")
        if path.exists():
            raise BackupExists(f"{path} exists already")
        with unreachable():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            passing.unlink(missing_ok=True)
            handle = os.open(passing, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                write_sections(connection, file, head)
                file.flush()
                os.fsync(file.fileno())
    finally:
        connection.execute("ROLLBACK")
    try:
        if not backup_opens(passing, epoch_keys):
            raise Unreadable("The new key backup does not open: it was removed")
        with unreachable():
            publish(passing, path)
    finally:
        passing.unlink(missing_ok=True)
    return path


def publish(passing: Path, path: Path) -> None:
    """Give the file its name, unless another has it. Raises BackupExists."""
    try:
        os.link(passing, path)
    except FileExistsError as error:
        raise BackupExists(f"{path} exists already") from error
    sync_folder(path.parent)


def timed_backups(folder: Path, epoch: int | None = None) -> list[tuple[datetime, Path]]:
    """Those that were made between turns, of an epoch or of all, the newest last."""
    found = []
    for path in folder.glob("keys-*.backup"):
        name = NAME.fullmatch(path.name)
        if name and name[3] and epoch in (None, int(name[1])):
            found.append((datetime.strptime(name[3], STAMP).replace(tzinfo=UTC), path))
    return sorted(found)


def is_due(folder: Path, epoch: int, at: datetime, every: timedelta) -> bool:
    """True when the newest of the epoch is older than `every`, or says that it is from the future."""
    made = [made for made, _ in timed_backups(folder, epoch)]
    return not made or not timedelta(0) <= at - made[-1] < every


def prune_timed(folder: Path, epoch: int, kept: int) -> None:
    """Keep the newest `kept` of the epoch; those of older epochs open nothing, and go. Raises Unavailable."""
    keep = [path for _, path in timed_backups(folder, epoch)][-kept:]
    with unreachable():
        for _, path in timed_backups(folder):
            if path not in keep:
                path.unlink(missing_ok=True)
        sync_folder(folder)
