"""Who may be given personal data: registered, revised, ended; and the locations of a franchise's tree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from uuid import UUID

from api.http import schemas_disclosing as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import LocationId, RecipientId, read_cursor, write_cursor
from api.http.rendering import Json, list_json
from api.http.rendering_disclosing import recipient_json
from api.http.routes_business import CHANGED, LISTED, MADE
from api.http.schemas_common import Following, given
from application.disclosing.recipients import Registered, RegisterRecipient, ReviseRecipient
from application.recorded import Answer
from application.setup.register import Receipt
from domain import errors
from domain.delivery_terms import Delivery
from domain.recipient import Recipient
from domain.recipient_terms import Branch, RecipientTerms
from domain.values import Personal

routes = Routes("Recipients")


@routes.add(
    "POST",
    "/v1/recipients",
    schemas.RegisteredRecipient,
    errors.UnknownReference,
    status=201,
    headers=MADE,
)
def register_recipient(call: Call, body: schemas.NewRecipient) -> Answer:
    """Register a recipient.

    It may be given what its contract says, while the contract runs. With `https` delivery what it is given is POSTed to
    `url`, signed after Standard Webhooks with `secret`. Roles: privacy_officer, owner.
    """
    begins = datetime.combine(body.contract_from, time(), UTC)
    terms = RecipientTerms(
        legal_name=body.legal_name,
        address=body.address,
        country=body.country,
        kind=body.kind,
        role=body.role,
        permitted_purposes=tuple(body.permitted_purposes),
        contract_ref=body.contract_ref,
        contract_from=body.contract_from,
        contract_to=body.contract_to,
        transfer_mechanism=body.transfer_mechanism,
        transfer_mechanism_to=body.transfer_mechanism_to,
        business_nature=body.business_nature,
        own_use=body.own_use,
        vendor=body.vendor,
        delivery=_delivery(body.delivery),
        branches=tuple(Branch(one, begins) for one in dict.fromkeys(body.location_ids)),
    )
    secret = None if body.delivery.secret is None else Personal(body.delivery.secret)
    return call.write(
        lambda by: call.platform.recipients.register(RegisterRecipient(terms, secret), by),
        _shown_once,
        keep=_kept,
    )


@routes.add("GET", "/v1/recipients", schemas.RecipientList, headers=LISTED)
def list_recipients(call: Call, query: Following) -> Answer:
    """List the recipients, by creation, ended ones included. Roles: privacy_officer, owner, auditor."""
    reached = call.reached(query.at_least)
    after = read_cursor("recipients", query.cursor)
    listing = call.platform.recipients.page(query.limit, after, call.by)
    following = listing.next and write_cursor("recipients", *listing.next)
    shown = [recipient_json(one) for one in listing.items]
    return answered(list_json(shown, following), headers=(reached,))


@routes.add("GET", "/v1/recipients/{id}", schemas.Recipient, headers=("ETag",))
def show_recipient(call: Call, id: RecipientId) -> Answer:
    """Show a recipient, without its secret. Roles: privacy_officer, owner, auditor."""
    found = call.platform.recipients.show(id, call.by)
    return answered(recipient_json(found), version=found.version)


@routes.add(
    "PATCH",
    "/v1/recipients/{id}",
    schemas.Recipient,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def revise_recipient(call: Call, id: RecipientId, body: schemas.RecipientChange) -> Answer:
    """Revise a recipient: the fields given stand from now on, the others stay. Roles: privacy_officer, owner.

    A `delivery` is given whole; its secret stays unless a new one is given.
    """
    recipients = call.platform.recipients
    delivery = body.delivery if "delivery" in body.model_fields_set else None
    secret = delivery.secret if delivery is not None else None
    command = ReviseRecipient(
        id,
        legal_name=body.legal_name,
        address=body.address,
        country=body.country,
        kind=body.kind,
        role=body.role,
        permitted_purposes=given(body.permitted_purposes, tuple),
        contract_ref=body.contract_ref,
        contract_from=body.contract_from,
        contract_to=body.contract_to,
        transfer_mechanism=body.transfer_mechanism,
        transfer_mechanism_to=body.transfer_mechanism_to,
        business_nature=body.business_nature,
        own_use=body.own_use,
        vendor=body.vendor,
        delivery=given(body.delivery, _delivery),
        secret=None if secret is None else Personal(secret),
    )
    command = replace(command, if_match=call.if_match(lambda: recipients.show(id, call.by).version))
    return call.write(lambda by: recipients.revise(command, by), _changed)


@routes.add("POST", "/v1/recipients/{id}/end", schemas.Recipient, headers=CHANGED)
def end_recipient(call: Call, id: RecipientId, body: schemas.ContractEnd | None) -> Answer:
    """End a recipient's contract for good, with the day `on`. Roles: privacy_officer, owner."""
    on = None if body is None else body.on
    return call.write(lambda by: call.platform.recipients.end(id, on, by), _changed)


@routes.add(
    "POST",
    "/v1/recipients/{id}/locations",
    schemas.Recipient,
    errors.UnknownReference,
    errors.InvalidState,
    status=201,
    headers=MADE,
)
def add_recipient_location(call: Call, id: RecipientId, body: schemas.NewBranch) -> Answer:
    """Let a location belong to a franchise's tree for an interval. Roles: privacy_officer, owner."""
    begins = body.from_ or call.platform.clock.now().replace(microsecond=0)
    branch = Branch(body.location_id, begins, body.to)
    return call.write(lambda by: call.platform.recipients.add_location(id, branch, by), _added)


@routes.add(
    "POST",
    "/v1/recipients/{id}/locations/{location}/end",
    schemas.Recipient,
    errors.InvalidState,
    headers=CHANGED,
)
def end_recipient_location(
    call: Call, id: RecipientId, location: LocationId, body: schemas.BranchEnd | None
) -> Answer:
    """Take a location out of a franchise's tree. Roles: privacy_officer, owner."""
    to = None if body is None else body.to
    recipients = call.platform.recipients
    return call.write(lambda by: recipients.end_location(id, location, to, by), _changed)


def _delivery(given: schemas.NewDelivery) -> Delivery:
    return Delivery(given.kind, given.url, given.public_key)


def _shown_once(receipt: Receipt[Registered]) -> Answer:
    made = receipt.state.made_secret
    return _registered(receipt, {} if made is None else {"secret": made.open()})


def _kept(receipt: Receipt[Registered]) -> Answer:
    return _registered(receipt, {} if receipt.state.made_secret is None else {"replayed": True})


def _registered(receipt: Receipt[Registered], more: Json) -> Answer:
    return _made(receipt.state.recipient, receipt.event, more)


def _added(receipt: Receipt[Recipient]) -> Answer:
    return _made(receipt.state, receipt.event, {})


def _made(it: Recipient, event: UUID, more: Json) -> Answer:
    shown = recipient_json(it) | more
    location = f"/v1/recipients/{shown['id']}"
    return answered(shown, status=201, event=event, version=it.version, location=location)


def _changed(receipt: Receipt[Recipient]) -> Answer:
    it = receipt.state
    return answered(recipient_json(it), event=receipt.event, version=it.version)
