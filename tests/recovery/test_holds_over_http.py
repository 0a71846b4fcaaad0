"""A legal hold as an officer uses it: `daybook up`, over HTTP; on its date the worker tells whom it was kept from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infrastructure.server.processes import wait_until
from tests.api_client import Business
from tests.recovery.test_consents_over_http import booked
from tests.running import Running

pytestmark = pytest.mark.xdist_group("running")


def test_a_hold_under_a_gag_is_silent_until_its_date_and_then_told_by_the_worker(
    running: Running,
) -> None:
    business = Business.found(running)
    subject = booked(business)["subject_id"]
    now = datetime.now(UTC)
    wanted = {
        "matter": "M-1",
        "authority": "Example County Court",
        "subject_ids": [subject],
        "retention_classes": ["booking"],
        "review_on": (now + timedelta(days=30)).date().isoformat(),
        "gag_until": (now + timedelta(seconds=3)).isoformat(timespec="seconds"),
    }
    with business.api("privacy_officer") as officer, business.api("auditor") as auditor:
        made = officer.made("/v1/legal-holds", wanted)
        assert made["gag_running"] is True

        def about() -> list[str]:
            query: dict[str, object] = {"subject_id": subject, "limit": 50}
            types = [one["type"] for one in auditor.get("/v1/events", query).body["data"]]
            return [one for one in types if one.startswith(("legal_hold", "custody"))]

        assert about() == []
        assert wait_until(lambda: about() == ["legal_hold.opened.v1"], 60.0)
    with business.api("privacy_officer") as officer:
        released = officer.post(f"/v1/legal-holds/{made['id']}/release", {})
    assert (released.status, released.body["status"]) == (200, "released")
