"""A replica for reading, with real processes: what was written is read there, and nothing depends on it. README D14."""

from __future__ import annotations

import os
from collections.abc import Iterator
from signal import SIGCONT, SIGKILL, SIGSTOP
from urllib.request import urlopen

import psycopg
import pytest

from domain.values import parse_id
from infrastructure.database import Database
from infrastructure.read_side import ReadSide
from infrastructure.server.local_postgres import HOST, last_port
from infrastructure.server.processes import send, wait_until, working_in
from infrastructure.wall import bound_to
from tests.api_client import Business
from tests.recovery.replicas import (
    SECONDS_MAX,
    book,
    bookable,
    found,
    founded,
    held_up,
    listed,
    replica,
    replicated,
    state,
    streams,
)
from tests.running import Running
from tests.scratch import scratch_folder
from tests.verbs import run_verb_in_text

pytestmark = pytest.mark.xdist_group("replica")

TRIES_MAX = 4


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with replicated() as one:
        yield one


@pytest.fixture
def business(running: Running) -> Business:
    return founded(running)


def test_what_was_written_is_read_from_the_replica(business: Business) -> None:
    service = bookable(business)
    for minutes in range(0, 600, 60):
        booked = book(business, service, minutes)
        assert booked["id"] in found(business, booked["event_id"])


def seen_through(running: Running, business: Business, service: str, minutes: int) -> bool:
    """Read of a replica that is held up, until it is read no more; False where that came before all was read."""
    assert wait_until(lambda: state(running) == "fresh", SECONDS_MAX)
    before = found(business, book(business, service, minutes)["event_id"])
    with held_up(running):
        booked = book(business, service, minutes + 60)
        old = listed(business)
        behind = listed(business, at_least=booked["event_id"])
        if state(running) != "fresh":
            return False
        assert [one["id"] for one in old.body["data"]] == before, "lists come from it, as it is"
        assert (behind.status, behind.code, behind.headers["retry-after"]) == (503, "behind", "1")
        assert wait_until(lambda: state(running) == "behind", SECONDS_MAX)
        with urlopen(f"{running.url}/metrics") as metrics:
            told = metrics.read().decode()
        assert 'daybook_replica{state="behind"} 1.0' in told
        assert 'daybook_replica{state="fresh"} 0.0' in told
        now = listed(business, at_least=booked["event_id"])
        assert len(now.body["data"]) == len(before) + 1, "the primary answers instead"
    assert wait_until(lambda: state(running) == "fresh", SECONDS_MAX)
    return True


def test_a_replica_that_is_held_up_is_waited_for_and_then_left_alone(
    running: Running, business: Business
) -> None:
    service = bookable(business)
    tries = (seen_through(running, business, service, 120 * number) for number in range(TRIES_MAX))
    assert any(tries), "it is given up before a machine as slow as this one has read of it"


def test_a_replica_that_stands_still_holds_nobody_up_for_long(
    running: Running, business: Business
) -> None:
    book(business, bookable(business), 0)
    pids = list(working_in(replica(running).cluster))
    for pid in pids:
        send(pid, SIGSTOP)
    try:
        assert wait_until(lambda: state(running) == "down", SECONDS_MAX)
        assert len(listed(business).body["data"]) == 1
    finally:
        for pid in pids:
            send(pid, SIGCONT)
    assert wait_until(lambda: state(running) == "fresh", SECONDS_MAX)


def test_nothing_is_decided_from_a_replica(running: Running, business: Business) -> None:
    service = bookable(business)
    with held_up(running):
        booked = book(business, service, 0)
        with business.api() as api:
            shown = api.call(
                "GET",
                f"/v1/bookings/{booked['id']}",
                None,
                {"include": "customer"},
                daybook_purpose="service",
            )
            assert shown.body["customer"]["name"] == "Ada Example"
            taken = api.post("/v1/bookings", business.wish(service, 0))
            assert (taken.status, taken.code) == (409, "slot_unavailable")
            found = api.call("POST", "/v1/subjects/search", {"email": "ada@example.test"})
            assert len(found.body["data"]) == 1


