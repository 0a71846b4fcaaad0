"""Make a PostgreSQL cluster that is either whole or absent, and the password that opens it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from infrastructure.server.log_files import open_log
from infrastructure.server.postgres_account import Account
from infrastructure.server.postgres_log import fault_for
from infrastructure.server.processes import die_with_parent
from infrastructure.server.start_faults import WrongVersion

SUPERUSER: Final = "postgres"
_WORKSHOP: Final = "data.new-"


def ensure_password(file: Path) -> None:
    """Have a superuser's password in `file` (0600), durably; one that is there stays."""
    if file.exists():
        return
    import secrets  # only here: it brings in a library that a running supervisor never needs

    half_made = file.with_suffix(".new")
    with open(os.open(half_made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as new:
        new.write(secrets.token_urlsafe(24))
        new.flush()
        os.fsync(new.fileno())
    half_made.rename(file)
    _sync_folder(file.parent)


def check_version(cluster: Path, account: Account) -> None:
    """See that the programs are of the cluster's major version.

    Refuses: WrongVersion.
    """
    found = (cluster / "PG_VERSION").read_text().strip()
    wanted = str(account.binaries.major)
    if found != wanted:
        raise WrongVersion(
            f"{cluster} is of PostgreSQL {found}, but the programs are of {wanted}: "
            f"set DAYBOOK_PG_BINDIR to the programs of {found}, or move it with pg_upgrade"
        )


def create_cluster(
    account: Account, cluster: Path, password: Path, log: Path, *, durable: bool = True
) -> None:
    """Make an empty cluster at `cluster`, which must not exist. Refuses: DiskFull, FolderNotWritable, ServerFailed."""

    def fill(workshop: Path) -> None:
        copied = workshop / "password"
        shutil.copy(password, copied)
        account.own(copied)
        options = ["--pgdata", str(workshop / "data"), "--username", SUPERUSER]
        options += ["--pwfile", str(copied), "--auth", "scram-sha-256", "--encoding", "UTF8"]
        options += ["--no-locale", "--data-checksums", *([] if durable else ["--no-sync"])]
        run_tool(account, "initdb", options, log, cluster.parent.parent)

    make_whole(account, cluster, fill)


def make_whole(account: Account, cluster: Path, fill: Callable[[Path], None]) -> None:
    """Have a cluster at `cluster`, which must not exist: `fill` makes it as `data` in the folder that it is given.

    It is made in a workshop beside its place and renamed into it. A killed call leaves a workshop,
    which the next call removes.
    """
    place = cluster.parent
    for left_over in place.glob(f"{_WORKSHOP}*"):
        shutil.rmtree(left_over, ignore_errors=True)
    workshop = Path(tempfile.mkdtemp(prefix=_WORKSHOP, dir=place))
    try:
        account.own(workshop)
        fill(workshop)
        (workshop / "data").rename(cluster)
        _sync_folder(place)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def run_tool(
    account: Account, tool: str, options: Sequence[str], log_path: Path, folder: Path
) -> None:
    """Run one of PostgreSQL's programs to its end; it dies with us.

    Refuses: DiskFull, FolderNotWritable, ServerFailed.
    """
    with open_log(log_path) as log:
        begin = log.tell()
        child = account.spawn(account.command(tool, *options), log, die_with_parent(signal.SIGKILL))
        try:
            code = child.wait()
        except BaseException:
            child.kill()
            child.wait()
            raise
    if code != 0:
        raise fault_for(log_path, begin, folder)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
