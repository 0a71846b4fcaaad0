"""Signed notes: a text, and signatures of named keys over it. Written and read byte for byte.

Source: https://c2sp.org/signed-note.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from infrastructure.canonical import b64, unb64
from infrastructure.ledger.signed import mldsa

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
COSIGNATURE_ML_DSA_44: Final = 0x06
KEY_ID_BYTES: Final = 4
PUBLIC_KEY_BYTES: Final = {ED25519: 32, COSIGNATURE: 32, COSIGNATURE_ML_DSA_44: mldsa.PUBLIC_BYTES}
NOTE_BYTES_MAX: Final = 65_536
SIGNATURES_MAX: Final = 64
DASH: Final = "\u2014 "


class BadNote(ValueError):
    """A note or a key that is not written as the specification says, or whose signature does not hold."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name, as `name+id+base64(kind || key)`: what a verifier is given beforehand."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that tell keys of one name apart; no more than that."""
        data = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(data).digest()[:KEY_ID_BYTES]

    def text(self) -> str:
        """Write it down."""
        return f"{self.name}+{self.id.hex()}+{b64(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read what `text` writes. Raises BadNote."""
        parts = text.split("+", 2)  # base64 may hold more of them
        if len(parts) != 3 or not good_name(parts[0]):
            raise BadNote("a verifier key is name+id+key")
        try:
            data = unb64(parts[2])
        except ValueError:
            raise BadNote("a verifier key ends in base64") from None
        if len(data) - 1 != PUBLIC_KEY_BYTES.get(data[0] if data else 0):
            raise BadNote("only Ed25519 and ML-DSA-44 keys are known here")
        key = cls(parts[0], data[0], data[1:])
        if key.text() != text:
            raise BadNote("the id of a verifier key does not fit its name and key")
        return key


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: whose it says it is, and the bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """Write the line, with its newline."""
        return f"{DASH}{self.name} {b64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and its signatures, of which nothing is checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    def whole(self) -> str:
        """Write it down."""
        return f"{self.text}\n{''.join(each.line() for each in self.signatures)}"

    def by(self, key: VerifierKey) -> list[Signature]:
        """The signatures that claim to be this key's."""
        return [each for each in self.signatures if (each.name, each.key_id) == (key.name, key.id)]


def good_name(name: str) -> bool:
    """True for what may be a key's name: not empty, no space, no plus, no control character."""
    return bool(name) and "+" not in name and name.isprintable() and not any(map(str.isspace, name))


def parse_note(text: str) -> Note:
    """Take a note apart. Raises BadNote unless writing it again gives the same bytes."""
    if len(text.encode()) > NOTE_BYTES_MAX or any(ord(it) < 0x20 and it != "\n" for it in text):
        raise BadNote("a note is short, and has no control character but newline")
    body, blank, lines = text.rpartition("\n\n")
    if not blank or not body or not lines.endswith("\n"):
        raise BadNote("a note is a text, an empty line, and signature lines")
    found = lines[:-1].split("\n")
    if len(found) > SIGNATURES_MAX:
        raise BadNote(f"a note has at most {SIGNATURES_MAX} signatures")
    note = Note(f"{body}\n", tuple(_parse_line(line) for line in found))
    if note.whole() != text:
        raise BadNote("a note is written in one way only")
    return note


def sign(text: str, name: str, key: Ed25519PrivateKey) -> Note:
    """Sign a text that ends in a newline."""
    if not text.endswith("\n") or not good_name(name):
        raise BadNote("a text to sign ends in a newline, and its signer has a name")
    public = verifier_key(name, key)
    return Note(text, (Signature(name, public.id, key.sign(text.encode())),))


def verifier_key(name: str, key: Ed25519PrivateKey, kind: int = ED25519) -> VerifierKey:
    """The public half of a key, named."""
    return VerifierKey(name, kind, key.public_key().public_bytes_raw())


def verify(note: Note, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
    """The log's keys that signed it; signatures of others are passed over. (Cosignatures: see `cosignatures`.)

    Raises BadNote when one of `keys` is named and its signature does not hold, and when none signed.
    """
    signed = [key for key in keys if _signed(note, key)]
    if not signed:
        raise BadNote("no key that is trusted here signed the note")
    return signed


def _signed(note: Note, key: VerifierKey) -> bool:
    if key.kind not in (ED25519, mldsa.MLDSA44):
        raise BadNote("a key that cosigns does not sign for a log")
    claimed: Sequence[Signature] = note.by(key)
    for each in claimed:
        if key.kind == mldsa.MLDSA44:
            if not mldsa.holds(note.text, key.name, key.public, each.signature):
                raise BadNote(f"the ML-DSA-44 signature of {key.name} does not hold")
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(
                each.signature, note.text.encode()
            )
        except InvalidSignature:
            raise BadNote(f"the signature of {key.name} does not hold") from None
    return bool(claimed)


def _parse_line(line: str) -> Signature:
    name, space, encoded = line.removeprefix(DASH).partition(" ")
    if not line.startswith(DASH) or not space or not good_name(name):
        raise BadNote("a signature line is a dash, a name and base64")
    try:
        data = unb64(encoded)
    except ValueError:
        raise BadNote("a signature is written in base64") from None
    if len(data) <= KEY_ID_BYTES:
        raise BadNote("a signature is longer than its key's id")
    return Signature(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])
