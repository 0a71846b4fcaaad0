"""Are these the bytes that were entered into the ledger? Asked wherever an event is read for somebody outside."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from uuid import UUID

from domain.errors import LedgerDamaged
from domain.values import public_id
from infrastructure.canonical import b64, parsed, sha256, unb64
from infrastructure.ledger.tree.merkle import leaf_hash

FIRST_LINE: Final = b"daybook/leaf/v1"
NAMES: Final = (
    "event",
    "tenant",
    "stream",
    "version",
    "type",
)  # of which header and row both speak

CHANGED: Final = "its payload is not the one that was entered"


class StoredRow(NamedTuple):
    """An event as it is stored. `header` is the leaf's bytes, `payload` the sealed payload."""

    tenant: UUID
    stream: UUID
    version: int
    event_id: UUID
    type: str
    header: bytes
    payload: bytes


class Intact(NamedTuple):
    """An event that is what was entered: its header, the bytes of its plain payload, and its envelopes.

    Of an envelope, the line as it is stored and what it says.
    """

    header: dict[str, Any]
    plain: bytes
    envelopes: list[tuple[bytes, dict[str, Any]]]


def flaw_of_row(row: StoredRow) -> str | None:
    """What is wrong with an event in itself: header and row, header and payload; None when nothing is."""
    found = _examined(row)
    return found if isinstance(found, str) else None


def require_row(row: StoredRow) -> Intact:
    """An event that is loaded, read, if header, row and payload go together. Raises LedgerDamaged."""
    found = _examined(row)
    if isinstance(found, str):
        raise LedgerDamaged(f"Event {public_id('event', row.event_id)} was changed: {found}")
    return found


def _examined(row: StoredRow) -> Intact | str:
    """The event, read, or what is wrong. Millions of events go through here: it reads each part of one once."""
    first, _, line = row.header.partition(b"\n")
    try:
        header: dict[str, Any] = parsed(line)
        names = header["id"], header["tenant"], header["stream"], header["ver"], header["type"]
    except (ValueError, KeyError, TypeError):
        return "its header does not read"
    if first != FIRST_LINE:
        return "its header is not a leaf"
    of_row = row.event_id.hex, row.tenant.hex, row.stream.hex, row.version, row.type
    if names != of_row:
        differs = next(at for at in range(len(NAMES)) if names[at] != of_row[at])
        return f"its row has another {NAMES[differs]} than its header"
    return _read(header, row.payload)


def flaw_of_payload(header: dict[str, Any], payload: bytes) -> str | None:
    """What of a payload its header did not commit to; None when it did to all of it."""
    found = _read(header, payload)
    return found if isinstance(found, str) else None


def _read(header: dict[str, Any], payload: bytes) -> Intact | str:
    plain, *lines = payload.split(b"\n")
    if header.get("pd") != b64(sha256(plain)):
        return CHANGED
    if not lines and "seals" not in header:
        return Intact(header, plain, [])
    try:
        committed = [seal["cd"] for seal in header.get("seals", ())]
    except (KeyError, TypeError):
        return "its header does not read"
    if len(committed) != len(lines):
        return CHANGED
    envelopes = []
    for digest, line in zip(committed, lines, strict=True):
        envelope = _envelope(digest, line)
        if envelope is None:
            return "a sealed value of it is not the one that was entered"
        envelopes.append((line, envelope))
    return Intact(header, plain, envelopes)


def _envelope(digest: object, line: bytes) -> dict[str, Any] | None:
    """What an envelope says, if nonce and ciphertext have this digest (SHA-256, Base64)."""
    try:
        found: dict[str, Any] = parsed(line)
        said = b64(sha256(unb64(found["nonce"]) + unb64(found["ct"])))
    except (ValueError, KeyError, TypeError):
        return None
    return found if said == digest else None


def header_of(leaf: bytes) -> dict[str, Any]:
    """The header that a leaf's second line holds."""
    header = parsed(leaf.split(b"\n", 1)[1])
    assert isinstance(header, dict)
    return header


def require_leaf(position: int, leaf: bytes, kept_hash: bytes) -> bytes:
    """The leaf, if it is the one that was hashed. Raises LedgerDamaged."""
    if leaf_hash(leaf) != kept_hash:
        raise LedgerDamaged(f"Event {position} is not the one that was entered")
    return leaf


def require_payload(position: int, leaf: bytes, payload: bytes) -> bytes:
    """The payload, if its header committed to it: its plain part, and the ciphertext of each envelope.

    Raises LedgerDamaged.
    """
    if flaw := flaw_of_payload(header_of(leaf), payload):
        raise LedgerDamaged(f"Event {position} was changed: {flaw}")
    return payload
