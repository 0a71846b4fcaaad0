"""Making, keeping and giving up a replica: what the verb does, and what nobody can do on a replica. README D14, D9."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT

import psycopg
import pytest

from domain.values import parse_id
from infrastructure.deployment import Deployment, DeploymentRefused
from infrastructure.drill.old_copies import OldKeys, epoch_keys_left
from infrastructure.migrate import ensure_database
from infrastructure.replication import LIMIT, Replication
from infrastructure.server import local_postgres
from infrastructure.server.local_postgres import HOST, LocalPostgres
from infrastructure.server.processes import wait_until
from infrastructure.server.standby_postgres import remove
from infrastructure.settings import Settings
from tests.api_client import Business
from tests.recovery.replicas import (
    SECONDS_MAX,
    book,
    bookable,
    found,
    founded,
    listed,
    replica,
    replica_dsn,
    replicated,
    state,
)
from tests.recovery.test_erasing import ordered
from tests.running import ROOT, Running
from tests.scratch import scratch_folder
from tests.verbs import run_verb_in_text

pytestmark = pytest.mark.xdist_group("replica")


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with replicated() as one:
        yield one


@pytest.fixture
def business(running: Running) -> Business:
    return founded(running)


def test_a_replica_that_was_killed_while_it_was_made_is_made_again(running: Running) -> None:
    running.stop()
    running.options = ()
    running.start()
    running.verb("replica", "--drop")
    home = replica(running).cluster.parent
    making = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "replica", "--data", str(running.data)], cwd=ROOT
    )
    try:
        assert wait_until(lambda: any(home.glob("data.new-*/data/*")), SECONDS_MAX)
    finally:
        making.kill()
        making.wait()
    assert any(home.glob("data.new-*")), "it was killed in the middle"
    running.stop()
    running.options = ("--replica",)
    running.start()
    assert wait_until(lambda: state(running) == "fresh", SECONDS_MAX)
    assert not any(home.glob("data.new-*"))


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
    assert found(business, booked["event_id"]) == [booked["id"]]
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
    assert found(business, booked["event_id"]) == [booked["id"]]
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
        assert found(business, booked["event_id"]) == [booked["id"]]
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
