"""`daybook backup-keys`: one file with the key database alone, under its present epoch."""

from __future__ import annotations

from pathlib import Path

from domain.errors import Unavailable, Unreadable
from infrastructure.clock import SystemClock, SystemIds
from infrastructure.deployment import Deployment
from infrastructure.keys.key_backup import BackupFile
from infrastructure.keys.shredding import PostgresKeyShredder
from infrastructure.keys.timed_backup import BackupExists
from infrastructure.server.start_faults import StartFault


class KeysNotBackedUp(StartFault):
    """No backup was made; nothing was changed."""


def run_backup_keys(deployment: Deployment, out: Path | None) -> dict[str, object]:
    """Back the key database up to `out`, or into the folder of key backups; beside a running `up`, too.

    Refuses: KeysNotBackedUp (there is such a file; a place is away; the backup does not open).
    """
    keys = deployment.epoch_keys()
    dsn, folder = deployment.dsn_of("shredder"), deployment.settings.key_backups
    shredder = PostgresKeyShredder(dsn, keys, folder, SystemIds())
    try:
        made = shredder.back_up(SystemClock().now(), out.expanduser().resolve() if out else None)
    except BackupExists as refused:
        raise KeysNotBackedUp(str(refused)) from refused
    except (Unavailable, Unreadable) as error:
        raise KeysNotBackedUp(error.detail) from error
    return {"backup": str(made), "epoch": BackupFile(made).epoch, "bytes": made.stat().st_size}
