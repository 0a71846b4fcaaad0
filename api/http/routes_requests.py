"""What people ask for under the law, from its receipt to its appeal, and everything that is due."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from api.http import schemas_requests as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import PrivacyRequestId, read_cursor, write_cursor
from api.http.rendering import list_json
from api.http.rendering_requests import duty_json, listed_json, request_json
from api.http.routes_business import CHANGED, MADE
from application.recorded import Answer, Caller
from application.requests.receiving import ReceiveRequest
from application.requests.steps import Target
from application.setup.register import Receipt
from domain import errors
from domain.privacy_request_codes import DeniedPart
from domain.privacy_request_state import PrivacyRequest
from domain.values import Personal

routes = Routes("Rights, retention, erasure")

PATH: Final = "/v1/privacy-requests/{id}"


@routes.add(
    "POST",
    "/v1/privacy-requests",
    schemas.Request,
    errors.UnknownReference,
    status=201,
    headers=MADE,
)
def receive_request(call: Call, body: schemas.NewRequest) -> Answer:
    """Take in what somebody asks for. Its clocks run from `received_at`, which may lie in the past.

    It is answered the same whether the business knows that person or not: that shows once it is known who asks. That an
    address was looked up is recorded as an access. A tenant has no time zone of its own yet: that of its first open
    location stands for it. Roles: owner, privacy_officer.
    """
    command = ReceiveRequest(
        rights=(body.type, *body.also),
        jurisdiction=body.jurisdiction,
        channel=body.channel,
        received_at=body.received_at,
        subject=body.subject_id,
        email=None if body.email is None else Personal(body.email),
        cause=body.cause,
        forwarded_by=body.forwarded_by,
    )

    def received(receipt: Receipt[PrivacyRequest]) -> Answer:
        shown = request_json(call.platform.request_desk.requests.shown(receipt.state, call.by))
        return answered(
            shown,
            status=201,
            event=receipt.event,
            version=receipt.state.version,
            location=f"/v1/privacy-requests/{shown['id']}",
        )

    return call.write(
        lambda by: call.platform.request_desk.reception.receive(command, by), received
    )


@routes.add("GET", "/v1/privacy-requests", schemas.RequestList)
def list_requests(call: Call, query: schemas.RequestFilter) -> Answer:
    """List people's requests, by when they were entered. Roles: auditor, owner, privacy_officer."""
    after = read_cursor("privacy-requests", query.cursor)
    requests = call.platform.request_desk.requests
    listing = requests.page(query.limit, after, query.status, query.type, call.by)
    following = listing.next and write_cursor("privacy-requests", *listing.next)
    return answered(list_json([listed_json(one) for one in listing.items], following))


@routes.add("GET", PATH, schemas.Request, headers=("ETag",))
def show_request(call: Call, id: PrivacyRequestId) -> Answer:
    """Show a request, its clocks, what became of each right, and whether recipients have been told.

    Roles: auditor, owner, privacy_officer.
    """
    found = call.platform.request_desk.requests.request(id, call.by)
    return answered(request_json(found), version=found.state.version)


