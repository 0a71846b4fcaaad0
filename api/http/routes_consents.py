"""Consents: what a person says to purposes, and what they had said at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import orjson

from api.http import schemas_people as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import ConsentId, SubjectId
from api.http.rendering import Json, optional_instant
from application.consents.choices import RecordedConsent, Say
from application.consents.history import ConsentRow, ConsentsQuery, PurposeState
from application.recorded import Answer
from domain import errors
from domain.consent import record_of
from domain.values import Personal, instant_text, public_id

routes = Routes("People and consent")


@routes.add(
    "POST",
    "/v1/subjects/{id}/consents",
    schemas.MadeConsent,
    errors.ConsentRejected,
    errors.Erased,
    status=201,
    headers=("Daybook-Event", "Location"),
)
def record_consent(call: Call, id: SubjectId, body: schemas.NewConsent) -> Answer:
    """Record what a person says to a purpose, or to a choice beside the purposes.

    It counts at once, on every process. Continued use is recorded, and never a valid consent. What is not accepted
    answers 409 `consent_rejected` with its `reason`; that it came in is on record, and nothing is changed.
    Roles: privacy_officer, owner.
    """
    command = Say(
        subject=id,
        purpose=body.purpose,
        decision=body.decision,
        method=body.method,
        version=body.policy_version,
        channel=body.channel,
        given_at=body.given_at,
        expires_at=body.expires_at,
        evidence=_evidence(body.evidence),
    )
    return call.write(lambda by: call.platform.consents.record(command, by), _recorded)


@routes.add(
    "GET",
    "/v1/subjects/{id}/consents",
    schemas.Consents,
    headers=("Daybook-Position",),
    waits=True,
)
def list_consents(call: Call, id: SubjectId, query: schemas.ConsentsAsked) -> Answer:
    """Say what a person had said, by purpose, with its history.

    `as_of` speaks of when they said it, `known_at` of when the ledger knew. It waits until it includes all that was
    recorded of the person. Roles: privacy_officer, owner, auditor.
    """
    asked = ConsentsQuery(id, query.as_of, query.known_at, query.at_least)
    found = call.platform.consent_reads.of(asked, call.by)
    body: Json = {
        "subject_id": public_id("subject", id),
        "as_of": instant_text(found.as_of),
        "known_at": optional_instant(found.known_at),
        "data": [state_json(one) for one in found.states],
        "rejected": [_rejected_json(row) for row in found.rejected],
    }
    return answered(body, headers=(("daybook-position", str(found.position)),))


@routes.add("GET", "/v1/subjects/{id}/consents/{consent_id}/receipt", "application/ld+json")
def show_consent_receipt(call: Call, id: SubjectId, consent_id: ConsentId) -> Answer:
    """Give the receipt of a consent record again. Roles: privacy_officer, owner, auditor."""
    found = call.platform.consents.receipt(id, consent_id, call.by)
    plain = answered(found)
    kind = ("content-type", "application/ld+json")
    return Answer(200, (kind, *plain.headers[1:]), plain.body)


@routes.add(
    "GET",
    "/v1/subjects/{id}/consents/{consent_id}",
    schemas.Consent,
    errors.PurposeRequired,
    errors.Erased,
    errors.Unreadable,
    opens=True,
)
def show_consent(call: Call, id: SubjectId, consent_id: ConsentId) -> Answer:
    """Show one record of what a person said.

    With a Daybook-Purpose its evidence is opened, and that is recorded. Roles: privacy_officer, owner; auditor
    without the evidence.
    """
    found = call.platform.consent_reads.one(id, consent_id, call.by)
    it = found.decision
    record = record_of(it)
    assert record is not None, "what was accepted is a record"
    shown: Json = {
        "id": public_id("consent", it.consent),
        "event_id": public_id("event", found.event),
        "purpose": it.purpose,
        "decision": record.decision,
        "at": instant_text(record.at),
        "method": it.method,
        "channel": it.channel,
        "policy_version": it.notice and it.notice.version,
        "notice_sha256": it.notice and it.notice.sha256,
        "expires_at": optional_instant(record.expires_at),
        "replaces": None if it.replaces is None else public_id("consent", it.replaces),
        "has_evidence": it.evidence is not None,
        "actor": found.recorded_by,
    }
    if found.evidence is not None:
        shown["evidence"] = {name: value.open() for name, value in found.evidence.items()}
    return answered(shown)


def _recorded(made: RecordedConsent) -> Answer:
    named = public_id("consent", made.consent)
    where = f"/v1/subjects/{public_id('subject', made.subject)}/consents/{named}"
    body = {"id": named, "receipt": dict(made.receipt)}
    return answered(body, status=201, event=made.event, location=where)


def _evidence(given: Mapping[str, object] | None) -> dict[str, Personal] | None:
    """Evidence as text: what is not text is kept as the JSON it came as."""
    if given is None:
        return None
    return {
        name: Personal(value if isinstance(value, str) else orjson.dumps(value).decode())
        for name, value in given.items()
    }


def state_json(it: PurposeState) -> Json:
    """What stands for a purpose, and its history."""
    return {
        "purpose": it.purpose,
        "decision": it.decision,
        "valid": it.valid,
        "since": instant_text(it.since),
        "id": public_id("consent", it.row.consent),
        "event_id": public_id("event", it.row.event),
        "history": [_record_json(row) for row in it.history],
    }


def _record_json(row: ConsentRow) -> Json:
    return {
        "id": public_id("consent", row.consent),
        "event_id": public_id("event", row.event),
        "decision": row.decision,
        "at": instant_text(row.said_at),
        "recorded_at": instant_text(row.recorded_at),
        "position": row.position,
        "method": row.method,
        "channel": row.channel,
        "policy_version": row.policy_version,
        "notice_sha256": row.notice_sha256,
        "expires_at": optional_instant(row.expires_at),
        "replaces": None if row.replaces is None else public_id("consent", row.replaces),
        "actor": row.actor,
    }


def _rejected_json(row: ConsentRow) -> Json:
    return {
        "id": public_id("consent", row.consent),
        "event_id": public_id("event", row.event),
        "purpose": row.purpose,
        "reason": cast(str, row.reason),
        "recorded_at": instant_text(row.recorded_at),
        "method": row.method,
        "channel": row.channel,
    }
