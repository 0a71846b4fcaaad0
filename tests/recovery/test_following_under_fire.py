"""Followers through every fault, in a running deployment: nothing lost, nothing twice, a clear state. README D12."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from infrastructure.server.processes import wait_until
from projections.models import MODELS
from tests.api_client import LOST, Api, Business
from tests.running import ROOT, Running
from tests.running_demo import verb

pytestmark = pytest.mark.xdist_group("running_more")

SECONDS_MAX = 90.0
END_FOLLOWERS = (
    "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE usename LIKE '%\\_follower'"
    " AND pid <> pg_backend_pid()"
)


@contextmanager
def booking_all_the_while(business: Business) -> Iterator[list[str]]:
    """Somebody books until the block ends, and repeats what nobody answered; the events that they were told of."""
    service = business.offer("Visit", 15, booking_window_days=365)
    staff = business.engage([service])
    stop, told = Event(), list[str]()

    def book() -> None:
        number = 0
        while not stop.is_set():
            wish = business.wish(service, 15 * number, f"a{number}@b.test", staff_id=staff)
            try:
                with Api(business.running.url, business.keys["booking"]) as api:
                    reply = api.post("/v1/bookings", wish, idempotency_key=f"b-{number}")
            except LOST:
                stop.wait(0.05)
                continue
            if reply.status == 201:
                told.append(reply.headers["daybook-event"])
            if reply.status == 201 or reply.code == "idempotency_in_flight":
                number += 1
            stop.wait(0.02)

    thread = Thread(target=book)
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join(SECONDS_MAX)


@contextmanager
def another_worker(running: Running) -> Iterator[subprocess.Popen[bytes]]:
    """A second worker beside the one of `up`."""
    process = subprocess.Popen(running._command("work"), cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def more(told: list[str], count: int = 8) -> None:
    """Wait until so many more were booked."""
    wanted = len(told) + count
    assert wait_until(lambda: len(told) >= wanted, SECONDS_MAX), "bookings do not go on"


def end_followers(running: Running) -> int:
    with psycopg.connect(running.deployment.main, autocommit=True) as owner:
        (ended,) = owner.execute(END_FOLLOWERS).fetchone() or (0,)
    return int(ended)


def models(running: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(running.verb("models", "--json"))["read_models"]
    return found


def test_nothing_is_lost_and_nothing_taken_in_twice_whatever_is_killed_or_cut(
    running: Running,
) -> None:
    business = Business.found(running)
    with booking_all_the_while(business) as told:
        more(told)
        running.kill("worker")
        more(told)
        for _ in range(3):
            assert wait_until(lambda: end_followers(running) >= len(MODELS), SECONDS_MAX)
            more(told, 2)
        with another_worker(running):
            more(told)
            running.kill("worker")  # the other one takes over
            more(told)
        running.kill_postgres()
        more(told)
        running.kill("sequencer")
        more(told)
    with business.api() as api:
        reached = api.get("/v1/bookings", {**business.span(9), "at_least": told[-1]})
        assert reached.status == 200, reached.body
        listed = api.all("/v1/bookings", business.span(9))
    ids = [one["id"] for one in listed]
    assert len(ids) == len(set(ids)) >= len(told)
    assert wait_until(
        lambda: all(one["lag_events"] == 0 for one in models(running)), SECONDS_MAX
    ), models(running)
    assert {one["state"] for one in models(running)} == {"following"}
    proved = json.loads(running.verb("fsck", "--read-models", "--json"))
    assert {one["name"]: one["equal"] for one in proved["read_models"]} == {
        model.name: True for model in MODELS
    }


def test_a_leader_that_hangs_is_waited_for_and_then_goes_on(running: Running) -> None:
    """A leader that hangs keeps its lock: the standby waits, and nobody follows twice; once it goes on, so does all."""
    business = Business.found(running)
    with booking_all_the_while(business) as told:
        more(told)
        worker = running.parts()["worker"]
        with another_worker(running):
            subprocess.run(["kill", f"-{signal.SIGSTOP.value}", str(worker)], check=True)
            try:
                more(told)
            finally:
                subprocess.run(["kill", f"-{signal.SIGCONT.value}", str(worker)], check=True)
            more(told)
    with business.api() as api:
        assert api.get("/v1/bookings", {**business.span(9), "at_least": told[-1]}).status == 200


def test_what_cannot_be_done_to_a_model_is_told_in_a_line(running: Running) -> None:
    why = ("--stream", str(uuid4()), "--reason", "ticket 17")
    for arguments, said in (
        (("pause", "diary"), "daybook: diary is not a read model; there are agenda, "),
        (("quarantine", "consents", *why), "daybook: consents leaves nothing out: "),
        (("quarantine", "agenda", *why), "daybook: there is no stream "),
        (("quarantine", "agenda", "--stream", "bkg_1", "--reason", "x"), "daybook: bkg_1 is not "),
    ):
        done = verb("models", *arguments, data=running.data)
        assert (done.returncode, done.stderr[: len(said)]) == (2, said)


def test_a_paused_model_is_read_and_says_that_it_is_stale(running: Running) -> None:
    business = Business.found(running)
    service = business.offer("Visit", 30)
    staff = business.engage([service])
    place = {"location_id": business.location, **business.span()}

    def read(api: Api, **more: object) -> Any:
        return api.call("GET", "/v1/agenda", None, {**place, **more})

    with business.api() as api, business.api("booking") as booking:
        first = booking.made("/v1/bookings", business.wish(service, 60, staff_id=staff))
        fresh = api.get("/v1/agenda", {**place, "at_least": first["event_id"]})
        assert "daybook-stale" not in fresh.headers
        running.verb("models", "pause", "agenda")
        try:
            second = booking.made("/v1/bookings", business.wish(service, 120, staff_id=staff))
            stale = read(api)
            position = stale.headers["daybook-position"]
            assert stale.status == 200
            assert stale.headers["daybook-stale"] == f"agenda; position={position}"
            assert stale.body == fresh.body, "the last good state"
            known = read(api, known_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}")
            assert known.status == 200
            assert "daybook-stale" not in known.headers, "a replay is as of what it says"
            refused = read(api, at_least=second["event_id"])
            assert (refused.status, refused.code) == (503, "read_model_stopped")
            assert read(api, at_least=first["event_id"]).status == 200
            assert "daybook-stale" not in api.get("/v1/services").headers, "it is no read model's"
            told = {one["name"]: one for one in api.get("/v1/read-models").body["data"]}
            assert told["agenda"]["state"] == "paused"
            assert told["agenda"]["lag_events"] > 0
            assert told["consents"]["state"] == "following"
            assert told["agenda"]["quarantined_streams"] == []
        finally:
            running.verb("models", "resume", "agenda")
        followed = api.get("/v1/agenda", {**place, "at_least": second["event_id"]})
        assert followed.status == 200
        assert "daybook-stale" not in followed.headers
        assert followed.body != stale.body
