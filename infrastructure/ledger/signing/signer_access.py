"""The signer, for the operator's verbs: the one that runs, else one of our own on its folder, under its lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from domain.errors import Unavailable
from infrastructure.ledger.signed.notes import VerifierKey
from infrastructure.ledger.signing.signer import Refused, Signed, Signer, SignRequest
from infrastructure.ledger.signing.signer_keys import MEMORY, SignerKeys
from infrastructure.ledger.signing.signer_memory import SignerMemory
from infrastructure.ledger.signing.signer_socket import SignerClient
from infrastructure.settings import Settings


class AnySigner(Protocol):
    """What a signer does, wherever it is. Raises Unavailable when it cannot be asked any more."""

    def sign(self, requests: Sequence[SignRequest]) -> list[Signed | Refused]:
        """See Signer."""
        ...

    def objection(self, request: SignRequest) -> Refused | None:
        """See Signer."""
        ...

    def freeze(self, origin: str, reason: str) -> None:
        """See Signer."""
        ...

    def frozen(self, origin: str) -> str | None:
        """See Signer."""
        ...

    def size(self, origin: str) -> int:
        """See Signer."""
        ...

    def verifier_keys(self, origin: str) -> list[str]:
        """See Signer."""
        ...


@contextmanager
def signer_of(settings: Settings) -> Iterator[tuple[AnySigner, bool]]:
    """The signer, and whether it is the running one.

    Raises MemoryInUse (somebody else works on it just now), MemoryDamaged, MemoryUnwritable, SeedRefused.
    """
    client = SignerClient(settings.signer_socket)
    try:
        client.sizes([])
    except Unavailable:
        keys = SignerKeys(settings.signer, lattice=settings.mldsa)
        keys.prepare()
        with SignerMemory(settings.signer / MEMORY) as memory:
            yield Signer(keys, memory), False
    else:
        yield client, True
    finally:
        client.close()


def uses_lattice(settings: Settings, signer: AnySigner) -> bool:
    """True when the signer signs with ML-DSA-44 too, or is to when it is started."""
    shown = [VerifierKey.parse(text) for text in signer.verifier_keys("daybook")]
    return settings.mldsa or len({key.kind for key in shown}) > 1
