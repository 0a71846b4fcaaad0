"""The worker's key backups: by the hour, or as the settings say."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from api.process.loops import Stop
from domain.errors import Unavailable, Unreadable
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.keys.timed_backup import BackupExists

LOOK_SECONDS: Final = 30.0

log = logging.getLogger("daybook.key_backups")


def back_up_in_turns(stop: Stop, deployment: Deployment, engine: Engine) -> None:
    """Back the key database up when it is due, until told to stop; what cannot be done is said, and tried again."""
    settings = deployment.settings
    every = timedelta(minutes=settings.key_backup_minutes)
    while not stop.asked():
        try:
            engine.shredder.back_up_when_due(engine.clock.now(), every, settings.key_backups_kept)
        except (Unavailable, Unreadable, BackupExists) as error:
            log.error("the key database was not backed up: %s", type(error).__name__)
        stop.wait(LOOK_SECONDS)
