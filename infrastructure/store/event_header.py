"""The canonical header of an event: what the ledger commits to. README D7.

The leaf is `daybook/leaf/v1`, a newline, and one line of canonical JSON from an allow-list: ids, codes, instants,
digests. No free text and no personal field can enter it; `test_no_free_text_enters_a_header` fuzzes every event type.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Protocol
from uuid import UUID

from application.recorded import Recorded
from domain.access import AccessGranted
from domain.disclosure import DisclosureRecorded, DisclosureRefused
from domain.values import instant_text
from infrastructure.canonical import b64, canonical, sha256
from infrastructure.ledger.tree.merkle import leaf_hash, tree_hash

PREFIX: Final = b"daybook/leaf/v1\n"
HEADER_BYTES_MAX: Final = 4_096
ALLOWED: Final = frozenset(
    {
        "v",  # 1
        "id",  # the event's id
        "at",  # when it was decided, UTC
        "tenant",
        "stream",
        "ver",  # its version in the stream
        "type",
        "actor",  # a key's id, or system:<part>
        "purpose",
        "case",
        "policy",  # the privacy policy's version in force
        "cause",  # the event that led to this one
        "pd",  # SHA-256 of the plain payload
        "seals",  # per envelope: subject tag, class, key id, ciphertext digest, plaintext commitment
        "many",  # for an event about many: their count, and the Merkle root of their salted tags
    }
)
ABOUT_MANY: Final = (AccessGranted, DisclosureRecorded, DisclosureRefused)
_TYPE: Final = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+\.v[0-9]+")
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,63}")
# Given by callers, who may begin one as they like.
_LABEL: Final = re.compile(r"[A-Za-z0-9:._-]{1,64}")
_NAMED: Final = {"actor": _CODE, "purpose": _CODE, "case": _LABEL, "policy": _LABEL}


def leaf_bytes(
    event: Recorded[object], type_: str, plain: bytes, seals: Sequence[dict[str, str]]
) -> bytes:
    """The exact bytes of an event's leaf. Raises ValueError for what may not stand in a header."""
    header: dict[str, Any] = {
        "v": 1,
        "id": event.event_id.hex,
        "at": instant_text(event.occurred_at),
        "tenant": event.tenant.hex,
        "stream": event.stream.hex,
        "ver": event.version,
        "type": type_,
        "actor": event.actor,
        "pd": b64(sha256(plain)),
    }
    if seals:
        header["seals"] = list(seals)
    if event.cause is not None:
        header["cause"] = event.cause.hex
    for name, code in (
        ("purpose", event.purpose),
        ("case", event.case),
        ("policy", event.policy_version),
    ):
        if code is not None:
            header[name] = code
    if isinstance(event.decision, ABOUT_MANY) and (seen := event.decision.subjects):
        header["many"] = {"n": len(seen), "root": b64(root_of_many(seen))}
    refuse_free_text(header)
    leaf = PREFIX + canonical(header)
    if len(leaf) > HEADER_BYTES_MAX:
        raise ValueError(f"a header of {len(leaf)} bytes is over {HEADER_BYTES_MAX}")
    return leaf


def refuse_free_text(header: dict[str, Any]) -> None:
    """Raise ValueError unless every value is an id, a code, an instant or a digest."""
    if strange := set(header) - ALLOWED:
        raise ValueError(f"not allowed in a header: {sorted(strange)}")
    if not _TYPE.fullmatch(header["type"]):
        raise ValueError("an event type is concept.past_participle.vN")
    for name, shape in _NAMED.items():
        if name in header and not shape.fullmatch(header[name]):
            raise ValueError(f"{name} is not an id or a code")


class Salted(Protocol):
    """A person among many, and the salt (hexadecimal) that blinds them."""

    @property
    def subject(self) -> UUID: ...

    @property
    def salt(self) -> str: ...


def root_of_many(seen: Sequence[Salted]) -> bytes:
    """The Merkle tree hash (RFC 6962, 2.1) over `salt || subject` of each, in the order given."""
    return tree_hash(leaf_hash(bytes.fromhex(one.salt) + one.subject.bytes) for one in seen)
