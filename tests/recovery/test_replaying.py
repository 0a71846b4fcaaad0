"""`daybook replay` beside a running deployment: what it prints, that it is on record once, how it ends. README D6."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infrastructure.server.processes import wait_until
from tests.api_client import Business
from tests.running import ROOT, Running, _environment
from tests.verbs import run_verb_in_text

pytestmark = pytest.mark.xdist_group("running_under_fire")

SECONDS_MAX = 60.0


class Shop(Business):
    """A business in which Ada was booked, and moved her visit."""

    subject: str
    events: list[str]

    def open(self) -> None:
        service = self.offer("Visit", 30)
        self.engage([service])
        with self.api("booking") as api:
            booked = api.made("/v1/bookings", self.wish(service, 0))
            body = {"start": self.start(600)}
            moved = api.post(f"/v1/bookings/{booked['id']}/reschedule", body).body
            api.made("/v1/bookings", self.wish(service, 60, "ben@example.test"))
        self.subject = booked["subject_id"]
        self.events = [booked["event_id"], moved["event_id"]]
        assert wait_until(lambda: moved["event_id"] in self.listed(), SECONDS_MAX)

    def listed(self, **asked: object) -> list[str]:
        """The ids of what the API lists as being about Ada."""
        with self.api("auditor") as api:
            return [
                one["id"] for one in api.all("/v1/events", {"subject_id": self.subject} | asked)
            ]

    def replayed(self, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        """Exit code, events and complaints of the verb."""
        named = ("replay", "--tenant", self.tenant, *arguments, "--data", str(self.running.data))
        done = run_verb_in_text(*named, environment=_environment())
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def command(self, *arguments: str) -> list[str]:
        """The verb, for a process of its own."""
        named = ("replay", "--tenant", self.tenant, *arguments, "--data", str(self.running.data))
        return [sys.executable, "-m", "api.cli", *named]

    def accesses(self) -> list[dict[str, Any]]:
        """Ada's log of accesses."""
        with self.api("privacy_officer") as api:
            found: list[dict[str, Any]] = api.get(f"/v1/subjects/{self.subject}/access-log").body[
                "data"
            ]
            return found

    def on_record(self) -> int:
        """How many replays are."""
        (row,) = self.running.rows(
            "SELECT count(*) FROM event WHERE tenant_id = %s AND type = 'ledger.replayed.v1'",
            (self.tenant.removeprefix("ten_"),),
        )
        return int(row[0])


@pytest.fixture
def shop(running: Running) -> Shop:
    found = Shop.found(running)
    assert isinstance(found, Shop)
    found.open()
    return found


def test_a_persons_history_is_what_the_api_lists_and_is_in_their_log_of_accesses(
    shop: Shop,
) -> None:
    listed = shop.listed()
    code, events, complained = shop.replayed("--subject", shop.subject, "--purpose", "service")
    assert (code, complained) == (0, "")
    assert [one["id"] for one in events] == listed
    with shop.api("auditor") as api:
        shown = api.all("/v1/events", {"subject_id": shop.subject})
    for event, headed in zip(events, shown, strict=False):
        plain = event.pop("plain")
        assert event == headed
        assert "person" not in plain or plain["person"] in ("<sealed>", None)
    assert wait_until(lambda: len(shop.accesses()) == 1, SECONDS_MAX)
    (access,) = shop.accesses()
    told = {name: access[name] for name in ("outcome", "actor", "purpose")}
    assert told == {"outcome": "replayed", "actor": "system:operator", "purpose": "service"}
    with shop.api("auditor") as api:
        holds = api.get(f"/v1/events/{access['event_id']}").body["plain"]
    assert (holds["first"], holds["types"], holds["past"] > events[-1]["position"]) == (0, [], True)


def test_nothing_that_is_printed_was_opened(shop: Shop) -> None:
    code, events, _ = shop.replayed("--type", "booking.*")
    said = json.dumps(events)
    assert code == 0 and "Ada" not in said and "ada@example" not in said
    assert {one["plain"]["person"] for one in events if "confirmed" in one["type"]} == {"<sealed>"}


def test_types_times_and_a_limit_are_kept_to(shop: Shop) -> None:
    def ids(*arguments: str) -> list[str]:
        code, events, complained = shop.replayed(*arguments)
        assert (code, complained) == (0, "")
        return [one["id"] for one in events]

    of_bookings = ids("--type", "booking.*")
    assert set(shop.events) < set(of_bookings) and len(of_bookings) == 3
    assert ids("--type", "booking.rescheduled") == [shop.events[1]]
    assert ids("--type", "booking", "--limit", "2") == of_bookings[:2]
    now, day = datetime.now(UTC), timedelta(days=1)
    yesterday, tomorrow = f"{now - day:%Y-%m-%d}", f"{now + day:%Y-%m-%dT%H:%M:%SZ}"
    everything = ids("--from", yesterday, "--to", tomorrow, "--type", "booking.*")
    assert everything == of_bookings
    assert ids("--known-at", yesterday) == ids("--to", yesterday) == ids("--from", tomorrow) == []
    assert ids("--as-of", yesterday) == []
    shown = shop.replayed("--type", "booking")[1]
    at = next(one["recorded_at"] for one in shown if one["id"] == shop.events[1])
    # What was given its place with it has its instant too.
    for option, kept in (("--known-at", at.__ge__), ("--to", at.__gt__), ("--from", at.__le__)):
        expected = [one["id"] for one in shown if kept(one["recorded_at"])]
        assert ids(option, at, "--type", "booking") == expected