def test_a_killed_replica_is_missed_by_nobody_and_comes_back(
    running: Running, business: Business
) -> None:
    service = bookable(business)
    for number, part in enumerate(("postgres", "replica", "postgres")):
        killed = replica(running).pid
        if part == "replica":
            running.kill("replica")
        else:
            for pid in list(working_in(replica(running).cluster)):
                send(pid, SIGKILL)
        booked = book(business, service, 60 * number)
        assert len(found(business, booked["event_id"])) == number + 1
        assert wait_until(lambda: replica(running).pid not in (None, killed), SECONDS_MAX)  # noqa: B023
        assert wait_until(lambda: state(running) == "fresh", SECONDS_MAX)
        assert len(listed(business).body["data"]) == number + 1


def test_a_unit_of_work_that_was_sent_to_the_primary_stays_there(
    running: Running, business: Business
) -> None:
    tenant, asked = parse_id("tenant", business.tenant), "SELECT pg_is_in_recovery()"
    assert tenant is not None
    deployment = running.deployment
    url = f"postgresql://{HOST}:{last_port(running.data / 'replica')}"
    primary = Database(deployment.dsn_of("app"))
    side = ReadSide(primary, deployment.dsn_of_replica(url), size=1)
    side.start()
    try:
        assert wait_until(lambda: side.state == "fresh", SECONDS_MAX)
        with bound_to(tenant):
            assert side.rows(asked) == [(True,)]
            before = side._fresh
            for pid in list(working_in(replica(running).cluster)):
                send(pid, SIGKILL)
            assert side.rows(asked) == [(False,)]
            # Connections of its own each time: it was down meanwhile, for however short a time.
            assert wait_until(lambda: side._fresh not in (None, before), SECONDS_MAX)
            assert side.rows(asked) == [(False,)]
        with bound_to(tenant):
            assert side.rows(asked) == [(True,)]
        assert side.rows(asked) == [(False,)], "what is bound to nobody is not read there"
    finally:
        side.close()
        primary.close()


def test_a_replica_follows_a_primary_that_was_killed(running: Running, business: Business) -> None:
    service = bookable(business)
    book(business, service, 0)
    running.kill_postgres()

    def serves() -> bool:
        return listed(business).status == 200

    assert wait_until(serves, SECONDS_MAX)
    booked = book(business, service, 60)
    assert wait_until(lambda: streams(running), SECONDS_MAX)
    assert wait_until(lambda: state(running) == "fresh", SECONDS_MAX)
    assert len(found(business, booked["event_id"])) == 2


def test_a_replica_whose_place_was_given_up_is_made_anew(
    running: Running, business: Business
) -> None:
    made = (replica(running).cluster / "standby.signal").stat().st_mtime_ns

    def given_up() -> bool:
        """What the server does when a replica is away for more than its bound is worth."""
        running.rows("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots")
        try:
            return bool(
                running.rows("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
            )
        except psycopg.errors.ObjectInUse:
            return False

    assert wait_until(given_up, SECONDS_MAX)
    signal = replica(running).cluster / "standby.signal"
    assert wait_until(lambda: signal.exists() and signal.stat().st_mtime_ns != made, SECONDS_MAX)
    assert wait_until(lambda: streams(running) and state(running) == "fresh", SECONDS_MAX)
    booked = book(business, bookable(business), 0)
    assert found(business, booked["event_id"]) == [booked["id"]]


def test_there_is_one_replica_at_a_time(running: Running, business: Business) -> None:
    del business
    with scratch_folder("second") as folder:
        refused = run_verb_in_text(
            *("replica", "--to", str(folder / "second"), "--data", str(running.data)),
            environment=dict(os.environ) | {"DAYBOOK_READ_URL": ""},
        )
    assert (refused.returncode, refused.stderr) == (
        2,
        "daybook: another replica follows this primary already; there is one at a time\n",
    )
