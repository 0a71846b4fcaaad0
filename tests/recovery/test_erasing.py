"""Erasing on a running deployment: from the order to the end, with the worker killed on the way. README D9."""

from __future__ import annotations

import random
from threading import Event
from typing import Any

import pytest

from api.composition import production
from application.erasing.ordering import Wish
from application.recorded import Caller
from domain.values import parse_id, public_id
from infrastructure.server.processes import wait_until
from infrastructure.wall import bound_to
from tests.api_client import Business
from tests.recovery.test_fsck_verb import fsck
from tests.running import Running

pytestmark = pytest.mark.xdist_group("running")

PEOPLE = 4
KILLS = 3  # within a minute; the supervisor gives up at the sixth
SECONDS_MAX = 90.0


def booked(business: Business) -> list[dict[str, Any]]:
    """Bookings of some people."""
    service = business.offer("Cut", 60)
    business.engage([service])
    with business.api() as api:
        return [
            api.made(
                "/v1/bookings",
                business.wish(service, 60 * number)
                | {"customer": {"name": "Ada Example", "email": f"ada{number}@example.test"}},
            )
            for number in range(1, PEOPLE + 1)
        ]


def ordered(business: Business, subjects: list[str]) -> list[str]:
    """Their erasures, ordered as a request or a sweep does."""
    tenant = parse_id("tenant", business.tenant)
    assert tenant is not None
    platform, engine = production(business.running.deployment, connections=1)
    by = Caller(tenant, "system:requests", frozenset({"privacy_officer"}))
    try:
        with bound_to(tenant):
            people = [parse_id("subject", one) for one in subjects]
            orders = platform.eraser.orders
            return [
                public_id("erasure", orders.order(by, Wish(one, "request")))
                for one in people
                if one is not None
            ]
    finally:
        engine.close()


def test_what_was_ordered_erased_is_carried_through_whoever_is_killed(running: Running) -> None:
    business = Business.found(running)
    bookings = booked(business)
    kept, *gone = bookings
    erasures = ordered(business, [one["subject_id"] for one in gone])
    chance, pause = random.Random(7), Event()
    with business.api("privacy_officer") as api:
        refused = [
            api.get(f"/v1/subjects/{one['subject_id']}", daybook_purpose="service") for one in gone
        ]
        assert all(one.body["erased_at"] and "values" not in one.body for one in refused)
        for _ in range(KILLS):
            pause.wait(chance.uniform(0.0, 1.2))
            running.kill("worker")
        shown: list[dict[str, Any]] = []

        def complete() -> bool:
            shown[:] = [api.get(f"/v1/erasures/{one}").body for one in erasures]
            return all(one["status"] == "complete" for one in shown)

        assert wait_until(complete, SECONDS_MAX), shown
        assert all(one["keys"] == 2 and one["online_at"] <= one["complete_at"] for one in shown)
        for one in gone:
            found = api.post(
                "/v1/subjects/search", {"email": f"ada{bookings.index(one) + 1}@example.test"}
            )
            assert found.body["data"] == []
        living = api.get(f"/v1/subjects/{kept['subject_id']}", daybook_purpose="service").body
        assert living["values"]["name"] == "Ada Example", (
            "who was not erased opens, under another epoch"
        )
    with business.api() as api:
        for one in gone:
            answer = api.get(
                f"/v1/bookings/{one['id']}", {"include": "customer"}, daybook_purpose="service"
            )
            assert (answer.status, answer.code) == (410, "erased")
    done = fsck(running, "--tenant", business.tenant)
    assert done.returncode == 0, done.stdout
