"""The cosigner's process: has the witnesses of the policy cosign what the publisher published."""

from __future__ import annotations

import logging
from typing import Final

from api.process.lifeline import say_ready, watch_supervisor
from api.process.loops import Stop, persistently
from infrastructure.clock import SystemClock
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.ledger.witnesses.cosigner import Cosigner
from infrastructure.ledger.witnesses.witness_policy import load_policy
from infrastructure.settings import SettingRefused

CONNECTIONS_MAX: Final = 8


def cosign(deployment: Deployment) -> int:
    """Run the cosigner until told to stop. Refuses: SettingRefused, PolicyRefused."""
    watch_supervisor()
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    path = deployment.settings.witness_policy
    if path is None:
        raise SettingRefused("no witness policy is configured: there is nobody to ask")
    policy = load_policy(path)
    stop = Stop()
    stop.listen()
    size = min(CONNECTIONS_MAX, len(policy.witnesses) + 1)
    database = Database(deployment.dsn_of("publisher"), size=size, walled=False)
    cosigner = Cosigner(database, policy, SystemClock())
    seconds = deployment.settings.witness_seconds
    persistently(stop, "cosigner", lambda: cosign_while_connected(stop, cosigner, seconds))
    database.close()
    return 0


def cosign_while_connected(stop: Stop, cosigner: Cosigner, seconds: float) -> None:
    """A round every so many seconds, until the database is lost or we are told to stop."""
    database = cosigner.database
    database.rows("SELECT 1")
    say_ready()
    while not stop.asked():
        cosigner.round()
        stop.wait(seconds)
