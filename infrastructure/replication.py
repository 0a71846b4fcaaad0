"""What a replica needs of its primary: a role that may only follow, and a slot that keeps what it has not had yet.

The slot keeps no more than the primary's `max_slot_wal_keep_size`: a replica that is gone for too long is made anew,
and never fills the primary's disk. README D14.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from infrastructure.database import Roles, role_password
from infrastructure.deployment import Deployment, DeploymentRefused
from infrastructure.migrate import LOCK
from infrastructure.server.processes import wait_until
from infrastructure.server.standby_postgres import Primary
from infrastructure.server.start_faults import FolderInUse

PART: Final = "replica"
CONNECT_SECONDS: Final = 5
FREE_SECONDS_MAX: Final = 5.0
TLS: Final = ("sslmode", "sslrootcert", "sslcrl", "sslcert", "sslkey")
LIMIT: Final = "max_slot_wal_keep_size"
# A slot whose WAL is gone is of no use any more.
SLOT: Final = "SELECT coalesce(wal_status, 'lost') <> 'lost', active FROM pg_replication_slots WHERE slot_name = %s"
FLUSHED: Final = "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint"
REPLAYED: Final = "SELECT (coalesce(pg_last_wal_replay_lsn(), '0/0') - '0/0')::bigint"
CLUSTER: Final = "SELECT system_identifier FROM pg_control_system()"


@dataclass(frozen=True, slots=True)
class Replication:
    """The primary's side."""

    deployment: Deployment

    def admit(self) -> Primary:
        """Have the role and the slot; what the replica is to follow.

        Refuses: DeploymentRefused (the primary cannot be reached, refuses us, or sets the slot no bound), FolderInUse
        (another replica follows it).
        """
        owner, name = conninfo_to_dict(self.deployment.main), self._name
        try:
            with self._primary() as primary:
                row = primary.execute(f"SHOW {LIMIT}").fetchone()
                if row == ("-1",):
                    raise DeploymentRefused(
                        f"{LIMIT} is not set: a replica that is gone would fill the primary's disk"
                    )
                password = role_password(self.deployment.roles_secret(), name)
                _ensure_role(primary, name, password)
                kept_all = _ensure_slot(primary, name)
        except psycopg.Error as error:
            raise DeploymentRefused(
                "the primary cannot be reached, or refuses to be followed"
            ) from error
        return Primary(
            host=str(owner.get("host") or "127.0.0.1"),
            port=port_of(self.deployment.main),
            user=name,
            password=password,
            slot=name,
            database=str(owner["dbname"]),
            tls={name: str(owner[name]) for name in TLS if name in owner},
            kept_all=kept_all,
        )

    def give_up(self) -> bool:
        """Keep nothing for a replica any more; False when nothing was kept.

        Refuses: FolderInUse (a replica follows just now), DeploymentRefused.
        """
        try:
            with self._primary() as primary:
                found = primary.execute(SLOT, (self._name,)).fetchone()
                if found is not None:
                    primary.execute("SELECT pg_drop_replication_slot(%s)", (self._name,))
        except psycopg.errors.ObjectInUse as error:
            raise FolderInUse("a replica follows the primary just now: stop it first") from error
        except psycopg.Error as error:
            raise DeploymentRefused("the primary cannot be reached, or refuses it") from error
        return found is not None

    def has_slot(self) -> bool:
        """Whether the slot still has all that the replica lacks. Raises psycopg.OperationalError."""
        with self._primary() as primary:
            return primary.execute(SLOT, (self._name,)).fetchone() in ((True, True), (True, False))

    def is_followed_by(self, replica_dsn: str) -> bool:
        """Whether the replica's history is part of the primary's: of the same cluster, and not ahead of it.

        Raises psycopg.OperationalError.
        """
        with psycopg.connect(replica_dsn, connect_timeout=CONNECT_SECONDS) as replica:
            (theirs,), (reached,) = (
                replica.execute(q).fetchone() or () for q in (CLUSTER, REPLAYED)
            )
        with self._primary() as primary:
            (ours,), (written,) = (primary.execute(q).fetchone() or () for q in (CLUSTER, FLUSHED))
        return bool(theirs == ours and reached <= written)

    @property
    def _name(self) -> str:
        return Roles(str(conninfo_to_dict(self.deployment.main)["dbname"])).name(PART)

    def _primary(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            self.deployment.main, autocommit=True, connect_timeout=CONNECT_SECONDS
        )


def port_of(primary_dsn: str) -> int:
    """The port in a connection string."""
    return int(conninfo_to_dict(primary_dsn).get("port") or 5432)


def _ensure_role(primary: psycopg.Connection[tuple[object, ...]], name: str, password: str) -> None:
    with primary.transaction():
        primary.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK + 1,))
        found = primary.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
        primary.execute(
            sql.SQL(
                "{} ROLE {} LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {}"
            ).format(
                sql.SQL("ALTER" if found else "CREATE"), sql.Identifier(name), sql.Literal(password)
            )
        )


def _ensure_slot(primary: psycopg.Connection[tuple[object, ...]], name: str) -> bool:
    """One that still has its WAL, for nobody else; False for a new one, which has nothing of what was before it."""

    def is_free() -> bool:
        return (primary.execute(SLOT, (name,)).fetchone() or (True, False))[1] is False

    # Whoever followed from here and was killed is about to be gone.
    if not wait_until(is_free, FREE_SECONDS_MAX):
        raise FolderInUse("another replica follows this primary already; there is one at a time")
    row = primary.execute(SLOT, (name,)).fetchone()
    if row is not None and not row[0]:
        primary.execute("SELECT pg_drop_replication_slot(%s)", (name,))
        row = None
    if row is None:
        primary.execute("SELECT pg_create_physical_replication_slot(%s, true)", (name,))
    return row is not None
