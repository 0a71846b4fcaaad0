"""Seal a group of personal values into an envelope, and open it again.

An envelope is one line of canonical JSON:

    {"class", "ct", "key", "nonce", "stream", "subject", "tenant", "type", "v": 1, "version"}

`ct` is AES-256-GCM (NIST SP 800-38D) over the canonical JSON `{"fields": {...}, "salt": <32 random bytes>}`; its
associated data binds it to tenant, stream, version, event type as stored, subject and class, so that no envelope can
be moved. Two digests of it go into the event's header (README D7):

* `cd` = SHA-256(nonce || ct): anyone can check that the stored ciphertext is the logged one;
* `pc` = HMAC-SHA-256(salt, canonical fields): binds the plaintext, and is noise once key and ciphertext are gone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Unreadable
from domain.sealing import Envelope
from infrastructure.canonical import b64, canonical, hmac_sha256, parsed, sha256, unb64

NONCE_BYTES: Final = 12
SALT_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """A live key of (subject, retention class); the key itself is never printed."""

    key_id: UUID
    cipher: AESGCM

    def __repr__(self) -> str:
        return f"SubjectKey({self.key_id}, <sealed>)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an envelope belongs; all of it is bound into the ciphertext."""

    tenant: UUID
    stream: UUID
    version: int
    type: str
    subject: UUID
    retention_class: str

    def associated_data(self) -> bytes:
        """What the ciphertext is bound to."""
        parts = (
            "daybook/envelope/v1",
            self.tenant.hex,
            self.stream.hex,
            str(self.version),
            self.type,
            self.subject.hex,
            self.retention_class,
        )
        return "\n".join(parts).encode("ascii")


@dataclass(frozen=True, slots=True)
class SealedGroup:
    """An envelope's line, and its entry in the event's header."""

    line: bytes
    header: dict[str, str]


def seal(place: Place, key: SubjectKey, fields: dict[str, Any]) -> SealedGroup:
    """Seal `fields` (plain JSON values) for `place`."""
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    plaintext = canonical({"fields": fields, "salt": b64(salt)})
    ciphertext = key.cipher.encrypt(nonce, plaintext, place.associated_data())
    line = canonical(
        {
            "v": 1,
            "tenant": place.tenant.hex,
            "stream": place.stream.hex,
            "version": place.version,
            "type": place.type,
            "subject": place.subject.hex,
            "class": place.retention_class,
            "key": key.key_id.hex,
            "nonce": b64(nonce),
            "ct": b64(ciphertext),
        }
    )
    header = {
        "s": place.subject.hex,
        "c": place.retention_class,
        "k": key.key_id.hex,
        "cd": b64(sha256(nonce + ciphertext)),
        "pc": b64(hmac_sha256(salt, canonical(fields))),
    }
    return SealedGroup(line, header)


@dataclass(frozen=True, slots=True)
class OpenedParts:
    """An envelope's parts, read but not opened."""

    place: Place
    key_id: UUID
    nonce: bytes
    ciphertext: bytes


def read_envelope(envelope: Envelope) -> OpenedParts:
    """The parts of an envelope. Raises Unreadable when it is not one."""
    try:
        parts = parsed(envelope.text)
        place = Place(
            UUID(parts["tenant"]),
            UUID(parts["stream"]),
            parts["version"],
            parts["type"],
            UUID(parts["subject"]),
            parts["class"],
        )
        return OpenedParts(place, UUID(parts["key"]), unb64(parts["nonce"]), unb64(parts["ct"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable("An envelope is damaged") from error


def open_envelope(parts: OpenedParts, key: SubjectKey) -> dict[str, Any]:
    """The fields in an envelope. Raises Unreadable when the key or the place does not fit."""
    try:
        plaintext = key.cipher.decrypt(parts.nonce, parts.ciphertext, parts.place.associated_data())
    except InvalidTag as error:
        raise Unreadable("An envelope does not open with its key") from error
    fields = parsed(plaintext)["fields"]
    assert isinstance(fields, dict)
    return fields
