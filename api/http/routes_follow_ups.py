"""What recipients have to be told of data that they have, and what they answered."""

from __future__ import annotations

from typing import Final

from api.http import schemas_follow_ups as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import FollowUpId, read_cursor, write_cursor
from api.http.rendering import list_json
from api.http.rendering_follow_ups import follow_up_json
from api.http.routes_business import LISTED
from application.disclosing.follow_up_story import FollowUpStory
from application.recorded import Answer
from application.setup.register import Receipt

routes = Routes("Disclosures")
FOLLOWED: Final = "courier"


@routes.add("GET", "/v1/follow-ups", schemas.FollowUpList, headers=LISTED)
def list_follow_ups(call: Call, query: schemas.FollowUpQuery) -> Answer:
    """List follow-ups, by when they were ordered.

    A recipient that has data of a person is told when a consent that it rested on is withdrawn, and when the profile is
    corrected: by a signed POST where it takes deliveries; else this is the list of those to tell.
    Roles: privacy_officer, auditor.
    """
    positions, tenant = call.platform.positions, call.by.tenant
    if query.at_least is None:
        position = positions.current(tenant, FOLLOWED)
    else:
        position = positions.wait(tenant, FOLLOWED, query.at_least)
    after = read_cursor("follow-ups", query.cursor)
    is_open = {None: None, "open": True, "answered": False}[query.state]
    listing = call.platform.follow_ups.page(query.limit, after, is_open, call.by)
    following = listing.next and write_cursor("follow-ups", *listing.next)
    shown = [follow_up_json(one) for one in listing.items]
    reached = ("daybook-position", str(position))
    return answered(list_json(shown, following), headers=(reached,))


@routes.add(
    "POST",
    "/v1/follow-ups/{id}/acknowledgements",
    schemas.FollowUp,
    status=201,
    headers=("Daybook-Event", "Location"),
)
def acknowledge_follow_up(
    call: Call, id: FollowUpId, body: schemas.FollowUpAcknowledgement
) -> Answer:
    """Record what the recipient answered.

    A recipient that can sign does so with Ed25519 over the lines `daybook/acknowledgement/v1`, the follow-up's id, and
    `outcome`, each ended by a newline. Role: privacy_officer.
    """
    follow_ups = call.platform.follow_ups
    return call.write(
        lambda by: follow_ups.acknowledge(id, body.outcome, body.signature, by), _answered
    )


def _answered(receipt: Receipt[FollowUpStory]) -> Answer:
    shown = follow_up_json(receipt.state)
    location = f"/v1/disclosures/{shown['disclosure_id']}"
    return answered(shown, status=201, event=receipt.event, location=location)
