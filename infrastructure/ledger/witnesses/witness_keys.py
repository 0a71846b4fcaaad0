"""A witness's seed and memory: a pair that is never parted, and never the keys of a log.

The two keys of a witness (Ed25519, ML-DSA-44) are HKDF-SHA-256 over its seed. A seed whose memory is gone has
forgotten what it cosigned, and is of no use any more.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from infrastructure.canonical import sha256
from infrastructure.ledger.signed.cosignatures import Cosigner
from infrastructure.ledger.signed.notes import good_name
from infrastructure.ledger.signing.signer_keys import SEED_BYTES, SeedRefused
from infrastructure.ledger.signing.signer_memory import MemoryDamaged, SignerMemory, write_whole

DEFAULT_NAME: Final = "daybook.local/witness/"
NAME_CHARACTERS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class WitnessKeys:
    """The files of a witness. `name` is what its key is called; None: a name made of the key."""

    seed: Path
    memory: Path
    name: str | None = None

    @classmethod
    def in_folder(cls, folder: Path, name: str | None) -> WitnessKeys:
        """Those of a deployment."""
        return cls(folder / "seed.key", folder / "memory.journal", name)

    def prepare(self) -> None:
        """Make both files, if neither is there. Raises MemoryDamaged, OSError."""
        if self.seed.exists() and not self.memory.exists():
            raise MemoryDamaged(
                f"{self.memory} is gone: a witness that forgot what it cosigned must be retired, not restarted"
            )
        SignerMemory.begin(self.memory)
        if not self.seed.exists():
            write_whole(self.seed, os.urandom(SEED_BYTES))

    def cosigner(self) -> Cosigner:
        """The keys. Raises SeedRefused, OSError."""
        seed = self.seed.read_bytes()
        if len(seed) != SEED_BYTES:
            raise SeedRefused(f"there is no whole seed in {self.seed}")
        classic = Ed25519PrivateKey.from_private_bytes(_derived(seed, b"ed25519"))
        quantum = MLDSA44PrivateKey.from_seed_bytes(_derived(seed, b"ml-dsa-44"))
        public = classic.public_key().public_bytes_raw()
        name = self.name or DEFAULT_NAME + sha256(public)[:4].hex()
        if not good_name(name) or len(name) > NAME_CHARACTERS_MAX:
            raise SeedRefused("a witness's name is short, and has no spaces and no plus")
        return Cosigner(name, classic, quantum)


def _derived(seed: bytes, kind: bytes) -> bytes:
    info = b"daybook/witness-key/v1\n" + kind
    return HKDF(algorithm=SHA256(), length=SEED_BYTES, salt=None, info=info).derive(seed)
