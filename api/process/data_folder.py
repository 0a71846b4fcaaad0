"""The folder a deployment lives in, and who may run it: one `daybook up` at a time.

lock            held by the running `up`; the system frees it when that dies, however it dies
run/parts.json  which processes it started, so that the next one can tell orphans from strangers
logs/           one file per part
keys/ keys-copy/ key-backups/     the epoch key in its two places, and what is wrapped under it
mirror/ signer/ postgres/         made by whoever needs them, like those; nobody else may look in
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from infrastructure.server.processes import ProcessRecord, same, terminate
from infrastructure.server.start_faults import DiskFull, FolderInUse, FolderNotWritable


class DataFolder:
    """Enter it to own it. Reading its paths needs no ownership."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self._lock: int | None = None

    @property
    def logs(self) -> Path:
        """Where the parts' logs are."""
        return self.path / "logs"

    @property
    def keys(self) -> Path:
        """Where secrets are that never go into a backup."""
        return self.path / "keys"

    def log(self, part: str) -> Path:
        """The log of one part."""
        return self.logs / f"{part}.log"

    def __enter__(self) -> Self:
        """Make the folder and own it.

        Refuses: FolderNotWritable, DiskFull, FolderInUse.
        """
        try:
            for folder in (self.path, self.logs, self.keys, self.path / "run"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise DiskFull(f"no space is left in {self.path}") from None
            raise FolderNotWritable(f"{self.path} is not a folder we can write") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(lock, 20).decode(errors="replace").strip() or "unknown"
            os.close(lock)
            message = f"{self.path} is in use by another daybook up (pid {owner})"
            raise FolderInUse(message) from None
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
        self._lock = lock
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None

    @property
    def _parts_file(self) -> Path:
        return self.path / "run" / "parts.json"

    def note_parts(self, parts: Iterable[tuple[str, ProcessRecord]]) -> None:
        """Write down which processes run now, for whoever comes after us."""
        rows = [
            {"part": name, "pid": it.pid, "started": it.started, "command": it.command}
            for name, it in parts
        ]
        half_made = self._parts_file.with_suffix(".new")
        half_made.write_text(json.dumps(rows, indent=1) + "\n")
        half_made.rename(self._parts_file)

    def noted_parts(self) -> list[tuple[str, ProcessRecord]]:
        """What was written down last; nothing where it cannot be read."""
        try:
            rows = json.loads(self._parts_file.read_text())
            return [
                (row["part"], ProcessRecord(row["pid"], row["started"], row["command"]))
                for row in rows
            ]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def reclaim_orphans(self) -> list[str]:
        """Stop what a killed `up` left running; give the names of those parts.

        Call it as the owner: while the folder is ours nobody else's parts can be running in it.
        """
        orphans = [(name, record) for name, record in self.noted_parts() if same(record)]
        for _, record in orphans:
            terminate(record)
        self.note_parts(())
        return [name for name, _ in orphans]
