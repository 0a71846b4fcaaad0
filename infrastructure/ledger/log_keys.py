"""The public key of a log, for whoever hands it to auditors."""

from __future__ import annotations

from domain.errors import Unavailable
from infrastructure.ledger.signer_keys import SignerKeys
from infrastructure.ledger.signer_socket import SignerClient
from infrastructure.settings import Settings


def log_vkey(settings: Settings, origin: str) -> str:
    """The newest C2SP verifier key of a log: from the signer, else from its folder, where it is not running.

    Raises MemoryDamaged, SeedRefused, OSError (the folder is the signer's alone, and it is not running).
    """
    client = SignerClient(settings.signer_socket)
    try:
        return client.verifier_keys(origin)[-1]
    except Unavailable:
        keys = SignerKeys(settings.signer)
        keys.prepare()
        return keys.verifier_keys(origin)[-1].text()
    finally:
        client.close()
