"""The port `KeyShredder` on PostgreSQL: keys destroyed, buckets re-keyed, epochs turned. README D9.

What each step of turning the epoch leaves behind, should we die after it:

    new key made     a key file without an epoch; taken up
    committed        two epochs, the old one not current: nothing is wrapped under it any more
    backed up        the new epoch names its backup, which was opened
    old destroyed    no place has the old key; its row still says that the turn is not finished

The old epoch's row goes last, so whoever finds one goes on from there, and whoever finds none begins a turn.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast
from uuid import UUID

import psycopg

from application.erasing.key_shredding import (
    Destroyed,
    DestroyedAt,
    KeyState,
    Live,
    Progress,
    Turned,
)
from application.ports import Ids
from domain.errors import Unreadable
from domain.sealing import RETENTION_CLASSES, RetentionClass
from infrastructure.database import CONNECT_SECONDS_MAX, unavailable
from infrastructure.keys.epoch_turning import turn_tree
from infrastructure.keys.key_backup import backup_opens, digest_of, prune_backups, write_backup
from infrastructure.keys.key_tree import (
    BUCKETS,
    CANARY_CLASS,
    KEY_BYTES,
    NOBODY,
    EpochKeys,
    bucket_of,
    subject_context,
    wrap,
)
from infrastructure.keys.rekeying import (
    Connection,
    bucket_keys,
    destroyed_keys,
    hold_tree,
    next_revision,
    rekey,
)
from infrastructure.keys.timed_backup import back_up, is_due, prune_timed
from infrastructure.sql_arrays import register

TOGETHER: Final = 16  # buckets re-keyed in one transaction: minting waits for so many at most
REMEMBERED: Final = (
    1_000  # re-keyings whose destroyed keys are listed for processes that keep keys in memory
)
TURN_LOCK: Final = 4837192002  # one turn, and one re-keying of everything, at a time
LIVE: Final = (
    "SELECT key_id, bucket FROM subject_key WHERE tenant_id = %s AND subject_id = %s"
    " AND retention_class = ANY(%s) AND destroyed_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class PostgresKeyShredder:
    """See the port. `dsn` is the shredder's; `passed` is told each step that is behind us."""

    dsn: str = field(repr=False)  # it holds a password
    epoch_keys: EpochKeys
    backups: Path
    ids: Ids
    passed: Callable[[str], object] = str  # nobody listens

    def destroy(
        self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass], at: datetime
    ) -> Destroyed:
        """See the port. One transaction, which holds the tree alone."""
        with self._connection() as connection, connection.transaction():
            held = hold_tree(connection)
            who = (tenant, subject)
            keys = connection.execute(LIVE.encode(), (*who, list(classes))).fetchall()
            connection.execute(
                "UPDATE subject_key SET wrapped = NULL, destroyed_at = %s"
                " WHERE tenant_id = %s AND subject_id = %s AND retention_class = ANY(%s)"
                " AND destroyed_at IS NULL",
                (at, *who, list(classes)),
            )
            buckets = {row[1] for row in keys}
            connection.execute(
                "DELETE FROM damaged_key WHERE tenant_id = %s AND subject_id = %s AND kind = ANY(%s)",
                (*who, list(classes)),
            )
            if "profile" in classes:
                buckets |= remove_rows(connection, tenant, subject)
            if buckets:
                revision = next_revision(connection, held)
                list_destroyed(connection, revision, [row[0] for row in keys])
                rekey(connection, self.epoch_keys, held, revision, sorted(buckets))
            gone = destroyed_keys(connection, tenant, subject, classes)
            self.passed("destroyed")
        self.passed("destroy committed")
        return Destroyed(cast(tuple[tuple[RetentionClass, UUID], ...], tuple(gone)), len(buckets))

    def turn_epoch(self, at: datetime) -> Turned:
        """See the port."""
        with self._connection() as connection, alone(connection):
            return self._turn(connection, at)

    def full_rekey(self, at: datetime, progress: Progress) -> Turned:
        """See the port. Sixteen buckets in a transaction, and where we are in the same."""
        with self._connection() as connection, alone(connection):
            connection.execute(
                "INSERT INTO full_rekeying (next_bucket) VALUES (0) ON CONFLICT DO NOTHING"
            )
            bucket = -1
            while bucket < BUCKETS:
                with connection.transaction():
                    bucket = self._rekey_some(connection)
                self.passed("some buckets re-keyed")
                progress(bucket, BUCKETS)
            turned = self._turn(connection, at)
            self.passed("everything turned")
            connection.execute("DELETE FROM full_rekeying")
            return turned

    def back_up(self, at: datetime, out: Path | None = None) -> Path:
        """Back the key store up as it stands, under the present epoch, while no turn is under way; see `timed_backup`.

        Raises Unavailable, Unreadable, BackupExists.
        """
        with self._connection() as connection, alone(connection):
            self._plant_canary(connection)
            return back_up(connection, self.epoch_keys, self.backups, at, out)

    def back_up_when_due(self, at: datetime, every: timedelta, kept: int) -> Path | None:
        """Do so when the newest such backup is older than `every`, and keep `kept`; where it is."""
        with self._connection() as connection, alone(connection):
            epoch = current_epoch(connection)
            made = None
            if is_due(self.backups, epoch, at, every):
                self._plant_canary(connection)
                made = back_up(connection, self.epoch_keys, self.backups, at, None)
                prune_timed(self.backups, epoch, kept)
            return made

    def state(self, tenant: UUID, subject: UUID) -> dict[RetentionClass, KeyState]:
        """See the port."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT retention_class, destroyed_at FROM subject_key WHERE tenant_id = %s AND subject_id = %s"
                " ORDER BY destroyed_at NULLS LAST",
                (tenant, subject),
            ).fetchall()
        found = {name: Live() if at is None else DestroyedAt(at) for name, at in rows}
        return {name: found.get(name) for name in RETENTION_CLASSES}

    def living(
        self, tenant: UUID, subjects: Sequence[UUID]
    ) -> dict[UUID, tuple[RetentionClass, ...]]:
        """See the port."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT subject_id, array_agg(retention_class ORDER BY retention_class) FROM subject_key"
                " WHERE tenant_id = %s AND subject_id = ANY(%s::uuid[]) AND destroyed_at IS NULL GROUP BY 1",
                (tenant, list(subjects)),
            ).fetchall()
        return {subject: tuple(classes) for subject, classes in rows}

    # --- turning the epoch -------------------------------------------------------------------------------------------

    def _turn(self, connection: Connection, at: datetime) -> Turned:
        """Finish a turn that was begun, and turn again when keys were replaced since it began."""
        begun = going(connection) is not None
        turned = self._turn_once(connection, at)
        if begun and rekeyed_since(connection):
            return self._turn_once(connection, at)
        return turned

    def _turn_once(self, connection: Connection, at: datetime) -> Turned:
        old = going(connection)
        if old is None:
            old = self._begin_turn(connection, at)
        row = connection.execute("SELECT epoch, backup FROM epoch WHERE current").fetchone()
        assert row is not None
        assert row[0] > old, "an epoch that is going has a successor"
        new, backup = row
        if backup is None or not backup_opens(self.backups / backup, self.epoch_keys):
            backup = write_backup(connection, self.epoch_keys, self.backups, at)
            self.passed("backup written")
            if not backup_opens(self.backups / backup, self.epoch_keys):
                raise Unreadable(
                    "The new key backup does not open: the old epoch was not destroyed"
                )
            connection.execute("UPDATE epoch SET backup = %s WHERE epoch = %s", (backup, new))
            self.passed("backup opened")
        self.epoch_keys.destroy(old, new)
        self.passed("old key destroyed")
        if not self.epoch_keys.is_destroyed(old):
            raise Unreadable(f"The key of epoch {old} is still there")
        connection.execute("DELETE FROM epoch WHERE epoch = %s AND NOT current", (old,))
        self.passed("old epoch forgotten")
        prune_backups(self.backups, backup)
        return Turned(old, new, backup, digest_of(self.backups / backup))

    def _begin_turn(self, connection: Connection, at: datetime) -> int:
        """Make the new epoch and put the tree under it; the old one."""
        old = current_epoch(connection)
        self.epoch_keys.create(old + 1)
        self.passed("new key made")
        with connection.transaction():
            held = hold_tree(connection)
            assert held.epoch == old
            self._have_canary(connection, old)
            turn_tree(connection, self.epoch_keys, held, at)
            self.passed("tree turned")
        self.passed("turn committed")
        return old

    def _plant_canary(self, connection: Connection) -> None:
        """Make the canary's key where no turn has yet."""
        if connection.execute(LIVE.encode(), (NOBODY, NOBODY, [CANARY_CLASS])).fetchone() is None:
            with connection.transaction():
                self._have_canary(connection, hold_tree(connection).epoch)

    def _have_canary(self, connection: Connection, epoch: int) -> None:
        """Make the key that backups are opened by, at the first turn."""
        if connection.execute(LIVE.encode(), (NOBODY, NOBODY, [CANARY_CLASS])).fetchone():
            return
        key_id = self.ids.uuid()
        bucket = bucket_of(key_id)
        key = bucket_keys(connection, self.epoch_keys, epoch, [bucket])[bucket]
        context = subject_context(NOBODY, NOBODY, CANARY_CLASS, key_id)
        connection.execute(
            "INSERT INTO subject_key (tenant_id, subject_id, retention_class, key_id, bucket, wrapped)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (
                NOBODY,
                NOBODY,
                CANARY_CLASS,
                key_id,
                bucket,
                wrap(key, os.urandom(KEY_BYTES), context),
            ),
        )

    def _rekey_some(self, connection: Connection) -> int:
        """Re-key the next buckets; which one is next then."""
        held = hold_tree(connection)
        row = connection.execute("SELECT next_bucket FROM full_rekeying").fetchone()
        assert row is not None
        begin: int = row[0]
        end = min(begin + TOGETHER, BUCKETS)
        if begin < end:
            revision = next_revision(connection, held)
            rekey(connection, self.epoch_keys, held, revision, range(begin, end))
            connection.execute("UPDATE full_rekeying SET next_bucket = %s", (end,))
        return end

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection of the shredder's own, which may take its time. Raises Unavailable."""
        patience = int(CONNECT_SECONDS_MAX)
        with (
            unavailable(),
            psycopg.connect(self.dsn, autocommit=True, connect_timeout=patience) as connection,
        ):
            register(connection)
            yield connection


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Wait until nobody else turns the epoch or re-keys everything. The server lets go of it when we die."""
    connection.execute("SELECT pg_advisory_lock(%s)", (TURN_LOCK,))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (TURN_LOCK,))


def current_epoch(connection: Connection) -> int:
    """The epoch that keys stand under. Raises Unreadable."""
    row = connection.execute("SELECT epoch FROM epoch WHERE current").fetchone()
    if row is None:
        raise Unreadable("The key database has no epoch: run 'daybook migrate'")
    epoch: int = row[0]
    return epoch


def going(connection: Connection) -> int | None:
    """The epoch whose turn is not finished."""
    row = connection.execute("SELECT min(epoch) FROM epoch WHERE NOT current").fetchone()
    assert row is not None
    found: int | None = row[0]
    return found


def rekeyed_since(connection: Connection) -> bool:
    """True when something was re-keyed since the present epoch began: copies under it may hold what was destroyed.

    Turning the epoch counts as a revision that no bucket has; every re-keying gives its own to a bucket.
    """
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM bucket_key b JOIN epoch e ON b.epoch = e.epoch AND b.revision = e.revision"
        " WHERE e.current)"
    ).fetchone()
    return row == (True,)


def remove_rows(connection: Connection, tenant: UUID, subject: UUID) -> set[int]:
    """Remove the subject from the blind index; the buckets its rows were in. Raises Unreadable for rows of old."""
    rows = connection.execute(
        "DELETE FROM blind_index WHERE tenant_id = %s AND subject_id = %s RETURNING bucket",
        (tenant, subject),
    ).fetchall()
    if any(bucket is None for (bucket,) in rows):
        raise Unreadable("The blind index is not in buckets yet: run 'daybook migrate'")
    connection.execute(
        "DELETE FROM damaged_key WHERE tenant_id = %s AND subject_id = %s AND key_id = %s",
        (tenant, subject, NOBODY),
    )
    return {bucket for (bucket,) in rows}


def list_destroyed(connection: Connection, revision: int, key_ids: Sequence[Any]) -> None:
    """Tell processes that keep keys in memory which ones are destroyed; forget what is long past."""
    connection.execute(
        "INSERT INTO key_destroyed SELECT %s, unnest(%s::uuid[])", (revision, list(key_ids))
    )
    connection.execute("DELETE FROM key_destroyed WHERE revision <= %s", (revision - REMEMBERED,))
