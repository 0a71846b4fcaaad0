"""The fork guard: at start, the database is held against what the mirror and the signer remember. README D8.

A database that was restored from a backup has less than they do. If it went on, it would give positions a second time,
and no signature would ever be had for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final
from uuid import UUID

from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing.mirror import FolderMirror, MirroredEvent
from infrastructure.ledger.publishing.origins import Origins
from infrastructure.ledger.signing.signer_keys import MEMORY
from infrastructure.ledger.signing.signer_memory import Remembered, read_journal
from infrastructure.ledger.tree import merkle
from infrastructure.ledger.tree.stored_tree import StoredTree
from infrastructure.ledger.tree.tile_writer import TreeDamaged
from infrastructure.server.start_faults import StartFault

LOGS_AT_ONCE: Final = 500
EVENT: Final = "SELECT event_id FROM sequenced WHERE sequence = %s"
HEADS: Final = "SELECT tenant_id, size FROM ledger_head ORDER BY tenant_id"


class Behind(StartFault):
    """The database has less than the mirror or the signer: it was restored. Nothing may be served from it."""

    exit_code = 1


class Unfinished(Behind):
    """What the database lacked is being brought back, and not all of it is done."""


class Rewritten(StartFault):
    """The database has something else than the mirror or the signer: it was changed by hand."""

    exit_code = 1


def compare(deployment: Deployment) -> None:
    """Hold the database against mirror and signer. Raises Behind, Rewritten, MirrorDamaged, MemoryDamaged."""
    require_finished(deployment)
    database = Database(deployment.dsn_of("publisher"), size=1, walled=False)
    try:
        with FolderMirror(deployment.settings.mirror) as mirror:
            compare_with_mirror(database, mirror.last())
        memory = deployment.settings.signer / MEMORY
        if memory.exists():
            compare_with_signer(database, read_journal(memory.read_bytes(), memory))
    finally:
        database.close()


def require_finished(deployment: Deployment) -> None:
    """No recovery may stand half done. Raises Unfinished."""
    database = Database(deployment.dsn_of("keeper"), size=1, walled=False)
    try:
        if database.rows("SELECT 1 FROM recovery LIMIT 1"):
            raise Unfinished(
                "the database is being brought back from the mirror: run 'daybook recover'"
            )
    finally:
        database.close()


def compare_with_mirror(database: Database, last: MirroredEvent | None) -> None:
    """The last event of the mirror must stand where it stood. Raises Behind, Rewritten."""
    if last is None:
        return
    found = database.row(EVENT, (last.sequence,))
    if found is None:
        reached = database.row("SELECT sequence FROM sequencer_head")
        raise Behind(
            f"the database ends at event {reached[0] if reached else 0} and the mirror at {last.sequence}:"
            " it was restored from a backup, and must not go on from there"
        )
    if found[0] != last.event_id:
        raise Rewritten(
            f"event {last.sequence} is not the one that the mirror has: the database was changed by hand"
        )


def compare_with_signer(database: Database, remembered: Mapping[str, Remembered]) -> None:
    """Every log must extend what was signed for it. Raises Behind, Rewritten."""
    heads: dict[UUID, int] = dict(database.rows(HEADS))
    origins = Origins(database).of(list(heads))
    for origin in remembered.keys() - set(origins.values()):
        raise Behind(f"the database has no log {origin}, which the signer signed for")
    due = iter(
        (tenant, heads[tenant], remembered.get(origin)) for tenant, origin in origins.items()
    )
    while batch := list(islice(due, LOGS_AT_ONCE)):
        _compare_some(
            database,
            {tenant: (size, tree) for tenant, size, tree in batch if tree is not None},
            origins,
        )


def _compare_some(
    database: Database, logs: Mapping[UUID, tuple[int, Remembered]], origins: Mapping[UUID, str]
) -> None:
    for tenant, (size, tree) in logs.items():
        if size < tree.size:
            raise Behind(
                f"log {origins[tenant]} has {size} events, and the signer signed {tree.size}:"
                " the database was restored from a backup, and must not go on from there"
            )
    stored = StoredTree(database.rows)
    wanted = [(tenant, tree.size, size) for tenant, (size, tree) in logs.items() if tree.size]
    try:
        for tenant, reader in stored.prefetched(wanted).items():
            tree = logs[tenant][1]
            if merkle.root(tree.size, reader) != tree.root:
                raise Rewritten(
                    f"log {origins[tenant]} is not the one that was signed at size {tree.size}:"
                    " the database was changed by hand"
                )
    except TreeDamaged as damage:
        raise Rewritten(str(damage)) from None
