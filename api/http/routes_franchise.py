"""Franchise requests: the brand's office asks for data of its locations, and the privacy officer answers."""

from __future__ import annotations

from api.http import schemas_orders as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import FranchiseRequestId, read_cursor, write_cursor
from api.http.rendering import Json, ids, list_json
from api.http.rendering_disclosing import disclosed_json
from api.http.routes_business import CHANGED, LISTED, MADE
from api.http.schemas_common import Following
from application.orders.franchise_requests import (
    Approved,
    ApproveRequest,
    AskForData,
    RefuseRequest,
)
from application.recorded import Answer
from application.setup.register import Receipt
from domain import errors
from domain.franchise_request import FranchiseRequest, RequestTerms
from domain.values import instant_text, public_id

routes = Routes("Disclosures")


@routes.add(
    "POST",
    "/v1/franchise-requests",
    schemas.FranchiseRequest,
    errors.UnknownReference,
    status=201,
    headers=MADE,
)
def ask_for_franchise_data(call: Call, body: schemas.NewFranchiseRequest) -> Answer:
    """Ask, as the brand's office, for data of those who have visits at its locations. Role: corporate.

    Without `recipient_id` the office is the business's only active recipient of kind `franchise`. Nothing is handed
    over before a privacy officer has approved it.
    """
    terms = RequestTerms(
        location_ids=tuple(body.location_ids),
        from_=body.from_,
        to=body.to,
        fields=tuple(body.fields),
        purpose=body.purpose,
        authority=body.authority,
    )
    command = AskForData(terms, body.recipient_id)
    return call.write(lambda by: call.platform.franchise_requests.ask(command, by), _asked)


@routes.add("GET", "/v1/franchise-requests", schemas.FranchiseRequestList, headers=LISTED)
def list_franchise_requests(call: Call, query: Following) -> Answer:
    """List the franchise requests, by creation. Roles: auditor, owner, privacy_officer; corporate sees its own."""
    reached = call.reached(query.at_least)
    after = read_cursor("franchise-requests", query.cursor)
    listing = call.platform.franchise_requests.page(query.limit, after, call.by)
    following = listing.next and write_cursor("franchise-requests", *listing.next)
    shown = [request_json(one) for one in listing.items]
    return answered(list_json(shown, following), headers=(reached,))


@routes.add("GET", "/v1/franchise-requests/{id}", schemas.FranchiseRequest, headers=("ETag",))
def show_franchise_request(call: Call, id: FranchiseRequestId) -> Answer:
    """Show a franchise request. Roles: auditor, owner, privacy_officer; corporate sees its own."""
    found = call.platform.franchise_requests.request(id, call.by)
    return answered(request_json(found), version=found.version)


@routes.add(
    "POST",
    "/v1/franchise-requests/{id}/approve",
    schemas.ApprovedFranchiseRequest,
    errors.InvalidState,
    errors.DisclosureRefused,
    errors.Erased,
    errors.RangeTooLong,
    errors.Behind,
    errors.Unreadable,
    headers=CHANGED,
    changes=True,
    long=True,
)
def approve_franchise_request(
    call: Call, id: FranchiseRequestId, body: schemas.FranchiseApproval | None
) -> Answer:
    """Approve a request, and hand over what it asks for, cut to the time in which each location is in the tree.

    `disclosures` has one for each interval of the tree, with its `records` where the office gets them in the response;
    a repeated call with the same Idempotency-Key comes without them. A location that has never been in the tree in
    that time refuses all of it (`outside_tree`); that is recorded, nothing is sent, and the request stays open.
    Role: privacy_officer.
    """
    basis = (body or schemas.FranchiseApproval()).lawful_basis
    command = ApproveRequest(id, basis, _if_match(call, id))
    return call.write(
        lambda by: call.platform.franchise_requests.approve(command, by),
        lambda done: _approved(done, values=True),
        keep=lambda done: _approved(done, values=False),
    )


@routes.add(
    "POST",
    "/v1/franchise-requests/{id}/refuse",
    schemas.FranchiseRequest,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def refuse_franchise_request(
    call: Call, id: FranchiseRequestId, body: schemas.FranchiseRefusal
) -> Answer:
    """Refuse a request, for a reason. Role: privacy_officer."""
    command = RefuseRequest(id, body.reason_code, _if_match(call, id))
    return call.write(lambda by: call.platform.franchise_requests.refuse(command, by), _refused)


def request_json(it: FranchiseRequest) -> Json:
    """A franchise request."""
    terms = it.terms
    return {
        "id": public_id("franchise_request", it.id),
        "recipient_id": public_id("recipient", it.recipient),
        "office": it.office,
        "location_ids": ids("location", terms.location_ids),
        "from": instant_text(terms.from_),
        "to": instant_text(terms.to),
        "fields": list(terms.fields),
        "purpose": terms.purpose,
        "authority": terms.authority,
        "status": it.status,
        "reason_code": it.reason,
        "disclosure_ids": ids("disclosure", it.disclosures),
        "count": it.count,
    }


def _if_match(call: Call, id: FranchiseRequestId) -> int | None:
    return call.if_match(lambda: call.platform.franchise_requests.request(id, call.by).version)


def _asked(receipt: Receipt[FranchiseRequest]) -> Answer:
    shown = request_json(receipt.state)
    return answered(
        shown,
        status=201,
        event=receipt.event,
        version=receipt.state.version,
        location=f"/v1/franchise-requests/{shown['id']}",
    )


def _approved(done: Approved, *, values: bool) -> Answer:
    disclosures = [disclosed_json(one, values=values) for one in done.disclosed]
    shown = request_json(done.request) | {"disclosures": disclosures}
    return answered(shown, event=done.event, version=done.request.version)


def _refused(receipt: Receipt[FranchiseRequest]) -> Answer:
    return answered(request_json(receipt.state), event=receipt.event, version=receipt.state.version)
