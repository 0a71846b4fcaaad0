"""One deployment: its databases and roles, its key tree, and connections for each of its parts."""

from __future__ import annotations

import os
import zoneinfo
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.errors import Unavailable, Unreadable
from infrastructure.clock import SystemClock
from infrastructure.database import role_dsn
from infrastructure.keys.epoch_files import EpochKeyFiles
from infrastructure.keys.index_buckets import bring_into_buckets
from infrastructure.keys.key_backup import newest_backup
from infrastructure.keys.key_tree import plant
from infrastructure.migrate import PARTS, SchemaRefused, check, ensure_database, migrate
from infrastructure.server.local_postgres import LocalPostgres
from infrastructure.server.start_faults import StartFault
from infrastructure.settings import Settings

DATABASE: Final = "daybook"
SERVER_VERSION_MIN: Final = 150_000


class DeploymentRefused(StartFault):
    """The database is not one that this program can work on."""

    exit_code = 2


def pin_zones() -> None:
    """Take zone rules from the pinned `tzdata` package, whatever the machine has. README D10."""
    zoneinfo.reset_tzpath(())


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where a deployment's databases are. `main` and `keys` are owners' connection strings."""

    settings: Settings
    main: str
    keys: str

    @classmethod
    def locate(cls, settings: Settings, server_dsn: str | None = None) -> Deployment:
        """Find the databases: those of the settings, else the embedded server's (`server_dsn`, or as it runs now).

        Refuses: NotRunning (embedded, and no server runs in the data folder).
        """
        if settings.database_url:
            main = settings.database_url
            name = str(conninfo_to_dict(main).get("dbname") or DATABASE)
            keys = settings.keys_url or make_conninfo(main, dbname=f"{name}_keys")
            return cls(settings, make_conninfo(main, dbname=name), keys)
        server = server_dsn or LocalPostgres(settings.data).dsn()
        return cls(
            settings,
            make_conninfo(server, dbname=DATABASE),
            make_conninfo(server, dbname=f"{DATABASE}_keys"),
        )

    def prepare(self, event_types: frozenset[str]) -> list[str]:
        """Make or bring up to date databases, roles and key tree; the names of migrations applied.

        Refuses: DeploymentRefused (too old a server, a schema we do not know, keys that do not open, an event type we
        do not know).
        """
        applied: list[str] = []
        try:
            secret = self.roles_secret()
            for dsn, line in ((self.main, "main"), (self.keys, "keys")):
                server = make_conninfo(dsn, dbname="postgres")
                require_version(server)
                name = str(conninfo_to_dict(dsn)["dbname"])
                ensure_database(server, name)
                applied += migrate(dsn, line, secret)
            self.prepare_keys()
            register_types(self.main, event_types)
        except SchemaRefused as refused:
            raise DeploymentRefused(str(refused)) from refused
        except (Unavailable, Unreadable) as error:
            raise DeploymentRefused(error.detail) from error
        except psycopg.OperationalError as error:
            raise DeploymentRefused(
                "the database cannot be reached, or refuses our name"
            ) from error
        return applied

    def prepare_keys(self) -> None:
        """Have an epoch, its key in both places, and every row of the blind index in a bucket.

        Refuses: DeploymentRefused (the key database is an old copy whose epoch is destroyed, or was lost), Unreadable.
        """
        epoch_keys = self.epoch_keys()
        self._refuse_lost_keys(epoch_keys)
        epoch = plant(self.keys, epoch_keys, SystemClock().now())
        if not epoch_keys.holds(epoch):
            raise DeploymentRefused(
                f"the key database is a copy of epoch {epoch}, whose key is destroyed or not here: it opens nothing;"
                f" {self._what_to_restore(epoch_keys)}"
            )
        epoch_keys.heal(epoch)
        bring_into_buckets(self.dsn_of("shredder"), epoch_keys)

    def migrate_keys(self) -> None:
        """Make the key database, or bring it up to date, and put nothing into it. Raises DeploymentRefused."""
        try:
            name = str(conninfo_to_dict(self.keys)["dbname"])
            ensure_database(make_conninfo(self.keys, dbname="postgres"), name)
            migrate(self.keys, "keys", self.roles_secret())
        except SchemaRefused as refused:
            raise DeploymentRefused(str(refused)) from refused
        except psycopg.OperationalError as error:
            raise DeploymentRefused(
                "the key database cannot be reached, or refuses our name"
            ) from error

    def _refuse_lost_keys(self, epoch_keys: EpochKeyFiles) -> None:
        """A first epoch is not begun where later ones have keys: whatever was sealed would stay closed."""
        later = [epoch for epoch in epoch_keys.epochs() if epoch > 1]
        if not later:
            return
        with psycopg.connect(self.keys) as connection:
            found = connection.execute("SELECT 1 FROM epoch WHERE current").fetchone()
        if found is None:
            raise DeploymentRefused(
                f"the key database is empty, and there is a key of epoch {later[-1]}: it was lost;"
                f" {self._what_to_restore(epoch_keys)}"
            )

    def _what_to_restore(self, epoch_keys: EpochKeyFiles) -> str:
        newest = newest_backup(self.settings.key_backups, epoch_keys)
        which = newest or f"<the newest of {self.settings.key_backups}>"
        return f"put the newest key backup in its place: daybook restore-keys {which}"

    def check(self, event_types: frozenset[str]) -> None:
        """Refuse a schema or an event type that this program does not know. Raises DeploymentRefused."""
        try:
            check(self.main, "main")
            check(self.keys, "keys")
        except SchemaRefused as refused:
            raise DeploymentRefused(str(refused)) from refused
        except psycopg.OperationalError as error:
            raise DeploymentRefused(
                "the database cannot be reached, or refuses our name"
            ) from error
        refuse_unknown_types(self.main, event_types)

    def dsn_of(self, part: str) -> str:
        """The connection string of a part's own role: app, sequencer, follower, keys, shredder and so on."""
        owner = self.keys if part in PARTS["keys"] else self.main
        return role_dsn(owner, part, self.roles_secret())

    def dsn_of_replica(self, read_url: str) -> str:
        """How the app's role reads on the replica that listens at `read_url`."""
        name = str(conninfo_to_dict(self.main)["dbname"])
        # A machine that is gone says nothing: who waits for it is told after some seconds.
        lost = {"tcp_user_timeout": 3_000, "keepalives_idle": 2, "keepalives_interval": 1}
        found = make_conninfo(read_url, dbname=name, **lost)
        return role_dsn(found, "app", self.roles_secret())

    def epoch_keys(self) -> EpochKeyFiles:
        """The epoch keys of this deployment."""
        return EpochKeyFiles(self.settings.keys, self.settings.keys_copy)

    def roles_secret(self) -> bytes:
        """The secret that the roles' passwords are derived from; made, 0600, at the first use."""
        path = self.settings.keys / "roles.secret"
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_once(path, os.urandom(32))
        return path.read_bytes()


