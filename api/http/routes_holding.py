"""Legal holds, and the rules of retention."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from api.http import schemas_holding as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import LegalHoldId, RetentionClassPath, read_cursor, write_cursor
from api.http.rendering import Json, list_json, optional_instant
from api.http.routes_business import CHANGED, LISTED, MADE
from api.http.schemas_common import Following
from application.holding.legal_holds import (
    ExtendHold,
    HeldReceipt,
    PlaceHold,
    ReleaseHold,
    ReviewHold,
)
from application.holding.retention_rules import BindRules, ClassRules, RulesReceipt
from application.recorded import Answer
from application.setup.register import Receipt
from domain import errors
from domain.legal_hold import HeldPerson, HoldTerms, LegalHold
from domain.retention import Rule
from domain.retention_defaults import VERSION
from domain.values import public_id

routes = Routes("Rights, retention, erasure")


@routes.add(
    "POST",
    "/v1/legal-holds",
    schemas.ShownLegalHold,
    errors.UnknownReference,
    status=201,
    headers=MADE,
)
def place_legal_hold(call: Call, body: schemas.NewLegalHold) -> Answer:
    """Place a legal hold: these classes of these persons are not erased until it is released.

    Whoever places it is its custodian. What an erasure took before is gone, and named. Under a gag the persons are not
    told of it before its date, and then by themselves. Roles: owner, privacy_officer.
    """
    terms = HoldTerms(
        matter=body.matter,
        authority=body.authority,
        classes=tuple(body.retention_classes),
        review_on=body.review_on,
        gag_until=body.gag_until,
    )
    command = PlaceHold(terms, tuple(body.subject_ids))
    now = call.platform.clock.now()

    def placed(receipt: HeldReceipt) -> Answer:
        shown = _shown(receipt.state, receipt.persons, now)
        return answered(
            shown,
            status=201,
            event=receipt.event,
            version=receipt.state.version,
            location=f"/v1/legal-holds/{shown['id']}",
        )

    return call.write(lambda by: call.platform.legal_holds.place(command, by), placed)


@routes.add("GET", "/v1/legal-holds", schemas.LegalHoldList, headers=LISTED)
def list_legal_holds(call: Call, query: Following) -> Answer:
    """List the legal holds, by creation, released ones included. Roles: auditor, owner, privacy_officer.

    One that stands and was not looked at again on its day is `review_overdue`.
    """
    reached = call.reached(query.at_least)
    after = read_cursor("legal-holds", query.cursor)
    listing = call.platform.legal_holds.page(query.limit, after, call.by)
    following = listing.next and write_cursor("legal-holds", *listing.next)
    now = call.platform.clock.now()
    shown = [hold_json(one, now) for one in listing.items]
    return answered(list_json(shown, following), headers=(reached,))


@routes.add("GET", "/v1/legal-holds/{id}", schemas.ShownLegalHold, headers=("ETag",))
def show_legal_hold(call: Call, id: LegalHoldId) -> Answer:
    """Show a legal hold, and whom it is about. Roles: auditor, owner, privacy_officer."""
    found = call.platform.legal_holds.hold(id, call.by)
    now = call.platform.clock.now()
    return answered(_shown(found.hold, found.persons, now), version=found.hold.version)


@routes.add(
    "POST",
    "/v1/legal-holds/{id}/review",
    schemas.LegalHold,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def review_legal_hold(call: Call, id: LegalHoldId, body: schemas.LegalHoldReview) -> Answer:
    """Find that a legal hold is still needed, and say when it is looked at again. Roles: owner, privacy_officer."""
    command = ReviewHold(id, body.review_on, _if_match(call, id))
    return call.write(lambda by: call.platform.legal_holds.review(command, by), _changed(call))


@routes.add(
    "POST",
    "/v1/legal-holds/{id}/extend",
    schemas.ShownLegalHold,
    errors.InvalidState,
    errors.UnknownReference,
    headers=CHANGED,
    changes=True,
)
def extend_legal_hold(call: Call, id: LegalHoldId, body: schemas.LegalHoldExtension) -> Answer:
    """Extend a legal hold to further persons, 1,000 in all; who is under it stays. Roles: owner, privacy_officer."""
    command = ExtendHold(id, tuple(body.subject_ids), _if_match(call, id))
    now = call.platform.clock.now()

    def extended(receipt: HeldReceipt) -> Answer:
        shown = _shown(receipt.state, receipt.persons, now)
        return answered(shown, event=receipt.event, version=receipt.state.version)

    return call.write(lambda by: call.platform.legal_holds.extend(command, by), extended)


@routes.add(
    "POST",
    "/v1/legal-holds/{id}/release",
    schemas.LegalHold,
    errors.InvalidState,
    errors.NotYourHold,
    headers=CHANGED,
    changes=True,
)
def release_legal_hold(call: Call, id: LegalHoldId) -> Answer:
    """Release a legal hold: erasures that waited for it are carried out by themselves.

    Only its custodian or an owner may; that somebody else tried is recorded. Roles: owner, privacy_officer.
    """
    command = ReleaseHold(id, _if_match(call, id))
    return call.write(lambda by: call.platform.legal_holds.release(command, by), _changed(call))


@routes.add("GET", "/v1/retention-rules", schemas.RetentionRulesList, headers=("ETag",))
def list_retention_rules(call: Call) -> Answer:
    """List what holds for each retention class: on which bases it is kept, until when, and for which purposes.

    Against an erasure only a rule with an `exception` stands. A profile ends with its visits where nothing else is
    bound for it: whoever comes back later is met as somebody new. Roles: auditor, owner, privacy_officer.
    """
    held = call.platform.retention_rules.in_force(call.by)
    body = {"data": [rules_json(one) for one in held], "shipped_version": VERSION}
    return answered(body, version=held[0].version)


@routes.add(
    "PUT",
    "/v1/retention-rules/{retention_class}",
    schemas.RetentionRules,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def bind_retention_rules(
    call: Call, retention_class: RetentionClassPath, body: schemas.NewRetentionRules
) -> Answer:
    """Bind rules for a retention class, in place of those that hold; none lets the shipped ones hold again.

    When the last period of a class is over for a person, it is erased by itself; a legal hold keeps it. All rules have
    one version, which If-Match may name. Roles: owner, privacy_officer.
    """
    rules = tuple(
        Rule(
            one.code,
            one.start,
            one.months,
            one.exception,
            one.statute,
            tuple(one.purposes),
            one.jurisdiction,
        )
        for one in body.rules
    )
    rules_now = call.platform.retention_rules
    if_match = call.if_match(lambda: rules_now.in_force(call.by)[0].version)
    command = BindRules(retention_class, rules, if_match)

    def bound(receipt: RulesReceipt) -> Answer:
        held = receipt.held
        return answered(rules_json(held), event=receipt.event, version=held.version)

    return call.write(lambda by: call.platform.retention_rules.bind(command, by), bound)


def hold_json(it: LegalHold, now: datetime) -> Json:
    """A legal hold as it stands at the instant `now`, without whom it is about."""
    terms = it.terms
    return {
        "id": public_id("legal_hold", it.id),
        "matter": terms.matter,
        "authority": terms.authority,
        "retention_classes": list(terms.classes),
        "review_on": terms.review_on.isoformat(),
        "review_overdue": it.overdue_on(now.date()),
        "gag_until": optional_instant(terms.gag_until),
        "gag_running": it.gagged_at(now),
        "custodian": it.custodian,
        "status": it.status,
        "subjects": it.persons,
    }


def rules_json(it: ClassRules) -> Json:
    """What holds for a class."""
    return {
        "retention_class": it.retention_class,
        "source": "bound" if it.bound else "shipped",
        "rules": [
            {
                "code": one.code,
                "start": one.start,
                "months": one.months,
                "exception": one.exception,
                "statute": one.statute,
                "purposes": list(one.purposes),
                "jurisdiction": one.jurisdiction,
            }
            for one in it.rules
        ],
    }


def _shown(it: LegalHold, persons: tuple[HeldPerson, ...], now: datetime) -> Json:
    return hold_json(it, now) | {
        "subject_ids": [public_id("subject", one.person) for one in persons],
        "gone": [
            {"subject_id": public_id("subject", one.person), "retention_classes": list(one.gone)}
            for one in persons
            if one.gone
        ],
    }


def _if_match(call: Call, id: LegalHoldId) -> int | None:
    return call.if_match(lambda: call.platform.legal_holds.hold(id, call.by).hold.version)


def _changed(call: Call) -> Callable[[Receipt[LegalHold]], Answer]:
    now = call.platform.clock.now()

    def shown(receipt: Receipt[LegalHold]) -> Answer:
        body = hold_json(receipt.state, now)
        return answered(body, event=receipt.event, version=receipt.state.version)

    return shown
