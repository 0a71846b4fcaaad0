"""Key backups: one file with every table of the key store as it stood at one instant, proved to open.

    daybook key backup 1\n
    one line of canonical JSON: {"canary", "epoch", "made_at", "revision", "sections"}\n
    for each section what `COPY ... (FORMAT binary)` wrote, in frames (4 bytes length, big endian; 0 ends a section)
    SHA-256 of all of it

`canary` is a text sealed under the canary's subject key. Opening a backup means: epoch key -> the canary's bucket key
-> the canary's key -> this text, each taken from the file. A backup dies with its epoch's key, like every copy.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, cast
from uuid import UUID

import psycopg

from domain.errors import Unreadable
from infrastructure.canonical import b64, canonical, parsed, unb64
from infrastructure.keys.copied_rows import rows_in
from infrastructure.keys.epoch_files import EpochKeyFiles, sync_folder, unreachable
from infrastructure.keys.key_tree import (
    BUCKETS,
    CANARY_CLASS,
    NOBODY,
    EpochKeys,
    bucket_context,
    subject_context,
    unwrap,
    wrap,
)
from infrastructure.keys.rekeying import Connection, bucket_keys

MAGIC: Final = b"daybook key backup 1\n"
KEPT: Final = 2
NAME: Final = re.compile(r"keys-(\d+)-(\d+)(?:-(\d{8}T\d{6}Z))?\.backup")
CANARY: Final = b"daybook/canary/v1"
CHUNK: Final = 1 << 20
HEAD_MAX: Final = 1 << 16
DIGEST_BYTES: Final = 32
_FRAME: Final = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Section:
    """Some rows of one table."""

    table: str
    columns: str
    where: str = "true"


KEYS: Final = "tenant_id, subject_id, retention_class, key_id, bucket, wrapped, destroyed_at"
EPOCHS: Final = Section("epoch", "epoch, current, begun_at, revision", "current")
BUCKET_KEYS: Final = Section("bucket_key", "epoch, bucket, wrapped, revision")
CANARY_KEY: Final = Section("subject_key", KEYS, f"tenant_id = '{NOBODY}'")
SECTIONS: Final = (
    EPOCHS,
    BUCKET_KEYS,
    CANARY_KEY,
    Section("subject_key", KEYS, f"tenant_id <> '{NOBODY}'"),
    Section("sealed_secret", "tenant_id, name, epoch, wrapped"),
    Section(
        "blind_index",
        "tenant_id, kind, digest, subject_id, inner_sealed, pending, made_at, bucket",
    ),
)
EMPTY: Final = (
    "TRUNCATE epoch, bucket_key, subject_key, sealed_secret, blind_index, key_destroyed,"
    " full_rekeying, damaged_key"
)
SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def digest_of(path: Path) -> str:
    """The digest that a backup ends with, base64. It was compared with the rest when the backup was opened."""
    with path.open("rb") as file:
        file.seek(-DIGEST_BYTES, os.SEEK_END)
        return b64(file.read())


class BackupRefused(Exception):
    """The backup cannot be put back; the message says why, in words for an operator."""


# --- writing ---------------------------------------------------------------------------------------------------------


def write_backup(connection: Connection, epoch_keys: EpochKeys, folder: Path, at: datetime) -> str:
    """Write a backup of the key database as it stands; durable on return. Its name. Raises Unavailable.

    Crash: a `.new` file is left, which the next one of that name overwrites. `connection` is in autocommit.
    """
    connection.execute(SNAPSHOT)
    try:
        head = header(connection, epoch_keys, at)
        name = f"keys-{head['epoch']}-{head['revision']}.backup"
        passing = folder / f"{name}.new"
        with unreachable():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(passing, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                write_sections(connection, file, head)
                file.flush()
                os.fsync(file.fileno())
            passing.rename(folder / name)
            sync_folder(folder)
    finally:
        connection.execute("ROLLBACK")
    return name


def header(connection: Connection, epoch_keys: EpochKeys, at: datetime) -> dict[str, object]:
    """What a backup says of itself. Raises Unreadable when the canary's key does not open."""
    row = connection.execute("SELECT epoch, revision FROM epoch WHERE current").fetchone()
    canary = connection.execute(
        "SELECT key_id, bucket, wrapped FROM subject_key WHERE tenant_id = %s", (NOBODY,)
    ).fetchone()
    if row is None or canary is None:
        raise Unreadable("The key database has no epoch, or no canary")
    epoch, revision = row
    key_id, bucket, wrapped = canary
    above = bucket_keys(connection, epoch_keys, epoch, [bucket])[bucket]
    key = unwrap(above, wrapped, subject_context(NOBODY, NOBODY, CANARY_CLASS, key_id))
    return {
        "canary": b64(wrap(key, canary_text(epoch, revision), CANARY)),
        "epoch": epoch,
        "made_at": at.isoformat(),
        "revision": revision,
        "sections": [[one.table, one.columns] for one in SECTIONS],
    }


