"""A legal hold as an officer uses it: `daybook up`, over HTTP; on its date the worker tells whom it was kept from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infrastructure.server.processes import wait_until
from tests.api_client import Api, Business, text_of
from tests.in_time import in_time
from tests.recovery.test_consents_over_http import booked
from tests.running import Running

pytestmark = pytest.mark.xdist_group("running")


def about(auditor: Api, subject: str) -> list[str]:
    """The types of the events about a person that a hold makes."""
    found = auditor.get("/v1/events", {"subject_id": subject, "limit": 50}).body["data"]
    types = [one["type"] for one in found]
    return [one for one in types if one.startswith(("legal_hold", "custody"))]


def test_a_hold_under_a_gag_is_silent_until_its_date_and_then_told_by_the_worker(
    running: Running,
) -> None:
    wanted = {
        "matter": "M-1",
        "authority": "Example County Court",
        "retention_classes": ["booking"],
        "review_on": (datetime.now(UTC) + timedelta(days=30)).date().isoformat(),
    }

    def held(until: datetime) -> tuple[Business, dict[str, Any], list[str]]:
        business = Business.found(running)
        subject = booked(business)["subject_id"]
        asked = {**wanted, "subject_ids": [subject], "gag_until": text_of(until)}
        with business.api("privacy_officer") as officer, business.api("auditor") as auditor:
            return business, officer.made("/v1/legal-holds", asked), about(auditor, subject)

    business, made, seen = in_time(held, 4, 15, 60)
    (subject,) = made["subject_ids"]
    assert (made["gag_running"], seen) == (True, [])
    with business.api("auditor") as auditor:
        assert wait_until(lambda: about(auditor, subject) == ["legal_hold.opened.v1"], 60.0)
    with business.api("privacy_officer") as officer:
        released = officer.post(f"/v1/legal-holds/{made['id']}/release", {})
    assert (released.status, released.body["status"]) == (200, "released")
