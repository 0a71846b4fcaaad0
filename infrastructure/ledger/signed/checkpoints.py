"""Checkpoints: the origin of a log, its size and its root, as the text of a signed note.

Source: https://c2sp.org/tlog-checkpoint. Extension lines are neither written nor read here.
"""

from __future__ import annotations

from dataclasses import dataclass

from infrastructure.canonical import b64, unb64
from infrastructure.ledger.signed.notes import BadNote, good_name
from infrastructure.ledger.tree.merkle import HASH_SIZE

SIZE_DIGITS_MAX = 19


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a checkpoint says."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Write the text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64(self.root)}\n"


def parse_tree_head(text: str) -> TreeHead:
    """Read what `TreeHead.text` writes. Raises BadNote on anything else."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise BadNote("a checkpoint has three lines: origin, size, root")
    origin, size, root = lines[:3]
    if not good_name(origin):
        raise BadNote("a checkpoint begins with the origin of its log")
    if not (size.isascii() and size.isdigit()) or len(size) > SIZE_DIGITS_MAX:
        raise BadNote("the size of a checkpoint is a decimal number")
    try:
        head = TreeHead(origin, int(size), unb64(root))
    except ValueError:
        raise BadNote("the root of a checkpoint is base64") from None
    if len(head.root) != HASH_SIZE or head.text() != text:
        raise BadNote("a checkpoint is written in one way only")
    return head
