"""The ledger for whoever checks it: checkpoint, tiles, events, receipts, proofs. Nothing here opens a value."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Final

import orjson

from api.http import schemas_ledger as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import EventId, SubjectId, TenantId, TilePath
from api.http.rendering import Json, optional_instant
from application.ledger.reading import EventsQuery, LedgerEvent, Proof
from application.ledger.witnessing import Standing
from application.recorded import Answer
from domain import errors
from domain.values import instant_text, public_id

routes = Routes("Ledger")

TEXT: Final = "text/plain"
BYTES: Final = "application/octet-stream"
ZIP: Final = "application/zip"
FOR_GOOD: Final = "private, max-age=31536000, immutable"
NOT_KEPT: Final = "private, no-cache"
RETRY: Final = (("retry-after", "1"), ("cache-control", "no-store"))


@routes.add("GET", "/v1/ledger/{tenant}/checkpoint", TEXT, errors.NotFound, published=True)
def show_checkpoint(call: Call, tenant: TenantId, query: schemas.CheckpointAsked) -> Answer:
    """Give the last checkpoint of the ledger: a signed note (C2SP tlog-checkpoint), with the cosignatures it has.

    With `witnessed=true` the last one that a quorum of witnesses cosigned. Roles: auditor, owner, privacy_officer;
    no key is needed where ledgers are published.
    """
    if query.witnessed == "true":
        found = call.platform.witnessing.checkpoint(tenant, call.by)
    else:
        found = call.platform.ledger.checkpoint(tenant, call.by)
    return _plain(TEXT, found.note.encode(), NOT_KEPT)


@routes.add("GET", "/v1/ledger/{tenant}/witnesses", schemas.Standing, errors.NotFound)
def show_witnesses(call: Call, tenant: TenantId) -> Answer:
    """Show how the ledger stands with its witnesses: who cosigned what, and what is wrong.

    A witness that is away stops nothing; when `overdue`, nothing official is said of the ledger (503 `unwitnessed`).
    Roles: auditor, owner, privacy_officer.
    """
    return answered(standing_json(call.platform.witnessing.standing(tenant, call.by)))


@routes.add(
    "GET",
    "/v1/ledger/{tenant}/tile/{path}",
    BYTES,
    errors.NotFound,
    errors.LedgerDamaged,
    published=True,
)
def show_tile(call: Call, tenant: TenantId, path: TilePath) -> Answer:
    """Give a tile of hashes (`<L>/<N>[.p/<W>]`) or of entries (`entries/<N>[.p/<W>]`), after C2SP tlog-tiles.

    What the last checkpoint covers is there. A full tile never changes. Roles: auditor, owner, privacy_officer; tiles
    of hashes need no key where ledgers are published.
    """
    found = call.platform.ledger.tile(tenant, path, call.by)
    return _plain(BYTES, found, NOT_KEPT if ".p/" in path else FOR_GOOD)


@routes.add("GET", "/v1/events", schemas.EventList, errors.LedgerDamaged)
def list_events(call: Call, query: schemas.EventsAsked) -> Answer:
    """List events in the order of the ledger, without payloads.

    `next_cursor` is a position: it serves as `after`, too. Roles: auditor, owner, privacy_officer.
    """
    reached = call.reached(query.at_least)
    given = [it for it in (query.after, query.cursor) if it is not None]
    asked = EventsQuery(max(given, default=-1), query.limit, query.type, query.subject_id)
    found = call.platform.ledger.events(asked, call.by)
    following = str(found[-1].position) if len(found) == query.limit else None
    shown = [event_json(one) for one in found]
    return answered({"data": shown, "next_cursor": following}, headers=(reached,))


@routes.add("GET", "/v1/events/{id}", schemas.WholeEvent, errors.LedgerDamaged, pending=True)
def show_event(call: Call, id: EventId) -> Answer:
    """Show one event with its payload, in which every personal value is sealed.

    202 while the event waits for its position (within a second). Roles: auditor, owner, privacy_officer.
    """
    found = call.platform.ledger.event(id, call.by)
    if found is None:
        return Answer(202, RETRY, b"")
    assert found.payload is not None
    plain = orjson.loads(found.payload.split(b"\n", 1)[0])
    return answered(event_json(found) | {"payload": base64(found.payload), "plain": plain})


@routes.add("GET", "/v1/events/{id}/receipt", TEXT, errors.LedgerDamaged, pending=True)
def show_receipt(call: Call, id: EventId) -> Answer:
    """Give a receipt: proof that the event is in the ledger, to be checked with nothing but the log's key.

    It is a C2SP tlog-proof, with the event's leaf in its `extra` line. 202 until a checkpoint covers the event (about
    a second after it was recorded).
    """
    found = call.platform.ledger.receipt(id, call.by)
    if found is None:
        return Answer(202, RETRY, b"")
    named = ("content-disposition", f'attachment; filename="{public_id("event", id)}.tlog-proof"')
    return _plain(TEXT, found.text.encode(), NOT_KEPT, named)


@routes.add(
    "GET",
    "/v1/subjects/{id}/evidence",
    ZIP,
    errors.NotFound,
    errors.Behind,
    errors.Unwitnessed,
    errors.LedgerDamaged,
    errors.TooMany,
    long=True,
)
def take_evidence(call: Call, id: SubjectId, query: schemas.EvidenceAsked) -> Answer:
    """Give the evidence about one subject: every event, and the proof that there is no other.

    A zip that is checked without us: docs/ledger.md. It shows nobody else's data, and no value that is sealed is
    opened; that it was taken is recorded. May take some seconds. 503 `unwitnessed` where witnesses are to cosign
    and have not for too long. Roles: auditor, owner, privacy_officer.
    """
    found = call.platform.evidence.about(id, call.by, absent=query.absent is not None)
    name = f"evidence-{public_id('subject', id)}.zip"
    named = ("content-disposition", f'attachment; filename="{name}"')
    return _plain(ZIP, found.data, "private, no-store", named)


@routes.add("POST", "/v1/ledger/proofs/inclusion", schemas.InclusionProof, errors.LedgerDamaged)
def prove_inclusion(call: Call, body: schemas.InclusionAsked) -> Answer:
    """Prove that a leaf stands in the tree of a size that a checkpoint covers.

    Roles: auditor, owner, privacy_officer.
    """
    return answered(
        proof_json(body.index, call.platform.ledger.inclusion(body.index, body.size, call.by))
    )


@routes.add("POST", "/v1/ledger/proofs/consistency", schemas.ConsistencyProof, errors.LedgerDamaged)
def prove_consistency(call: Call, body: schemas.ConsistencyAsked) -> Answer:
    """Prove that the tree of one size extends that of a smaller one.

    Roles: auditor, owner, privacy_officer.
    """
    found = call.platform.ledger.consistency(body.from_, body.to, call.by)
    return answered(proof_json(body.from_, found))


def event_json(it: LedgerEvent) -> Json:
    """An event without its payload."""
    return {
        "position": it.position,
        "id": public_id("event", it.event_id),
        "type": it.type,
        "recorded_at": instant_text(it.recorded_at),
        "header": orjson.loads(it.header.split(b"\n", 1)[1]),
        "leaf": base64(it.header),
        "leaf_hash": base64(it.leaf_hash),
    }


def standing_json(it: Standing) -> Json:
    """How a ledger stands with its witnesses."""
    return {
        "configured": it.configured,
        "quorum_met": it.quorum_met,
        "overdue": it.overdue,
        "newest_size": it.newest_size,
        "witnessed": it.last
        and {
            "size": it.last.checkpoint.size,
            "at": instant_text(it.last.cosigned_at),
        },
        "data": [
            {
                "name": one.name.encode("utf-8", "replace").decode(),
                "key": one.key,
                "size": one.size,
                "seen_at": optional_instant(one.seen_at),
                "problem": one.problem,
                "problem_at": optional_instant(one.problem_at),
            }
            for one in it.witnesses
        ],
    }


def proof_json(index: int, proof: Proof) -> Json:
    """A proof."""
    return {"index": index, "size": proof.size, "hashes": hashes_json(proof.hashes)}


def hashes_json(hashes: Sequence[bytes]) -> list[str]:
    """Hashes, base64."""
    return [base64(each) for each in hashes]


def base64(data: bytes) -> str:
    """Base64 with padding (RFC 4648, section 4)."""
    return b64encode(data).decode("ascii")


def _plain(kind: str, body: bytes, kept: str, *headers: tuple[str, str]) -> Answer:
    charset = "; charset=utf-8" if kind == TEXT else ""
    return Answer(
        200, (("content-type", f"{kind}{charset}"), ("cache-control", kept), *headers), body
    )
