"""Nobody gets past any route of the API without a key that is good now; machine routes need none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.http.app import SPECS
from api.http.contract import Spec
from domain.values import instant_text, public_id
from tests.http.business import Business, Server
from tests.http.disclosing import a_recipient, wish
from tests.http.problem import assert_problem
from tests.http.requests import address, arguments

ROUTES = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.method} {spec.path}")


@ROUTES
def test_without_a_key(server: Server, spec: Spec):
    refused = server.client.request(spec.method, address(spec))
    assert_problem(refused, "unidentified")
    assert refused.headers["www-authenticate"] == 'Bearer realm="daybook"'


@ROUTES
def test_with_a_key_of_nobody(business: Business, spec: Spec):
    good = business.keys["owner"]
    wrong_secret = good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBA")
    for key in ("dbk_" + "A" * 86, "dbk_short", "sk_live_123", "dbk_" + "é" * 86, wrong_secret):
        refused = business.call(
            spec.method, address(spec), headers={"authorization": f"Bearer {key}".encode()}
        )
        assert_problem(refused, "unidentified")


@pytest.mark.parametrize(
    "sent",
    ["", "Basic dXNlcjpwYXNz", "Bearer", "bearer  ", "Token abc", "Bearer a b"],
)
def test_with_something_else_than_a_key(server: Server, sent: str):
    refused = server.client.get("/v1/locations", headers={"authorization": sent})
    assert_problem(refused, "unidentified")


def test_the_scheme_may_be_written_as_one_likes(business: Business):
    sent = {"authorization": f"bEaReR  {business.keys['owner']}"}
    assert business.server.client.get("/v1/locations", headers=sent).status_code == 200


def test_a_key_is_no_good_from_its_end_on(own_server: Server):
    business = own_server.business()
    ends_at = own_server.clock.now() + timedelta(minutes=5)
    asked = {
        "roles": ["owner"],
        "actor": "temp",
        "location_ids": "all",
        "expires_at": instant_text(ends_at),
    }
    key = business.make("/v1/keys", asked)["key"]
    own_server.clock.set(ends_at - timedelta(microseconds=1))
    assert business.get("/v1/keys", key=key).status_code == 200
    own_server.clock.set(ends_at)
    assert_problem(business.get("/v1/keys", key=key), "unidentified")


def test_a_stranger_is_refused_before_anything_is_read(server: Server):
    refused = server.client.post(
        "/v1/bookings", content=b"{", headers={"content-type": "text/plain"}
    )
    assert_problem(refused, "unidentified")


def test_another_business_sees_nothing_of_this_one(shop: Business):
    other = shop.server.business()
    booked = shop.book()
    hold = shop.make(
        "/v1/holds", {"service_id": shop.made["service"], "start": "2027-01-11T12:00:00Z"}
    )
    key = shop.get("/v1/keys").json()["data"][0]["id"]
    made = {**shop.made, "booking": booked["id"], "hold": hold["id"], "key": key}
    made |= {"event": booked["event_id"], "tenant": public_id("tenant", shop.tenant)}
    made["subject"] = booked["subject_id"]
    made["recipient"] = a_recipient(shop)["id"]
    told = wish(made["recipient"], made["subject"])
    made["disclosure"] = shop.make("/v1/disclosures", told, role="privacy_officer")["id"]
    theirs, operating = other.key("owner", "privacy_officer", "auditor"), other.operating_key()
    for spec in SPECS:
        if spec.takes.ids and spec.method in ("GET", "DELETE"):
            asked = arguments(spec, made)["params"]
            why = {"daybook-purpose": "service"}
            key = operating if spec.handler.__name__ == "show_rebuild" else theirs
            refused = other.call(
                spec.method, address(spec, made), key=key, params=asked, headers=why
            )
            assert_problem(refused, "not_found")
    for listed in ("locations", "services", "staff", "bookings"):
        assert other.get(f"/v1/{listed}").json()["data"] == []