@pytest.fixture(scope="module")
def quiet(running_session: Running) -> Shop:
    """One in which nothing is ever replayed."""
    running_session.ensure_up()
    found = Shop.found(running_session)
    assert isinstance(found, Shop)
    found.open()
    return found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--subject", "sub_" + "0" * 32), "--subject: Nothing in this log is about them"),
        (("--subject", "ada"), "--subject: There is no such thing"),
        (("--type", "bookings.*"), "--type: There is no such type of event. Did you mean booking"),
        (("--type", "booking.moved.v1"), "--type: There is no such type of event"),
        (("--from", "2027-01-02", "--to", "2027-01-01"), "--to: It is not after `from`"),
        (("--from", "2027-01-02", "--known-at", "2027-01-01"), "--known-at: It is not after"),
        (("--from", "yesterday"), "yesterday is no date and no instant"),
        (("--from", "0001-01-01"), "0001-01-01 is no date and no instant"),
        (("--to", "2027-02-30"), "2027-02-30 is no date and no instant"),
        (("--purpose", "curiosity"), "Say why with --purpose, one of"),
        (("--purpose", "dispute"), "The purpose dispute needs a case: --case"),
        (("--case", "she said so"), "--case: It is an id"),
        (("--limit", "0"), "limit"),
    ],
)
def test_what_cannot_be_replayed_is_refused_and_not_recorded(
    running: Running, quiet: Shop, arguments: tuple[str, ...], words: str
) -> None:
    code, events, complained = quiet.replayed(*arguments)
    assert (code, events) == (2, [])
    assert words in " ".join(complained.replace("│", " ").split()), complained
    assert "Traceback" not in complained
    assert quiet.on_record() == 0


def test_the_tenant_must_be_named_and_there(shop: Shop) -> None:
    data = ("--data", str(shop.running.data))
    Business.found(shop.running)
    unnamed = run_verb_in_text("replay", *data, environment=_environment())
    assert unnamed.returncode == 2 and "say which tenant, with --tenant" in unnamed.stderr
    nobody = run_verb_in_text(
        "replay", "--tenant", "ten_" + "0" * 32, *data, environment=_environment()
    )
    assert (nobody.returncode, nobody.stdout) == (2, "")
    assert "--tenant: There is no such thing here" in nobody.stderr


def begun(shop: Shop, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        shop.command(*arguments), cwd=ROOT, env=_environment(), stdin=subprocess.DEVNULL, **options
    )


def test_one_that_is_killed_in_the_middle_is_on_record_once(shop: Shop) -> None:
    """Its reader reads nothing, so it stands at a full pipe; the kernel is asked to keep that small."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    process = begun(shop, stdout=writing)
    os.close(writing)
    first = os.read(reading, 1)
    assert (first, shop.on_record()) == (b"{", 1), "it is on record before the first byte is there"
    process.kill()
    assert process.wait(SECONDS_MAX) == -signal.SIGKILL
    os.close(reading)
    assert shop.on_record() == 1
    assert shop.replayed()[0] == 0
    assert shop.on_record() == 2


def test_a_reader_that_has_had_enough_ends_it_quietly(shop: Shop) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = begun(shop, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    _, complained = process.communicate(timeout=SECONDS_MAX)
    assert (process.returncode, complained) == (0, b"")
    assert shop.on_record() == 1


def test_ctrl_c_ends_it_in_one_line(shop: Shop) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    process = begun(shop, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert os.read(reading, 1) == b"{"
    process.send_signal(signal.SIGINT)
    _, complained = process.communicate(timeout=SECONDS_MAX)
    os.close(reading)
    assert process.returncode == 130
    assert complained.startswith(b"daybook: interrupted; on record: evt_")
    assert complained.count(b"\n") == 1


def on_terminal(shop: Shop, *arguments: str, **options: Any) -> tuple[int, str]:
    """Exit code, and what a terminal got of it."""
    ours, theirs = pty.openpty()
    streams = {"stdout": theirs, "stderr": theirs} | options
    process = begun(shop, *arguments, **streams)
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:
            break  # nobody holds the other end any more
        if not part:
            break
        seen += part
    os.close(ours)
    return process.wait(SECONDS_MAX), seen.decode()


def test_a_terminal_gets_a_table(shop: Shop) -> None:
    code, seen = on_terminal(shop, "--type", "booking.*")
    heading, *rows, told = seen.splitlines()
    assert code == 0
    assert heading.split() == ["position", "recorded", "at", "type", "actor", "about", "says"]
    assert len(rows) == 3
    assert "booking.confirmed.v1" in rows[0] and "sub_" in rows[0] and "key_" in rows[0]
    assert "3 events of" in told and "on record: evt_" in told


def test_a_terminal_beside_a_pipe_hears_how_far_it_is(shop: Shop, tmp_path: Path) -> None:
    with (tmp_path / "events").open("wb") as file:
        code, seen = on_terminal(shop, stdout=file)
    assert code == 0, seen
    assert "replaying" in seen and "a second" in seen and "events of" in seen
    assert "position" not in seen
    lines = (tmp_path / "events").read_text().splitlines()
    assert [json.loads(line)["position"] for line in lines] == list(range(len(lines)))
