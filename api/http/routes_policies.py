"""Policy versions and purposes: what a business says that it does with personal data, as data."""

from __future__ import annotations

from typing import Final

from api.http import schemas_policies as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import PolicyId, SubjectId, read_cursor, write_cursor
from api.http.rendering import Json, list_json, optional_instant
from api.http.schemas_common import Following
from application.policy.policies import Accepting
from application.policy.purposes import AssignBasis, PurposeAsOf
from application.recorded import Answer
from application.setup.register import Receipt
from domain import errors
from domain.personal_fields import LISTED
from domain.policy_version import NamedController, PolicyAccepted, PolicyVersion, Publication
from domain.purpose_basis import PurposeBases
from domain.values import instant_text, public_id

routes = Routes("People and consent")

MADE: Final = ("Daybook-Event", "ETag", "Location")


@routes.add(
    "POST",
    "/v1/policy-versions",
    schemas.PolicyVersion,
    errors.PolicyVersionExists,
    status=201,
    headers=MADE,
    large=True,
)
def publish_policy(call: Call, body: schemas.NewPolicyVersion) -> Answer:
    """Publish a version of the privacy policy.

    The text is kept as it is, and its SHA-256 names it. It is in force from `effective_from` on, and two seconds after
    this call at the earliest. A material change waits for its first notice. Roles: privacy_officer, owner.
    """
    named = body.controller
    wanted = Publication(
        label=body.version,
        effective_from=body.effective_from,
        language=body.language,
        text=body.text,
        material=body.material,
        summary=body.summary,
        controller=None
        if named is None
        else NamedController(named.name, named.address, named.contact, named.country),
    )
    return call.write(lambda by: call.platform.policies.publish(wanted, by), _published)


@routes.add("GET", "/v1/policy-versions", schemas.PolicyVersionList, headers=("Daybook-Position",))
def list_policies(call: Call, query: Following) -> Answer:
    """List the policy versions in order of publication, without their texts."""
    reached = call.reached(query.at_least)
    after = read_cursor("policies", query.cursor)
    listing = call.platform.policies.page(query.limit, after, call.by)
    following = listing.next and write_cursor("policies", *listing.next)
    shown = [policy_json(one) for one in listing.items]
    return answered(list_json(shown, following), headers=(reached,))


@routes.add("GET", "/v1/policy-versions/{id}", schemas.PolicyText, headers=("ETag",))
def show_policy(call: Call, id: PolicyId) -> Answer:
    """Show a policy version with its text."""
    found, text = call.platform.policies.version(id, call.by)
    return answered(policy_json(found) | {"text": text}, version=found.version)


@routes.add(
    "POST",
    "/v1/policy-versions/{id}/notices",
    schemas.PolicyVersion,
    errors.Refused,
    status=201,
    headers=MADE,
)
def notify_policy(call: Call, id: PolicyId, body: schemas.NewNotice) -> Answer:
    """Record that people were told of a version.

    The first notice lets a material change come into force, two seconds later at the earliest.
    Roles: privacy_officer, owner.
    """
    policies = call.platform.policies
    return call.write(
        lambda by: policies.notify(id, body.channel, body.notified_at, by), _published
    )


@routes.add(
    "POST",
    "/v1/subjects/{id}/policy-acceptances",
    schemas.Acceptance,
    errors.UnknownReference,
    errors.Erased,
    status=201,
    headers=("Daybook-Event", "Location"),
)
def accept_policy(call: Call, id: SubjectId, body: schemas.NewAcceptance) -> Answer:
    """Record that a person accepted a text.

    By `continued_use` it is recorded as such. An acceptance is never a consent. Roles: privacy_officer, owner.
    """
    command = Accepting(id, body.policy_version, body.mode, body.accepted_at)
    return call.write(lambda by: call.platform.policies.accept(command, by), _accepted)


