"""Who may do what: every role at every route, as a table that is checked in and read like one.

DAYBOOK_WRITE_GOLDEN=1 pytest tests/http/test_authorisation.py      writes it anew
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.http.app import SPECS
from api.http.contract import Spec
from api.http.fields import example_id
from application.erasing.ordering import Wish
from application.recorded import Caller
from domain.access_key import ROLES
from domain.values import parse_id, public_id
from tests.http.business import MONDAY, Business, Server
from tests.http.disclosing import a_recipient, wish
from tests.http.holding import a_hold
from tests.http.ordering import PAPER, a_wish, an_office
from tests.http.requests import ASKED, address, arguments, bodies

GOLDEN = Path(__file__).parents[1] / "golden" / "authorisation.json"
OUTCOMES = {401: "stranger", 403: "may not", 404: "sees nothing"}


def test_every_role_may_do_what_the_table_says(server: Server):
    table = dict(_table(server))
    if os.environ.get("DAYBOOK_WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(table, indent=2) + "\n")
    assert table == json.loads(GOLDEN.read_text()), "see the top of this file"


def _table(server: Server) -> Iterator[tuple[str, dict[str, str]]]:
    shop = _furnished(server.business().opened())
    operates = shop.operating_key()
    keys = {role: (shop.key(role), shop.key(role, at=[shop.made["elsewhere"]])) for role in ROLES}
    for spec in SPECS:
        row: dict[str, str] = {}
        for role, (own, far) in keys.items():
            elsewhere, here = _tried(shop, spec, far), _tried(shop, spec, own)
            row[role] = here if elsewhere == here else f"{here}; elsewhere {elsewhere}"
        if spec.tag == "Read models":
            row["engineer, operates"] = _tried(shop, spec, operates)
        yield f"{spec.method} {spec.path}", row


def _furnished(shop: Business) -> Business:
    """With a booking, a second location, and one more of everything that can be ended."""
    made = shop.made
    spare = {"roles": ["staff"], "actor": "spare", "location_ids": "all"}
    booked = shop.book()
    made["booking"], made["event"] = booked["id"], booked["event_id"]
    made["subject"] = booked["subject_id"]
    made["tenant"], made["tile"] = public_id("tenant", shop.tenant), "0/000.p/1"
    made["elsewhere"] = shop.location(name="Elsewhere")
    made["spare location"] = shop.location(name="Spare")
    made["spare service"] = shop.service(made["location"])
    made["spare staff"] = shop.staff(made["location"], services=[])
    made["key"] = made["spare key"] = shop.make("/v1/keys", spare)["id"]
    made["hold"] = example_id("hold")
    made["office"] = an_office(shop)
    made["process"] = shop.make("/v1/legal-processes", PAPER)["id"]
    made["privacy_request"] = shop.make("/v1/privacy-requests", ASKED)["id"]
    made["legal_hold"] = shop.make("/v1/legal-holds", a_hold(made["subject"]))["id"]
    made["retention_class"] = "billing"
    asked, asker = a_wish(made), shop.key("corporate")
    made["franchise_request"] = shop.make("/v1/franchise-requests", asked, key=asker)["id"]
    made["recipient"] = a_recipient(shop)["id"]
    told = wish(made["recipient"], made["subject"])
    made["disclosure"] = shop.make("/v1/disclosures", told, role="privacy_officer")["id"]
    tree = {"kind": "franchise", "role": "controller", "location_ids": [made["location"]]}
    made["spare recipient"] = a_recipient(shop, **tree)["id"]
    text = bodies(made)["publish_policy"]
    made["policy"] = shop.make("/v1/policy-versions", {**text, "version": "2026-01"})["id"]
    made["erasure"] = _an_erasure(shop)
    said = bodies(made)["record_consent"]
    made["consent"] = shop.make(f"/v1/subjects/{made['subject']}/consents", said)["id"]
    return shop


def _an_erasure(shop: Business) -> str:
    """The id of an erasure of somebody else."""
    gone = {"name": "Ben Example", "email": "ben@example.test"}
    booked = shop.book(f"{MONDAY}T16:00:00Z", customer=gone)
    subject = parse_id("subject", booked["subject_id"])
    assert subject is not None
    by = Caller(shop.tenant, "system:requests", frozenset({"privacy_officer"}))
    return public_id(
        "erasure", shop.server.platform.eraser.orders.order(by, Wish(subject, "request"))
    )


def _tried(shop: Business, spec: Spec, key: str) -> str:
    if "hold" in dict(spec.takes.ids).values():
        # Releasing one ends it, so each gets one of its own.
        shop.call("DELETE", f"/v1/holds/{shop.made['hold']}")
        wish = {"service_id": shop.made["service"], "start": f"{MONDAY}T12:00:00Z"}
        shop.made["hold"] = shop.make("/v1/holds", wish)["id"]
    made = shop.made
    if spec.path.endswith(("/deactivate", "/revoke", "/end", "/locations")):
        made = {kind: made.get(f"spare {kind}", id) for kind, id in made.items()}
    answer = shop.call(spec.method, address(spec, made), key=key, **arguments(spec, made))
    if answer.status_code == 422 and answer.json()["code"] == "unknown_reference":
        return "sees nothing"
    # Another rule that says no says it to those who may ask.
    return OUTCOMES.get(answer.status_code, "may")


def test_the_table_has_a_line_for_every_route():
    lines = json.loads(GOLDEN.read_text())
    assert list(lines) == [f"{spec.method} {spec.path}" for spec in SPECS]


@pytest.mark.parametrize("role", ["engineer", "corporate", "booking", "auditor"])
def test_roles_that_open_nothing_open_nothing(server: Server, role: str):
    shop = server.business().opened()
    booked = shop.book()
    refused = shop.get(
        f"/v1/bookings/{booked['id']}?include=customer",
        key=shop.key(role),  # type: ignore[arg-type]
        headers={"daybook-purpose": "service"},
    )
    assert refused.status_code == 403
