"""Verify the evidence of one subject's history, and read the receipt of one entry.

Whatever is of a wrong shape raises MALFORMED."""

from collections import Counter
from hashlib import sha256
from typing import Any, Final

from verifier import leaves
from verifier.bundle import Bundle
from verifier.certificate import CERTIFICATE, Told, verify_certificate
from verifier.findings import DoesNotHold, Unreadable, number, strict_json, unb64
from verifier.leaves import Leaf, Seals
from verifier.merkle import included, leaf_hash
from verifier.notes import Head
from verifier.prefix_map import EMPTY, key_of, map_leaf_hash, proof_holds
from verifier.trust import Trust

EVIDENCE: Final = "evidence.json"


def verify_evidence(bundle: Bundle, head: Head, trust: Trust) -> dict[str, Any]:
    """Check a subject's whole history, as far as the map in the evidence goes; gives what to report."""
    said = strict_json(bundle.require_intact(EVIDENCE, bundle.read(EVIDENCE)))
    certified = (bundle.manifest or said)["kind"] == "certificate"
    body = bundle.require_intact(CERTIFICATE, bundle.read(CERTIFICATE)) if certified else b""
    if said["v"] != 1 or bundle.unread or said["tag"] != (bundle.manifest or said)["tag"]:
        raise DoesNotHold("not evidence of version 1, of the manifest's subject, and nothing else")
    tag, at = leaves.tag_of(said["tag"]), said["map"]["index"]
    leaf, _ = _included(said["map"], head, trust)
    map_ = leaves.map_of(leaf, leaves.plain_of(leaf, unb64(said["map"]["payload"]), at), at)
    chain, last, gone, types, times = EMPTY, -1, None, Counter[str](), list[str]()
    history: list[Told] = []
    for event in said["events"]:
        (found, seals), before, last = _included(event, head, trust), last, event["index"]
        if not before < last < map_["covers"] or found["tenant"] != leaf["tenant"]:
            raise DoesNotHold("the event is not in the order of the log, below the map", last)
        absent, plain = _shown(event, found, seals, tag)
        history += [(last, found, seals, plain)] if certified else []
        if absent:
            gone = last if gone is None else gone
        elif found["type"] == leaves.ERASURE_TYPE:
            gone = None
        tail = last.to_bytes(8, "big") + leaf_hash(unb64(event["leaf"]))
        chain = sha256(b"\x04" + chain + tail).digest()
        types[found["type"]] += 1
        times.append(found["at"])
    if gone is not None:
        raise DoesNotHold("content withheld: no order to erase its subject follows", gone)
    if len(times) != said["count"]:
        raise DoesNotHold("there are not as many events as the evidence says")
    proof, key = said["map"]["proof"], key_of(tag)
    other = proof["other"] and [unb64(proof["other"][part], 32) for part in ("key", "value")]
    mine = map_leaf_hash(key, len(times), chain) if times else None
    if not proof_holds(map_["root"], key, mine, _path(proof["hashes"]), other):
        raise DoesNotHold("the map does not say that this is the subject's whole history", at)
    report = {"tag": tag.hex(), "events": len(times), "covers": map_["covers"], "types": types}
    report["times"] = [min(times), max(times)] if times else []
    return report | (verify_certificate(body, tag, history) if certified else {})


def _path(hashes: list[str]) -> list[bytes]:
    return [unb64(each, 32) for each in hashes]


def _included(part: dict[str, Any], head: Head, trust: Trust) -> tuple[Leaf, Seals]:
    index, data = part["index"], unb64(part["leaf"])
    if not included(leaf_hash(data), index, head.size, _path(part["inclusion"]), head.root):
        raise DoesNotHold("the entry is not in the log at its index", index)
    leaf, seals = leaves.parse_leaf(data, index)
    trust.require_time(index, leaf["at"])
    return leaf, seals


def _shown(event: dict[str, Any], leaf: Leaf, seals: Seals, tag: bytes) -> tuple[bool, Any]:
    """Check that an event is about the tag; gives whether what was sealed for it is gone, and its plain payload."""
    index, branch, payload, plain = event["index"], event["branch"], event["payload"], None
    about, absent = any(seal[3] == tag.hex() for seal in seals), [tag]
    if payload is not None:
        first, *lines = unb64(payload).split(b"\n")
        plain = leaves.plain_of(leaf, first, index)
        about = tag in leaves.tags_of(leaf, seals, plain, index)
        absent = leaves.absent_envelopes(seals, lines, index)
    elif leaf["many"] and branch is not None:
        entry, root = leaf_hash(leaves.tag_of(branch["salt"]) + tag), unb64(leaf["many"])
        path, absent = _path(branch["path"]), []
        about = included(entry, branch["position"], int(leaf["n"]), path, root)
    if not about:
        raise DoesNotHold("the event is not shown to be about the subject", index)
    return tag in absent, plain


def receipt_parts(data: bytes) -> tuple[int, list[bytes], bytes, bytes]:
    """Take a tlog-proof apart: index, audit path, signed checkpoint, and the entry that it brings along, if any."""
    text, _, note = data.partition(b"\n\n")
    first, *lines = text.decode().split("\n")
    entry = b""
    if lines[0].startswith("extra "):
        entry = unb64(lines.pop(0).removeprefix("extra "))
    if first != "c2sp.org/tlog-proof@v1" or not lines[0].startswith("index "):
        raise Unreadable("the receipt is no tlog-proof")
    return number(lines[0].removeprefix("index ")), _path(lines[1:]), note, entry
