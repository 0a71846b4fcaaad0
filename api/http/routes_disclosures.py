"""Hand personal data to a named outsider, and record what becomes of it."""

from __future__ import annotations

from api.http import schemas_disclosing as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import DisclosureId
from api.http.rendering_disclosing import disclosed_json, disclosure_json
from application.disclosing.disclose import Disclosed, HandOver
from application.disclosing.facts import Wish
from application.disclosing.replies import Acknowledge, SharedOnward, Shown
from application.recorded import Answer
from application.setup.register import Receipt
from domain import errors
from domain.disclosure import Ground, Scope

routes = Routes("Disclosures")


@routes.add(
    "POST",
    "/v1/disclosures",
    schemas.Disclosed,
    errors.UnknownReference,
    errors.DisclosureRefused,
    errors.Erased,
    errors.RangeTooLong,
    errors.Behind,
    errors.Unreadable,
    status=201,
    headers=("Daybook-Event", "Location"),
    large=True,
    long=True,
)
def disclose(call: Call, body: schemas.NewDisclosure) -> Answer:
    """Hand personal data to a recipient.

    All that bears on it is checked at this instant; it is recorded, and mirrored off the database, before anything
    leaves. `records` holds what is handed over where the recipient gets it in the response; a repeated call with the
    same Idempotency-Key gets `"replayed": true` in its place. A refusal is recorded, with its `reason`.
    Role: privacy_officer.
    """
    wish = Wish(
        recipient=body.recipient_id,
        subjects=tuple(dict.fromkeys(body.subject_ids)),
        purpose=body.purpose,
        case=body.case,
        ground=Ground(
            lawful_basis=body.lawful_basis,
            legal_trigger=body.legal_trigger,
            consent=body.consent_id,
            legal_process=body.legal_process_id,
            franchise_request=body.franchise_request_id,
            citation=body.citation,
        ),
        scope=Scope(
            fields=tuple(dict.fromkeys(body.fields)),
            from_=body.from_,
            to=body.to,
            locations=tuple(dict.fromkeys(body.location_ids)),
        ),
    )
    command = HandOver(wish, body.withhold_until)
    return call.write(
        lambda by: call.platform.disclose.disclose(command, by),
        lambda done: _disclosed(done, values=True),
        keep=lambda done: _disclosed(done, values=False),
    )


@routes.add("GET", "/v1/disclosures/{id}", schemas.Disclosure)
def show_disclosure(call: Call, id: DisclosureId) -> Answer:
    """Show a disclosure as it stands, and what its recipient said. Roles: privacy_officer, auditor."""
    return answered(disclosure_json(call.platform.replies.show(id, call.by)))


@routes.add(
    "POST",
    "/v1/disclosures/{id}/acknowledgements",
    schemas.Disclosure,
    status=201,
    headers=("Daybook-Event", "Location"),
)
def acknowledge_disclosure(
    call: Call, id: DisclosureId, body: schemas.NewAcknowledgement
) -> Answer:
    """Record what the recipient answered to a disclosure, correction, withdrawal or erasure.

    A recipient that can sign does so with Ed25519 over the lines `daybook/acknowledgement/v1`, the disclosure's id,
    `about` and `outcome`, each ended by a newline. Role: privacy_officer.
    """
    command = Acknowledge(id, body.about, body.outcome, body.signature)
    return call.write(lambda by: call.platform.replies.acknowledge(command, by), _replied)


@routes.add(
    "POST",
    "/v1/disclosures/{id}/onward",
    schemas.Disclosure,
    status=201,
    headers=("Daybook-Event", "Location"),
)
def record_onward_sharing(call: Call, id: DisclosureId, body: schemas.NewOnward) -> Answer:
    """Record that the recipient handed it on, and to whom. Role: privacy_officer."""
    command = SharedOnward(id, body.legal_name, body.country, body.purpose)
    return call.write(lambda by: call.platform.replies.share_onward(command, by), _replied)


def _disclosed(done: Disclosed, *, values: bool) -> Answer:
    shown = disclosed_json(done, values=values)
    location = f"/v1/disclosures/{shown['id']}"
    return answered(shown, status=201, event=done.event, location=location)


def _replied(receipt: Receipt[Shown]) -> Answer:
    shown = disclosure_json(receipt.state)
    location = f"/v1/disclosures/{shown['id']}"
    return answered(shown, status=201, event=receipt.event, location=location)
