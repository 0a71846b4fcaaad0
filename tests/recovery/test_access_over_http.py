"""Who looked and who was refused, of a running deployment: the log follows, and kill -9 loses no refusal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from application.access.denials import Denials
from application.access.reveal import NoGags
from infrastructure.clock import SystemClock
from infrastructure.engine import Engine
from infrastructure.server.processes import wait_until
from infrastructure.store.denial_counts import PostgresDenialCounts
from infrastructure.twin.memory import SettableClock
from infrastructure.wall import bound_to
from tests.api_client import SECONDS_MAX, Business
from tests.running import Running

pytestmark = pytest.mark.xdist_group("running")

REFUSED = 5


@pytest.fixture
def shop(running: Running) -> Business:
    return Business.found(running)


def booked(shop: Business) -> tuple[str, str]:
    """A booking and its customer."""
    service = shop.offer("Visit", 30, booking_window_days=365)
    shop.engage([service])
    with shop.api("booking") as api:
        made = api.made("/v1/bookings", shop.wish(service, 60))
    return made["id"], made["subject_id"]


def log(shop: Business, subject: str, view: str) -> list[dict[str, Any]]:
    """The accesses to a person's data, all of those that have been recorded by now."""
    with shop.api("privacy_officer") as api:
        latest = api.get("/v1/events", {"limit": 200}).body["data"][-1]["position"]
        asked = {"view": view, "at_least": latest}
        reply = api.get(f"/v1/subjects/{subject}/access-log", asked)
    assert reply.status == 200, reply.body
    assert int(reply.headers["daybook-position"]) >= latest
    rows: list[dict[str, Any]] = reply.body["data"]
    return rows


def denied(shop: Business, subject: str) -> int:
    """How many refusals are recorded by now."""
    rows = log(shop, subject, "officer")
    return sum(row["count"] for row in rows if row["outcome"] == "denied")


def sweep_later(running: Running, tenant: UUID) -> None:
    """What the worker does, long after."""
    engine = Engine.connect(running.deployment, connections=1)
    clock = SettableClock(SystemClock().now() + timedelta(days=365))
    counts = PostgresDenialCounts(engine.app)
    with bound_to(tenant):
        Denials(engine.store, counts, clock, engine.ids, NoGags()).sweep(tenant)
    engine.close()


def test_the_log_follows_and_no_refusal_is_lost(running: Running, shop: Business) -> None:
    booking, subject = booked(shop)
    path = f"/v1/bookings/{booking}"
    with shop.api("staff") as api:
        opened = api.get(path, {"include": "customer"}, daybook_purpose="service")
        assert opened.status == 200
        for _ in range(REFUSED):
            assert api.get(path, {"include": "customer"}).code == "purpose_required"
    # A refusal names no event to wait for, and its place comes within a second.
    assert wait_until(lambda: len(log(shop, subject, "officer")) >= 2, SECONDS_MAX)
    rows = log(shop, subject, "officer")
    assert [row["outcome"] for row in rows][:2] == ["granted", "denied"]
    assert rows[0]["roles"] == ["staff"]
    running.kill_all()
    running.ensure_up()
    sweep_later(running, UUID(shop.tenant.removeprefix("ten_")))
    assert wait_until(lambda: denied(shop, subject) >= REFUSED, SECONDS_MAX)
    again = log(shop, subject, "person")
    assert {frozenset(row) for row in again} == {
        frozenset({"event_id", "at", "outcome", "purpose", "roles", "fields"})
    }
    assert denied(shop, subject) == REFUSED
