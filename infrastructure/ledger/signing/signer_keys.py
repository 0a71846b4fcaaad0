"""The signer's keys: one seed, and keys of its own for each log.

A log's keys are HKDF-SHA-256 (RFC 5869) over the seed with the log's origin, so that a new log needs no new secret to
be kept, and no key ever signs for two logs or in two ways. While two seeds are active (a rotation), both sign:
verifiers pass over keys that they do not know.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from infrastructure.ledger.signed import mldsa
from infrastructure.ledger.signed.notes import Note, Signature, VerifierKey, sign, verifier_key
from infrastructure.ledger.signing.signer_memory import MemoryDamaged, SignerMemory, write_whole
from infrastructure.ledger.signing.signer_seeds import SEED_BYTES, Seed, SeedFolder, SeedRefused

KEYS_KEPT_MAX: Final = 10_000
# An ML-DSA-44 key takes 22 KB ready to sign, and a seventh of a millisecond to be made again.
LATTICE_KEYS_KEPT_MAX: Final = 1_000
MEMORY: Final = "memory.journal"

__all__ = ["MEMORY", "SEED_BYTES", "LogKeys", "SeedRefused", "SignerKeys", "keys_of"]


@dataclass(frozen=True, slots=True)
class LogKeys:
    """One seed's keys for one log: Ed25519, and ML-DSA-44 where that is switched on and the origin fits."""

    origin: str
    plain: Ed25519PrivateKey
    lattice: MLDSA44PrivateKey | None

    def verifier_keys(self) -> list[VerifierKey]:
        """The public halves."""
        found = [verifier_key(self.origin, self.plain)]
        if self.lattice is not None:
            public = self.lattice.public_key().public_bytes_raw()
            found.append(VerifierKey(self.origin, mldsa.MLDSA44, public))
        return found

    def sign(self, text: str, *, checkpoint: bool) -> tuple[Signature, ...]:
        """Sign a text; with ML-DSA-44 only a checkpoint can be signed."""
        (line,) = sign(text, self.origin, self.plain).signatures
        if self.lattice is None or not checkpoint:
            return (line,)
        signature = mldsa.sign_checkpoint(text, self.origin, self.lattice)
        key = self.verifier_keys()[-1]
        return (line, Signature(self.origin, key.id, signature))


class SignerKeys:
    """The keys in a folder. Readable by the signer, and by the operator's verbs that print public keys.

    Seeds that are added or taken away meanwhile are seen at the next `refresh`. `lattice` adds ML-DSA-44 keys.
    """

    def __init__(self, folder: Path, *, lattice: bool = False) -> None:
        self.folder = folder
        self._seeds = SeedFolder(folder)
        self._lattice = lattice
        self._names: tuple[str, ...] = ()
        self._active: Sequence[Seed] = ()
        self._known: dict[str, tuple[LogKeys, ...]] = {}

    def prepare(self) -> None:
        """Make the first seed, and the memory that belongs to it. Raises MemoryDamaged, SeedRefused.

        The memory is made first: a seed without a memory has forgotten what it signed.
        """
        memory = self.folder / MEMORY
        begun = self.folder.exists() and bool(self._seeds.names())
        if begun and not memory.exists():
            raise MemoryDamaged(
                f"{memory} is gone: a signer that forgot what it signed must be retired, not restarted"
            )
        SignerMemory.begin(memory)
        if not begun:
            write_whole(self.folder / "seed-1.key", os.urandom(SEED_BYTES))
        self.refresh()

    def refresh(self) -> None:
        """Look for seeds that came or went. Raises SeedRefused, OSError."""
        names = self._seeds.names()
        if names != self._names or not self._active:
            self._active = self._seeds.active()
            self._names = names
            self._known.clear()

    def verifier_keys(self, origin: str) -> list[VerifierKey]:
        """The public keys of a log, the oldest first."""
        return [key for each in self._keys(origin) for key in each.verifier_keys()]

    def sign(self, text: str, origin: str, *, checkpoint: bool = False) -> Note:
        """Sign with every key of the log that can."""
        signed = [each.sign(text, checkpoint=checkpoint) for each in self._keys(origin)]
        return Note(text, tuple(line for lines in signed for line in lines))

    def _keys(self, origin: str) -> Sequence[LogKeys]:
        found = self._known.get(origin)
        if found is None:
            if not self._active:
                self.refresh()
            if len(self._known) >= (LATTICE_KEYS_KEPT_MAX if self._lattice else KEYS_KEPT_MAX):
                self._known.clear()
            found = tuple(keys_of(each.secret, origin, self._lattice) for each in self._active)
            self._known[origin] = found
        return found


def keys_of(seed: bytes, origin: str, lattice: bool) -> LogKeys:
    """The keys that a seed has for one log."""
    plain = Ed25519PrivateKey.from_private_bytes(derived(seed, "log-key", origin))
    if not lattice or not mldsa.can_sign(origin):
        return LogKeys(origin, plain, None)
    secret = derived(seed, "log-key-mldsa44", origin)
    return LogKeys(origin, plain, MLDSA44PrivateKey.from_seed_bytes(secret))


def derived(seed: bytes, role: str, origin: str) -> bytes:
    """The secret of one role for one log: never the same for two."""
    info = f"daybook/{role}/v1\n{origin}".encode()
    return HKDF(algorithm=SHA256(), length=SEED_BYTES, salt=None, info=info).derive(seed)
