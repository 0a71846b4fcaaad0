"""What programs that look after this one are told. None of it needs a key."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from starlette.testclient import TestClient

from api.http.app import create_app
from api.http.settings import ApiSettings
from tests.http.business import Business, Server
from tests.http.problem import assert_problem


def test_it_says_that_it_runs(server: Server):
    assert server.client.get("/healthz").json() == {"status": "ok"}


def test_it_says_that_it_is_ready_and_by_which_zone_rules(server: Server):
    ready = server.client.get("/readyz")
    assert ready.status_code == 200
    body = ready.json()
    assert body["status"] == "ready"
    assert body["version"] == "0.1.0"
    assert body["tzdata"].startswith("20")
    assert body["parts"] == {"memory": True}


def test_it_says_what_is_missing_when_it_is_not_ready(server: Server):
    parts = {"database": False, "keys": True, "sequencer": False}
    platform = replace(server.platform, readiness=lambda: parts)
    client = TestClient(create_app(platform, ApiSettings()))
    refused = assert_problem(client.get("/readyz"), "unavailable")
    assert refused["detail"] == "Not ready: database, sequencer."
    assert client.get("/healthz").status_code == 200


def test_a_browser_and_a_program_both_learn_where_to_go(server: Server):
    told = server.client.get("/").json()
    assert told["name"] == "Daybook"
    for place in ("docs", "openapi", "health", "ready"):
        assert server.client.get(told[place]).status_code == 200
    page = server.client.get("/", headers={"accept": "text/html,*/*;q=0.8"})
    assert page.headers["content-type"].startswith("text/html")
    assert 'href="/docs"' in page.text


def test_a_vulnerability_can_be_reported(server: Server):
    lines = server.client.get("/.well-known/security.txt").text.splitlines()
    fields = dict(line.split(": ", 1) for line in lines)
    assert fields["Contact"].endswith("/docs#security")
    expires = datetime.fromisoformat(fields["Expires"])
    assert server.clock.now() < expires
    assert (expires - server.clock.now()).days < 365
    settings = ApiSettings(security_contact="mailto:security@example.test")
    client = TestClient(create_app(server.platform, settings))
    told = client.get("/.well-known/security.txt").text
    assert told.startswith("Contact: mailto:security@example.test\n")


def test_privacy_signals_are_said_to_be_honoured(server: Server):
    assert server.client.get("/.well-known/gpc.json").json()["gpc"] is True


def local(server: Server, host: str) -> TestClient:
    """A client at `host`."""
    return TestClient(server.client.app, client=(host, 50_000))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "127.8.8.8"])
def test_the_machine_itself_may_count(business: Business, host: str):
    business.get("/v1/locations")
    business.get("/v1/locations/loc_" + "0" * 32)
    text = local(business.server, host).get("/metrics").text
    assert 'daybook_http_requests_total{method="GET",route="/v1/locations",status="200"}' in text
    assert 'route="/v1/locations/{id}",status="404"}' in text
    assert "daybook_http_request_seconds_bucket" in text
    assert business.tenant.hex not in text
    assert "loc_0" not in text


def test_nobody_else_learns_how_busy_all_tenants_are(server: Server):
    for host in ("10.0.0.7", "testclient"):
        assert_problem(local(server, host).get("/metrics"), "not_found")
    behind_proxy = {"x-forwarded-for": "10.0.0.7"}
    refused = local(server, "127.0.0.1").get("/metrics", headers=behind_proxy)
    assert_problem(refused, "not_found")


def test_an_operator_may_open_the_counts(server: Server):
    client = TestClient(create_app(server.platform, ApiSettings(metrics_public=True)))
    assert client.get("/metrics").status_code == 200


def test_what_reaches_no_route_is_counted_as_none(server: Server):
    server.client.get("/secret-name-in-a-path")
    text = local(server, "127.0.0.1").get("/metrics").text
    assert 'route="none",status="404"' in text
    assert "secret-name" not in text
