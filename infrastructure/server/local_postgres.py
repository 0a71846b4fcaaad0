"""A private PostgreSQL server: made, started, watched and stopped by Daybook.

It listens on 127.0.0.1 only, with a password of its own, and has no socket in the file system.
What holds:

1. A cluster is either whole or absent: it is made beside its place and renamed into it.
2. Only the holder of `postgres/lock` starts or stops the server. The lock dies with its holder, so
   a server that lives while the lock is free is an orphan, and is stopped before a new one starts.
3. A process is signalled only when it is a PostgreSQL process that works in our cluster, whatever a
   pid file says.
4. The server is our direct child, and shuts down by itself when we die (Linux).

Under the data folder: `postgres/data`, `postgres/password` (0600), `postgres/port` (the port it had
last, taken again when free, so that clients find it after a restart), `logs/postgres.log`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from infrastructure.server.log_files import open_log
from infrastructure.server.postgres_account import Account, choose_account, place_for_nobody
from infrastructure.server.postgres_binaries import find_binaries
from infrastructure.server.postgres_cluster import (
    SUPERUSER,
    check_version,
    create_cluster,
    ensure_password,
)
from infrastructure.server.postgres_log import Cause, cause_of, fault_for
from infrastructure.server.processes import (
    die_with_parent,
    inspect,
    send,
    wait_until,
    working_in,
    works_in,
)
from infrastructure.server.server_memory import memory_settings, usable_memory
from infrastructure.server.start_faults import (
    DiskFull,
    FolderInUse,
    FolderNotWritable,
    NotRunning,
    PortInUse,
    ServerFailed,
)

HOST: Final = "127.0.0.1"
START_SECONDS_MAX: Final = 300.0  # recovery after a crash replays at most a few GB of WAL
STOP_SECONDS_MAX: Final = 60.0
PORT_TRIES_MAX: Final = 5

_SETTINGS: Final = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A log may hold what went wrong, never the values it went wrong with.
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic",
    "log_statement": "none",
}
_DURABLE: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# Fast forgets when the machine dies; when only the server is killed it still keeps what it said.
_FAST: Final = {
    "fsync": "off",
    "synchronous_commit": "on",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
}


class LocalPostgres:
    """The server of one data folder. `fast` is for tests only: a power cut may lose everything."""

    def __init__(
        self,
        data_folder: Path,
        *,
        fast: bool = False,
        port: int = 0,
        binaries: Path | None = None,
        namespaces: bool = True,
    ) -> None:
        self._folder = data_folder.expanduser().resolve()
        self._home = self._folder / "postgres"
        self._fast = fast
        self._fixed_port = port
        self._binaries_folder = binaries
        self._namespaces = namespaces
        self._lock: int | None = None
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def cluster(self) -> Path:
        """The folder that PostgreSQL calls its data directory."""
        return (self._home / "data").resolve()

    @property
    def log_path(self) -> Path:
        """Where the server writes its log."""
        return self._folder / "logs" / "postgres.log"

    @property
    def pid(self) -> int | None:
        """The server's process id; None when it is not running. Right for anybody's server."""
        pid = self._pid_file_number(0)
        return pid if pid is not None and self._is_ours(pid) else None

    def is_running(self) -> bool:
        """True when the server runs and takes connections, whoever started it."""
        return self.pid is not None and self._says_ready()

    def poll(self) -> int | None:
        """How the server we started ended: its exit code, negative for a signal; None if it lives.

        Refuses: NotRunning when we started none.
        """
        if self._child is None:
            raise NotRunning(f"the PostgreSQL of {self._folder} was not started here")
        return self._child.poll()

    def dsn(self, database: str = "postgres") -> str:
        """How to connect as superuser. It holds the password: for people and programs, not logs.

        Refuses: NotRunning.
        """
        port = self._pid_file_number(3)
        if self.pid is None or port is None:
            raise NotRunning(f"the PostgreSQL of {self._folder} is not running (daybook up)")
        password = self._password_file.read_text().strip()
        return f"postgresql://{SUPERUSER}:{password}@{HOST}:{port}/{database}"

    def start(self) -> str:
        """Start the server and wait until it takes connections; give the superuser's dsn.

        Makes the cluster at first, reclaims an orphan, recovers from a crash. Starting twice is
        starting once; after the server died it is started again, on the same port when free.
        Call it in a thread that lives as long as the server shall: it ends with that thread.

        Refuses: FolderNotWritable, DiskFull, FolderInUse, NoBinaries, WrongVersion, PortInUse,
        ServerFailed.
        """
        if self._child is not None and self._child.poll() is None:
            return self.dsn()
        try:
            self._make_folders()
            self._take_lock()
            account = choose_account(
                find_binaries(self._binaries_folder), self._home, namespaces=self._namespaces
            )
            self._reclaim()
            self._ensure_cluster(account)
            self._launch(account)
        except OSError as problem:
            self._release()
            raise self._fault_of(problem) from None
        except BaseException:
            self._release()
            raise
        return self.dsn()

    def stop(self) -> None:
        """Shut the server down if we started it: connections end, everything committed is kept."""
        if self._child is not None:
            child, self._child = self._child, None
            if child.poll() is None:
                self._shut_down(child.pid, child)
        self._release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # Folders and the lock

    @property
    def _password_file(self) -> Path:
        return self._home / "password"

    @property
    def _port_file(self) -> Path:
        return self._home / "port"

    def _make_folders(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._home.mkdir(mode=0o700, exist_ok=True)
        self.log_path.parent.mkdir(mode=0o700, exist_ok=True)

    def _fault_of(self, problem: OSError) -> DiskFull | FolderNotWritable | ServerFailed:
        if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
            return DiskFull(f"no space is left for the database in {self._folder}")
        if problem.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}:
            return FolderNotWritable(f"{self._folder} is not a folder we can write")
        return ServerFailed(f"PostgreSQL did not start in {self._folder} (errno {problem.errno})")

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        lock = os.open(self._home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise FolderInUse(f"another process runs the PostgreSQL of {self._folder}") from None
        self._lock = lock

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # What runs in the cluster

    def _pid_file_number(self, line: int) -> int | None:
        lines = self._pid_file_lines()
        return int(lines[line]) if len(lines) > line and lines[line].strip().isdigit() else None

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _is_ours(self, pid: int) -> bool:
        found = inspect(pid)
        if found is None or not found.command:
            return False
        program = Path(found.command.split()[0]).name
        return program.startswith("postgres") and works_in(pid, self.cluster)

    def _says_ready(self) -> bool:
        lines = self._pid_file_lines()
        return len(lines) > 7 and lines[7].strip() == "ready"

    def _reclaim(self) -> None:
        """Leave no server and no part of one in the cluster, and no pid file that lies."""
        orphan = self.pid
        if orphan is not None:
            self._shut_down(orphan, None)
        # The children of a killed server leave by themselves, but may still hold its shared memory.
        for number in (signal.SIGQUIT, signal.SIGKILL):
            for pid in self._remains():
                send(pid, number)
            if wait_until(lambda: not self._remains(), 5.0):
                break
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)

    def _remains(self) -> list[int]:
        return [pid for pid in working_in(self.cluster) if self._is_ours(pid)]

    def _shut_down(self, pid: int, child: subprocess.Popen[bytes] | None) -> None:
        def gone() -> bool:
            return child.poll() is not None if child is not None else not self._is_ours(pid)

        steps = ((signal.SIGINT, STOP_SECONDS_MAX), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
        for number, seconds in steps:
            send(pid, number)
            if wait_until(gone, seconds):
                return
        raise ServerFailed(f"the PostgreSQL of {self._folder} (pid {pid}) does not stop")

    def _ensure_cluster(self, account: Account) -> None:
        ensure_password(self._password_file)
        if (self.cluster / "PG_VERSION").exists():
            check_version(self.cluster, account)
            return
        place_for_nobody(self._home, account)
        create_cluster(
            account, self.cluster, self._password_file, self.log_path, durable=not self._fast
        )

    # Starting

    def _launch(self, account: Account) -> None:
        begin = 0
        for attempt in range(PORT_TRIES_MAX):
            port = self._fixed_port or self._last_port(attempt) or free_port()
            begin = self._spawn(account, port)
            if self._child is not None and self._child.poll() is None:
                self._port_file.write_text(f"{port}\n")
                return
            cause = cause_of(self.log_path, begin)
            if cause is Cause.PORT_TAKEN and self._fixed_port:
                raise PortInUse(f"port {port} is in use; PostgreSQL needs a free one")
            if cause is Cause.REMAINS:
                self._reclaim()
            elif cause is not Cause.PORT_TAKEN:
                break
        raise fault_for(self.log_path, begin, self._folder)

    def _last_port(self, attempt: int) -> int:
        """The port it had last, at the first attempt; 0 when there is none."""
        if attempt:
            return 0
        with suppress(OSError, ValueError):
            return int(self._port_file.read_text())
        return 0

    def _spawn(self, account: Account, port: int) -> int:
        """Start the server and wait until it is ready or gone; give where its log begins."""
        kind = _FAST if self._fast else _DURABLE | memory_settings(usable_memory())
        settings = {**_SETTINGS, **kind, "port": str(port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with open_log(self.log_path) as log:
            begin = log.tell()
            command = account.command("postgres", "-D", str(self.cluster), *options)
            child = account.spawn(command, log, die_with_parent(signal.SIGINT))
        self._child = child
        try:
            settled = wait_until(
                lambda: child.poll() is not None or self._ready_as(child.pid), START_SECONDS_MAX
            )
        except BaseException:
            self._shut_down(child.pid, child)
            raise
        if not settled:
            self._shut_down(child.pid, child)
        return begin

    def _ready_as(self, pid: int) -> bool:
        return self._pid_file_number(0) == pid and self._says_ready()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
