"""A proof that travels: an entry's index, its audit path, and the checkpoint that covers it, in one text.

Source: https://c2sp.org/tlog-proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from infrastructure.canonical import b64, unb64
from infrastructure.ledger.signed.checkpoints import parse_tree_head
from infrastructure.ledger.signed.notes import BadNote, VerifierKey, parse_note, verify
from infrastructure.ledger.tree.merkle import HASH_SIZE, verify_inclusion

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
MEDIA_TYPE: Final = "text/plain; charset=utf-8"
HASHES_MAX: Final = 63
INDEX_DIGITS_MAX: Final = 19


@dataclass(frozen=True, slots=True)
class TlogProof:
    """The audit path of the leaf at `index`, from its sibling upwards, under the signed `note`.

    `extra` is not authenticated by itself; ours holds the leaf, so that a receipt needs nothing beside it.
    """

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes = b""

    def text(self) -> str:
        """Write it down."""
        path = "".join(f"{b64(each)}\n" for each in self.hashes)
        extra = f"extra {b64(self.extra)}\n" if self.extra else ""
        return f"{FIRST_LINE}\n{extra}index {self.index}\n{path}\n{self.note}"

    def holds_for(self, leaf_hash: bytes, key: VerifierKey) -> bool:
        """True when the leaf with this hash stands in the log that the key signed for, at the index."""
        try:
            note = parse_note(self.note)
            verify(note, [key])
            head = parse_tree_head(note.text)
        except BadNote:
            return False
        return head.origin == key.name and verify_inclusion(
            leaf_hash, self.index, head.size, self.hashes, head.root
        )


def parse_tlog_proof(text: str) -> TlogProof:
    """Read what `TlogProof.text` writes. Raises BadNote on anything else."""
    head, blank, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    more = lines.pop(0).removeprefix("extra ") if lines and lines[0].startswith("extra ") else ""
    if first != FIRST_LINE or not blank or not lines or not lines[0].startswith("index "):
        raise BadNote("a proof begins with its name and an index")
    index = lines[0].removeprefix("index ")
    if not (index.isascii() and index.isdigit()) or len(index) > INDEX_DIGITS_MAX:
        raise BadNote("the index of a proof is a decimal number")
    try:
        hashes = tuple(unb64(line) for line in lines[1:])
        extra = unb64(more)
    except ValueError:
        raise BadNote("the hashes of a proof are base64, and so is what is extra") from None
    proof = TlogProof(int(index), hashes, note, extra)
    if len(hashes) > HASHES_MAX or any(len(each) != HASH_SIZE for each in hashes):
        raise BadNote("the hashes of a proof are at most 63, of 32 bytes each")
    if proof.text() != text:
        raise BadNote("a proof is written in one way only")
    return proof
