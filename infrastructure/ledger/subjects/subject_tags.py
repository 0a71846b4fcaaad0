"""Which subjects a leaf is about. docs/ledger.md, "Which leaves are about a subject".

What is under a gag is recorded under a tag of its own, drawn for the occasion: to the ledger it is a tag like any
other, and nothing in a person's chain, count or evidence tells of it.
"""

from __future__ import annotations

from uuid import UUID

from infrastructure.canonical import parsed
from infrastructure.ledger.tree.intact import header_of


def tags_of(leaf: bytes, payload: bytes) -> set[UUID]:
    """The tags of a leaf: those of its seals, the `subject` of its plain payload, and all of an event about many."""
    header = header_of(leaf)
    tags = {UUID(seal["s"]) for seal in header.get("seals", ())}
    plain = payload.split(b"\n", 1)[0]
    if b'"subject' in plain:
        values = parsed(plain)
        if (subject := values.get("subject")) is not None:
            tags.add(UUID(subject))
        if "many" in header:
            tags.update(UUID(one["subject"]) for one in values["subjects"])
    return tags
