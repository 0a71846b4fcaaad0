"""What a log asks of a witness: its last size there, the proof from there on, and the new checkpoint.

Source: https://c2sp.org/tlog-witness, `add-checkpoint`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from infrastructure.canonical import b64, unb64
from infrastructure.ledger.signed.checkpoints import TreeHead
from infrastructure.ledger.signed.cosignatures import head_of
from infrastructure.ledger.signed.notes import (
    ED25519,
    BadNote,
    Note,
    VerifierKey,
    parse_note,
    verify,
)
from infrastructure.ledger.tree.merkle import HASH_SIZE

PROOF_LINES_MAX: Final = 63
BODY_BYTES_MAX: Final = 72 * 1024
SIZE_MAX: Final = 2**63 - 1
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")


class UnknownLog(Exception):
    """The checkpoint is of a log that is not witnessed here."""


class NotSigned(Exception):
    """No key that is known for the log signed the checkpoint."""


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The body of `add-checkpoint`."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    head: TreeHead

    def text(self) -> str:
        """Write it down."""
        proof = "".join(f"{b64(each)}\n" for each in self.proof)
        return f"old {self.old}\n{proof}\n{self.note.whole()}"


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Read a body. Raises BadNote; also where the checkpoint is smaller than the old size."""
    if len(body) > BODY_BYTES_MAX:
        raise BadNote("the request is too long")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise BadNote("the request is not UTF-8") from None
    before, blank, note_text = text.partition("\n\n")
    first, *lines = before.split("\n")
    old = _OLD.fullmatch(first)
    if not blank or old is None:
        raise BadNote("a request is an old size, a proof, an empty line and a checkpoint")
    if len(lines) > PROOF_LINES_MAX:
        raise BadNote(f"a proof has at most {PROOF_LINES_MAX} lines")
    note = parse_note(note_text)
    head = head_of(note.text)
    if int(old[1]) > head.size or head.size > SIZE_MAX:
        raise BadNote("the checkpoint is smaller than the old size")
    return AddCheckpoint(int(old[1]), tuple(map(_hash, lines)), note, head)


def examine(body: bytes, logs: Mapping[str, list[VerifierKey]]) -> AddCheckpoint:
    """A request that a known log made, whatever becomes of it. `logs` are keys by origin.

    Raises BadNote, UnknownLog, NotSigned; in this order.
    """
    asked = parse_add_checkpoint(body)
    keys = logs.get(asked.head.origin)
    if keys is None:
        raise UnknownLog
    try:
        verify(asked.note, keys)
    except BadNote:
        raise NotSigned from None
    return asked


def parse_logs(text: str) -> dict[str, list[VerifierKey]]:
    """The logs that an operator has us witness: verifier keys, one a line. Raises BadNote, with the line's number."""
    found: dict[str, list[VerifierKey]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        words = line.strip()
        if not words or words.startswith("#"):
            continue
        try:
            key = VerifierKey.parse(words)
        except BadNote as fault:
            raise BadNote(f"line {number}: {fault}") from None
        if key.kind != ED25519:
            raise BadNote(f"line {number}: the key is not one that signs for a log")
        found.setdefault(key.name, []).append(key)
    return found


def signature_lines(note: Note, keys: Iterable[VerifierKey]) -> str:
    """The signature lines of these keys."""
    return "".join(one.line() for key in keys for one in note.by(key))


def _hash(line: str) -> bytes:
    try:
        data = unb64(line)
    except ValueError:
        raise BadNote("a proof is lines of base64") from None
    if len(data) != HASH_SIZE or b64(data) != line:
        raise BadNote("a proof is hashes of 32 bytes")
    return data
