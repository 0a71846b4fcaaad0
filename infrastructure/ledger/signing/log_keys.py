"""The public key of a log, for whoever hands it to auditors."""

from __future__ import annotations

from collections.abc import Sequence

from domain.errors import Unavailable
from infrastructure.ledger.signed.notes import ED25519, VerifierKey
from infrastructure.ledger.signing.signer_keys import SignerKeys
from infrastructure.ledger.signing.signer_socket import SignerClient
from infrastructure.settings import Settings


def log_vkey(settings: Settings, origin: str) -> str:
    """The newest C2SP verifier key of a log that is Ed25519, and signs. Raises as `log_vkeys` does."""
    return newest(log_vkeys(settings, origin)).text()


def newest(keys: Sequence[VerifierKey]) -> VerifierKey:
    """The newest Ed25519 key of those that sign for a log."""
    return [key for key in keys if key.kind == ED25519][-1]


def log_vkeys(settings: Settings, origin: str) -> Sequence[VerifierKey]:
    """All keys that sign for a log, the oldest first: from the signer, else from its folder, where it does not run.

    Raises MemoryDamaged, SeedRefused, OSError (the folder is the signer's alone, and it is not running).
    """
    client = SignerClient(settings.signer_socket)
    try:
        return [VerifierKey.parse(text) for text in client.verifier_keys(origin)]
    except Unavailable:
        keys = SignerKeys(settings.signer, lattice=settings.mldsa)
        keys.prepare()
        return keys.verifier_keys(origin)
    finally:
        client.close()
