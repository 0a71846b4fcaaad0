"""A person asks to be erased, on a running deployment whose worker is killed: it is done all the same, and counted."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from infrastructure.server.processes import wait_until
from tests.api_client import Api, Business, text_of
from tests.recovery.test_disclosing import a_customer, registered
from tests.recovery.test_orders import SECONDS_MAX
from tests.running import Running

pytestmark = pytest.mark.xdist_group("running")

LOOKED = {"method": "email_loop", "compared": ["email"], "outcome": "verified"}
LATE = re.compile(rb"^daybook_duties_late (\d+)", re.MULTILINE)


def ask(api: Api, type: str, days: int = 0, **more: str) -> str:
    """The id of a new request, which came in so many days ago."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=days)
    asked = {
        "type": type,
        "jurisdiction": "us_ca",
        "email": "ada@example.test",
        "received_at": text_of(at),
        "channel": "email",
        **more,
    }
    return str(api.made("/v1/privacy-requests", asked)["id"])


def step(api: Api, id: str, name: str, body: object = None) -> dict[str, object]:
    """The request after a step."""
    done = api.post(f"/v1/privacy-requests/{id}/{name}", body)
    assert done.status == 200, done.body
    found: dict[str, object] = done.body
    return found


def late(api: Api) -> int:
    """How much is late, as the metrics say."""
    found = LATE.search(api.get("/metrics").raw.replace(b".0\n", b"\n"))
    return int(found[1]) if found else -1


def gauges(api: Api) -> dict[str, float]:
    """Every number of the metrics, by its name and labels."""
    lines = api.get("/metrics").raw.decode().splitlines()
    told = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in told}


def counts(api: Api, type: str) -> tuple[int, int]:
    """How many such requests were received, and complied with in whole, says the report."""
    rows = api.get("/v1/reports/request-metrics").body["rows"]
    (found,) = (one for one in rows if one["type"] == type)
    return found["received"], found["complied_in_whole"]


def test_who_asks_to_be_erased_is_nobody_afterwards(running: Running) -> None:
    business = Business.found(running)
    ada = a_customer(business)
    registered(business)
    with business.api("privacy_officer") as officer:
        erasure = ask(officer, "erasure")
        assert step(officer, erasure, "verify-identity", LOOKED)["subject_id"] == ada
        light = ask(officer, "shine_the_light")
        early = officer.post(f"/v1/privacy-requests/{light}/fulfil", {})
        assert (early.status, early.code) == (409, "invalid_state")
        report = "/v1/reports/shine-the-light"
        assert wait_until(lambda: officer.get(report).status == 200, SECONDS_MAX), "once signed"
        assert step(officer, light, "fulfil", {})["status"] == "fulfilled"
        done = step(officer, erasure, "fulfil", {})
        assert done["status"] == "fulfilled"
        before = max(late(officer), 0)
        ask(officer, "access", days=60)
    running.kill("worker")
    with business.api("privacy_officer") as officer:

        def told() -> bool:
            shown = officer.get(f"/v1/privacy-requests/{erasure}").body
            met = [one["rule"] for one in shown["clocks"] if one["state"] == "met"]
            return "recipients_told" in met

        assert wait_until(told, SECONDS_MAX)
        again = ask(officer, "access")
        known = step(officer, again, "verify-identity", LOOKED)
        assert (known["status"], known["subject_id"]) == ("accepted", None)
        # Of the one that came in long ago: an acknowledgement and an answer.
        assert wait_until(lambda: late(officer) >= before + 2, SECONDS_MAX)
        counted = gauges(officer)
        kinds = {name: of for name, of in counted.items() if "duties_late_by_kind" in name}
        assert sum(kinds.values()) == counted["daybook_duties_late"]
        assert kinds['daybook_duties_late_by_kind{kind="privacy_request"}'] >= 2
        assert counted["daybook_logs_unwitnessed"] == 0
        assert counted["daybook_log_unwitnessed_oldest_seconds"] == 0
        assert counted['daybook_erasures_open{stands="waiting"}'] == 0
        # A report is of what is signed, which may lag behind what is done.
        assert wait_until(lambda: counts(officer, "erasure") == (1, 1), SECONDS_MAX)
        due = officer.get("/v1/duties").body["data"]
        assert {one["state"] for one in due} == {"running", "late"}
