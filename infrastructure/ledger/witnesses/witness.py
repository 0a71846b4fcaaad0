"""A witness: cosigns what extends what it cosigned, and nothing else, for the logs that its operator names.

One at a time: whoever calls it has the only hold of its memory, so that looking and remembering are one step.
Source: https://c2sp.org/tlog-witness, as of v1.1.0 (before it another root of the same size was a 409).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from application.ports import Clock
from infrastructure.canonical import sha256
from infrastructure.ledger.signed.cosignatures import Cosigner
from infrastructure.ledger.signed.notes import BadNote, Note, VerifierKey
from infrastructure.ledger.signing.signer_memory import Remembered, SignerMemory, write_whole
from infrastructure.ledger.tree.merkle import EMPTY_ROOT, verify_consistency
from infrastructure.ledger.witnesses.witness_request import (
    AddCheckpoint,
    NotSigned,
    UnknownLog,
    examine,
)

OK: Final = 200
MALFORMED: Final = 400
NOT_SIGNED: Final = 403
UNKNOWN_LOG: Final = 404
CONFLICT: Final = 409
NOT_PROVED: Final = 422
NOTHING: Final = Remembered(0, EMPTY_ROOT)


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """A status of the protocol; `text` is the cosignature lines for 200, the size for 409, a reason for others."""

    status: int
    text: str


class Witness:
    """Witnesses `logs` (keys by origin). `notes` is a folder for the last checkpoint of each; None: none are kept."""

    def __init__(
        self,
        cosigner: Cosigner,
        memory: SignerMemory,
        clock: Clock,
        notes: Path | None = None,
    ) -> None:
        self._cosigner = cosigner
        self._memory = memory
        self._clock = clock
        self._notes = notes

    def add_checkpoint(self, body: bytes, logs: Mapping[str, list[VerifierKey]]) -> WitnessAnswer:
        """Answer a log. What is cosigned is remembered first. Raises OSError, and then nothing is."""
        try:
            asked = examine(body, logs)
        except BadNote as fault:
            return WitnessAnswer(MALFORMED, str(fault))
        except UnknownLog:
            return WitnessAnswer(UNKNOWN_LOG, "this log is not witnessed here")
        except NotSigned:
            return WitnessAnswer(NOT_SIGNED, "no key that is known for this log signed that")
        known = self._memory.known(asked.head.origin) or NOTHING
        return _refusal(asked, known) or self._cosigned(asked, known, logs[asked.head.origin])

    def checkpoint(self, origin_sha256: bytes) -> str | None:
        """The last checkpoint that was cosigned for a log, with our cosignatures; None for none."""
        path = self._note_path(origin_sha256)
        if path is None or not path.exists():
            return None
        return path.read_text(encoding="utf-8")

    def verifier_keys(self) -> list[str]:
        """The witness's public keys, as C2SP verifier keys."""
        return [key.text() for key in self._cosigner.keys]

    def _cosigned(
        self, asked: AddCheckpoint, known: Remembered, keys: list[VerifierKey]
    ) -> WitnessAnswer:
        head = asked.head
        at = int(self._clock.now().timestamp())
        try:
            lines = self._cosigner.cosign(asked.note.text, at)
        except BadNote as fault:
            return WitnessAnswer(MALFORMED, str(fault))
        if (known.size, known.root) != (head.size, head.root) or head.size == 0:
            self._memory.remember({head.origin: Remembered(head.size, head.root)})
        path = self._note_path(sha256(head.origin.encode()))
        if path is not None:
            # Crash here: the note of the checkpoint before stands there until the log asks again.
            path.parent.mkdir(mode=0o700, exist_ok=True)
            signed = [one for key in keys for one in asked.note.by(key)]
            write_whole(path, Note(asked.note.text, (*signed, *lines)).whole().encode())
        return WitnessAnswer(OK, "".join(one.line() for one in lines))

    def _note_path(self, origin_sha256: bytes) -> Path | None:
        return None if self._notes is None else self._notes / f"{origin_sha256.hex()}.note"


def _refusal(asked: AddCheckpoint, known: Remembered) -> WitnessAnswer | None:
    head = asked.head
    if asked.old != known.size:
        return WitnessAnswer(CONFLICT, f"{known.size}\n")
    if asked.old == head.size:
        if head.root != known.root:
            return WitnessAnswer(NOT_PROVED, "another checkpoint of that size was cosigned")
        return WitnessAnswer(NOT_PROVED, "nothing is to be proved") if asked.proof else None
    if asked.old == 0:
        # Everything extends an empty log.
        return WitnessAnswer(NOT_PROVED, "a proof from 0 is empty") if asked.proof else None
    if not verify_consistency(known.size, known.root, head.size, head.root, asked.proof):
        return WitnessAnswer(NOT_PROVED, "the checkpoint is not proved to extend the last one")
    return None
