"""The signer's process: its keys and its memory, and the witness's, behind a socket. It never sees the database."""

from __future__ import annotations

from api.process.lifeline import say_ready, watch_supervisor
from api.process.loops import Stop
from infrastructure.clock import SystemClock
from infrastructure.ledger.signing.signer import Signer
from infrastructure.ledger.signing.signer_keys import MEMORY, SignerKeys
from infrastructure.ledger.signing.signer_memory import SignerMemory
from infrastructure.ledger.signing.signer_socket import SignerServer
from infrastructure.ledger.witnesses.witness_desk import WitnessDesk
from infrastructure.settings import Settings


def sign(settings: Settings) -> int:
    """Run the signer until told to stop."""
    watch_supervisor()
    stop = Stop()
    stop.listen()
    keys = SignerKeys(settings.signer, lattice=settings.mldsa)
    keys.prepare()
    desk = WitnessDesk(settings, SystemClock())
    with SignerMemory(settings.signer / MEMORY) as memory:
        server = SignerServer(Signer(keys, memory), settings.signer_socket, desk)
        server.serve(stop.asked, say_ready)
    desk.close()
    return 0
