"""An engineer operates a read model of a running deployment over HTTP, with a key that its operator made for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infrastructure.server.processes import wait_until
from tests.api_client import Api, Business, Reply
from tests.running import Running

pytestmark = pytest.mark.xdist_group("running_more")

SECONDS_MAX = 90.0
AGENDA = "/v1/read-models/agenda"
HOLD = "SELECT FROM read_model_build WHERE name = 'agenda' FOR UPDATE"


@dataclass(frozen=True)
class Caller:
    """Calls with one key, each time on a connection of its own: none is there that stood idle for too long."""

    running: Running
    key: str

    def get(self, path: str, query: dict[str, object] | None = None) -> Reply:
        with Api(self.running.url, self.key) as api:
            return api.get(path, query)

    def post(self, path: str, body: object = None) -> Reply:
        with Api(self.running.url, self.key) as api:
            return api.post(path, body)

    def job(self) -> dict[str, Any]:
        """The agenda's last job."""
        answer = self.get(f"{AGENDA}/rebuild")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.body["job"]
        return found

    def ended(self) -> dict[str, Any]:
        """The same, once it has ended."""
        assert wait_until(lambda: self.job()["ended_at"] is not None, SECONDS_MAX), self.job()
        return self.job()

    def order(self, act: str, body: object = None) -> dict[str, Any]:
        answer = self.post(f"{AGENDA}/{act}", body)
        assert answer.status == 202, answer.body
        ordered: dict[str, Any] = answer.body["job"]
        return ordered


def operating(business: Business) -> Caller:
    """An engineer of theirs, with a key that operates."""
    key = business.running.verb(
        "key", "create", "--tenant", business.tenant, "--role", "engineer", "--operates"
    )
    return Caller(business.running, key.strip())


def test_a_model_is_paused_resumed_made_anew_switched_to_and_dropped(running: Running) -> None:
    business = Business.found(running)
    service = business.offer("Visit", 30)
    staff = business.engage([service])
    place: dict[str, object] = {"location_id": business.location, **business.span()}
    owner, booking = (Caller(running, business.keys[role]) for role in ("owner", "booking"))
    engineer = operating(business)

    def booked(minute: int) -> str:
        made = booking.post("/v1/bookings", business.wish(service, minute, staff_id=staff))
        assert made.status == 201, made.body
        return str(made.body["event_id"])

    assert owner.get("/v1/agenda", {**place, "at_least": booked(60)}).status == 200
    refused = owner.post(f"{AGENDA}/pause")
    assert (refused.status, refused.code) == (403, "not_permitted"), "an owner is no operator"
    assert engineer.post(f"{AGENDA}/pause", {"reason": "ticket 17"}).status == 200
    try:
        second = booked(120)
        stale = owner.get("/v1/agenda", place)
        position = stale.headers["daybook-position"]
        assert stale.headers["daybook-stale"] == f"agenda; position={position}"
    finally:
        assert engineer.post(f"{AGENDA}/resume").status == 200
    fresh = owner.get("/v1/agenda", {**place, "at_least": second})
    assert (fresh.status, "daybook-stale" in fresh.headers) == (200, False)
    engineer.order("rebuild")
    filled = engineer.ended()
    assert (filled["outcome"], filled["equal"]) == ("filled", True), filled
    third = booked(180)
    engineer.order("switch")
    assert engineer.ended()["outcome"] == "switched"
    followed = owner.get("/v1/agenda", {**place, "at_least": third})
    assert (followed.status, "daybook-stale" in followed.headers) == (200, False)
    assert str(followed.body).count("bkg_") == 3, "the tables that are read are followed"
    engineer.order("drop")
    assert engineer.ended()["outcome"] == "dropped"
    assert engineer.post(f"{AGENDA}/drop").code == "nothing_to_drop"
    told = running.verb("models", "history", "--limit", "5")
    assert [line.split()[1] for line in told.splitlines()] == [
        *("drop", "switch", "rebuild", "resume", "pause")
    ]
    assert f"of {business.tenant}: ticket 17" in told


@pytest.mark.parametrize("killed", ["worker", "the job's process"])
def test_a_rebuild_goes_on_whatever_of_it_is_killed(running: Running, killed: str) -> None:
    engineer = operating(Business.found(running))
    id = engineer.order("rebuild", {"switch": True})["id"]
    with held_up(running) as owner:
        assert engineer.job()["ended_at"] is None, "its parts are held up"
        assert engineer.post(f"{AGENDA}/rebuild").body["job_id"] == id
        before = tries(running)
        if killed == "worker":
            running.kill("worker")
        else:
            (pid,) = children(running, "carry-out")
            os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: tries(running) > before, SECONDS_MAX), engineer.job()
        owner.rollback()
    done = engineer.ended()
    assert (done["id"], done["outcome"], done["equal"]) == (id, "switched", True), done
    engineer.order("drop")
    assert engineer.ended()["outcome"] == "dropped"
    assert {one["state"] for one in engineer.get("/v1/read-models").body["data"]} == {"following"}


def tries(running: Running) -> int:
    """How often the last job was taken up."""
    ((found,),) = running.rows("SELECT tries FROM read_model_job ORDER BY number DESC LIMIT 1")
    return int(found)


def children(running: Running, verb: str) -> list[int]:
    """The processes that run a verb below the worker."""
    parent = running.parts()["worker"]
    return [
        int(status.parent.name)
        for status in Path("/proc").glob("[0-9]*/status")
        if f"PPid:\t{parent}\n" in text_of(status)
        and verb in text_of(status.parent / "cmdline").split("\0")
    ]


def text_of(path: Path) -> str:
    """What a file of /proc says; nothing where the process is gone."""
    try:
        return path.read_text()
    except OSError:
        return ""


@contextmanager
def held_up(running: Running) -> Iterator[psycopg.Connection[Any]]:
    """A rebuild that was begun is held up until the transaction of this connection ends."""
    with psycopg.connect(running.deployment.main) as owner:

        def holds() -> bool:
            owner.rollback()
            return owner.execute(HOLD).rowcount == 2

        assert wait_until(holds, SECONDS_MAX)
        yield owner
