"""People's requests and duties as JSON."""

from __future__ import annotations

from api.http.rendering import Json, optional_instant
from application.requests.duties import Duty
from application.requests.privacy_requests import ShownRequest
from application.requests.telling import Told
from application.requests.timing import RightVerdict
from domain.privacy_request_state import PrivacyRequest, RightAsked
from domain.values import instant_text, public_id


def listed_json(it: PrivacyRequest) -> Json:
    """A request as lists show it. It says no more of somebody known than of somebody unknown."""
    terms = it.terms
    erasures = [one.erasure for one in it.rights if one.erasure is not None]
    return {
        "id": public_id("privacy_request", it.id),
        "type": terms.rights[0],
        "types": list(terms.rights),
        "status": it.status,
        "jurisdiction": terms.jurisdiction,
        "channel": terms.channel,
        "cause": terms.cause,
        "forwarded_by": public_id("recipient", terms.forwarded_by) if terms.forwarded_by else None,
        "received_at": instant_text(terms.received_at),
        "subject_id": public_id("subject", it.knows) if it.knows else None,
        "erasure_id": public_id("erasure", erasures[-1]) if erasures else None,
        "rights": [_right_json(one, known=it.knows is not None) for one in it.rights],
        "identity": {
            "method": it.identity.method,
            "outcome": it.identity.outcome,
            "assurance": it.identity.assurance,
            "agent": it.identity.agent,
            "evidence_until": optional_instant(it.identity.evidence_until),
        },
        "paused": it.paused,
        "extended": it.extended,
        "appeal": (it.appeal or "open") if it.appealed else None,
        "duplicate_of": _other(it, "duplicate", "privacy_request"),
        "forwarded_to": _other(it, "forwarded", "recipient"),
        "closed_at": optional_instant(it.closed_at),
        "record_until": optional_instant(it.record_until),
    }


def request_json(it: ShownRequest) -> Json:
    """A request with its clocks."""
    return {
        **listed_json(it.state),
        "clocks": [_clock_json(one) for one in it.clocks],
        "recipients": [_told_json(one) for one in it.told] if it.state.knows else [],
        "restriction_stands": it.restricts if it.state.knows else None,
    }


def duty_json(it: Duty) -> Json:
    """One thing that is due."""
    return {
        "id": it.id.hex,
        "clock": it.kind,
        "about": it.about,
        "right": it.right,
        "rule": it.rule,
        "source": it.source,
        "due_on": it.due_on.isoformat(),
        "due_at": instant_text(it.due_at),
        "zone": it.zone,
        "state": it.state,
    }


def _clock_json(one: RightVerdict) -> Json:
    it = one.verdict
    calendar = f"{it.calendar_id}, {it.calendar_version}" if it.calendar_id else None
    return {
        "right": one.right,
        "rule": it.rule,
        "due_on": it.due_on.isoformat(),
        "due_at": instant_text(it.due_at),
        "zone": it.zone,
        "state": it.state,
        "source": it.source,
        "rules_version": it.rules_version,
        "calendar": calendar,
        "stopped_at": optional_instant(it.stopped_at),
    }


def _right_json(it: RightAsked, *, known: bool) -> Json:
    # What shows that it was done would tell of somebody who opts out whether they are known.
    evidence = [public_id("event", one) for one in it.evidence] if known else []
    return {
        "right": it.right,
        "outcome": it.outcome,
        "denied": [
            {"retention_class": part.retention_class, "reason_code": part.reason_code}
            for part in it.denied
        ],
        "erasure_id": public_id("erasure", it.erasure) if it.erasure else None,
        "evidence": evidence,
        "decided_at": optional_instant(it.decided_at),
    }


def _told_json(it: Told) -> Json:
    return {
        "follow_up_id": public_id("follow_up", it.follow_up),
        "recipient_id": public_id("recipient", it.recipient),
        "outcome": it.outcome,
    }


def _other(it: PrivacyRequest, end: str, kind: str) -> str | None:
    return public_id(kind, it.other) if it.ended == end and it.other is not None else None
