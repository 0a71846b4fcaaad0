"""Verify a certificate of erasure against its subject's whole history, which comes with it.

Whatever is of a wrong shape raises MALFORMED."""

from hashlib import sha256
from typing import Any, Final

from verifier import leaves
from verifier.findings import DoesNotHold, b64, strict_json

CERTIFICATE: Final = "certificate.json"
# An event of the history: its index, leaf, seals and plain payload.
Told = tuple[int, leaves.Leaf, leaves.Seals, Any]


def verify_certificate(body: bytes, tag: bytes, history: list[Told]) -> dict[str, Any]:
    """Check that what is said to be destroyed is so by the ledger, and is all that was sealed; gives what to report."""
    said, logged, ended, gone = strict_json(body), set[str](), set[str](), set[tuple[str, str]]()
    seen = {("evt_" + leaf["id"], leaf["type"]) for _, leaf, _, _ in history}
    for _, leaf, _, plain in history:
        match leaf["type"]:
            case "erasure.effected.v1":
                keys = plain["keys"]
                gone |= {(it["retention_class"], leaves.tag_of(it["key"]).hex()) for it in keys}
            case "erasure.completed.v1":
                ended |= {*plain["classes"]}
            case "erasure.certified.v1":
                logged.add(plain["body_sha256"])
    if (
        b64(sha256(body).digest()) not in logged
        or said["subject"]["pseudonym"] != "sub_" + tag.hex()
    ):
        raise DoesNotHold("the certificate is not one that was logged for this subject")
    if not {(it["event_id"], it["type"]) for it in said["events"]} <= seen:
        raise DoesNotHold("the certificate names an event that is not in the history")
    classes = {it["retention_class"] for it in said["destroyed"]}
    listed = {(it["retention_class"], key) for it in said["destroyed"] for key in it["keys"]}
    if not classes <= ended or not listed <= gone:
        raise DoesNotHold("the ledger does not say that all of these keys are destroyed")
    kept = set()
    for index, _, seals, _ in history:
        for class_, _, key, subject in seals:
            if subject == tag.hex() and class_ in classes and (class_, key) not in listed:
                raise DoesNotHold("a value was sealed under a key that is not destroyed", index)
            kept |= {class_} - classes if subject == tag.hex() else set()
    return {"destroyed": sorted(classes), "keys": len(listed), "not_destroyed": sorted(kept)}
