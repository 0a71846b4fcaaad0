"""ML-DSA-44 signatures under checkpoints: they hold where a quantum computer has broken Ed25519.

A signature is `u64 time || 2,420 bytes` over a structure that names the signer, the log, its size and its root; so
only checkpoints can be signed this way, and extension lines would not be covered. Our own logs write the time 0: the
signature says what the tree is, and nothing of when.

Source: https://c2sp.org/tlog-cosignature ("ML-DSA-44 signed message"); FIPS 204, pure, with an empty context.
"""

from __future__ import annotations

import struct
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from infrastructure.canonical import unb64

MLDSA44: Final = 0x06
PUBLIC_BYTES: Final = 1_312
SIGNATURE_BYTES: Final = 2_420
LABEL: Final = b"subtree/v1\n\0"
TIME: Final = struct.Struct(">Q")
TIME_MAX: Final = 2**63 - 1
NAME_BYTES_MAX: Final = 255
HASH_BYTES: Final = 32
SIZE_DIGITS_MAX: Final = 19


def can_sign(name: str) -> bool:
    """True for a name that fits the structure: one of at most 255 bytes."""
    return 0 < len(name.encode()) <= NAME_BYTES_MAX


def sign_checkpoint(text: str, name: str, key: MLDSA44PrivateKey) -> bytes:
    """Sign the text of a checkpoint. Raises ValueError on any other text, and where `name` is too long."""
    return TIME.pack(0) + key.sign(message(text, name, 0))


def holds(text: str, name: str, public: bytes, signature: bytes) -> bool:
    """True when `signature` is the key's, over this checkpoint."""
    if len(signature) != TIME.size + SIGNATURE_BYTES:
        return False
    (time,) = TIME.unpack(signature[: TIME.size])
    try:
        signed = message(text, name, time)
        MLDSA44PublicKey.from_public_bytes(public).verify(signature[TIME.size :], signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def message(text: str, name: str, time: int) -> bytes:
    """The bytes that are signed. Raises ValueError unless `text` begins as a checkpoint does."""
    lines = text.split("\n")
    if len(lines) < 4 or not can_sign(name) or not can_sign(lines[0]) or time > TIME_MAX:
        raise ValueError("not a checkpoint of a log whose name fits")
    size, root = lines[1], unb64(lines[2])
    if not (size.isascii() and size.isdigit()) or len(size) > SIZE_DIGITS_MAX:
        raise ValueError("the size of a checkpoint is a decimal number")
    if len(root) != HASH_BYTES:
        raise ValueError("the root of a checkpoint has 32 bytes")
    return b"".join(
        (
            LABEL,
            short(name),
            TIME.pack(time),
            short(lines[0]),
            TIME.pack(0),
            TIME.pack(int(size)),
            root,
        )
    )


def short(text: str) -> bytes:
    """A text of at most 255 bytes, after its length."""
    data = text.encode()
    return bytes([len(data)]) + data
