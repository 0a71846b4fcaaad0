"""A second server beside the first: a hot standby that follows its write-ahead log, for reading. README D14.

It is made by a base backup and then streams from a replication slot of the primary, as a role that may do nothing
else. What is copied is the whole cluster, the key database's rows included, which open nothing without an epoch key
(README D9); so that nobody asks the copy for a key that the first has struck, it lets connections into the main
database only. Promoting it is no part of Daybook: a primary that is lost comes back from a backup and the mirror.

Under its folder: what `local_postgres.py` says, and `postgres/primary.pass` (0600), with which it connects to the
primary.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infrastructure.server.local_postgres import HOST, LocalPostgres
from infrastructure.server.postgres_account import Account
from infrastructure.server.postgres_cluster import make_whole, run_tool
from infrastructure.server.start_faults import NoBinaries, NotRunning

TOOL: Final = "pg_basebackup"
PASSFILE: Final = "primary.pass"
_FOLLOWING: Final = {
    "hot_standby": "on",
    "hot_standby_feedback": "on",  # the primary keeps what a statement here still reads
    "max_standby_streaming_delay": "1s",  # a statement in the way of what comes waits no longer than this
    "wal_retrieve_retry_interval": "1s",
    "wal_receiver_status_interval": "1s",
}


@dataclass(frozen=True, slots=True)
class Primary:
    """Whom to follow, and as whom; `database` is the one that may be read on the standby."""

    host: str
    port: int
    user: str
    password: str
    slot: str
    database: str
    tls: Mapping[str, str]
    kept_all: bool = False  # that a copy made before lacks; else it is to be made anew

    def conninfo(self, passfile: Path) -> str:
        """As libpq takes it, without the password."""
        words = {"host": self.host, "port": self.port, "user": self.user, "passfile": passfile}
        words |= self.tls
        return " ".join(f"{name}='{_quoted(str(word))}'" for name, word in words.items())


class StandbyPostgres(LocalPostgres):
    """The standby of one folder. `primary` is asked for at each start, as it may have another port by then."""

    def __init__(
        self, folder: Path, primary: Primary, *, port: int = 0, namespaces: bool = True
    ) -> None:
        super().__init__(folder, port=port, namespaces=namespaces)
        self.primary = primary

    def dsn(self, database: str = "") -> str:
        """Where it listens; roles and passwords are the primary's. Refuses: NotRunning."""
        port = self._pid_file_number(3)
        if self.pid is None or port is None:
            raise NotRunning(f"the replica in {self._folder} is not running (daybook replica)")
        return f"postgresql://{HOST}:{port}/{database or self.primary.database}"

    def forget(self) -> None:
        """Remove what was copied, so that the next start copies anew. Only while it does not run."""
        shutil.rmtree(self.cluster, ignore_errors=True)

    @property
    def _passfile(self) -> Path:
        return self.cluster.parent / PASSFILE

    def _settings(self) -> dict[str, str]:
        conninfo = self.primary.conninfo(self._passfile)
        return {
            **super()._settings(),
            **_FOLLOWING,
            "primary_conninfo": conninfo,
            "primary_slot_name": self.primary.slot,
        }

    def _ensure_cluster(self, account: Account) -> None:
        super()._ensure_cluster(account)
        self._write_passfile(account)

    def _make_cluster(self, account: Account) -> None:
        """Copy the primary. Refuses: NoBinaries, DiskFull, ServerFailed."""
        if not account.binaries.tool(TOOL).exists():
            raise NoBinaries(f"there is no {TOOL} beside the PostgreSQL that is used")
        self._write_passfile(account)

        def fill(workshop: Path) -> None:
            data = workshop / "data"
            options = ["--pgdata", str(data), "--dbname", self.primary.conninfo(self._passfile)]
            options += ["--slot", self.primary.slot, "--wal-method", "stream"]
            options += ["--checkpoint", "fast", "--no-password"]
            run_tool(account, TOOL, options, self.log_path, self._folder)
            for name, text in (("standby.signal", ""), ("pg_hba.conf", self._admitted())):
                (data / name).write_text(text)
                account.own(data / name)

        make_whole(account, self.cluster, fill)

    def _admitted(self) -> str:
        """Who may connect: to the main database, with a password; not to that of the keys."""
        database = self.primary.database.replace('"', '""')
        return f'host "{database}" all {HOST}/32 scram-sha-256\n'

    def _write_passfile(self, account: Account) -> None:
        """Only ours, and whole at each moment."""
        named = (self.primary.host, str(self.primary.port), "*", self.primary.user)
        line = ":".join(_escaped(word) for word in (*named, self.primary.password))
        half_made = self._passfile.with_suffix(".new")
        with open(os.open(half_made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"{line}\n")
        account.own(half_made)
        half_made.rename(self._passfile)


def remove(folder: Path) -> bool:
    """Remove the standby of a folder, which must not run; False when there is none, and nothing is touched."""
    home = folder.expanduser().resolve() / "postgres"
    cluster = (home / "data").resolve()
    if not (cluster.parent / PASSFILE).exists():
        return False
    for one in {cluster.parent, home}:
        shutil.rmtree(one)
    (folder / "logs" / "postgres.log").unlink(missing_ok=True)
    for left in (folder / "logs", folder):
        with suppress(OSError):
            left.rmdir()  # unless somebody keeps something else there
    return True


def _quoted(word: str) -> str:
    return word.replace("\\", "\\\\").replace("'", "\\'")


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace(":", "\\:")
