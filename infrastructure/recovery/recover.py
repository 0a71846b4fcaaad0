"""Recovery from beginning to end. It can be killed at any moment, and goes on where it was when it is run again.

    find what is missing, check all of it       nothing is changed; what does not fit is refused here
    note it down, bring it back                 see bringing_back
    make each tenant's current state anew       one transaction each, with the fences of who is erased
    record `ledger.restored` in each log        there already, if it was recorded before a crash
    strike the log off                          the last one: the guard lets the deployment start

What no mirror has is not brought back: answers kept for repeated calls. Envelope keys are in the key database, which
has backups of its own; those that it lacks are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from time import monotonic, sleep
from typing import Any, Final
from uuid import UUID

import psycopg

from application.ledger.records import LedgerRecords, log_stream
from domain.errors import Unavailable
from domain.ledger import LedgerRestored
from infrastructure.database import Database, Roles
from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing.mirror import FolderMirror
from infrastructure.ledger.signing.signer_keys import MEMORY
from infrastructure.ledger.signing.signer_memory import Remembered, read_journal
from infrastructure.ledger.subjects import cartographer
from infrastructure.ledger.tree.intact import header_of
from infrastructure.migrate import PARTS
from infrastructure.recovery.bringing_back import begin, bring_back
from infrastructure.recovery.fencing import fence_again
from infrastructure.recovery.missing import Missing, find_missing, named
from infrastructure.recovery.rebuilding import rebuild
from infrastructure.recovery.waiting import RecoveryRefused
from infrastructure.server.start_faults import DiskFull, StartFault
from infrastructure.store import sequencer
from infrastructure.wall import bound_to

LOCK: Final = 5550917286
OFFICES: Final = (LOCK, sequencer.LOCK, cartographer.LOCK)
ALONE_SECONDS_MAX: Final = 10.0
LOOK_SECONDS: Final = 0.1
SEALS_AT_ONCE: Final = 5_000

OTHERS: Final = (
    "SELECT usename FROM pg_stat_activity WHERE datname = current_database()"
    " AND usename = ANY(%s) AND pid <> pg_backend_pid() LIMIT 1"
)
UNFINISHED: Final = "SELECT tenant_id, found, restored, rebuilt FROM recovery ORDER BY tenant_id"
REBUILT: Final = "UPDATE recovery SET rebuilt = true WHERE tenant_id = %b"
STRIKE_OFF: Final = "DELETE FROM recovery WHERE tenant_id = %b"
HEADERS: Final = (
    "SELECT e.header FROM sequenced s JOIN event e USING (tenant_id, stream_id, stream_version)"
    " WHERE s.tenant_id = %b AND s.position >= %s AND s.position < %s"
)
NO_KEY: Final = (
    "SELECT DISTINCT w.subject, w.class FROM unnest(%b::uuid[], %b::text[], %b::uuid[]) AS w(subject, class, key)"
    " LEFT JOIN subject_key k ON k.tenant_id = %b AND k.subject_id = w.subject AND k.retention_class = w.class"
    " AND k.key_id = w.key WHERE k.key_id IS NULL"
)
Told = Callable[[str], None]
Connection = psycopg.Connection[Any]


class RecoveryBroken(StartFault):
    """The database or the mirror was lost in the middle. Run again, it goes on."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class RestoredLog:
    """A log that got events back. `keys_missing` counts (subject, class) pairs that cannot be opened any more.

    `fences` were put up again in this run: so many (subject, class) pairs are erased that the database held for alive.
    """

    tenant: UUID
    found: int
    restored: int
    keys_missing: int
    fences: int = 0


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a recovery did. `waiting` events are stored, and get their places from the sequencer as usual.

    `checked` is false where no memory of the signer was there to check against.
    """

    events: int
    logs: tuple[RestoredLog, ...]
    waiting: int
    checked: bool


def recover(deployment: Deployment, records: LedgerRecords, told: Told) -> Recovered:
    """Bring back what the database lacks, alone. `told` hears how it goes on.

    Raises RecoveryRefused, RecoveryBroken, DiskFull, MirrorDamaged, MirrorInUse, MemoryDamaged.
    """
    with (
        _in_one_line(),
        FolderMirror(deployment.settings.mirror) as mirror,
        _alone(deployment) as connection,
    ):
        remembered = _remembered(deployment)
        told("comparing the database with the mirror")
        missing = find_missing(connection, mirror, remembered)
        if missing.logs:
            _import(connection, mirror, missing, told)
        unfinished = connection.execute(UNFINISHED.encode(), binary=True).fetchall()
        fences: dict[UUID, int] = {}
        for tenant, _, _, rebuilt in unfinished:
            if not rebuilt:
                told(f"making the current state of {named(tenant)} anew")
                with connection.transaction():
                    rebuild(connection, tenant)
                    fences[tenant] = fence_again(connection, tenant)
                    connection.execute(REBUILT, (tenant,))
        logs = tuple(
            _finish(
                connection,
                deployment,
                records,
                RestoredLog(tenant, found, restored, 0, fences.get(tenant, 0)),
            )
            for tenant, found, restored, _ in unfinished
        )
    return Recovered(missing.events, logs, missing.waiting, remembered is not None)


def _import(connection: Connection, mirror: FolderMirror, missing: Missing, told: Told) -> None:
    told(f"bringing back {missing.events} events of {len(missing.logs)} logs")
    begin(connection, missing)
    done = 0
    for count in bring_back(connection, mirror, missing):
        done += count
        told(f"brought back {done} of {missing.events}")


def _finish(
    connection: Connection, deployment: Deployment, records: LedgerRecords, log: RestoredLog
) -> RestoredLog:
    """Count the keys that are gone, record what happened, and strike the log off."""
    lacking = _keys_missing(connection, deployment, log)
    record_once(records, log.tenant, LedgerRestored(log.found, log.restored))
    with connection.transaction():
        connection.execute(STRIKE_OFF, (log.tenant,))
    return replace(log, keys_missing=lacking)


def record_once(records: LedgerRecords, tenant: UUID, decision: LedgerRestored) -> None:
    """Record a restoration, unless it is there: the same two sizes never come twice, as its own leaf is between."""
    with bound_to(tenant):
        known = records.store.read(tenant, log_stream(tenant))
        if not any(event.decision == decision for event in known):
            records.record(tenant, decision)


def _keys_missing(connection: Connection, deployment: Deployment, log: RestoredLog) -> int:
    lacking: set[tuple[UUID, str]] = set()
    keys = Database(deployment.dsn_of("keys"), size=1)
    try:
        with connection.transaction(), connection.cursor("headers", binary=True) as headers:
            headers.itersize = SEALS_AT_ONCE
            headers.execute(HEADERS.encode(), (log.tenant, log.found, log.restored))
            seals = (
                (UUID(seal["s"]), str(seal["c"]), UUID(seal["k"]))
                for (header,) in headers
                for seal in header_of(header).get("seals", ())
            )
            with bound_to(log.tenant):
                while some := set(islice(seals, SEALS_AT_ONCE)):
                    columns = [list(column) for column in zip(*some, strict=True)]
                    lacking |= {
                        (row[0], row[1]) for row in keys.rows(NO_KEY, (*columns, log.tenant))
                    }
    finally:
        keys.close()
    return len(lacking)


def _remembered(deployment: Deployment) -> dict[str, Remembered] | None:
    memory = deployment.settings.signer / MEMORY
    return read_journal(memory.read_bytes(), memory) if memory.exists() else None


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Turn what a library says of a failure into a line of ours."""
    try:
        yield
    except psycopg.errors.DiskFull:
        raise DiskFull("no space is left for the database: make room, and run it again") from None
    except psycopg.IntegrityError as error:
        raise RecoveryRefused(
            f"the mirror contradicts the database: {error.diag.constraint_name} of"
            f" {error.diag.table_name} leaves no room for an event of it"
        ) from None
    except (psycopg.OperationalError, psycopg.InterfaceError, Unavailable):
        raise RecoveryBroken(
            "the database was lost while it was brought back: run it again, it goes on from there"
        ) from None
    except OSError as error:
        raise RecoveryBroken(f"the mirror cannot be read: {error.strerror or error}") from None


@contextmanager
def _alone(deployment: Deployment) -> Iterator[Connection]:
    """The restorer's connection, while nobody else works on the database. Raises RecoveryRefused."""
    with psycopg.connect(
        deployment.dsn_of("restorer"), autocommit=True, options="-c jit=off -c timezone=UTC"
    ) as connection:
        for office in OFFICES:
            _await(connection, "SELECT pg_try_advisory_lock(%s)", (office,), (True,))
        roles = Roles(str(connection.info.dbname))
        others = [roles.name(part) for part in PARTS["main"] if part != "keeper"]
        _await(connection, OTHERS, (others,), None)
        yield connection


def _await(
    connection: Connection, statement: str, values: tuple[object, ...], wanted: object
) -> None:
    """Ask until the answer is the one wanted; who was killed takes a moment to be gone."""
    deadline = monotonic() + ALONE_SECONDS_MAX
    while connection.execute(statement.encode(), values).fetchone() != wanted:
        if monotonic() > deadline:
            raise RecoveryRefused(
                "others work on this database: stop them first, nothing may change while it is brought back"
            )
        sleep(LOOK_SECONDS)
