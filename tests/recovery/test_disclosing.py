"""Handing data over from a running deployment: what leaves, when, and what is on record of it."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.server.processes import wait_until
from tests.api_client import Business
from tests.http.disclosing import CRM, wish
from tests.running import Running

SECONDS_MAX = 60.0
pytestmark = pytest.mark.xdist_group("running")


def a_customer(business: Business, email: str = "ada@example.test") -> str:
    """The subject of a booking."""
    service = business.offer("Visit", 30, booking_window_days=365)
    staff = business.engage([service])
    with business.api("booking") as api:
        asked = business.wish(service, 60, email, staff_id=staff)
        return str(api.made("/v1/bookings", asked)["subject_id"])


def registered(business: Business, **more: Any) -> str:
    """A recipient."""
    with business.api("privacy_officer") as api:
        return str(api.made("/v1/recipients", {**CRM, "contract_from": "2026-01-01", **more})["id"])


def test_what_is_handed_over_is_mirrored_first(running: Running):
    business = Business.found(running)
    ada, crm = a_customer(business), registered(business)
    with business.api("privacy_officer") as api:
        every = ["name", "email", "booking_times"]
        done = api.made("/v1/disclosures", wish(crm, ada, fields=every))
        (record,) = done["records"]
        assert record["subject_id"] == ada
        assert record["values"]["email"] == "ada@example.test"
        assert len(record["values"]["booking_times"]) == 1
        shown = api.get(f"/v1/disclosures/{done['id']}").body
        assert shown["outcome"] == "delivered"
        receipt = f"/v1/events/{shown['recorded_event_id']}/receipt"
        assert wait_until(lambda: api.get(receipt).status == 200, SECONDS_MAX), "once it is signed"
    with business.api("auditor") as api:
        asked: dict[str, object] = {"type": "disclosure"}
        assert wait_until(
            lambda: (
                [one["type"] for one in api.get("/v1/events", asked).body["data"]]
                == [f"disclosure.{one}.v1" for one in ("recorded", "attempted", "delivered")]
            ),
            SECONDS_MAX,
        )
