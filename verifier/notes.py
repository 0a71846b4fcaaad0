"""Signed notes, the keys that sign them, and checkpoints.

Source: c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature (Ed25519 and ML-DSA-44)."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from verifier.findings import MALFORMED, DoesNotHold, Unreadable, number, unb64

ED25519, COSIGNATURE, ML_DSA_44 = 0x01, 0x04, 0x06
KEY_BYTES: Final = {ED25519: 32, COSIGNATURE: 32, ML_DSA_44: 1312}
NOTE_BYTES_MAX: Final = 262_144
SIGNATURES_MAX: Final = 64
DASH: Final = "\u2014 "

# A text, and its signature lines as (name, key id, signature): nothing is checked yet.
Note = tuple[str, list[tuple[str, bytes, bytes]]]


class Key(NamedTuple):
    """A public key; signature lines name it by `name` and `id`."""

    name: str
    id: bytes
    kind: int
    public: bytes


class Head(NamedTuple):
    """What a checkpoint says."""

    origin: str
    size: int
    root: bytes


def good_name(name: str) -> str:
    """Give back what a key may be called: printable, without space or plus."""
    if not name.isprintable() or not name or " " in name or "+" in name:
        raise ValueError("not a name")
    return name


def parse_key(text: str) -> Key:
    """Read `name+id+base64(kind || key)`; Unreadable on anything else."""
    try:
        name, id_, encoded = text.split("+", 2)
        data = unb64(encoded)
        digest = sha256(good_name(name).encode() + b"\n" + data).digest()
        if KEY_BYTES[data[0]] != len(data) - 1 or digest[:4].hex() != id_:
            raise ValueError("the id of another key")
    except MALFORMED:
        raise Unreadable("a key is written name+id+base64; this one is not, or differs") from None
    return Key(name, digest[:4], data[0], data[1:])


def parse_note(data: bytes, what: str) -> Note:
    """Take a signed note apart; Unreadable if it is not one."""
    try:
        text, blank, signatures = data.decode().rpartition("\n\n")
        *lines, end = signatures.split("\n")
        if len(data) > NOTE_BYTES_MAX or not 0 < len(lines) <= SIGNATURES_MAX or end or not blank:
            raise ValueError("no signatures, or too many")
        if any(octet < 0x20 and octet != 0x0A for octet in data):
            raise ValueError("a control character")
        return f"{text}\n", [_line(line) for line in lines]
    except MALFORMED:
        raise Unreadable(f"{what} is no text with signatures below it") from None


def _line(line: str) -> tuple[str, bytes, bytes]:
    name, encoded = line.removeprefix(DASH).split(" ")
    data = unb64(encoded)
    if not line.startswith(DASH) or len(data) < 5:
        raise ValueError("not a signature line")
    return good_name(name), data[:4], data[4:]


def parse_head(text: str) -> Head:
    """Read the three lines of a checkpoint; Unreadable on anything else."""
    try:
        origin, size, root, end = text.split("\n")
        if end:
            raise ValueError("a line too many")
        return Head(good_name(origin), number(size), unb64(root, 32))
    except MALFORMED:
        raise Unreadable("a checkpoint has three lines: origin, size, root") from None


def signed_by(note: Note, keys: Iterable[Key], what: str, head: Head | None = None) -> list[Key]:
    """List the keys that signed, each once; lines of other keys are passed over.

    DoesNotHold when a line names one of the keys and is not that key's. Cosignatures need `head`."""
    found = []
    for key in keys:
        mine = [line[2] for line in note[1] if line[:2] == key[:2]]
        try:
            for signature in mine:
                _verify(key, signature, note[0], head)
        except (InvalidSignature, ValueError):
            raise DoesNotHold(f"a signature on {what} is not that of {key.name}") from None
        found += [key] if mine else []
    return found


def _verify(key: Key, signature: bytes, text: str, head: Head | None) -> None:
    message = text.encode()
    if key.kind != ED25519:
        stamp, signature = signature[:8], signature[8:]
        time = int.from_bytes(stamp, "big")
        message = f"cosignature/v1\ntime {time}\n{text}".encode()
        if head is None or time >= 2**63:
            raise ValueError("a cosignature is one of a checkpoint, at a time")
        if key.kind == ML_DSA_44:
            name, origin = key.name.encode(), head.origin.encode()
            message = b"subtree/v1\n\x00%c%b%b%c" % (len(name), name, stamp, len(origin))
            message += origin + bytes(8) + head.size.to_bytes(8, "big") + head.root
            return _verify_ml_dsa(key, signature, message)
    return Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)


def _verify_ml_dsa(key: Key, signature: bytes, message: bytes) -> None:
    try:  # older versions of the library do not have it, and can check everything else
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

        public = MLDSA44PublicKey.from_public_bytes(key.public)
    except (ImportError, UnsupportedAlgorithm):
        raise Unreadable("this installation of `cryptography` has no ML-DSA-44") from None
    public.verify(signature, message)