def canary_text(epoch: int, revision: int) -> bytes:
    """What the canary's envelope holds."""
    return f"daybook canary\n{epoch}\n{revision}\n".encode("ascii")


def write_sections(connection: Connection, file: BinaryIO, head: dict[str, object]) -> None:
    """The whole file, its digest last."""
    digest = sha256()

    def put(data: bytes) -> None:
        digest.update(data)
        file.write(data)

    put(MAGIC)
    put(canonical(head) + b"\n")
    for one in SECTIONS:
        statement = f"COPY (SELECT {one.columns} FROM {one.table} WHERE {one.where}) TO STDOUT (FORMAT binary)"
        with connection.cursor().copy(statement.encode()) as copy:
            waiting = bytearray()
            for data in copy:
                waiting += data
                if len(waiting) >= CHUNK:
                    put(_FRAME.pack(len(waiting)) + waiting)
                    waiting.clear()
            if waiting:
                put(_FRAME.pack(len(waiting)) + waiting)
        put(_FRAME.pack(0))
    file.write(digest.digest())


def prune_backups(folder: Path, newest: str) -> None:
    """Keep `newest` and the one before it. Raises Unavailable."""
    with unreachable():
        ours = [(path, NAME.fullmatch(path.name)) for path in folder.iterdir()]
        order = sorted(
            ((int(found[1]), int(found[2]), found[3] or ""), path)
            for path, found in ours
            if found is not None
        )
        others = [path for _, path in order if path.name != newest]
        for path in others[: len(others) - (KEPT - 1)]:
            path.unlink()
        for path in folder.glob("keys-*.backup.new"):
            path.unlink()
        sync_folder(folder)


def newest_backup(folder: Path, epoch_keys: EpochKeyFiles) -> Path | None:
    """The newest backup whose epoch's key is here; None when there is none."""
    ours = [(path, NAME.fullmatch(path.name)) for path in folder.glob("keys-*.backup")]
    order = sorted(
        ((int(found[1]), int(found[2]), found[3] or ""), path)
        for path, found in ours
        if found is not None
    )
    held = [path for (epoch, *_), path in order if epoch_keys.holds(epoch)]
    return held[-1] if held else None


# --- reading ---------------------------------------------------------------------------------------------------------


