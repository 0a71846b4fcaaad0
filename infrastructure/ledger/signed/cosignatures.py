"""Cosignatures: a witness's statement that it saw a log at this size, and saw it only grow, as of a time.

Two kinds: Ed25519 (0x04), over the whole text of a checkpoint, and ML-DSA-44 (0x06), over its origin, size and root.
Source: https://c2sp.org/tlog-cosignature.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from infrastructure.ledger.signed.checkpoints import TreeHead, parse_tree_head
from infrastructure.ledger.signed.notes import (
    COSIGNATURE,
    COSIGNATURE_ML_DSA_44,
    DASH,
    SIGNATURES_MAX,
    BadNote,
    Note,
    Signature,
    VerifierKey,
    parse_note,
)

COSIGNERS: Final = (COSIGNATURE, COSIGNATURE_ML_DSA_44)
SIGNATURE_BYTES: Final = {COSIGNATURE: 64, COSIGNATURE_ML_DSA_44: 2_420}
TIME: Final = struct.Struct(">Q")
TIME_MAX: Final = 2**63 - 1
CLOCK_SKEW_SECONDS: Final = 300
NAME_BYTES_MAX: Final = 255
LABEL: Final = b"subtree/v1\n\x00"


class Cosigner:
    """A witness's two keys, under one name."""

    def __init__(self, name: str, ed25519: Ed25519PrivateKey, ml_dsa: MLDSA44PrivateKey) -> None:
        self._ed25519 = ed25519
        self._ml_dsa = ml_dsa
        self.keys = (
            VerifierKey(name, COSIGNATURE, ed25519.public_key().public_bytes_raw()),
            VerifierKey(name, COSIGNATURE_ML_DSA_44, ml_dsa.public_key().public_bytes_raw()),
        )

    def cosign(self, text: str, at: int) -> tuple[Signature, ...]:
        """Cosign a checkpoint's text, with each key. `at` is in seconds since 1970. Raises BadNote."""
        classic, quantum = self.keys
        signed = (
            (classic, self._ed25519.sign(message(classic, text, at))),
            (quantum, self._ml_dsa.sign(message(quantum, text, at))),
        )
        return tuple(
            Signature(key.name, key.id, TIME.pack(at) + signature) for key, signature in signed
        )


def message(key: VerifierKey, text: str, at: int) -> bytes:
    """The bytes that a cosigner's key signs. Raises BadNote for a text that is no checkpoint."""
    if key.kind == COSIGNATURE:
        return f"cosignature/v1\ntime {at}\n{text}".encode()
    head = head_of(text)
    return b"".join(
        (
            LABEL,
            _short(key.name),
            TIME.pack(at),
            _short(head.origin),
            TIME.pack(0),
            TIME.pack(head.size),
            head.root,
        )
    )


def cosigned_at(note: Note, key: VerifierKey, now: int) -> int | None:
    """When a witness cosigned the note, in seconds since 1970; None when it did not.

    Raises BadNote for a signature that claims to be its and does not hold, or is of a time that was not yet.
    """
    times = [_checked(note.text, key, one, now) for one in note.by(key)]
    return max(times, default=None)


def cosigners(note: Note, keys: Iterable[VerifierKey], now: int) -> dict[VerifierKey, int]:
    """The witnesses whose cosignatures hold, and when they signed; what does not hold does not count."""
    found: dict[VerifierKey, int] = {}
    for key in keys:
        try:
            at = cosigned_at(note, key, now)
        except BadNote:
            continue
        if at is not None:
            found[key] = at
    return found


def with_cosignatures(note: Note, more: Iterable[Signature]) -> Note:
    """The note with these signatures; they take the place of older ones by the same keys. Raises BadNote."""
    new = {(one.name, one.key_id): one for one in more}
    kept = [one for one in note.signatures if (one.name, one.key_id) not in new]
    if len(kept) + len(new) > SIGNATURES_MAX:
        raise BadNote(f"a note has at most {SIGNATURES_MAX} signatures")
    return Note(note.text, (*kept, *new.values()))


def parse_lines(text: str, lines: str) -> Note:
    """Signature lines that came apart from the text that they sign. Raises BadNote."""
    if not lines.startswith(DASH) or "\n\n" in lines:
        raise BadNote("an answer of a witness is signature lines")
    return parse_note(f"{text}\n{lines}")


def head_of(text: str) -> TreeHead:
    """What a checkpoint says in its first three lines; others may follow. Raises BadNote."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise BadNote("a checkpoint has at least three lines, none of them empty")
    return parse_tree_head("\n".join([*lines[:3], ""]))


def _checked(text: str, key: VerifierKey, claimed: Signature, now: int) -> int:
    wrong = BadNote(f"the cosignature of {key.name} does not hold")
    if key.kind not in COSIGNERS:
        raise BadNote("the key of a log does not cosign")
    if len(claimed.signature) != TIME.size + SIGNATURE_BYTES[key.kind]:
        raise wrong
    (at,) = TIME.unpack_from(claimed.signature)
    if not 0 < at <= min(now + CLOCK_SKEW_SECONDS, TIME_MAX):
        raise BadNote(f"the cosignature of {key.name} is of a time that is not possible")
    signature, signed = claimed.signature[TIME.size :], message(key, text, at)
    try:
        if key.kind == COSIGNATURE:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, signed)
        else:
            MLDSA44PublicKey.from_public_bytes(key.public).verify(signature, signed)
    except InvalidSignature:
        raise wrong from None
    return int(at)


def _short(text: str) -> bytes:
    data = text.encode()
    if not 0 < len(data) <= NAME_BYTES_MAX:
        raise BadNote("a name is too long to be cosigned")
    return bytes([len(data)]) + data
