"""A log that asks a witness, and witnesses that live in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infrastructure.ledger.signed.checkpoints import TreeHead
from infrastructure.ledger.signed.notes import Note, VerifierKey, sign, verifier_key
from infrastructure.ledger.signing.signer_memory import SignerMemory
from infrastructure.ledger.witnesses.witness import Witness
from infrastructure.ledger.witnesses.witness_keys import WitnessKeys
from infrastructure.ledger.witnesses.witness_request import AddCheckpoint
from tests.ledger.naive_trees import NaiveTree

ORIGIN = "log.example/one"


@dataclass
class Log:
    """A log of which any size may be shown, and any lie told."""

    origin: str = ORIGIN
    tree: NaiveTree = field(default_factory=lambda: NaiveTree(300))
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def vkey(self) -> VerifierKey:
        return verifier_key(self.origin, self.key)

    def note(self, size: int, more: str = "") -> Note:
        """The signed checkpoint of a size; `more` are extension lines."""
        text = TreeHead(self.origin, size, self.tree.root(size)).text() + more
        return sign(text, self.origin, self.key)

    def asks(self, old: int, size: int) -> bytes:
        """The body of `add-checkpoint`."""
        proof = self.tree.proof(old, 0, size) if 0 < old < size else []
        head = TreeHead(self.origin, size, self.tree.root(size))
        return AddCheckpoint(old, tuple(proof), self.note(size), head).text().encode()

    def rewritten(self, at: int = 3) -> Log:
        """The same log with the same key, one leaf changed."""
        other = NaiveTree(len(self.tree.leaves))
        other.leaves[at] = bytes(32)
        return Log(self.origin, other, self.key)


@dataclass
class Stopped:
    """A clock that stands."""

    at: datetime = datetime(2027, 1, 4, 8, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> int:
        return int(self.at.timestamp())

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


def trusted(*logs: Log) -> Mapping[str, list[VerifierKey]]:
    return {log.origin: [log.vkey] for log in logs}


@contextmanager
def witness_in(folder: Path, clock: Stopped | None = None) -> Iterator[Witness]:
    """The witness that lives in a folder; made if there is none."""
    keys = WitnessKeys.in_folder(folder, "witness.example/w1")
    keys.prepare()
    with SignerMemory(keys.memory) as memory:
        yield Witness(keys.cosigner(), memory, clock or Stopped(), folder / "notes")