class BackupFile:
    """A backup whose digest was found to be right."""

    def __init__(self, path: Path) -> None:
        """Read it through once. Raises Unreadable when it is not a whole backup."""
        self.path = path
        with self._reading() as file:
            require_digest(file)
            file.seek(0)
            self.head, self._begin = read_head(file)

    @property
    def epoch(self) -> int:
        """The epoch it was made under."""
        return cast(int, self.head["epoch"])

    def frames(self, wanted: int) -> Iterator[bytes]:
        """The frames of one section, by its place in SECTIONS."""
        with self._reading() as file:
            file.seek(self._begin)
            for number in range(wanted + 1):
                while size := _FRAME.unpack(file.read(_FRAME.size))[0]:
                    if number == wanted:
                        yield file.read(size)
                    else:
                        file.seek(size, os.SEEK_CUR)

    def rows(self, section: Section) -> list[tuple[bytes | None, ...]]:
        """The rows of a small section, each field as it was sent."""
        return rows_in(b"".join(self.frames(SECTIONS.index(section))))

    def _reading(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise Unreadable("A key backup cannot be read") from error


def require_digest(file: BinaryIO) -> None:
    """Raise Unreadable unless the file ends with the digest of all before."""
    left = file.seek(0, os.SEEK_END) - DIGEST_BYTES
    file.seek(0)
    digest = sha256()
    while left > 0 and (data := file.read(min(CHUNK, left))):
        digest.update(data)
        left -= len(data)
    if left or file.read() != digest.digest():
        raise Unreadable("A key backup is damaged")


def read_head(file: BinaryIO) -> tuple[dict[str, object], int]:
    """What the backup says of itself, and where its sections begin. Raises Unreadable."""
    if file.readline(len(MAGIC)) != MAGIC:
        raise Unreadable("This is not a key backup")
    head = parsed(file.readline(HEAD_MAX))
    if head["sections"] != [[one.table, one.columns] for one in SECTIONS]:
        raise Unreadable("This key backup is of another version of the program")
    return head, file.tell()


def backup_opens(path: Path, epoch_keys: EpochKeys) -> bool:
    """True when the backup is whole, all its bucket keys open, and its canary does."""
    try:
        open_canary(BackupFile(path), epoch_keys)
    except Unreadable:
        return False
    return True


def open_canary(backup: BackupFile, epoch_keys: EpochKeys) -> None:
    """Open the canary from the file's own rows. Raises Unreadable."""
    (stated,) = backup.rows(EPOCHS)
    epoch, revision = number(stated[0]), number(stated[3])
    rows = [(number(row[1]), row[2] or b"") for row in backup.rows(BUCKET_KEYS)]
    keys = epoch_keys.unwrap_all(
        epoch, [(wrapped, bucket_context(epoch, bucket)) for bucket, wrapped in rows]
    )
    buckets = {bucket: key for (bucket, _), key in zip(rows, keys, strict=True)}
    (canary,) = backup.rows(CANARY_KEY)
    if len(buckets) != BUCKETS or canary[3] is None or canary[5] is None:
        raise Unreadable("A key backup lacks keys")
    context = subject_context(NOBODY, NOBODY, CANARY_CLASS, UUID(bytes=canary[3]))
    key = unwrap(buckets[number(canary[4])], canary[5], context)
    sealed = unb64(str(backup.head["canary"]))
    if unwrap(key, sealed, CANARY) != canary_text(epoch, revision):
        raise Unreadable("The canary of a key backup says something else")


def number(field: bytes | None) -> int:
    """An integer as COPY sends it."""
    return int.from_bytes(field or b"", "big")


# --- putting back ----------------------------------------------------------------------------------------------------


def restore_key_backup(path: Path, dsn: str, epoch_keys: EpochKeys) -> int:
    """Put a backup into a key database that is migrated, and empty or dead, in one transaction; its epoch.

    Dead is one whose epoch's key is destroyed in every place: nothing in it can be opened, and it is emptied. `dsn` is
    the owner's. Refuses: BackupRefused (not a whole backup of ours; the epoch's key is destroyed or not here, which no
    copy survives; the database has an epoch that lives, or keys without one).
    """
    try:
        backup = BackupFile(path)
    except Unreadable as error:
        raise BackupRefused(f"{path.name}: {error.detail}") from error
    if epoch_keys.is_destroyed(backup.epoch):
        raise BackupRefused(
            f"{path.name} is of epoch {backup.epoch}, whose key is destroyed or was never here: it opens nothing"
        )
    try:
        open_canary(backup, epoch_keys)
    except Unreadable as error:
        raise BackupRefused(f"{path.name} does not open: {error.detail}") from error
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(mint_lock())")
        # An owner who is no superuser is held by the wall too, and COPY does not go through walls.
        walled = ("subject_key", "sealed_secret", "blind_index")
        for table in walled:
            connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY".encode())
        epoch = connection.execute("SELECT epoch FROM epoch WHERE current").fetchone()
        if epoch is not None and epoch_keys.is_destroyed(epoch[0]):
            connection.execute(EMPTY)
        for table in ("epoch", *walled):
            if connection.execute(f"SELECT 1 FROM {table} LIMIT 1".encode()).fetchone():
                raise BackupRefused("the key database is not empty")
        for place, one in enumerate(SECTIONS):
            statement = f"COPY {one.table} ({one.columns}) FROM STDIN (FORMAT binary)"
            with connection.cursor().copy(statement.encode()) as copy:
                for frame in backup.frames(place):
                    copy.write(frame)
        for table in walled:
            connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY".encode())
    return backup.epoch
