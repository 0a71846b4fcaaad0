"""Leaves and payloads, as docs/ledger.md describes them: grammar, digests, whom they are about.

Whatever is of a wrong shape raises MALFORMED; whoever calls says at which index."""

import json
import re
from binascii import a2b_base64
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from verifier.findings import DoesNotHold, strict_json, unb64
from verifier.merkle import leaf_hash, tree_root

MAP_TYPE: Final = "ledger.map_committed.v1"
ERASURE_TYPE: Final = "erasure.ordered.v1"

_HEX, _HASH = "[0-9a-f]{32}", "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
_CODE, _LABEL, _COUNT = (
    "[A-Za-z0-9][A-Za-z0-9:._-]{0,63}",
    "[A-Za-z0-9:._-]{1,64}",
    "(?:0|[1-9][0-9]{0,17})",
)
_AT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6})?Z"
_SEAL = f'{{"c":"(?P<c>[a-z_]{{1,32}})","cd":"(?P<cd>{_HASH})","k":"(?P<k>{_HEX})","pc":"{_HASH}","s":"(?P<s>{_HEX})"}}'
_ANY_SEAL = re.sub("[?]P<[a-z]+>", "?:", _SEAL)
# Canonical JSON of the allowed keys is a regular language: what matches has each key once, in order, and no other.
_LEAF: Final = re.compile(
    f'daybook/leaf/v1\n{{"actor":"{_CODE}","at":"(?P<at>{_AT})",(?:"case":"{_LABEL}",)?(?:"cause":"{_HEX}",)?'
    f'"id":"(?P<id>{_HEX})",(?:"many":{{"n":(?P<n>{_COUNT}),"root":"(?P<many>{_HASH})"}},)?"pd":"(?P<pd>{_HASH})",'
    f'(?:"policy":"{_LABEL}",)?(?:"purpose":"{_CODE}",)?(?:"seals":\\[{_SEAL}(?P<more>(?:,{_ANY_SEAL})*)\\],)?'
    f'"stream":"(?P<stream>{_HEX})","tenant":"(?P<tenant>{_HEX})",'
    f'"type":"(?P<type>[a-z][a-z_.]*\\.v[0-9]+)","v":1,"ver":(?P<ver>{_COUNT})}}'
)
_SEALS: Final = re.compile(_SEAL)
# By number, in one go: names would have to be looked up a dozen times a leaf.
_ASKED: Final = [_LEAF.groupindex[name] for name in ("c", "cd", "k", "s", "more", "at")]
_PD, _MANY, _TYPE = (_LEAF.groupindex[name] for name in ("pd", "many", "type"))
FIELDS: Final = [_LEAF.groupindex[it] for it in ("type", "at", "id", "stream", "tenant", "ver")]
_TAG: Final = re.compile("[0-9a-f]{8}(-?)[0-9a-f]{4}\\1[0-9a-f]{4}\\1[0-9a-f]{4}\\1[0-9a-f]{12}")
_scan: Final = json.JSONDecoder().scan_once  # type: ignore[attr-defined]

Leaf = re.Match[str]
Seals = Sequence[Sequence[str]]


def parse_leaf(data: bytes, index: int) -> tuple[Leaf, Seals]:
    """Read a leaf, and its seals as (class, cd, key, subject).

    DoesNotHold when it says anything that a leaf may not say."""
    leaf = _LEAF.fullmatch(data.decode("latin-1"))
    if leaf is None:
        raise DoesNotHold("the entry is no leaf: a header of allowed keys and values", index)
    *first, more, at = leaf.group(*_ASKED)
    datetime.fromisoformat(at)
    if first[0] is None:
        return leaf, ()
    return leaf, [first, *_SEALS.findall(more)] if more else [first]


def tag_of(text: str) -> bytes:
    """Read a tag."""
    if not _TAG.fullmatch(text):
        raise ValueError("not 32 hexadecimal digits")
    return bytes.fromhex(text.replace("-", ""))


def plain_of(leaf: Leaf, plain: bytes, index: int) -> Any:
    """Read a plain payload that the leaf commits to; {} if nothing in it is of interest here."""
    if sha256(plain).digest() != a2b_base64(leaf[_PD]):
        raise DoesNotHold("the payload is not the one that the leaf commits to (pd)", index)
    # Most plain payloads name no subject. An escape could hide one.
    named = b'"subject' in plain or b"\\" in plain
    return strict_json(plain) if named or leaf[_MANY] or leaf[_TYPE] == MAP_TYPE else {}


def absent_envelopes(seals: Seals, lines: Sequence[bytes], index: int) -> list[bytes]:
    """Check the envelopes of a payload, and list the subjects in whose place an empty line stands.

    DoesNotHold if one is not what the leaf commits to, or not of its subject, class and key."""
    absent = []
    if len(lines) != len(seals):
        raise DoesNotHold("the payload has not one line for each seal of the leaf", index)
    for (class_, cd, key, subject), line in zip(seals, lines):  # noqa: B905 - are as many
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


def tags_of(leaf: Leaf, seals: Seals, plain: Any, index: int) -> set[bytes]:
    """List whom a leaf is about; DoesNotHold when its `many` is not what the payload lists."""
    tags = {bytes.fromhex(seal[3]) for seal in seals}
    if plain and plain.get("subject") is not None:
        tags.add(tag_of(plain["subject"]))
    if leaf[_MANY]:
        seen = [(tag_of(each["salt"]), tag_of(each["subject"])) for each in plain["subjects"]]
        root = tree_root([leaf_hash(salt + tag) for salt, tag in seen])
        if len(seen) != int(leaf["n"]) or root != a2b_base64(leaf[_MANY]):
            raise DoesNotHold("the listed subjects are not those of the leaf (many)", index)
        tags |= {tag for _, tag in seen}
    return tags


def map_of(leaf: Leaf, plain: Any, index: int) -> dict[str, Any]:
    """Read what a map leaf says; DoesNotHold when it is none, or it cannot be."""
    previous = -1 if plain["previous"] is None else plain["previous"]
    if leaf["type"] != MAP_TYPE or not 0 <= plain["covers"] <= index or not -1 <= previous < index:
        raise DoesNotHold("the map leaf is none, or says what cannot be", index)
    return {**plain, "root": unb64(plain["root"], 32)}
