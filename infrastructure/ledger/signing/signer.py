"""The signer: signs a tree only if it extends the last one that it signed. README D8.

It is the first witness of every log. What it remembers is its own, not the database's: whoever rewrites the database
gets no signature for it, because no consistency proof leads there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from infrastructure.canonical import b64, sha256
from infrastructure.ledger.signed.checkpoints import TreeHead
from infrastructure.ledger.signed.notes import good_name
from infrastructure.ledger.signing.signer_keys import SignerKeys
from infrastructure.ledger.signing.signer_memory import Remembered, SignerMemory
from infrastructure.ledger.tree.merkle import HASH_SIZE, verify_consistency

ORIGIN_CHARACTERS_MAX: Final = 512
SIZE_MAX: Final = 2**63 - 1
PROOF_HASHES_MAX: Final = 64

Reason = Literal["inconsistent", "smaller", "behind", "frozen", "malformed"]


@dataclass(frozen=True, slots=True)
class SignRequest:
    """Sign the tree of `size` with `root`; `proof` leads there from `old_size` (RFC 6962; empty from 0)."""

    origin: str
    old_size: int
    size: int
    root: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed checkpoint."""

    size: int
    root: bytes
    note: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Not signed; `size` is that of the last tree that was. Reasons:

    behind        `old_size` is not the size that is remembered: ask again, from there
    smaller       the tree is smaller than what was signed: the database lost events
    inconsistent  the tree does not extend what was signed: the database was rewritten
    frozen        nothing is signed for this log any more
    malformed     not a request
    """

    reason: Reason
    size: int = 0


class Signer:
    """Signs for the logs that it remembers, and for new ones."""

    def __init__(self, keys: SignerKeys, memory: SignerMemory) -> None:
        self._keys = keys
        self._memory = memory

    def sign(self, requests: Sequence[SignRequest]) -> list[Signed | Refused]:
        """An answer for each request; what is signed is remembered first. Raises OSError, and then nothing is.

        Raises SeedRefused: there is no seed any more.
        """
        self._keys.refresh()
        refusals: dict[int, Refused] = {}
        accepted: dict[str, Remembered] = {}
        for at, request in enumerate(requests):
            reason = self._refusal(request, accepted)
            if reason is None:
                accepted[request.origin] = Remembered(request.size, request.root)
            else:
                refusals[at] = reason
        self._memory.remember(accepted)
        return [refusals.get(at) or self._signed(one) for at, one in enumerate(requests)]

    def attest(self, origin: str, manifest: bytes) -> str:
        """Sign a bundle's manifest as made by this log (docs/ledger.md, "Bundles")."""
        self._keys.refresh()
        return self._keys.sign(
            f"daybook/manifest/v1\n{origin}\n{b64(sha256(manifest))}\n", origin
        ).whole()

    def freeze(self, origin: str, reason: str) -> None:
        """Sign no other tree of a log, ever: its key is compromised, or its history is in doubt.

        Copies of it can still be attested: they say no more than its last checkpoint does.
        A second time changes nothing, not even the reason. Raises OSError.
        """
        known = self._memory.known(origin) or Remembered(0, bytes(HASH_SIZE))
        if known.frozen is not None:
            return
        self._memory.remember({origin: Remembered(known.size, known.root, reason)})

    def size(self, origin: str) -> int:
        """The size of the last tree of a log that was signed; 0 for none."""
        known = self._memory.known(origin)
        return known.size if known else 0

    def frozen(self, origin: str) -> str | None:
        """Why nothing is signed for a log any more; None where it still is."""
        known = self._memory.known(origin)
        return known.frozen if known else None

    def objection(self, request: SignRequest) -> Refused | None:
        """Why a request would be refused; None where it would be signed. Signs nothing."""
        return self._refusal(request, {})

    def verifier_keys(self, origin: str) -> list[str]:
        """The public keys of a log, as C2SP verifier keys, the oldest first."""
        self._keys.refresh()
        return [key.text() for key in self._keys.verifier_keys(origin)]

    def _refusal(self, it: SignRequest, accepted: dict[str, Remembered]) -> Refused | None:
        known = accepted.get(it.origin) or self._memory.known(it.origin)
        size = known.size if known else 0
        if not well_formed(it):
            return Refused("malformed", size)
        if known is None:
            return None if it.old_size == 0 and not it.proof else Refused("behind", 0)
        if known.frozen is not None:
            return Refused("frozen", size)
        if it.size < size:
            return Refused("smaller", size)
        if it.old_size != size:
            return Refused("behind", size)
        if not verify_consistency(size, known.root, it.size, it.root, it.proof):
            return Refused("inconsistent", size)
        return None

    def _signed(self, it: SignRequest) -> Signed:
        text = TreeHead(it.origin, it.size, it.root).text()
        note = self._keys.sign(text, it.origin, checkpoint=True)
        return Signed(it.size, it.root, note.whole())


def well_formed(it: SignRequest) -> bool:
    """True for what can be a request at all."""
    return (
        good_name(it.origin)
        and len(it.origin) <= ORIGIN_CHARACTERS_MAX
        and 0 <= it.old_size <= it.size <= SIZE_MAX
        and it.size > 0
        and len(it.proof) <= PROOF_HASHES_MAX
        and all(len(each) == HASH_SIZE for each in (it.root, *it.proof))
    )
