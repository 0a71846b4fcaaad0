"""A subpoena under a gag and a franchise's request, on a running deployment whose worker is killed meanwhile."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from infrastructure.server.processes import wait_until
from tests.api_client import Api, Business, text_of
from tests.http.ordering import OFFICE, PAPER
from tests.in_time import in_time
from tests.recovery.test_disclosing import a_customer, registered
from tests.running import Running

pytestmark = pytest.mark.xdist_group("running_under_fire")

SECONDS_MAX = 90.0


def told(api: Api, subject: str) -> list[str]:
    """The types of the disclosure's events in a person's evidence; that evidence was taken is an event, too."""
    taken = api.get(f"/v1/subjects/{subject}/evidence")
    assert taken.status == 200, taken.body
    with zipfile.ZipFile(io.BytesIO(taken.raw)) as archive:
        events = json.loads(archive.read("evidence.json"))["events"]
    headers = [json.loads(b64decode(one["leaf"]).split(b"\n", 1)[1]) for one in events]
    return [one["type"] for one in headers if one["type"].startswith("disclosure.")]


def opened(api: Api) -> int:
    """How many openings are on record."""
    found = api.get("/v1/events", {"type": "disclosure.opened.v1", "limit": 100})
    return len(found.body["data"])


@dataclass(frozen=True)
class Given:
    """What came of giving a court a person's name under a gag."""

    business: Business
    ada: str
    until: datetime
    withheld_until: str | None
    seen: list[str]


def given(running: Running, until: datetime) -> Given:
    """Give a court a person's name under a gag, after a first try that is refused, and look at what she may see."""
    business = Business.found(running)
    ada = a_customer(business)
    police = registered(
        business, kind="authority", role="authority", permitted_purposes=["legal_duty"]
    )
    yesterday = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    paper = {**PAPER, "served_at": text_of(yesterday), "gag_until": text_of(until)}
    asked = {
        "recipient_id": police,
        "subject_ids": [ada],
        "fields": ["name"],
        "purpose": "legal_duty",
        "case": "T-1",
        "legal_trigger": "compelled",
    }
    with business.api("privacy_officer") as officer:
        process = officer.made("/v1/legal-processes", paper)["id"]
        asked["legal_process_id"] = process
        early = officer.post("/v1/disclosures", asked)
        assert (early.status, early.body["reason"]) == (409, "process_not_reviewed")
        accepted = officer.post(f"/v1/legal-processes/{process}/review", {"outcome": "accepted"})
        assert accepted.status == 200
        done = officer.made("/v1/disclosures", asked)
        assert done["records"][0]["subject_id"] == ada
        return Given(business, ada, until, done.get("withheld_until"), told(officer, ada))


def test_a_gag_opens_by_itself_though_the_worker_is_killed(running: Running) -> None:
    it = in_time(partial(given, running), 4, 15, 60)
    assert it.withheld_until == text_of(it.until)
    assert it.seen == []
    running.kill("worker")
    with it.business.api("auditor") as auditor:
        # The refusal was about her under the gag, too.
        assert wait_until(lambda: opened(auditor) == 2, SECONDS_MAX)
    running.kill("worker")
    with it.business.api("auditor") as auditor:
        assert told(auditor, it.ada) == ["disclosure.opened.v1"] * 2
        assert opened(auditor) == 2


def test_an_office_is_given_its_own_locations_visits(running: Running) -> None:
    business = Business.found(running)
    ada = a_customer(business)
    registered(business, **{**OFFICE, "location_ids": [business.location]})
    window = {"from": text_of(business.day), "to": text_of(business.day + timedelta(days=7))}
    with business.api("corporate") as office, business.api("privacy_officer") as officer:
        asked = office.made(
            "/v1/franchise-requests",
            {
                "location_ids": [business.location],
                **window,
                "fields": ["booking_times"],
                "purpose": "service",
                "authority": "Clause 12.3",
            },
        )
        done = officer.post(f"/v1/franchise-requests/{asked['id']}/approve")
        assert done.status == 200, done.body
        (disclosed,) = done.body["disclosures"]
        assert [one["subject_id"] for one in disclosed["records"]] == [ada]
        shown = office.get(f"/v1/franchise-requests/{asked['id']}").body
        assert (shown["status"], shown["count"]) == ("approved", 1)
