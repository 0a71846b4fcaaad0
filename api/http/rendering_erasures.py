"""Erasures as the JSON of the contract: ids, codes and instants."""

from __future__ import annotations

from api.http.rendering import Json, optional_instant
from application.erasing.certificate import Told
from application.erasing.reading import ErasureSeen, ErasureShown, Gone
from domain.custody import Kept
from domain.values import instant_text, public_id


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
        "kept": [kept_json(one) for one in it.kept],
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


def kept_json(it: Kept) -> Json:
    """A class that is left under an exception."""
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
