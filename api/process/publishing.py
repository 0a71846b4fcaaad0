"""The publisher's process: mirrors, has the signer sign, publishes checkpoints."""

from __future__ import annotations

import logging
from typing import Final

from api.process.lifeline import say_ready, watch_supervisor
from api.process.loops import RETRY_SECONDS, Stop, persistently
from infrastructure.clock import SystemClock
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing.mirror import FolderMirror
from infrastructure.ledger.publishing.origins import Origins
from infrastructure.ledger.publishing.publisher import Publisher
from infrastructure.ledger.signing.signer_socket import SignerClient

TICK_SECONDS: Final = 0.2
# Soon after something came there is more to come: a tick takes what has gathered.
GATHER_SECONDS: Final = 0.05

log = logging.getLogger("daybook.publisher")


def publish(deployment: Deployment) -> int:
    """Run the publisher until told to stop."""
    watch_supervisor()
    stop = Stop()
    stop.listen()
    database = Database(deployment.dsn_of("publisher"), size=1, walled=False)
    settings = deployment.settings
    with FolderMirror(settings.mirror) as mirror:
        publisher = Publisher(
            database=database,
            mirror=mirror,
            signer=SignerClient(settings.signer_socket),
            origins=Origins(database),
            clock=SystemClock(),
        )
        persistently(stop, "publisher", lambda: publish_while_connected(stop, publisher))
    database.close()
    return 0


def publish_while_connected(stop: Stop, publisher: Publisher) -> None:
    """Publish until the database or the signer is lost, or we are told to stop.

    While the mirror takes nothing (its disk is full, say), nothing is signed, and it is tried again.
    """
    publisher.open()
    say_ready()
    takes = True
    while not stop.asked():
        try:
            pause = GATHER_SECONDS if publisher.tick() else TICK_SECONDS
            takes = True
        except OSError as error:
            if takes:
                log.error("the mirror takes nothing, so nothing is signed: %s", error.strerror)
            takes, pause = False, RETRY_SECONDS
        stop.wait(pause)
