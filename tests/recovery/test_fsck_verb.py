"""`daybook fsck` beside a running deployment, and what a changed byte comes to there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.values import parse_id
from infrastructure.fsck.checks import CHECKS
from infrastructure.server.processes import wait_until
from tests.api_client import Business
from tests.running import Running
from tests.store.damage import changed, event_at
from tests.verbs import run_verb_in_text

pytestmark = pytest.mark.xdist_group("running")

SECONDS_MAX = 60.0


def fsck(running: Running, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("DA")}
    return run_verb_in_text("fsck", "--data", str(running.data), *options, environment=kept)


@pytest.fixture
def business(running: Running) -> Business:
    return Business.found(running)


def booked(business: Business, running: Running) -> tuple[dict[str, Any], int]:
    """A booking, and its place in the log once everybody who follows the log has taken it in."""
    service = business.offer("Cut", 60)
    business.engage([service])
    with business.api() as api:
        made: dict[str, Any] = api.made("/v1/bookings", business.wish(service, 60))
    places: list[int] = []

    def has_place() -> bool:
        rows = running.rows(
            "SELECT position FROM sequenced s, subject_index i WHERE stream_id = %s AND i.sequence >= s.sequence"
            " AND s.sequence <= (SELECT min(sequence) FROM read_model)"
            " AND position < (SELECT max(size) FROM ledger_checkpoint c WHERE c.tenant_id = s.tenant_id)",
            (parse_id("booking", made["id"]),),
        )
        places.extend(row[0] for row in rows)
        return bool(places)

    assert wait_until(has_place, SECONDS_MAX)
    return made, places[0]


@contextmanager
def another_byte(running: Running, tenant: UUID | None, position: int) -> Iterator[None]:
    """One byte of a stored payload is another one; it is put back."""
    statement = f"UPDATE event SET {changed('state', 12)} WHERE {event_at(position)}"

    def flip() -> None:
        with psycopg.connect(running.deployment.main, autocommit=True) as owner:
            assert owner.execute(statement.encode(), {"tenant": tenant}).rowcount == 1

    flip()
    try:
        yield
    finally:
        flip()


def test_a_running_deployment_is_as_it_should_be(business: Business, running: Running) -> None:
    booked(business, running)
    # Of one tenant: others that share this deployment may be in the middle of being damaged.
    done = fsck(running, "--json", "--tenant", business.tenant)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["ok"] is True
    assert [(one["check"], one["findings"]) for one in told["checks"]] == [
        (name, []) for name in CHECKS
    ]
    assert done.stderr.count("daybook: checking") == len(CHECKS)


def test_a_changed_byte_is_found_with_its_index_and_not_served(
    business: Business, running: Running
) -> None:
    made, position = booked(business, running)
    tenant = parse_id("tenant", business.tenant)
    with another_byte(running, tenant, position), business.api() as api:
        done = fsck(running, "--tenant", business.tenant)
        answer = api.get(f"/v1/bookings/{made['id']}")
    assert done.returncode == 1
    line = f"  {business.tenant}, event {position}, its payload is not the one that was entered"
    assert line in done.stdout.splitlines()
    assert "entries    NOT AS IT SHOULD BE" in done.stdout
    assert (answer.status, answer.code) == (503, "ledger_damaged")
    assert fsck(running, "--tenant", business.tenant).returncode == 0


def test_bad_options_are_one_line(running: Running) -> None:
    done = fsck(running, "--tenant", "nobody")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "daybook: nobody is not the id of a tenant (ten_...)\n"


def test_the_last_scrub_is_told(running: Running) -> None:
    def begun() -> bool:
        done = fsck(running, "--last-scrub", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)["round"] is not None

    assert wait_until(begun, SECONDS_MAX)
