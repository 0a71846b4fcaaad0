"""The signer's process: its keys and its memory, behind a socket. It never sees the database."""

from __future__ import annotations

from api.process.lifeline import say_ready, watch_supervisor
from api.process.loops import Stop
from infrastructure.ledger.signer import Signer
from infrastructure.ledger.signer_keys import MEMORY, SignerKeys
from infrastructure.ledger.signer_memory import SignerMemory
from infrastructure.ledger.signer_socket import SignerServer
from infrastructure.settings import Settings


def sign(settings: Settings) -> int:
    """Run the signer until told to stop."""
    watch_supervisor()
    stop = Stop()
    stop.listen()
    keys = SignerKeys(settings.signer, lattice=settings.mldsa)
    keys.prepare()
    with SignerMemory(settings.signer / MEMORY) as memory:
        SignerServer(Signer(keys, memory), settings.signer_socket).serve(stop.asked, say_ready)
    return 0
