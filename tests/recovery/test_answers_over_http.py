"""Who did we share with, asked of a running deployment: three dates, three answers, each row down to its proof."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from domain.values import parse_id, public_id
from infrastructure.engine import Engine
from infrastructure.server.processes import wait_until
from infrastructure.wall import bound_to
from tests.api_client import Business, text_of
from tests.disclosing import Disclosing
from tests.running import ROOT, Running

pytestmark = pytest.mark.xdist_group("running")

YESTERDAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


@pytest.fixture
def business(running: Running) -> Business:
    return Business.found(running)


@pytest.fixture
def story(running: Running, business: Business) -> Iterator[Disclosing]:
    """What is shared, appended beside the running deployment."""
    tenant = parse_id("tenant", business.tenant)
    assert tenant is not None
    engine = Engine.connect(running.deployment, connections=1)
    bound = lambda: bound_to(tenant)  # noqa: E731
    yield Disclosing(engine.store, tenant, at=YESTERDAY, bound=bound)
    engine.close()


def customer(business: Business) -> tuple[str, UUID]:
    service = business.offer("Visit", 30, booking_window_days=365)
    staff = business.engage([service])
    with business.api("booking") as api:
        wish = business.wish(service, 60, "ada@example.test", staff_id=staff)
        named = str(api.made("/v1/bookings", wish)["subject_id"])
    found = parse_id("subject", named)
    assert found is not None
    return named, found


def test_three_dates_have_three_answers_and_a_row_leads_to_its_proof(
    business: Business, story: Disclosing, tmp_path: Path
) -> None:
    named, ada = customer(business)
    crm = story.recipient("Before Ltd")
    story.sent(crm, ada)
    first = story.at
    story.revise(crm, "After Ltd", "FR")
    story.sent(crm, ada)
    second = story.at
    story.withheld(story.recipient("Police"), story.at + timedelta(days=30), ada)
    last = public_id("event", story.events[-1].event_id)
    path = f"/v1/subjects/{named}/disclosures"
    with business.api("auditor") as api:

        def all_is_signed() -> bool:
            told = api.get(path, {"at_least": last, "view": "auditor"}).body
            complete = told["answer"]["complete_to"]
            return bool(complete["position"] >= told["data"][-1]["position"])

        assert wait_until(all_is_signed, 60.0)
        answers = [
            api.get(path, {"as_of": text_of(at), "at_least": last, "view": "auditor"}).body
            for at in (first, second, story.at)
        ]
        assert [one["answer"]["disclosures"] for one in answers] == [1, 2, 3]
        person, officer = (api.get(path, {"view": view}).body for view in ("person", "officer"))
        assert [one["answer"]["withheld"] for one in (person, officer)] == [0, 1]
        assert [len(one["data"]) for one in (person, officer)] == [2, 3]
        complete = answers[2]["answer"]["complete_to"]
        assert complete["position"] >= answers[2]["data"][2]["position"]
        assert complete["checkpoint"]["size"] > complete["position"]
        receipt = api.get(answers[2]["data"][1]["links"]["receipt"])
        report = api.get("/v1/reports/article-15", {"subject_id": named})
        assert report.status == 200
        assert [row["recipient"] for row in report.body["rows"]] == ["Before Ltd", "After Ltd"]
    proof = tmp_path / "row.tlog-proof"
    proof.write_bytes(receipt.raw)
    command = [sys.executable, str(ROOT / "verifier"), str(proof), "--vkey", business.log_vkey]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    assert done.returncode == 0, done.stdout + done.stderr


def test_kill_9_of_the_worker_leaves_nothing_out(
    running: Running, business: Business, story: Disclosing
) -> None:
    named, ada = customer(business)
    crm = story.recipient()
    for count in range(1, 4):
        story.sent(crm, ada)
        running.kill("worker")
        last = public_id("event", story.events[-1].event_id)
        with business.api("privacy_officer") as api:
            while (
                found := api.get(f"/v1/subjects/{named}/disclosures", {"at_least": last})
            ).status == 503:
                assert found.code == "behind"
            assert found.body["answer"]["disclosures"] == count
