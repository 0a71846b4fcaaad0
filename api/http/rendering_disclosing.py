"""Recipients and disclosures as the JSON of the contract. Opened values only in `disclosed_json`, on the record."""

from __future__ import annotations

from api.http.rendering import Json, ids, optional_instant
from application.disclosing.disclose import Disclosed
from application.disclosing.parcels import records_json
from application.disclosing.replies import Shown
from application.recorded import Recorded
from domain.disclosure import DisclosureAcknowledged, DisclosureFailed, DisclosureSharedOnward
from domain.recipient import Recipient
from domain.values import instant_text, public_id


def recipient_json(it: Recipient) -> Json:
    """A recipient, without its secret."""
    terms = it.terms
    delivery = terms.delivery
    return {
        "id": public_id("recipient", it.id),
        "legal_name": terms.legal_name,
        "address": terms.address,
        "country": terms.country,
        "kind": terms.kind,
        "role": terms.role,
        "permitted_purposes": list(terms.permitted_purposes),
        "contract_ref": terms.contract_ref,
        "contract_from": terms.contract_from,
        "contract_to": terms.contract_to,
        "transfer_mechanism": terms.transfer_mechanism,
        "transfer_mechanism_to": terms.transfer_mechanism_to,
        "business_nature": terms.business_nature,
        "own_use": terms.own_use,
        "vendor": terms.vendor,
        "location_ids": ids("location", [one.location for one in terms.branches]),
        "locations": [
            {
                "location_id": public_id("location", one.location),
                "from": instant_text(one.from_),
                "to": optional_instant(one.to),
            }
            for one in terms.branches
        ],
        "delivery": {
            "kind": delivery.kind,
            "url": delivery.url,
            "has_secret": it.has_secret,
            "public_key": delivery.public_key,
        },
        "active": it.active,
    }


def disclosed_json(done: Disclosed, *, values: bool) -> Json:
    """What came of a call; with `values` also what it hands over, else that it was handed over before."""
    state, failure = done.state, done.failure
    shown: Json = {
        "id": public_id("disclosure", done.id),
        "event_id": public_id("event", done.event),
        "outcome": state.outcome,
        "attempts": state.attempts,
        "retry_at": optional_instant(state.retry_at),
        "failure": failure and {"reason": failure.reason, "status": failure.status},
        "withheld_until": optional_instant(state.recorded.withheld_until),
        "count": state.recorded.count,
    }
    if not values:
        return shown | {"replayed": True}
    return shown if done.records is None else shown | {"records": records_json(done.records)}


def disclosure_json(shown: Shown) -> Json:
    """A disclosure as it stands, for those who may see whom it is about."""
    story = shown.story
    it, state = story.state.recorded, story.state
    ground = it.ground
    decisions = [one.decision for one in story.events]
    failed = [one for one in decisions if isinstance(one, DisclosureFailed)] or None
    return {
        "id": public_id("disclosure", it.disclosure),
        "event_id": public_id("event", story.last),
        "recorded_event_id": public_id("event", story.first.event_id),
        "at": instant_text(story.first.occurred_at),
        "recipient_id": public_id("recipient", it.recipient),
        "subject_ids": ids("subject", story.persons),
        "fields": list(it.scope.fields),
        "purpose": it.purpose,
        "lawful_basis": ground.lawful_basis,
        "legal_trigger": ground.legal_trigger,
        "citation": ground.citation,
        "case": story.first.case,
        "legal_process_id": ground.legal_process and public_id("process", ground.legal_process),
        "franchise_request_id": (
            ground.franchise_request and public_id("franchise_request", ground.franchise_request)
        ),
        "transfer_mechanism": it.transfer,
        "outcome": state.outcome,
        "attempts": state.attempts,
        "retry_at": optional_instant(state.retry_at),
        "failure": failed and {"reason": failed[-1].reason, "status": failed[-1].status},
        "withheld_until": optional_instant(it.withheld_until),
        "count": it.count,
        "acknowledgements": [_acknowledged(one) for one in shown.acknowledgements],
        "onward": [_onward(one) for one in shown.onward],
    }


def _acknowledged(event: Recorded[DisclosureAcknowledged]) -> Json:
    it = event.decision
    return {
        "event_id": public_id("event", event.event_id),
        "at": instant_text(event.occurred_at),
        "about": it.about,
        "outcome": it.outcome,
        "signature": it.signature,
        "verified": it.verified,
    }


def _onward(event: Recorded[DisclosureSharedOnward]) -> Json:
    it = event.decision
    return {
        "event_id": public_id("event", event.event_id),
        "at": instant_text(event.occurred_at),
        "legal_name": it.legal_name,
        "country": it.country,
        "purpose": it.purpose,
    }
