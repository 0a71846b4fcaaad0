"""Erasures: how they stand, what is kept and why, who was told. They are ordered by requests and by retention."""

from __future__ import annotations

from api.http import schemas_erasures as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import ErasureId, read_cursor, write_cursor
from api.http.rendering import list_json
from api.http.rendering_erasures import erasure_json, shown_json
from api.http.routes_business import LISTED
from api.http.schemas_common import Following
from application.recorded import Answer

routes = Routes("Rights, retention, erasure")


@routes.add("GET", "/v1/erasures", schemas.ErasureList, headers=LISTED)
def list_erasures(call: Call, query: Following) -> Answer:
    """List the erasures, by when they were ordered. Roles: auditor, owner, privacy_officer."""
    reached = call.reached(query.at_least)
    after = read_cursor("erasures", query.cursor)
    listing = call.platform.erasures.page(query.limit, after, call.by)
    following = listing.next and write_cursor("erasures", *listing.next)
    shown = [erasure_json(one) for one in listing.items]
    return answered(list_json(shown, following), headers=(reached,))


@routes.add("GET", "/v1/erasures/{id}", schemas.ShownErasure, headers=("ETag",))
def show_erasure(call: Call, id: ErasureId) -> Answer:
    """Show an erasure: what is destroyed, what waits for a legal hold, what is kept and why, and who was told.

    It is `online` when nobody can open what was to be destroyed, and `complete` when older copies of the keys are dead
    too; `partial` when a part waits or is kept. The person's bookings keep their time, those to come too, until
    somebody calls them off. Roles: auditor, owner, privacy_officer.
    """
    found = call.platform.erasures.erasure(id, call.by)
    return answered(shown_json(found), version=found.seen.state.version)
