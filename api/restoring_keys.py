"""`daybook restore-keys`: a key backup takes the place of a key database that was lost, or is of a dead epoch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from api.process.data_folder import DataFolder
from domain.errors import Unavailable
from infrastructure.deployment import Deployment
from infrastructure.keys.key_backup import BackupRefused, restore_key_backup
from infrastructure.server.local_postgres import LocalPostgres
from infrastructure.server.start_faults import StartFault
from infrastructure.settings import Settings

NEXT: Final = "`daybook up` destroys again what it brings back of people who are erased"


class KeysNotRestored(StartFault):
    """The backup cannot be put back; nothing was changed."""


def run_restore_keys(settings: Settings, backup: Path) -> dict[str, object]:
    """Put a key backup back while nothing runs; what was done. One transaction: killed, it changed nothing.

    Refuses: FolderInUse (an `up` runs), DeploymentRefused, KeysNotRestored (see `restore_key_backup`).
    """
    with DataFolder(settings.data), _server(settings) as dsn:
        deployment = Deployment.locate(settings, dsn)
        deployment.migrate_keys()
        try:
            epoch = restore_key_backup(backup, deployment.keys, deployment.epoch_keys())
        except BackupRefused as refused:
            raise KeysNotRestored(str(refused)) from refused
        except Unavailable as away:
            raise KeysNotRestored(away.detail) from away
    return {"backup": backup.name, "epoch": epoch}


@contextmanager
def _server(settings: Settings) -> Iterator[str | None]:
    """The embedded server, where the deployment has one; it does not run without an `up`."""
    if settings.database_url:
        yield None
        return
    with LocalPostgres(settings.data) as server:
        yield server.dsn()
