"""A replica for reading, with real processes: what was written is read there, and nothing depends on it. README D14."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGCONT, SIGINT, SIGKILL, SIGSTOP
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from domain.values import parse_id
from infrastructure.database import Database
from infrastructure.deployment import Deployment, DeploymentRefused
from infrastructure.drill.old_copies import OldKeys, epoch_keys_left
from infrastructure.migrate import ensure_database
from infrastructure.read_side import ReadSide
from infrastructure.replication import LIMIT, Replication
from infrastructure.server import local_postgres
from infrastructure.server.local_postgres import HOST, LocalPostgres, last_port
from infrastructure.server.processes import send, wait_until, working_in
from infrastructure.server.standby_postgres import remove
from infrastructure.settings import Settings
from infrastructure.wall import bound_to
from tests.api_client import Api, Business, Reply
from tests.recovery.test_erasing import ordered
from tests.running import ROOT, Running
from tests.scratch import scratch_folder
from tests.verbs import run_verb_in_text

pytestmark = pytest.mark.xdist_group("replica")

SECONDS_MAX = 60.0


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with scratch_folder("replica") as scratch:
        one = Running(scratch / "data", "--replica", DAYBOOK_API_PROCESSES="1")
        one.start()
        try:
            yield one
        finally:
            one.stop()


@pytest.fixture
def business(running: Running) -> Business:
    """A new business, on a deployment whose replica is fresh."""
    assert wait_until(lambda: state(running) == "fresh", SECONDS_MAX)
    return Business.found(running)


def state(running: Running) -> str:
    api = Api(running.url, "")
    try:
        return str(api.call("GET", "/readyz").body["replica"])
    finally:
        api.close()


def replica(running: Running) -> LocalPostgres:
    return LocalPostgres(running.data / "replica")


def replica_dsn(running: Running, database: str = "daybook") -> str:
    """As the superuser of both servers."""
    port = last_port(running.data / "replica")
    return make_conninfo(LocalPostgres(running.data).dsn(database), host=HOST, port=port)


@contextmanager
def held_up(running: Running) -> Iterator[None]:
    """The replica applies nothing meanwhile."""
    with psycopg.connect(replica_dsn(running), autocommit=True) as connection:
        connection.execute("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            connection.execute("SELECT pg_wal_replay_resume()")


def book(business: Business, service: str, minutes: int) -> Any:
    with business.api() as api:
        return api.made("/v1/bookings", business.wish(service, minutes))


def bookable(business: Business) -> str:
    service = business.offer("Cut", 60)
    business.engage([service])
    return service


def listed(business: Business, **query: object) -> Reply:
    with business.api() as api:
        return api.call("GET", "/v1/bookings", None, query)


def test_what_was_written_is_read_from_the_replica(business: Business) -> None:
    service = bookable(business)
    for minutes in range(0, 600, 60):
        booked = book(business, service, minutes)
        found = listed(business, at_least=booked["event_id"])
        assert booked["id"] in [one["id"] for one in found.body["data"]]


def test_a_replica_that_is_held_up_is_waited_for_and_then_left_alone(
    running: Running, business: Business
) -> None:
    service = bookable(business)
    before = book(business, service, 0)
    assert listed(business, at_least=before["event_id"]).status == 200
    with held_up(running):
        booked = book(business, service, 60)
        behind = listed(business, at_least=booked["event_id"])
        assert (behind.status, behind.code, behind.headers["retry-after"]) == (503, "behind", "1")
        old = [one["id"] for one in listed(business).body["data"]]
        assert old == [before["id"]], "lists come from the replica, as it is"
        assert wait_until(lambda: state(running) == "behind", SECONDS_MAX)
        with urlopen(f"{running.url}/metrics") as metrics:
            told = metrics.read().decode()
        assert 'daybook_replica{state="behind"} 1.0' in told
        assert 'daybook_replica{state="fresh"} 0.0' in told
        found = listed(business, at_least=booked["event_id"])
        assert len(found.body["data"]) == 2, "the primary answers instead"
    assert wait_until(lambda: state(running) == "fresh", SECONDS_MAX)


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
        found = listed(business, at_least=booked["event_id"])
        assert found.status == 200, found.body
        assert len(found.body["data"]) == number + 1
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
        with bound_to(tenant):
            assert side.rows(asked) == [(True,)]
            for pid in list(working_in(replica(running).cluster)):
                send(pid, SIGKILL)
            assert side.rows(asked) == [(False,)]
            assert wait_until(lambda: side.state == "down", SECONDS_MAX)
            assert wait_until(lambda: side.state == "fresh", SECONDS_MAX)
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
    found = listed(business, at_least=booked["event_id"])
    assert (found.status, len(found.body["data"])) == (200, 2)


def streams(running: Running) -> bool:
    return running.rows("SELECT state FROM pg_stat_replication") == [("streaming",)]


def test_a_replica_whose_place_was_given_up_is_made_anew(
    running: Running, business: Business
) -> None:
    made = (replica(running).cluster / "standby.signal").stat().st_mtime_ns
    # What the server does when a replica is away for more than its bound is worth.
    running.rows(
        "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active_pid IS NOT NULL"
    )

    def dropped() -> bool:
        try:
            running.rows(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active"
            )
        except psycopg.errors.ObjectInUse:
            return False
        return running.rows("SELECT 1 FROM pg_replication_slots") == []

    wait_until(dropped, 5.0)
    signal = replica(running).cluster / "standby.signal"
    assert wait_until(lambda: signal.exists() and signal.stat().st_mtime_ns != made, SECONDS_MAX)
    assert wait_until(lambda: streams(running) and state(running) == "fresh", SECONDS_MAX)
    booked = book(business, bookable(business), 0)
    assert len(listed(business, at_least=booked["event_id"]).body["data"]) == 1


def test_only_a_replica_is_removed() -> None:
    with scratch_folder("other") as folder:
        with LocalPostgres(folder, fast=True):
            pass
        assert not remove(folder)
        assert (folder / "postgres" / "data" / "PG_VERSION").exists()


def test_the_role_that_follows_may_do_nothing_else(running: Running, business: Business) -> None:
    del business
    ((role, *rights),) = running.rows(
        "SELECT rolname, rolreplication, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles r"
        " WHERE rolname ~ '_replica$'"
    )
    assert (role, *rights) == ("daybook_replica", True, False)
    assert (
        running.rows(
            "SELECT c.relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND has_table_privilege('daybook_replica', c.oid, 'SELECT, INSERT, UPDATE, DELETE')"
        )
        == []
    )
    ((kept,),) = running.rows("SHOW max_slot_wal_keep_size")
    assert kept == "1GB"


def test_the_key_database_cannot_be_asked_on_the_replica(
    running: Running, business: Business
) -> None:
    del business
    with psycopg.connect(replica_dsn(running)) as there:
        assert there.execute("SELECT count(*) > 0 FROM event").fetchone() == (True,)
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        psycopg.connect(replica_dsn(running, "daybook_keys"))


def test_a_copy_of_the_replica_from_before_an_erasure_opens_nothing_after_it(
    running: Running, business: Business
) -> None:
    booked = book(business, bookable(business), 0)
    assert listed(business, at_least=booked["event_id"]).status == 200
    tenant, subject = parse_id("tenant", business.tenant), parse_id("subject", booked["subject_id"])
    assert tenant is not None and subject is not None
    places = (running.data / "keys", running.data / "keys-copy")
    old, before = keys_of(running), epoch_keys_left(*places)
    (erasure,) = ordered(business, [booked["subject_id"]])

    def complete() -> bool:
        with business.api("privacy_officer") as api:
            return bool(api.get(f"/v1/erasures/{erasure}").body["status"] == "complete")

    assert wait_until(complete, 90.0)
    assert old.opened_by(before).of((tenant, subject)), "with the epoch's key they would open"
    opened = old.opened_by(epoch_keys_left(*places))
    assert (opened.buckets, opened.keys) == (0, {}) and opened.tried > 0
    assert wait_until(lambda: state(running) == "fresh", SECONDS_MAX)
    new = keys_of(running)
    assert (tenant, subject) not in [one.whose for one in new.keys], "the replica struck them, too"


def keys_of(running: Running) -> OldKeys:
    """What somebody reads who steals the replica's files and starts them."""
    with psycopg.connect(replica_dsn(running), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    with scratch_folder("stolen") as folder:
        home = folder / "postgres"
        home.mkdir()
        shutil.copy(running.data / "postgres" / "password", home)
        stolen(replica(running).cluster, home / "data")
        with LocalPostgres(folder) as server:
            return OldKeys.of_database(server.dsn("daybook_keys"))


def stolen(cluster: Path, to: Path) -> None:
    """The files of a server that runs; what is copied is then let in by everybody, and follows nobody."""
    shutil.copytree(cluster, to, ignore=shutil.ignore_patterns("postmaster.pid", "standby.signal"))
    (to / "pg_hba.conf").write_text(f"host all all {HOST}/32 scram-sha-256\n")


def test_a_primary_that_sets_a_slot_no_bound_is_not_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(local_postgres._SETTINGS, LIMIT)
    with scratch_folder("unbounded") as folder, LocalPostgres(folder, fast=True) as server:
        deployment = Deployment.locate(Settings(folder), server.dsn())
        ensure_database(server.dsn(), "daybook")
        with pytest.raises(DeploymentRefused, match=f"{LIMIT} is not set"):
            Replication(deployment).admit()


def test_a_replica_runs_apart_from_up_and_is_given_up(running: Running, business: Business) -> None:
    booked = book(business, bookable(business), 0)
    assert listed(business, at_least=booked["event_id"]).status == 200
    refused = run_verb_in_text("replica", "--drop", "--data", str(running.data))
    assert (refused.returncode, "runs: stop it first" in refused.stderr) == (2, True)
    running.stop()
    running.options = ()
    running.start()
    apart = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "replica", "--data", str(running.data)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert apart.stdout is not None
        said = apart.stdout.readline()
        assert said.startswith("the replica runs: DAYBOOK_READ_URL=postgresql://127.0.0.1:")
        running.stop()
        running.settings |= {"DAYBOOK_READ_URL": said.partition("=")[2].strip()}
        running.start()
        assert wait_until(lambda: state(running) == "fresh", SECONDS_MAX)
        found = listed(business, at_least=booked["event_id"])
        assert [one["id"] for one in found.body["data"]] == [booked["id"]]
        apart.send_signal(SIGINT)
        assert apart.wait(SECONDS_MAX) == 0
        assert listed(business).status == 200
    finally:
        apart.kill()
        apart.communicate()
    (running.data / "replica" / "mine").write_text("kept")
    dropped = running.verb("replica", "--drop")
    assert dropped.endswith("the primary keeps nothing for it any more\n")
    assert running.rows("SELECT 1 FROM pg_replication_slots") == []
    assert [one.name for one in (running.data / "replica").iterdir()] == ["mine"]
    assert running.verb("replica", "--drop") == "there was no replica\n"
    refused = run_verb_in_text(
        *("replica", "--drop", "--to", str(running.data), "--data", str(running.data))
    )
    assert refused.returncode == 2, "it is the primary that runs there"


def test_one_replica_is_named_or_run_and_not_both(running: Running) -> None:
    refused = run_verb_in_text(
        *("up", "--replica", "--data", str(running.data)),
        environment={"DAYBOOK_READ_URL": "postgresql://127.0.0.1:1"},
    )
    assert (refused.returncode, refused.stderr) == (
        2,
        "daybook: DAYBOOK_READ_URL names a replica, and --replica runs another\n",
    )