@routes.add(
    "POST",
    f"{PATH}/acknowledge",
    schemas.Request,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def acknowledge_request(call: Call, id: PrivacyRequestId) -> Answer:
    """Record that they were told that it came in, and by when to expect an answer. Roles: owner, privacy_officer."""
    target, requests = _target(call, id), call.platform.request_desk.requests
    return _changed(call, lambda by: requests.acknowledge(target, by))


@routes.add(
    "POST",
    f"{PATH}/ask-identity",
    schemas.Request,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def ask_identity(call: Call, id: PrivacyRequestId, body: schemas.AskedIdentity) -> Answer:
    """Record that they were asked to show who they are. Roles: owner, privacy_officer.

    Whoever opts out is never asked, and a government's paper is the last resort: 409 `invalid_state`.
    """
    target, requests = _target(call, id), call.platform.request_desk.requests
    points = tuple(body.points)
    return _changed(call, lambda by: requests.ask_identity(target, body.method, points, by))


@routes.add(
    "POST",
    f"{PATH}/verify-identity",
    schemas.Request,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def verify_identity(call: Call, id: PrivacyRequestId, body: schemas.IdentityLook) -> Answer:
    """Record what was compared to know who asks, by name and never by value. Roles: owner, privacy_officer.

    An agent shows its authority. Whoever opts out is not verified: 409 `invalid_state`.
    """
    target, requests = _target(call, id), call.platform.request_desk.requests
    compared = tuple(body.compared)
    return _changed(
        call, lambda by: requests.verify_identity(target, body.method, compared, body.outcome, by)
    )


@routes.add(
    "POST",
    f"{PATH}/identity-evidence-destroyed",
    schemas.Request,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def destroy_identity_evidence(call: Call, id: PrivacyRequestId) -> Answer:
    """Record that what they handed in to show who they are is destroyed. Roles: owner, privacy_officer."""
    target, requests = _target(call, id), call.platform.request_desk.requests
    return _changed(call, lambda by: requests.destroy_evidence(target, by))


@routes.add(
    "POST", f"{PATH}/pause", schemas.Request, errors.InvalidState, headers=CHANGED, changes=True
)
def pause_request(call: Call, id: PrivacyRequestId, body: schemas.Pause) -> Answer:
    """Wait for what only they can give, where the law lets the clock stand. Roles: owner, privacy_officer."""
    target, requests = _target(call, id), call.platform.request_desk.requests
    return _changed(call, lambda by: requests.pause(target, body.reason_code, by))


@routes.add(
    "POST", f"{PATH}/resume", schemas.Request, errors.InvalidState, headers=CHANGED, changes=True
)
def resume_request(call: Call, id: PrivacyRequestId) -> Answer:
    """Go on after a pause. Roles: owner, privacy_officer."""
    target, requests = _target(call, id), call.platform.request_desk.requests
    return _changed(call, lambda by: requests.resume(target, by))


@routes.add(
    "POST",
    f"{PATH}/extend",
    schemas.Request,
    errors.InvalidState,
    errors.ExtensionTooLate,
    headers=CHANGED,
    changes=True,
)
def extend_request(call: Call, id: PrivacyRequestId, body: schemas.Extension) -> Answer:
    """Take longer, once, having told them so in time; by how much is the law's. Roles: owner, privacy_officer."""
    target, requests = _target(call, id), call.platform.request_desk.requests
    return _changed(call, lambda by: requests.extend(target, body.reason_code, body.told_at, by))


@routes.add(
    "POST",
    f"{PATH}/forward",
    schemas.Request,
    errors.InvalidState,
    errors.UnknownReference,
    headers=CHANGED,
    changes=True,
)
def forward_request(call: Call, id: PrivacyRequestId, body: schemas.Forwarding) -> Answer:
    """Hand it to the business for whom the data is processed. Roles: owner, privacy_officer."""
    target, requests = _target(call, id), call.platform.request_desk.requests
    return _changed(call, lambda by: requests.forward(target, body.recipient_id, by))


@routes.add(
    "POST",
    f"{PATH}/fulfil",
    schemas.Request,
    errors.InvalidState,
    errors.IdentityNotVerified,
    errors.Behind,
    headers=CHANGED,
    changes=True,
    long=True,
)
def fulfil_request(
    call: Call, id: PrivacyRequestId, body: schemas.Fulfilment | None = None
) -> Answer:
    """Carry out what they ask for, and record it. Roles: owner, privacy_officer.

    Erasure and account_cancellation order the erasure of all that is not denied (`erasure_id`); the latter calls off
    the visits still to come. Restriction, objection and opt_out take effect at once. Correction takes a correction that
    was recorded since, shine_the_light and accounting a report that was taken since: 409 `invalid_state` without.
    """
    target, requests = _target(call, id), call.platform.request_desk.requests
    right = None if body is None else body.right
    return _changed(call, lambda by: requests.fulfil(target, right, by))


@routes.add(
    "POST", f"{PATH}/deny", schemas.Request, errors.InvalidState, headers=CHANGED, changes=True
)
def deny_request(call: Call, id: PrivacyRequestId, body: schemas.Denial) -> Answer:
    """Deny parts of a right, each for a statutory reason; what is left may be fulfilled.

    Roles: owner, privacy_officer.
    """
    target, requests = _target(call, id), call.platform.request_desk.requests
    parts = tuple(DeniedPart(one.retention_class, one.reason_code) for one in body.parts)
    return _changed(call, lambda by: requests.deny(target, body.right, parts, by))


@routes.add(
    "POST", f"{PATH}/withdraw", schemas.Request, errors.InvalidState, headers=CHANGED, changes=True
)
def withdraw_request(call: Call, id: PrivacyRequestId) -> Answer:
    """Record that they no longer ask for what is not decided. Roles: owner, privacy_officer."""
    target, requests = _target(call, id), call.platform.request_desk.requests
    return _changed(call, lambda by: requests.withdraw(target, by))


@routes.add(
    "POST",
    f"{PATH}/mark-duplicate",
    schemas.Request,
    errors.InvalidState,
    errors.UnknownReference,
    headers=CHANGED,
    changes=True,
)
def mark_duplicate(call: Call, id: PrivacyRequestId, body: schemas.Duplicate) -> Answer:
    """Record that they asked for the same before. Roles: owner, privacy_officer."""
    target, requests = _target(call, id), call.platform.request_desk.requests
    return _changed(call, lambda by: requests.mark_duplicate(target, body.request_id, by))


@routes.add(
    "POST", f"{PATH}/appeal", schemas.Request, errors.InvalidState, headers=CHANGED, changes=True
)
def appeal_request(call: Call, id: PrivacyRequestId) -> Answer:
    """Take up that they do not accept a denial, once and within 90 days. Roles: owner, privacy_officer."""
    target, requests = _target(call, id), call.platform.request_desk.requests
    return _changed(call, lambda by: requests.appeal(target, by))


@routes.add(
    "POST",
    f"{PATH}/decide-appeal",
    schemas.Request,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def decide_appeal(call: Call, id: PrivacyRequestId, body: schemas.AppealDecision) -> Answer:
    """Look at the denial again: upheld, what was denied is open again. Roles: owner, privacy_officer."""
    target, requests = _target(call, id), call.platform.request_desk.requests
    return _changed(call, lambda by: requests.decide_appeal(target, body.outcome, by))


@routes.add(
    "POST",
    f"{PATH}/lift-restriction",
    schemas.Request,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def lift_restriction(call: Call, id: PrivacyRequestId) -> Answer:
    """Lift the restriction that the request led to, having told them before. Roles: owner, privacy_officer."""
    target, requests = _target(call, id), call.platform.request_desk.requests
    return _changed(call, lambda by: requests.lift_restriction(target, by))


@routes.add(
    "GET",
    f"{PATH}/letter",
    "text/plain",
    errors.InvalidState,
    also=("application/pdf",),
    long=True,
)
def write_letter(call: Call, id: PrivacyRequestId, query: schemas.LetterAsked) -> Answer:
    """Give the letter to send: acknowledgement, extension, answer, or denial with reasons, and whom to turn to.

    It names the request by its id and holds no value of the person's. Roles: auditor, owner, privacy_officer.
    """
    letters = call.platform.request_desk.letters
    letter = letters.letter(id, query.kind, call.by)
    private = ("cache-control", "private, no-store")
    if query.format == "pdf":
        named = ("content-disposition", f'attachment; filename="{letter.kind}.pdf"')
        made = letters.press.pdf(letter)
        return Answer(200, (("content-type", "application/pdf"), named, private), made)
    kind = ("content-type", "text/plain; charset=utf-8")
    return Answer(200, (kind, private), letter.text().encode())


@routes.add("GET", "/v1/duties", schemas.DutyList, long=True)
def list_duties(call: Call, query: schemas.DutiesAsked) -> Answer:
    """List everything that is due, the earliest first. Roles: auditor, owner, privacy_officer.

    Answers to people and what follows from them, identity evidence to destroy, records whose time is over, reviews of
    broken glass, reviews of emergencies, and recipients that have not answered.
    """
    after = read_cursor("duties", query.cursor)
    page = call.platform.request_desk.duties.page(query.before, query.limit, after, call.by)
    following = page.next and write_cursor("duties", *page.next)
    return answered(list_json([duty_json(one) for one in page.duties], following))


def _target(call: Call, id: PrivacyRequestId) -> Target:
    requests = call.platform.request_desk.requests
    return Target(id, call.if_match(lambda: requests.version(id, call.by)))


def _changed(call: Call, act: Callable[[Caller], Receipt[PrivacyRequest]]) -> Answer:
    def shown(receipt: Receipt[PrivacyRequest]) -> Answer:
        body = request_json(call.platform.request_desk.requests.shown(receipt.state, call.by))
        return answered(body, event=receipt.event, version=receipt.state.version)

    return call.write(act, shown)
