"""The command line and its reports. Exit codes: 0 all holds, 1 a check does not, 2 it cannot be checked."""

import argparse
import gc
import json
import tempfile
from pathlib import Path
from typing import Any

from verifier.bundle import Bundle, read_file
from verifier.evidence import receipt_parts, verify_evidence
from verifier.export import WIDTH, Export
from verifier.findings import MALFORMED, DoesNotHold, Finding, Unreadable, unb64
from verifier.leaves import parse_leaf
from verifier.merkle import included, leaf_hash
from verifier.notes import Head
from verifier.trust import SKEW_SECONDS, Trust


def main(arguments: list[str]) -> int:
    """Verify a bundle, print the report, give the exit code."""
    parser = argparse.ArgumentParser("verifier", description="Verify a Daybook ledger, offline.")
    parser.add_argument(
        "bundle", type=Path, help="an export, evidence, a certificate, a folder, or a receipt"
    )
    parser.add_argument("--vkey", action="append", default=[], help="a key of the log")
    parser.add_argument("--policy", type=Path, help="a tlog-policy: logs, witnesses, quorum")
    known = "a checkpoint seen earlier, which this log has to extend"
    parser.add_argument("--known-checkpoint", type=Path, action="append", default=[], help=known)
    skew = f"how far a leaf's time may be from that of a witness who saw it, or who did not yet: {SKEW_SECONDS}"
    parser.add_argument("--skew", type=int, default=SKEW_SECONDS, metavar="SECONDS", help=skew)
    parser.add_argument("--leaf", type=Path, help="with a receipt: the entry")
    parser.add_argument("--leaf-hash", help="with a receipt: the entry's hash, in base64")
    parser.add_argument("--tmp", help="where temporary files may lie")
    parser.add_argument("--json", action="store_true", help="print JSON, for a program")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    code, report = 0, dict[str, Any].fromkeys(("verdict", "kind", "origin", "size", "problem"))
    report["notes"] = []
    gc.disable()  # nothing here goes round in circles, and a million leaves make many objects
    try:
        _verify(options, report)
    except (Finding, *MALFORMED, OSError, OverflowError, MemoryError, KeyboardInterrupt) as bad:
        code = 1 if isinstance(bad, DoesNotHold) else 2
        report["problem"] = {"reason": _reason(bad), "index": getattr(bad, "index", None)}
    finally:
        gc.enable()
    report["verdict"] = ("holds", "does not hold", "cannot be checked")[code]
    print(json.dumps(report) if options.json else _text(report))
    return code


def _reason(bad: BaseException) -> str:
    if isinstance(bad, Finding):
        return bad.reason
    stopped = isinstance(bad, KeyboardInterrupt)
    return "interrupted" if stopped else f"malformed ({type(bad).__name__})"


def _verify(options: argparse.Namespace, report: dict[str, Any]) -> None:
    trust, path = Trust(options.skew), options.bundle
    for key in options.vkey:
        trust.add_log(key)
    if options.policy is not None:
        trust.read_policy(read_file(options.policy))
    if not trust.logs:
        raise Unreadable("bring the log's key along: --vkey KEY, or a --policy with a log")
    known = [trust.checkpoint(read_file(it), it.name)[0] for it in options.known_checkpoint]
    if options.leaf or options.leaf_hash or path.suffix == ".tlog-proof":
        index, hashes, note, entry = receipt_parts(read_file(path))
        report.update(kind="receipt", index=index)
        head = _head(trust, note, known, report)
        entry = read_file(options.leaf) if options.leaf else entry
        if not (entry or options.leaf_hash):
            raise Unreadable("the receipt brings no entry along: --leaf or --leaf-hash")
        leaf = unb64(options.leaf_hash) if options.leaf_hash else leaf_hash(entry)
        if not included(leaf, index, head.size, hashes, head.root):
            raise DoesNotHold("the entry is not in the log at this index", index)
        if entry:
            trust.require_time(index, parse_leaf(entry, index)[0]["at"])
        return _compare(head, known, report)
    bundle = Bundle(path, trust)
    note = bundle.require_intact("checkpoint", bundle.read("checkpoint"))
    head = _head(trust, note, known, report)
    manifest = bundle.manifest or {"v": 1, "kind": "export", "origin": head.origin}
    report["kind"] = manifest["kind"]
    if bundle.manifest is None:
        report["notes"].append("a bare folder: there is no signed manifest of its files")
    if manifest["origin"] != head.origin or manifest["v"] != 1:
        raise DoesNotHold("the manifest is of another log or version than the checkpoint")
    if manifest["kind"] in ("evidence", "certificate"):
        report.update(verify_evidence(bundle, head, trust))
        return _compare(head, known, report)
    if manifest["kind"] != "export":
        raise Unreadable("neither an export, evidence nor a certificate")
    with tempfile.TemporaryFile(dir=options.tmp) as spill:
        export = Export(bundle, head, known, trust, spill)
        try:
            export.run()
        finally:
            _count(export, report)


def _head(trust: Trust, note: bytes, known: list[Head], report: dict[str, Any]) -> Head:
    head, signatures = trust.checkpoint(note)
    report.update(origin=head.origin, size=head.size, **signatures)
    if any(it.origin != head.origin for it in known):
        raise DoesNotHold("a known checkpoint is of another log")
    return head


def _compare(head: Head, known: list[Head], report: dict[str, Any]) -> None:
    for it in known:
        if it.size != head.size:
            report["notes"].append(f"not shown here: that it is the log known at size {it.size}")
        elif it.root != head.root:
            raise DoesNotHold("a known checkpoint of the same size has another root")


def _count(export: Export, report: dict[str, Any]) -> None:
    report["entries"] = export.tiles.start * WIDTH, min(export.tiles.stop * WIDTH, export.size)
    report.update(types=dict(sorted(export.types.items())), times=export.times)
    report.update(tenant=export.tenant, maps=len(export.maps), subjects=export.subjects)
    report["payloads_gone"] = export.gone
    if not export.payloads:
        report["notes"].append("there are no payloads: neither they nor the maps were checked")
    elif not export.full:
        report["notes"].append("a part of the log: its maps were not replayed")


def _text(report: dict[str, Any]) -> str:
    problem, notes = report.pop("problem"), report.pop("notes")
    verdict = report.pop("verdict").upper()
    if problem is not None:
        at = "" if problem["index"] is None else f" (index {problem['index']})"
        verdict += f": {problem['reason']}{at}"
    told = [f"  {key}: {json.dumps(it)}" for key, it in report.items() if it not in (None, [])]
    # Names in a bundle are its maker's: none of them may steer a terminal.
    lines = (verdict, *told, *(f"  note: {note}" for note in notes))
    return "\n".join(ascii(line)[1:-1] for line in lines)
