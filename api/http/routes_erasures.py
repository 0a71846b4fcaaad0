"""Erasures: how they stand, what is kept and why, who was told. They are ordered by requests and by retention."""

from __future__ import annotations

from api.http import schemas_erasures as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import ErasureId, read_cursor, write_cursor
from api.http.rendering import Json, list_json, optional_instant
from api.http.routes_business import LISTED
from api.http.schemas_common import Following
from application.erasing.certificate import Told
from application.erasing.reading import ErasureSeen, ErasureShown, Gone
from application.recorded import Answer
from domain.custody import Kept
from domain.values import instant_text, public_id

routes = Routes("Rights, retention, erasure")


@routes.add("GET", "/v1/erasures", schemas.ErasureList, headers=LISTED)
def list_erasures(call: Call, query: Following) -> Answer:
    """List the erasures, by when they were ordered. Roles: auditor, owner, privacy_officer."""
    reached = call.reached(query.at_least)
    after = read_cursor("erasures", query.cursor)
    listing = call.platform.erasures.page(query.limit, after, call.by)
    following = listing.next and write_cursor("erasures", *listing.next)
    shown = [erasure_json(one) for one in listing.items]
    return answered(list_json(shown, following), headers=(reached,))


@routes.add("GET", "/v1/erasures/{id}", schemas.ShownErasure, headers=("ETag",))
def show_erasure(call: Call, id: ErasureId) -> Answer:
    """Show an erasure: what is destroyed, what waits for a legal hold, what is kept and why, and who was told.

    It is `online` when nobody can open what was to be destroyed, and `complete` when older copies of the keys are dead
    too; `partial` when a part waits or is kept. Roles: auditor, owner, privacy_officer.
    """
    found = call.platform.erasures.erasure(id, call.by)
    return answered(shown_json(found), version=found.seen.state.version)


def erasure_json(it: ErasureSeen) -> Json:
    """An erasure as it stands."""
    state, ordered = it.state, it.state.ordered
    return {
        "id": public_id("erasure", state.id),
        "subject_id": public_id("subject", ordered.subject),
        "status": state.status,
        "cause": ordered.cause,
        "request_id": ordered.request and public_id("privacy_request", ordered.request),
        "ordered_at": instant_text(ordered.through),
        "destroying": list(state.to_destroy),
        "destroyed": list(state.online),
        "deferred": [
            {
                "retention_class": one.deferred.retention_class,
                "legal_hold_id": public_id("legal_hold", one.deferred.legal_hold),
                "gagged": one.gagged,
            }
            for one in it.waits
        ],
        "kept": [_kept_json(one) for one in it.kept],
    }


def shown_json(it: ErasureShown) -> Json:
    """An erasure with what it did."""
    return erasure_json(it.seen) | {
        "event_id": public_id("event", it.event),
        "online_at": optional_instant(it.online_at),
        "complete_at": optional_instant(it.complete_at),
        "keys": sum(one.keys for one in it.gone),
        "epoch": it.epoch,
        "classes": [_gone_json(one) for one in it.gone],
        "recipients": [_told_json(one) for one in it.told],
    }


def _kept_json(it: Kept) -> Json:
    return {
        "retention_class": it.retention_class,
        "exception": it.exception,
        "statute": it.statute,
        "purposes": list(it.purposes),
        "until": it.until and it.until.isoformat(),
    }


def _gone_json(it: Gone) -> Json:
    return {
        "retention_class": it.retention_class,
        "keys": it.keys,
        "online_at": instant_text(it.online_at),
        "complete_at": optional_instant(it.complete_at),
        "epoch": it.epoch,
    }


def _told_json(it: Told) -> Json:
    told, replies = it.story.state, it.story.replies
    answer = replies[-1] if replies else None
    return {
        "recipient_id": public_id("recipient", it.recipient.id),
        "legal_name": it.recipient.terms.legal_name,
        "disclosure_id": public_id("disclosure", told.ordered.disclosure),
        "follow_up_id": public_id("follow_up", told.ordered.follow_up),
        "fields": list(told.ordered.fields),
        "outcome": told.outcome,
        "answer": answer and answer.decision.outcome,
        "answered_at": answer and instant_text(answer.occurred_at),
    }
