"""The signer's keys: one seed, and a key of its own for each log.

A log's Ed25519 key is HKDF-SHA-256 (RFC 5869) over the seed with the log's origin, so that a new log needs no new
secret to be kept, and no key ever signs for two logs. While two seeds are there (a rotation), both sign: verifiers
pass over keys that they do not know.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from infrastructure.ledger.notes import Note, VerifierKey, sign, verifier_key
from infrastructure.ledger.signer_memory import MemoryDamaged, SignerMemory, write_whole
from infrastructure.server.start_faults import StartFault

SEED_BYTES: Final = 32
KEYS_KEPT_MAX: Final = 10_000
MEMORY: Final = "memory.journal"


class SeedRefused(StartFault):
    """A seed is not what the signer can work with."""


class SignerKeys:
    """The keys in a folder. Readable by the signer, and by the operator's verbs that print public keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, tuple[Ed25519PrivateKey, ...]] = {}

    def prepare(self) -> None:
        """Make the first seed, and the memory that belongs to it. Raises MemoryDamaged, SeedRefused.

        The memory is made first: a seed without a memory has forgotten what it signed.
        """
        memory = self.folder / MEMORY
        if self._seed_files() and not memory.exists():
            raise MemoryDamaged(
                f"{memory} is gone: a signer that forgot what it signed must be retired, not restarted"
            )
        SignerMemory.begin(memory)
        if not self._seed_files():
            write_whole(self.folder / "seed-1.key", os.urandom(SEED_BYTES))

    def verifier_keys(self, origin: str) -> list[VerifierKey]:
        """The public keys of a log, the oldest first."""
        return [verifier_key(origin, key) for key in self._keys(origin)]

    def sign(self, text: str, origin: str) -> Note:
        """Sign with every key of the log."""
        signed = [sign(text, origin, key) for key in self._keys(origin)]
        return Note(text, tuple(line for one in signed for line in one.signatures))

    def _keys(self, origin: str) -> Sequence[Ed25519PrivateKey]:
        found = self._known.get(origin)
        if found is None:
            if len(self._known) >= KEYS_KEPT_MAX:
                self._known.clear()
            found = tuple(derived(seed, origin) for seed in self._seeds())
            self._known[origin] = found
        return found

    def _seed_files(self) -> list[Path]:
        files = self.folder.glob("seed-*.key")
        return sorted(files, key=lambda file: int(file.stem.removeprefix("seed-")))

    def _seeds(self) -> list[bytes]:
        seeds = [file.read_bytes() for file in self._seed_files()]
        if not seeds or any(len(seed) != SEED_BYTES for seed in seeds):
            raise SeedRefused(f"there is no whole seed in {self.folder}")
        return seeds


def derived(seed: bytes, origin: str) -> Ed25519PrivateKey:
    """The key of one log."""
    info = b"daybook/log-key/v1\n" + origin.encode()
    secret = HKDF(algorithm=SHA256(), length=SEED_BYTES, salt=None, info=info).derive(seed)
    return Ed25519PrivateKey.from_private_bytes(secret)
