"""Leaves and payloads, as docs/ledger.md describes them: their grammar, their digests, whom they are about.

Whatever is of a wrong shape raises MALFORMED; whoever calls says at which index.
"""

import json
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from verifier.findings import DoesNotHold, strict_json, unb64
from verifier.merkle import Growing, leaf_hash

MAP_TYPE: Final = b"ledger.map_committed.v1"
ERASURE_TYPE: Final = b"erasure.ordered.v1"

_HEX, _HASH = "[0-9a-f]{32}", "[A-Za-z0-9+/]{43}="
_CODE, _COUNT = "[A-Za-z0-9][A-Za-z0-9:._-]{0,63}", "(?:0|[1-9][0-9]{0,17})"
_AT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6})?Z"
_SEAL = f'{{"c":"[a-z_]{{1,32}}","cd":"{_HASH}","k":"{_HEX}","pc":"{_HASH}","s":"{_HEX}"}}'
# Canonical JSON of the allowed keys is a regular language: what matches has each key once, in order, and no other.
_LEAF: Final = re.compile(
    f'daybook/leaf/v1\n{{"actor":"{_CODE}","at":"({_AT})",(?:"case":"{_CODE}",)?(?:"cause":"{_HEX}",)?'
    f'"id":"({_HEX})",(?:"many":{{"n":({_COUNT}),"root":"({_HASH})"}},)?"pd":"({_HASH})",'
    f'(?:"policy":"{_CODE}",)?(?:"purpose":"{_CODE}",)?(?:"seals":\\[({_SEAL}(?:,{_SEAL})*)\\],)?'
    f'"stream":"({_HEX})","tenant":"({_HEX})","type":"([a-z][a-z_]*(?:\\.[a-z][a-z_]*)+\\.v[0-9]+)",'
    f'"v":1,"ver":({_COUNT})}}'.encode()
)
_SEALS: Final = re.compile(
    b'{"c":"([^"]+)","cd":"([^"]+)","k":"([^"]+)","pc":"[^"]+","s":"([^"]+)"}'
)
_TAG: Final = re.compile("[0-9a-f]{8}(-?)[0-9a-f]{4}\\1[0-9a-f]{4}\\1[0-9a-f]{4}\\1[0-9a-f]{12}")


class Leaf(NamedTuple):
    """A leaf's header, as its bytes say it; `seals` are (class, cd, key, subject)."""

    at: bytes
    id: bytes
    many: bytes | None
    many_root: bytes | None
    pd: bytes
    seals: Sequence[tuple[bytes, bytes, bytes, bytes]]
    stream: bytes
    tenant: bytes
    type: bytes
    version: bytes


# What a leaf of MAP_TYPE says.
class MapLeaf(NamedTuple):
    covers: int
    keys: int
    previous: int | None
    root: bytes


def parse_leaf(data: bytes, index: int) -> Leaf:
    """Read a leaf; DoesNotHold when it says anything that a leaf may not say."""
    found = _LEAF.fullmatch(data)
    if found is None:
        raise DoesNotHold("the entry is no leaf: a header of allowed keys and values", index)
    at, *middle, seals, stream, tenant, type_, version = found.groups()
    datetime.fromisoformat(at.decode())
    values = (at, *middle, _SEALS.findall(seals or b""), stream, tenant, type_, version)
    return Leaf._make(values)


def tag_of(text: str) -> bytes:
    """Read a tag."""
    if not _TAG.fullmatch(text):
        raise ValueError("not 32 hexadecimal digits")
    return bytes.fromhex(text.replace("-", ""))


def plain_of(leaf: Leaf, plain: bytes, index: int) -> dict[str, Any]:
    """Read a plain payload, if the leaf commits to it, and it says whom or what it is about."""
    if b2a_base64(sha256(plain).digest(), newline=False) != leaf.pd:
        raise DoesNotHold("the payload is not the one that the leaf commits to (pd)", index)
    # Most plain payloads name no subject, and nothing else in them is of interest. An escape could hide one.
    of_interest = b'"subject' in plain or b"\\" in plain or leaf.many or leaf.type == MAP_TYPE
    return dict(strict_json(plain)) if of_interest else {}


def absent_envelopes(leaf: Leaf, lines: Sequence[bytes], index: int) -> list[bytes]:
    """Check the envelopes of a payload, and list the subjects in whose place an empty line stands.

    DoesNotHold if one is not what the leaf commits to, or not of its subject, class and key.
    """
    absent = []
    if len(lines) != len(leaf.seals):
        raise DoesNotHold("the payload has not one line for each seal of the leaf", index)
    for (class_, cd, key, subject), line in zip(leaf.seals, lines, strict=True):
        if not line:
            absent.append(bytes.fromhex(subject.decode()))
            continue
        found = json.loads(line.decode())
        nonce, sealed = a2b_base64(found["nonce"]), a2b_base64(found["ct"])
        if b2a_base64(sha256(nonce + sealed).digest(), newline=False) != cd or len(nonce) != 12:
            raise DoesNotHold("an envelope is not the one that the leaf commits to (cd)", index)
        names = f"{found['class']}\n{found['key']}\n{found['subject']}".replace("-", "").encode()
        if names != b"%b\n%b\n%b" % (class_, key, subject):
            raise DoesNotHold("an envelope is not of the leaf's subject, class and key", index)
    return absent


def tags_of(leaf: Leaf, plain: dict[str, Any], index: int) -> set[bytes]:
    """List whom a leaf is about; DoesNotHold when its `many` is not what the payload lists."""
    tags = {bytes.fromhex(seal[3].decode()) for seal in leaf.seals}
    if plain.get("subject") is not None:
        tags.add(tag_of(plain["subject"]))
    if leaf.many is not None:
        seen = [(tag_of(each["salt"]), tag_of(each["subject"])) for each in plain["subjects"]]
        root = Growing().root([leaf_hash(salt + tag) for salt, tag in seen])
        if len(seen) != int(leaf.many) or b2a_base64(root, newline=False) != leaf.many_root:
            raise DoesNotHold("the listed subjects are not those of the leaf (many)", index)
        tags |= {tag for _, tag in seen}
    return tags


def map_leaf_of(plain: dict[str, Any], index: int) -> MapLeaf:
    """Read what a map leaf says; DoesNotHold when it cannot be."""
    said = MapLeaf(plain["covers"], plain["keys"], plain["previous"], unb64(plain["root"], 32))
    if (
        not 0 <= said.covers <= index
        or not -1 <= (-1 if said.previous is None else said.previous) < index
    ):
        raise DoesNotHold("the map leaf says what cannot be", index)
    return said
