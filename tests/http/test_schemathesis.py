"""Everything that the description allows, and much that it does not, gets a documented answer and never a 500.

The examples are the same at every run. Ids of things that are there are put in place of most random ones: a
random id would be unknown, and nothing behind it would ever be tried.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.types import Receive, Scope, Send

from api.http.app import SPECS
from domain.values import public_id
from tests.http import disclosing, holding, ordering
from tests.http.built_when_run import build_when_run
from tests.http.business import Business, Server

build_when_run()
SERVER = Server.start()
KINDS = {f"{spec.method} {spec.path}": dict(spec.takes.ids) for spec in SPECS}
FIELDS = {
    "service_id": "service",
    "location_id": "location",
    "staff_id": "staff",
    "at_least": "event",
    "recipient_id": "recipient",
}
EXAMPLES = 5
NUMBERS = itertools.count()
WELL_FORMED = re.compile(r"[a-zA-Z0-9]{1,200}")
# A rule that says no to a well-formed request (422, 412) is not a fault of the description.
NOT_ASKED: list[Any] = [positive_data_acceptance]


async def running(scope: Scope, receive: Receive, send: Send) -> None:
    """The application, already started: it is not stopped and started again around every call."""
    if scope["type"] == "http":
        await SERVER.client.app(scope, receive, send)
        return
    for done in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{done}.complete"})


everything = schemathesis.openapi.from_asgi("/openapi.json", running)
# The application here is all in memory, where there is no evidence: tests/recovery asks a running deployment for it.
schema = everything.exclude(path="/v1/subjects/{id}/evidence")
# An array with too many members may also be refused for its size, and a version for not being the present one.
schema.config.checks.negative_data_rejection.expected_statuses += ["412", "413"]


def _furnished() -> Business:
    shop = SERVER.business().opened()
    booked = shop.book()
    shop.made.update(booking=booked["id"], event=booked["event_id"], subject=booked["subject_id"])
    wish = {"service_id": shop.made["service"], "start": "2027-01-11T12:00:00Z"}
    shop.made["hold"] = shop.make("/v1/holds", {**wish, "ttl_seconds": 3600})["id"]
    key = {"roles": ["staff"], "actor": "spare", "location_ids": "all"}
    shop.made["tenant"] = public_id("tenant", shop.tenant)
    shop.made["recipient"] = disclosing.a_recipient(shop)["id"]
    told = disclosing.wish(shop.made["recipient"], shop.made["subject"])
    shop.made["disclosure"] = shop.make("/v1/disclosures", told, role="privacy_officer")["id"]
    shop.made["process"] = shop.make("/v1/legal-processes", ordering.PAPER)["id"]
    held = holding.a_hold(shop.made["subject"])
    shop.made["legal_hold"] = shop.make("/v1/legal-holds", held)["id"]
    shop.made["office"] = ordering.an_office(shop)
    asked = ordering.a_wish(shop.made)
    made = shop.make("/v1/franchise-requests", asked, role="corporate")
    shop.made["franchise_request"] = made["id"]
    shop.made["key"] = shop.make("/v1/keys", key)["id"]
    shop.made["tenant"] = public_id("tenant", shop.tenant)
    return shop


SHOP = _furnished()


def _with_what_is_there(case: schemathesis.Case[Any]) -> None:
    """Put ids of things that are there where the case has well-formed ids of nothing."""
    kinds = KINDS.get(f"{case.method} {case.path}", {})
    for name, kind in kinds.items():
        if kind in SHOP.made and _is_id(case.path_parameters.get(name)):
            case.path_parameters[name] = SHOP.made[kind]
    key = str(case.headers.get("Idempotency-Key", ""))
    if WELL_FORMED.fullmatch(key):
        # Else a later case would get the answer of an earlier one.
        case.headers["Idempotency-Key"] = f"{next(NUMBERS)}-{key}"
    for fields in (case.query, case.body):
        if isinstance(fields, dict):
            for name, value in fields.items():
                fields[name] = _in_place_of(name, value)


def _in_place_of(name: str, value: Any) -> Any:
    kind = FIELDS.get(name.removesuffix("s"))
    if kind is None:
        return value
    if isinstance(value, list):
        return [SHOP.made[kind] if _is_id(one) else one for one in value[:1]] + value[1:]
    return SHOP.made[kind] if _is_id(value) else value


def _is_id(value: object) -> bool:
    return isinstance(value, str) and len(value) == 36 and value[3] == "_" and value[-1] not in "01"


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_its_word(case: schemathesis.Case[Any]):
    _with_what_is_there(case)
    headers: dict[str, Any] = {"Authorization": f"Bearer {SHOP.keys['owner']}"}
    case.call_and_validate(headers=headers, excluded_checks=NOT_ASKED)
