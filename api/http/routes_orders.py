"""Legal processes: served, reviewed, approved by a second person, reviewed after the fact; and their gags."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from api.http import schemas_orders as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import ProcessId, read_cursor, write_cursor
from api.http.rendering import Json, list_json, optional_instant
from api.http.routes_booking import OPENING
from api.http.routes_business import CHANGED, LISTED, MADE
from api.http.schemas_common import Following
from application.orders.legal_processes import (
    ApproveProcess,
    ChangeGag,
    ReceiveProcess,
    ReviewAfter,
    ReviewProcess,
)
from application.recorded import Answer, Caller
from application.setup.register import Receipt
from domain import errors
from domain.legal_paper import Narrowing, ProcessTerms
from domain.legal_process import LegalProcess
from domain.values import Personal, instant_text, public_id

routes = Routes("Disclosures")


@routes.add("POST", "/v1/legal-processes", schemas.Process, status=201, headers=MADE)
def receive_process(call: Call, body: schemas.NewProcess) -> Answer:
    """Enter a legal process that was served.

    Its scope is sealed. An oral gag lasts at most 30 days from the service (45 CFR 164.528(a)(2)). Roles: owner,
    privacy_officer.
    """
    terms = ProcessTerms(
        kind=body.type,
        authority=body.authority,
        number=body.number,
        served_at=body.served_at,
        gag_until=body.gag_until,
        oral=body.oral,
    )
    command = ReceiveProcess(terms, Personal(body.scope))
    now = call.platform.clock.now()

    def received(receipt: Receipt[LegalProcess]) -> Answer:
        shown = process_json(receipt.state, now)
        return answered(
            shown,
            status=201,
            event=receipt.event,
            version=receipt.state.version,
            location=f"/v1/legal-processes/{shown['id']}",
        )

    return call.write(lambda by: call.platform.legal_processes.receive(command, by), received)


@routes.add("GET", "/v1/legal-processes", schemas.ProcessList, headers=LISTED)
def list_processes(call: Call, query: Following) -> Answer:
    """List the legal processes, by creation. Roles: auditor, owner, privacy_officer.

    An emergency that nobody has reviewed after the fact within 24 hours of its approval is `overdue`.
    """
    reached = call.reached(query.at_least)
    after = read_cursor("processes", query.cursor)
    listing = call.platform.legal_processes.page(query.limit, after, call.by)
    following = listing.next and write_cursor("processes", *listing.next)
    now = call.platform.clock.now()
    shown = [process_json(one, now) for one in listing.items]
    return answered(list_json(shown, following), headers=(reached,))


@routes.add(
    "GET",
    "/v1/legal-processes/{id}",
    schemas.ShownProcess,
    *OPENING,
    headers=("ETag",),
    opens=True,
)
def show_process(call: Call, id: ProcessId, query: schemas.ScopeInclusion) -> Answer:
    """Show a legal process; with `include=scope` and a purpose, what it demands. That is recorded.

    Roles: auditor, owner, privacy_officer; what it demands opens for owner and privacy_officer.
    """
    processes, now = call.platform.legal_processes, call.platform.clock.now()
    if query.include is None:
        found = processes.process(id, call.by)
        return answered(process_json(found, now), version=found.version)
    opened = processes.with_scope(id, call.by)
    shown = process_json(opened.process, now) | {"scope": opened.scope.open()}
    return answered(shown, version=opened.process.version)


@routes.add(
    "POST",
    "/v1/legal-processes/{id}/review",
    schemas.Process,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def review_process(call: Call, id: ProcessId, body: schemas.ProcessReview) -> Answer:
    """Review a legal process, once: accept it, narrow it, or reject it. Roles: owner, privacy_officer.

    Nothing is disclosed under it before; under a rejected one nothing ever is.
    """
    bounds = Narrowing(tuple(body.fields), body.from_, body.to)
    command = ReviewProcess(id, body.outcome, bounds, _if_match(call, id))
    return _changed(call, lambda by: call.platform.legal_processes.review(command, by))


@routes.add(
    "POST",
    "/v1/legal-processes/{id}/approve",
    schemas.Process,
    errors.InvalidState,
    errors.SecondPersonRequired,
    headers=CHANGED,
    changes=True,
)
def approve_process(call: Call, id: ProcessId) -> Answer:
    """Approve an emergency as a second person: not whoever reviewed it. Roles: owner, privacy_officer.

    From then on it is to be reviewed after the fact within 24 hours.
    """
    command = ApproveProcess(id, _if_match(call, id))
    return _changed(call, lambda by: call.platform.legal_processes.approve(command, by))


@routes.add(
    "POST",
    "/v1/legal-processes/{id}/after-review",
    schemas.Process,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def review_process_after(call: Call, id: ProcessId, body: schemas.AfterReview) -> Answer:
    """Review an approved emergency after the fact, once. Roles: owner, privacy_officer.

    One that was found unjustified discloses nothing more.
    """
    command = ReviewAfter(id, body.outcome, _if_match(call, id))
    return _changed(call, lambda by: call.platform.legal_processes.review_after(command, by))


@routes.add(
    "POST",
    "/v1/legal-processes/{id}/gag",
    schemas.Process,
    errors.InvalidState,
    errors.NoGag,
    errors.GagRunning,
    errors.Behind,
    headers=CHANGED,
    changes=True,
)
def change_gag(call: Call, id: ProcessId, body: schemas.GagStep) -> Answer:
    """Order a gag where none runs, or extend or lift the one that runs. Roles: owner, privacy_officer.

    When it ends, what it withheld is opened to those concerned, by itself.
    """
    command = ChangeGag(id, body.change, body.until, body.number, _if_match(call, id))
    return _changed(call, lambda by: call.platform.legal_processes.change_gag(command, by))


def process_json(it: LegalProcess, now: datetime) -> Json:
    """A legal process as it stands at the instant `now`."""
    terms = it.terms
    return {
        "id": public_id("process", it.id),
        "type": terms.kind,
        "authority": terms.authority,
        "number": terms.number,
        "served_at": instant_text(terms.served_at),
        "oral": terms.oral,
        "gag_until": optional_instant(it.gag_until),
        "gag_running": it.gagged_at(now),
        "status": it.status,
        "outcome": it.outcome,
        "narrowed_to": _narrowing(it),
        "may_disclose": it.may_disclose,
        "after_review": _after_review(it, now),
    }


def _narrowing(it: LegalProcess) -> Json | None:
    if it.outcome != "narrowed":
        return None
    to = it.narrowed_to
    return {
        "fields": list(to.fields),
        "from": optional_instant(to.from_),
        "to": optional_instant(to.to),
    }


def _after_review(it: LegalProcess, now: datetime) -> Json | None:
    if it.after_review_due_at is None:
        return None
    return {
        "due_at": instant_text(it.after_review_due_at),
        "state": it.after_review_at(now),
        "outcome": it.after_outcome,
    }


def _if_match(call: Call, id: ProcessId) -> int | None:
    return call.if_match(lambda: call.platform.legal_processes.process(id, call.by).version)


def _changed(call: Call, act: Callable[[Caller], Receipt[LegalProcess]]) -> Answer:
    now = call.platform.clock.now()

    def shown(receipt: Receipt[LegalProcess]) -> Answer:
        body = process_json(receipt.state, now)
        return answered(body, event=receipt.event, version=receipt.state.version)

    return call.write(act, shown)