def write_once(path: Path, content: bytes) -> None:
    """Write a secret file, 0600 and durable, unless someone else just has."""
    passing = path.with_suffix(f".{os.getpid()}.new")
    handle = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(passing, path)
    except FileExistsError:
        pass
    finally:
        passing.unlink()


def require_version(server_dsn: str) -> None:
    """Refuse a server older than PostgreSQL 15. Raises DeploymentRefused."""
    with psycopg.connect(server_dsn) as connection:
        if connection.info.server_version < SERVER_VERSION_MIN:
            raise DeploymentRefused("PostgreSQL 15 or newer is needed")


def register_types(dsn: str, event_types: frozenset[str]) -> None:
    """Note the types that this program may write. Refuses: DeploymentRefused (one is there that it does not know)."""
    refuse_unknown_types(dsn, event_types)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO event_type SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING",
            (sorted(event_types),),
        )


def refuse_unknown_types(dsn: str, event_types: frozenset[str]) -> None:
    """Refuse a database with event types that this program does not know. Raises DeploymentRefused."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        rows = connection.execute("SELECT name FROM event_type ORDER BY name").fetchall()
    unknown = [name for (name,) in rows if name not in event_types]
    if unknown:
        raise DeploymentRefused(
            f"the database has events of a type this program does not know: {unknown[0]}"
        )
