"""Are these the bytes that were entered into the ledger? Asked wherever an event is read for somebody outside."""

from __future__ import annotations

from typing import Any

from domain.errors import LedgerDamaged
from infrastructure.canonical import b64, parsed, sha256, unb64
from infrastructure.ledger.merkle import leaf_hash


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
    header = header_of(leaf)
    plain, *envelopes = payload.split(b"\n")
    seals = header.get("seals", [])
    if header["pd"] != b64(sha256(plain)) or len(seals) != len(envelopes):
        raise LedgerDamaged(f"The payload of event {position} is not the one that was entered")
    for seal, envelope in zip(seals, envelopes, strict=True):
        if seal["cd"] != ciphertext_digest(envelope):
            raise LedgerDamaged(
                f"A sealed value of event {position} is not the one that was entered"
            )
    return payload


def ciphertext_digest(envelope: bytes) -> str | None:
    """Base64 SHA-256 over nonce and ciphertext of an envelope; None for what is no envelope."""
    try:
        found = parsed(envelope)
        return b64(sha256(unb64(found["nonce"]) + unb64(found["ct"])))
    except (ValueError, KeyError, TypeError):
        return None
