"""Leaves and payloads, as docs/ledger.md describes them: their grammar, their digests, whom they are about.

Whatever is of a wrong shape raises MALFORMED; whoever calls says at which index.
"""

import json
import re
from binascii import a2b_base64
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from verifier.findings import DoesNotHold, strict_json, unb64
from verifier.merkle import Growing, leaf_hash

MAP_TYPE: Final = "ledger.map_committed.v1"
ERASURE_TYPE: Final = "erasure.ordered.v1"

_HEX, _HASH = "[0-9a-f]{32}", "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
_CODE, _COUNT = "[A-Za-z0-9][A-Za-z0-9:._-]{0,63}", "(?:0|[1-9][0-9]{0,17})"
_AT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6})?Z"
_SEAL = f'{{"c":"([a-z_]{{1,32}})","cd":"({_HASH})","k":"({_HEX})","pc":"{_HASH}","s":"({_HEX})"}}'
_ANY_SEAL = _SEAL.replace("(", "(?:")
# Canonical JSON of the allowed keys is a regular language: what matches has each key once, in order, and no other.
_LEAF: Final = re.compile(
    f'daybook/leaf/v1\n{{"actor":"{_CODE}","at":"({_AT})",(?:"case":"{_CODE}",)?(?:"cause":"{_HEX}",)?'
    f'"id":"({_HEX})",(?:"many":{{"n":({_COUNT}),"root":"({_HASH})"}},)?"pd":"({_HASH})",'
    f'(?:"policy":"{_CODE}",)?(?:"purpose":"{_CODE}",)?(?:"seals":\\[{_SEAL}((?:,{_ANY_SEAL})*)\\],)?'
    f'"stream":"({_HEX})","tenant":"({_HEX})","type":"([a-z][a-z_]*(?:\\.[a-z][a-z_]*)+\\.v[0-9]+)",'
    f'"v":1,"ver":({_COUNT})}}'
)
_SEALS: Final = re.compile(_SEAL)
_TAG: Final = re.compile("[0-9a-f]{8}(-?)[0-9a-f]{4}\\1[0-9a-f]{4}\\1[0-9a-f]{4}\\1[0-9a-f]{12}")
_scan: Final = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


class Leaf(NamedTuple):
    """A leaf's header, as its bytes say it; `seals` are (class, cd, key, subject)."""

    at: str
    id: str
    many: str | None
    many_root: str | None
    pd: str
    seals: Sequence[tuple[str, str, str, str]]
    stream: str
    tenant: str
    type: str
    version: str


class MapLeaf(NamedTuple):
    """What a leaf of MAP_TYPE says."""

    covers: int
    keys: int
    previous: int | None
    root: bytes


def parse_leaf(data: bytes, index: int) -> Leaf:
    """Read a leaf; DoesNotHold when it says anything that a leaf may not say."""
    found = _LEAF.fullmatch(data.decode("latin-1"))
    if found is None:
        raise DoesNotHold("the entry is no leaf: a header of allowed keys and values", index)
    at, id_, many, root, pd, class_, cd, key, subject, more, stream, tenant, type_, version = (
        found.groups()
    )
    datetime.fromisoformat(at)
    seals = [(class_, cd, key, subject)] if class_ else []
    if more:
        seals += _SEALS.findall(more)
    return Leaf(at, id_, many, root, pd, seals, stream, tenant, type_, version)


def tag_of(text: str) -> bytes:
    """Read a tag."""
    if not _TAG.fullmatch(text):
        raise ValueError("not 32 hexadecimal digits")
    return bytes.fromhex(text.replace("-", ""))


def plain_of(leaf: Leaf, plain: bytes, index: int) -> dict[str, Any]:
    """Read a plain payload that the leaf commits to; {} if nothing in it is of interest here."""
    if sha256(plain).digest() != a2b_base64(leaf.pd):
        raise DoesNotHold("the payload is not the one that the leaf commits to (pd)", index)
    # Most plain payloads name no subject. An escape could hide one.
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
            absent.append(bytes.fromhex(subject))
            continue
        text = line.decode()
        found, end = _scan(text, 0)
        nonce = a2b_base64(found["nonce"])
        digest = sha256(nonce + a2b_base64(found["ct"])).digest()
        if digest != a2b_base64(cd) or len(nonce) != 12 or end != len(text):
            raise DoesNotHold("an envelope is not the one that the leaf commits to (cd)", index)
        if (found["class"], found["key"], found["subject"]) != (class_, key, subject):
            raise DoesNotHold("an envelope is not of the leaf's subject, class and key", index)
    return absent


def tags_of(leaf: Leaf, plain: dict[str, Any], index: int) -> set[bytes]:
    """List whom a leaf is about; DoesNotHold when its `many` is not what the payload lists."""
    tags = {bytes.fromhex(seal[3]) for seal in leaf.seals}
    if plain and plain.get("subject") is not None:
        tags.add(tag_of(plain["subject"]))
    if leaf.many_root is not None:
        seen = [(tag_of(each["salt"]), tag_of(each["subject"])) for each in plain["subjects"]]
        root = Growing().root([leaf_hash(salt + tag) for salt, tag in seen])
        if len(seen) != int(leaf.many or 0) or root != a2b_base64(leaf.many_root):
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