@routes.add("GET", "/v1/subjects/{id}/policy-acceptances", schemas.Acceptances)
def list_acceptances(call: Call, id: SubjectId, query: schemas.AsOf) -> Answer:
    """Say which text was in force for a person at an instant, and what they had accepted by then.

    Roles: privacy_officer, owner, auditor.
    """
    found = call.platform.policies.acceptances(id, query.as_of, call.by)
    return answered(
        {
            "as_of": instant_text(found.at),
            "in_force": found.in_force and policy_json(found.in_force),
            "data": [
                acceptance_json(decision) | {"event_id": public_id("event", event)}
                for event, decision in found.accepted
            ],
        }
    )


@routes.add("GET", "/v1/purposes", schemas.PurposeList)
def list_purposes(call: Call, query: schemas.AsOf) -> Answer:
    """List the purposes, each with its lawful basis by jurisdiction, and the kinds of personal data.

    The lists are closed: what is not on them is refused.
    """
    found = call.platform.purposes.listed(query.as_of, call.by)
    fields: list[Json] = [
        {
            "code": one.code,
            "says": one.says,
            "category": one.category,
            "term": one.term,
            "exact": one.exact,
            "retention_class": one.retention_class,
        }
        for one in LISTED
    ]
    return answered({"data": [purpose_json(one) for one in found], "fields": fields})


@routes.add(
    "POST", "/v1/purposes/bases", schemas.Purpose, errors.Refused, headers=("Daybook-Event",)
)
def assign_basis(call: Call, body: schemas.NewBasis) -> Answer:
    """Let a purpose rest on another lawful basis in a jurisdiction, from an instant on that has not passed.

    Where it rests on it already, nothing is recorded. Roles: privacy_officer, owner.
    """
    command = AssignBasis(body.purpose, body.jurisdiction, body.lawful_basis, body.effective_from)

    def shown(receipt: Receipt[PurposeBases] | None) -> Answer:
        listed = call.platform.purposes.listed(command.effective_from, call.by)
        (found,) = (one for one in listed if one.purpose.code == command.purpose)
        bases = {**found.bases, command.jurisdiction: command.basis}
        body = purpose_json(PurposeAsOf(found.purpose, bases))
        return answered(body, event=None if receipt is None else receipt.event)

    return call.write(lambda by: call.platform.purposes.assign(command, by), shown)


def policy_json(it: PolicyVersion) -> Json:
    """A policy version without its text."""
    named = it.controller
    return {
        "id": public_id("policy", it.id),
        "version": it.label,
        "effective_from": instant_text(it.effective_from),
        "in_force_from": optional_instant(it.in_force_from),
        "language": it.language,
        "sha256": it.sha256,
        "material": it.material,
        "summary": it.summary,
        "controller": named
        and {
            "name": named.name,
            "address": named.address,
            "contact": named.contact,
            "country": named.country,
        },
        "notices": [
            {"channel": one.channel, "notified_at": instant_text(one.notified_at)}
            for one in it.notices
        ],
    }


def acceptance_json(it: PolicyAccepted) -> Json:
    """What a person accepted, without the event that says so."""
    return {
        "policy_id": public_id("policy", it.policy),
        "policy_version": it.version,
        "mode": it.mode,
        "accepted_at": instant_text(it.accepted_at),
    }


def purpose_json(it: PurposeAsOf) -> Json:
    """A purpose and its bases."""
    purpose = it.purpose
    return {
        "code": purpose.code,
        "says": purpose.says,
        "policy_line": purpose.policy_line,
        "term": purpose.term,
        "exact": purpose.exact,
        "role": purpose.role,
        "retention_class": purpose.retention_class,
        "demands_case": purpose.demands_case,
        "fields": list(purpose.fields),
        "lawful_bases": dict(it.bases),
    }


def _published(receipt: Receipt[PolicyVersion]) -> Answer:
    shown = policy_json(receipt.state)
    return answered(
        shown,
        status=201,
        event=receipt.event,
        version=receipt.state.version,
        location=f"/v1/policy-versions/{shown['id']}",
    )


def _accepted(receipt: Receipt[PolicyAccepted]) -> Answer:
    it = receipt.state
    shown = acceptance_json(it) | {"event_id": public_id("event", receipt.event)}
    where = f"/v1/subjects/{public_id('subject', it.subject)}/policy-acceptances"
    return answered(shown, status=201, event=receipt.event, location=where)
