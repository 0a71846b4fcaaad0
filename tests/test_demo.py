"""The demo franchise is loaded once, whatever happens meanwhile, and is what the README says."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx2
import psycopg
import pytest

from api.composition import in_memory
from api.demo.data import FAMILY_NAMES, GIVEN_NAMES, PLACES, SERVICES, STAFF
from api.demo.load import DEMO_KEYS, LOADING, DemoKeys, load
from api.demo.visits import BOOKINGS_A_PLACE, customer
from api.platform import Platform
from api.process.up import have_demo
from application.booking.agenda import BookingsQuery
from application.ports import AgendaRow
from domain.schedule_document import parse_schedule
from domain.values import parse_id
from infrastructure.deployment import Deployment
from infrastructure.server.start_faults import ServerFailed
from infrastructure.settings import Settings
from infrastructure.twin.memory import SettableClock
from tests.running import ROOT
from tests.running_demo import RunningDemo, command, verb

NOON = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
SOUTH = {"Australia/Adelaide", "America/Santiago"}
ROLES = ["owner", "privacy_officer", "auditor", "engineer", "corporate", "booking", "staff"]


class Killed(BaseException):
    """The process was killed."""


@dataclass(slots=True)
class DyingClock(SettableClock):
    """A clock at the last reading of which the process is killed."""

    readings_left: int = 1_000_000

    def now(self) -> datetime:
        self.readings_left -= 1
        if self.readings_left < 0:
            raise Killed
        return self.at


class Planned(NamedTuple):
    """A booking without what is drawn in secret."""

    place: str
    service: str
    staff: str
    start: int
    status: str


def bookings(platform: Platform, demo: DemoKeys) -> list[AgendaRow]:
    tenant = parse_id("tenant", demo.tenant)
    assert tenant is not None
    rows: list[AgendaRow] = []
    after: tuple[int, UUID] | None = None
    with platform.bound(tenant):
        by = platform.access_keys.authenticate(demo.keys["owner"], platform.clock.now())
        while True:
            page = platform.agenda.bookings(BookingsQuery(limit=200, after=after), by)
            rows += page.rows
            after = page.next
            if after is None:
                return rows


def plan(platform: Platform, demo: DemoKeys) -> list[Planned]:
    tenant = parse_id("tenant", demo.tenant)
    assert tenant is not None
    found = []
    with platform.bound(tenant):
        by = platform.access_keys.authenticate(demo.keys["owner"], platform.clock.now())
        for row in bookings(platform, demo):
            found.append(
                Planned(
                    platform.locations.location(row.location, by).terms.name,
                    platform.services.service(row.service, by).terms.name,
                    platform.staffing.staff_member(row.staff, by).terms.display_name,
                    row.start,
                    row.status,
                )
            )
    return sorted(found)


def loaded(folder: Path, seed: int = 0) -> tuple[Platform, DemoKeys]:
    platform = in_memory(SettableClock(NOON), seed)
    return platform, load(platform, folder, places_at_once=1)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> tuple[Platform, DemoKeys]:
    return loaded(tmp_path_factory.mktemp("keys"))


def test_the_keys_are_kept_for_our_eyes_alone(tmp_path: Path) -> None:
    _, demo = loaded(tmp_path)
    kept = tmp_path / DEMO_KEYS
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text()) == {"tenant": demo.tenant, "keys": dict(demo.keys)}
    assert list(demo.keys) == ROLES
    assert len(set(demo.keys.values())) == len(ROLES)
    assert not (tmp_path / LOADING).exists()
    assert "dbk_" not in repr(demo)


def test_a_second_load_changes_nothing(tmp_path: Path) -> None:
    platform, demo = loaded(tmp_path)
    before = bookings(platform, demo)
    assert load(platform, tmp_path, places_at_once=1) == demo
    assert bookings(platform, demo) == before


@pytest.mark.parametrize("readings", [1, 3, 9, 60, 500])
def test_an_attempt_that_was_killed_is_taken_up(
    readings: int, tmp_path: Path, fresh: tuple[Platform, DemoKeys]
) -> None:
    clock = DyingClock(NOON, readings)
    platform = in_memory(clock)
    with pytest.raises(Killed):
        load(platform, tmp_path, places_at_once=1)
    assert not (tmp_path / DEMO_KEYS).exists()
    clock.readings_left = 1_000_000
    clock.advance(hours=11)
    demo = load(platform, tmp_path, places_at_once=1)
    assert plan(platform, demo) == plan(*fresh)


def test_the_plan_is_the_same_for_everybody_and_the_keys_are_nobodys_else(
    tmp_path: Path, fresh: tuple[Platform, DemoKeys]
) -> None:
    platform, demo = loaded(tmp_path, seed=7)
    assert plan(platform, demo) == plan(*fresh)
    assert demo.tenant != fresh[1].tenant
    assert set(demo.keys.values()).isdisjoint(fresh[1].keys.values())


def test_a_few_weeks_are_booked_moved_cancelled_and_waiting(
    fresh: tuple[Platform, DemoKeys],
) -> None:
    rows = bookings(*fresh)
    assert len(rows) == BOOKINGS_A_PLACE * len(PLACES)
    assert {row.status for row in rows} == {"confirmed", "pending", "cancelled", "declined"}
    days = Counter(datetime.fromtimestamp(row.start, UTC).date() for row in rows)
    assert max(days) - min(days) > timedelta(days=14)
    # Confirmed at once, then moved: more than one decision, and still confirmed.
    assert sum(row.status == "confirmed" and row.version > 1 for row in rows) >= 10


def test_the_franchise_spans_the_world() -> None:
    zones = {terms.time_zone for terms in PLACES.values()}
    assert len(zones) == len(PLACES) == 5
    offsets = [NOON.astimezone(ZoneInfo(zone)).utcoffset() for zone in zones]
    assert any(offset and offset % timedelta(hours=1) for offset in offsets)
    assert zones & SOUTH
    assert {one.capacity > 1 for one in SERVICES} == {True, False}
    assert {one.requires_confirmation for one in SERVICES} == {True, False}
    for place in PLACES:
        assert 3 <= sum(one.place == place for one in STAFF) <= 4
    for one in SERVICES:
        for place in one.places:
            assert any(it.place == place and one.slug in it.services for it in STAFF)


def test_customers_are_invented_and_their_addresses_reach_nobody() -> None:
    for place in PLACES:
        for number in range(40):
            profile = customer(place, number)
            given, family = profile.name.open().split()
            assert given in GIVEN_NAMES.split()
            assert family in FAMILY_NAMES.split()
            assert profile.email.open().endswith("@example.org")


def test_every_schedule_can_be_read_on_any_first_day() -> None:
    for one in STAFF:
        weekly = [{"days": list(days), "from": start, "to": end} for days, start, end in one.weekly]
        found = parse_schedule({"time_zone": PLACES[one.place].time_zone, "weekly": weekly})
        assert found.weekly
        assert all(0 < it.after < 28 for it in one.exceptions)


# --- as it really runs -----------------------------------------------------------------------------------------------


def count(dsn: str, table: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


def kill_half_way(deployment: Deployment) -> None:
    """Start to load, and kill -9 it once a hundred events are there."""
    environment = {**os.environ, "DATABASE_URL": deployment.main}
    words = command("demo", data=deployment.settings.data)
    with subprocess.Popen(words, env=environment, cwd=ROOT) as loading:
        deadline = time.monotonic() + 90
        while count(deployment.main, "event") < 100:
            assert loading.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        loading.send_signal(signal.SIGKILL)
    assert loading.returncode == -signal.SIGKILL


def start_and_stop(data: Path, main: str) -> dict[str, object]:
    """One `up --demo` on that database; what it said when all was ready."""
    environment = {**os.environ, "DATABASE_URL": main}
    words = [*command("up", data=data), "--demo", "--port", "0", "--ready-json"]
    with subprocess.Popen(
        words, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        address = (data / "run" / "url").read_text()
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert process.returncode == 0
    assert rest == ""
    found = json.loads(said)
    assert isinstance(found, dict)
    assert address == f"{found['url']}\n"
    assert not (data / "run" / "url").exists()
    return found


def test_the_demo_survives_kill_9_and_a_later_start_shows_the_same_keys(
    own_deployment: Deployment,
) -> None:
    data, main = own_deployment.settings.data, own_deployment.main
    kill_half_way(own_deployment)
    assert (data / "keys" / LOADING).exists()
    assert verb("demo", data=data, DATABASE_URL=main).returncode == 0
    kept = json.loads((data / "keys" / DEMO_KEYS).read_text())
    events = count(main, "event")
    said = start_and_stop(data, main)
    assert list(said) == ["url", "tenant", "log_vkey", "keys"]
    assert kept == {"tenant": said["tenant"], "keys": said["keys"]}
    assert count(main, "event") == events
    with psycopg.connect(main) as connection:
        tenants = connection.execute("SELECT DISTINCT tenant_id FROM event").fetchall()
    assert tenants == [(parse_id("tenant", str(said["tenant"])),)]


def test_the_keys_of_the_running_demo_are_good_for_their_roles(running_demo: RunningDemo) -> None:
    assert list(running_demo.keys) == ROLES
    with httpx2.Client(base_url=running_demo.url, trust_env=False) as client:
        for role, key in running_demo.keys.items():
            authorised = {"Authorization": f"Bearer {key}"}
            seen = client.get("/v1/locations", headers=authorised)
            assert seen.status_code == 200, role
            assert len(seen.json()["data"]) == len(PLACES)
            keys = client.get("/v1/keys", headers=authorised)
            assert (keys.status_code == 200) == (role == "owner"), role


def test_keys_of_another_database_are_refused(running_demo: RunningDemo, tmp_path: Path) -> None:
    _, elsewhere = loaded(tmp_path)
    (tmp_path / "keys").mkdir()
    kept = tmp_path / "keys" / DEMO_KEYS
    kept.write_text(json.dumps(elsewhere.document()))
    with pytest.raises(ServerFailed, match="another database"):
        have_demo(Settings(tmp_path), running_demo.url)
    have_demo(Settings(running_demo.data), running_demo.url)
