"""Keys: issued, listed, revoked. The key itself is shown once, and no kept answer holds it."""

from __future__ import annotations

from api.http import schemas_business as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import KeyId, read_cursor, write_cursor
from api.http.rendering import Json, key_json, list_json
from api.http.routes_business import CHANGED, LISTED, MADE
from api.http.schemas_common import Following
from application.recorded import Answer
from application.setup.access_keys import IssuedKey, IssueKey, RevokeKey
from application.setup.register import Receipt
from domain import errors
from domain.access_key import AccessKey, KeyTerms
from domain.values import public_id

routes = Routes("Keys")


@routes.add(
    "POST",
    "/v1/keys",
    schemas.IssuedKey,
    errors.UnknownReference,
    errors.NotFound,
    status=201,
    headers=MADE,
)
def issue_key(call: Call, body: schemas.NewKey) -> Answer:
    """Issue a key.

    `key` is in this answer and never again; a repeated call with the same Idempotency-Key gets
    `"replayed": true` in its place. Role: owner.
    """
    locations = body.location_ids
    terms = KeyTerms(
        roles=tuple(body.roles),
        actor=body.actor,
        location_ids=None if locations is None else tuple(locations),
        expires_at=body.expires_at,
        label=body.label,
    )
    return call.write(
        lambda by: call.platform.access_keys.issue(IssueKey(terms), by),
        lambda receipt: _issued(receipt, {"key": receipt.state.token}),
        keep=lambda receipt: _issued(receipt, {"replayed": True}),
    )


@routes.add("GET", "/v1/keys", schemas.KeyList, headers=LISTED)
def list_keys(call: Call, query: Following) -> Answer:
    """List the keys, by creation, revoked and expired ones included. Role: owner."""
    reached = call.reached(query.at_least)
    after = read_cursor("keys", query.cursor)
    listing = call.platform.access_keys.page(query.limit, after, call.by)
    following = listing.next and write_cursor("keys", *listing.next)
    shown = [key_json(one) for one in listing.items]
    return answered(list_json(shown, following), headers=(reached,))


@routes.add("GET", "/v1/keys/{id}", schemas.Key, headers=("ETag",))
def show_key(call: Call, id: KeyId) -> Answer:
    """Show a key, without its secret. Role: owner."""
    found = call.platform.access_keys.key(id, call.by)
    return answered(key_json(found), version=found.version)


@routes.add("POST", "/v1/keys/{id}/revoke", schemas.Key, headers=CHANGED, changes=True)
def revoke_key(call: Call, id: KeyId) -> Answer:
    """Revoke a key, for good and at once. Role: owner."""
    keys = call.platform.access_keys
    if_match = call.if_match(lambda: keys.key(id, call.by).version)
    return call.write(lambda by: keys.revoke(RevokeKey(id, if_match), by), _revoked)


def _issued(receipt: Receipt[IssuedKey], more: Json) -> Answer:
    key = receipt.state.key
    return answered(
        key_json(key) | more,
        status=201,
        event=receipt.event,
        version=key.version,
        location=f"/v1/keys/{public_id('key', key.id)}",
    )


def _revoked(receipt: Receipt[AccessKey]) -> Answer:
    return answered(key_json(receipt.state), event=receipt.event, version=receipt.state.version)
