"""Who looked at whose data: the log, broken glass and its reviews. Nothing here opens a value."""

from __future__ import annotations

from typing import Final

from api.http import schemas_access as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import EventId, SubjectId, read_cursor, write_cursor
from api.http.rendering import Json, list_json, optional_instant
from application.access.access_log import AccessPage, AccessRow, LogQuery, SubjectQuery
from application.access.access_reviews import ReviewAccess, Reviewed, ReviewRow, ReviewsQuery
from application.access.break_glass import RuleBreakGlass
from application.recorded import Answer
from application.setup.register import Receipt
from domain import errors
from domain.tenant import Tenant
from domain.values import instant_text, public_id

routes = Routes("Disclosures and access")

LISTED: Final = ("Daybook-Position",)


@routes.add("GET", "/v1/subjects/{id}/access-log", schemas.AccessList, headers=LISTED)
def list_accesses_to_subject(call: Call, id: SubjectId, query: schemas.SubjectLogAsked) -> Answer:
    """List who looked at a person's data, when, why and at which fields; refusals and copies included.

    The person's view has date, purpose and roles, not the employee, and nothing that is withheld. Roles: auditor,
    owner, privacy_officer.
    """
    cursor = f"access-log of {id.hex}"
    asked = SubjectQuery(
        subject=id,
        view=query.view,
        as_of=query.as_of,
        limit=query.limit,
        after=read_cursor(cursor, query.cursor),
        at_least=query.at_least,
    )
    return _log(call.platform.access_log.about(asked, call.by), cursor)


@routes.add("GET", "/v1/access-log", schemas.AccessList, headers=LISTED)
def list_accesses(call: Call, query: schemas.LogAsked) -> Answer:
    """List every access, every refusal and every copy of the ledger, each once.

    Roles: auditor, owner, privacy_officer.
    """
    asked = LogQuery(
        from_=query.from_,
        to=query.to,
        actor=query.actor,
        purpose=query.purpose,
        limit=query.limit,
        after=read_cursor("access-log", query.cursor),
        at_least=query.at_least,
    )
    return _log(call.platform.access_log.all(asked, call.by), "access-log")


@routes.add("GET", "/v1/access-reviews", schemas.ReviewList, headers=LISTED)
def list_access_reviews(call: Call, query: schemas.ReviewsAsked) -> Answer:
    """List the times that the glass was broken, and their reviews. Roles: auditor, owner, privacy_officer."""
    after = read_cursor("access-reviews", query.cursor)
    asked = ReviewsQuery(query.state, query.limit, after, query.at_least)
    page = call.platform.access_reviews.page(asked, call.by)
    shown = [_review(row) | {"state": row.state_at(page.now)} for row in page.rows]
    following = page.next and write_cursor("access-reviews", *page.next)
    return answered(list_json(shown, following), headers=_position(page.position))


@routes.add(
    "POST",
    "/v1/access/{id}/review",
    schemas.ReviewDone,
    errors.InvalidState,
    errors.Behind,
    headers=("Daybook-Event",),
)
def review_access(call: Call, id: EventId, body: schemas.ReviewGiven) -> Answer:
    """Find an access for which the glass was broken justified or not.

    The id is that of the access's event, or of the event that says that the glass was broken. Role: privacy_officer,
    and never whoever broke it.
    """
    command = ReviewAccess(id, body.outcome, body.follow_up)
    return call.write(
        lambda by: call.platform.access_reviews.review(command, by),
        lambda done: _reviewed(done, command),
    )


@routes.add("GET", "/v1/break-glass", schemas.BreakGlassRule, headers=("ETag",))
def show_break_glass(call: Call) -> Answer:
    """Show whether data may be opened beyond role and locations here."""
    found = call.platform.break_glass.rule(call.by)
    return answered(_rule(found), version=found.version)


@routes.add(
    "PUT",
    "/v1/break-glass",
    schemas.BreakGlassRule,
    headers=("Daybook-Event", "ETag"),
    changes=True,
)
def rule_break_glass(call: Call, body: schemas.BreakGlassGiven) -> Answer:
    """Allow data to be opened beyond role and locations, or forbid it. Role: owner.

    Allowed, it takes `Daybook-Break-Glass` with a reason, and each time is to be reviewed within so many hours.
    """
    rules = call.platform.break_glass
    if_match = call.if_match(lambda: rules.rule(call.by).version)
    command = RuleBreakGlass(body.review_within_hours if body.allowed else None, if_match)
    return call.write(lambda by: rules.set(command, by), _ruled)


def _log(page: AccessPage, cursor: str) -> Answer:
    shown = [access_json(row, page.view) for row in page.rows]
    following = page.next and write_cursor(cursor, *page.next)
    return answered(list_json(shown, following), headers=_position(page.position))


def _position(position: int) -> tuple[tuple[str, str], ...]:
    return (("daybook-position", str(position)),)


def access_json(row: AccessRow, view: str) -> Json:
    """An access, as far as a view shows it."""
    shown: Json = {
        "event_id": public_id("event", row.event),
        "at": instant_text(row.at),
        "outcome": row.kind,
        "purpose": row.purpose,
        "roles": list(row.roles),
        "fields": list(row.fields),
    }
    if view == "person":
        return shown
    shown |= {
        "case": row.case,
        "actor": row.actor,
        "holder": row.holder,
        "reason": row.reason,
        "count": row.count,
        "break_glass": row.glass,
        "withheld_until": optional_instant(row.withheld_until),
        "opened_at": optional_instant(row.opened_at),
    }
    if view == "auditor":
        shown["tag"] = None if row.tag is None else public_id("subject", row.tag)
    return shown


def _review(row: ReviewRow) -> Json:
    return {
        "event_id": public_id("event", row.event),
        "access_event_id": public_id("event", row.access),
        "at": instant_text(row.at),
        "actor": row.actor,
        "holder": row.holder,
        "roles": list(row.roles),
        "reason": row.reason,
        "beyond": row.beyond,
        "due_at": instant_text(row.due_at),
        "outcome": row.outcome,
        "follow_up": row.follow_up,
        "reviewed_at": optional_instant(row.reviewed_at),
        "reviewer": row.reviewer,
    }


def _reviewed(done: Reviewed, command: ReviewAccess) -> Answer:
    body: Json = {
        "outcome": done.review.outcome,
        "follow_up": command.follow_up,
        "due_at": instant_text(done.review.due_at),
        "event_id": public_id("event", done.event),
    }
    return answered(body, event=done.event)


def _rule(it: Tenant) -> Json:
    return {"allowed": it.review_hours is not None, "review_within_hours": it.review_hours}


def _ruled(receipt: Receipt[Tenant]) -> Answer:
    return answered(_rule(receipt.state), event=receipt.event, version=receipt.state.version)
