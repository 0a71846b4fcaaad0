"""Copies of a running deployment's ledger: by the operator's command and over HTTP, whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from infrastructure.ledger.signed.notes import VerifierKey
from infrastructure.server.processes import wait_until
from tests.api_client import LOST, Business
from tests.ledger.bundles import Unpacked
from tests.running import ROOT, Running, _environment
from tests.verbs import run_verb_in_text

pytestmark = pytest.mark.xdist_group("running")

SECONDS_MAX = 60.0


@pytest.fixture
def business(running: Running) -> Business:
    return Business.found(running)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "book.zip"


@pytest.fixture
def stalled_signer(running: Running, business: Business) -> Iterator[None]:
    """A signer that signed for everything, and then answers nobody until the test is over: exports come to a stand."""
    assert wait_until(lambda: all_signed(running, business), SECONDS_MAX)
    signer = running.parts()["signer"]
    os.kill(signer, signal.SIGSTOP)
    yield
    os.kill(signer, signal.SIGCONT)


def all_signed(running: Running, business: Business) -> bool:
    """True when nothing of the business waits for its place or its signature."""
    found = (
        "SELECT 1 FROM ledger_head h JOIN ledger_checkpoint c USING (tenant_id, size) WHERE h.tenant_id = %s"
        " AND NOT EXISTS (SELECT FROM event_queue q WHERE q.tenant_id = h.tenant_id)"
    )
    return bool(running.rows(found, (business.tenant.removeprefix("ten_"),)))


def begun(running: Running, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """`daybook export` that runs."""
    return subprocess.Popen(
        running._command("export", *arguments),
        cwd=ROOT,
        # One that has little room would cut off bytecode that it writes.
        env=_environment() | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def exported(running: Running, *arguments: str, **options: Any) -> tuple[int, str, str]:
    """Exit code, answer and words of `daybook export`."""
    if not options:
        data = ("--data", str(running.data))
        done = run_verb_in_text("export", *arguments, *data, environment=_environment())
        return done.returncode, done.stdout, done.stderr
    process = begun(running, *arguments, **options)
    said, complained = process.communicate(timeout=120)
    return process.returncode, said, complained


def test_the_command_exports_all_that_was_committed_when_it_began(
    running: Running, business: Business, out: Path
) -> None:
    service = business.offer("Visit", 30)
    staff = business.engage([service])
    with business.api("booking") as api:
        wish = business.wish(service, 0, "ada@example.test", staff_id=staff)
        event = api.made("/v1/bookings", wish)["event_id"]
        code, said, complained = exported(
            running, "--out", str(out), "--tenant", business.tenant, "--json"
        )
    assert (code, complained) == (0, "")
    found = Unpacked.read(out.read_bytes())
    found.require_signed(VerifierKey.parse(business.log_vkey))
    leaves = found.require_tree()
    assert event.removeprefix("evt_").encode() in b"".join(leaves)
    assert json.loads(said) == {
        "file": str(out),
        "tenant": business.tenant,
        "from": 0,
        "to": len(leaves),
        "size": len(leaves),
        "bytes": out.stat().st_size,
        "unsigned": 0,
    }
    assert out.stat().st_mode & 0o777 == 0o600
    with business.api("auditor") as api:
        asked: dict[str, object] = {"type": "ledger.exported", "at_least": len(leaves)}
        (recorded,) = api.get("/v1/events", asked).body["data"]
    assert recorded["header"]["actor"] == "system:operator"
    assert recorded["position"] == len(leaves)


def test_lines_tell_how_far_it_is_and_what_was_written(
    running: Running, business: Business, out: Path
) -> None:
    code, said, complained = exported(
        running, "--out", str(out), "--tenant", business.tenant, "--to", "2"
    )
    assert code == 0
    assert f"wrote {out}: events 0 to 2 of {business.tenant}" in said
    assert "exporting: " in complained and "events" in complained


def test_a_file_that_is_there_is_replaced_only_by_force(
    running: Running, business: Business, out: Path
) -> None:
    out.write_text("mine")
    named = ("--out", str(out), "--tenant", business.tenant)
    code, _, complained = exported(running, *named)
    assert code == 2 and "is there already" in complained
    assert out.read_text() == "mine"
    assert exported(running, *named, "--force")[0] == 0
    Unpacked.read(out.read_bytes())
    assert os.listdir(out.parent) == [out.name]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--tenant", "ten_1"), "no such thing"),
        (("--tenant", "ten_" + "0" * 32), "no such thing"),
        (("--from", "1000000"), "below the end"),
        (("--from", "2", "--to", "2"), "below the end"),
        (("--to", "1000000"), "No checkpoint covers"),
        (("--to", "0"), "No checkpoint covers"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line(
    running: Running, business: Business, out: Path, arguments: tuple[str, ...], words: str
) -> None:
    named = arguments if "--tenant" in arguments else ("--tenant", business.tenant, *arguments)
    code, said, complained = exported(running, "--out", str(out), *named)
    assert (code, said) == (2, "")
    assert words in complained and complained.count("\n") == 1, complained
    assert not os.listdir(out.parent)


def test_several_tenants_are_named_when_none_was(running: Running, out: Path) -> None:
    first, second = Business.found(running), Business.found(running)
    assert wait_until(lambda: len(running.rows("SELECT 1 FROM ledger_head")) > 1, SECONDS_MAX)
    code, _, complained = exported(running, "--out", str(out))
    assert code == 2 and "--tenant" in complained
    assert (first.tenant in complained and second.tenant in complained) or "more" in complained


def test_a_folder_that_is_not_there_is_said(running: Running, tmp_path: Path) -> None:
    for wrong, words in ((tmp_path / "no" / "x.zip", "no folder"), (tmp_path, "is a folder")):
        code, _, complained = exported(running, "--out", str(wrong))
        assert code == 2 and words in complained


def test_a_full_disk_leaves_nothing(running: Running, business: Business, out: Path) -> None:
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    code, said, complained = exported(
        running, "--out", str(out), "--tenant", business.tenant, preexec_fn=no_room
    )
    assert (code, said) == (1, "")
    assert f"no space is left for {out}" in complained
    assert "Traceback" not in complained
    assert not os.listdir(out.parent)


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_export_that_is_interrupted_leaves_nothing(
    running: Running, business: Business, out: Path, how: int, code: int, stalled_signer: None
) -> None:
    process = begun(running, "--out", str(out), "--tenant", business.tenant, "--to", "1")
    assert wait_until(lambda: bool(os.listdir(out.parent)), SECONDS_MAX)
    assert os.listdir(out.parent) == ["book.zip.part"]
    process.send_signal(how)
    _, complained = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == code
    assert "Traceback" not in complained
    assert not os.listdir(out.parent)


def test_two_do_not_write_to_one_file(running: Running, business: Business, out: Path) -> None:
    part = out.with_name("book.zip.part")
    named = ("--out", str(out), "--tenant", business.tenant)
    with part.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        code, _, complained = exported(running, *named)
        assert code == 2 and "somebody else is writing" in complained
        assert part.exists()
    # What a killed export left behind is nobody's, and in nobody's way.
    assert exported(running, *named)[0] == 0
    assert os.listdir(out.parent) == [out.name]


def test_damage_is_named_and_nothing_is_written(
    running: Running, business: Business, out: Path
) -> None:
    change = (
        "UPDATE event e SET header = e.header || ' ' FROM sequenced s WHERE s.tenant_id = e.tenant_id"
        " AND s.event_id = e.event_id AND s.position = 2 AND s.tenant_id = %s RETURNING 1"
    )
    tenant = business.tenant.removeprefix("ten_")
    assert wait_until(lambda: all_signed(running, business), SECONDS_MAX)
    assert running.rows(change, (tenant,)) == [(1,)]
    code, _, complained = exported(running, "--out", str(out), "--tenant", business.tenant)
    assert code == 1
    assert complained.splitlines()[-1] == "daybook: Event 2 is not the one that was entered"
    assert not os.listdir(out.parent)
    with business.api("auditor") as api:
        refused = api.get("/v1/ledger/export")
    assert (refused.status, refused.code) == (503, "ledger_damaged")
    assert "Event 2 " in refused.body["detail"]
    # Others share this deployment: what was added is taken off again.
    mend = change.replace("e.header || ' '", "substr(e.header, 1, length(e.header) - 1)")
    assert running.rows(mend, (tenant,)) == [(1,)]


def test_an_api_that_is_killed_while_it_makes_a_copy_leaves_no_file(
    running: Running, business: Business, stalled_signer: None
) -> None:
    folder = running.data / "run"
    before = sorted(os.listdir(folder))
    names = [name for name in running.parts() if name.startswith("api-")]

    def ask() -> int:
        with business.api("auditor") as api:
            try:
                return api.get("/v1/ledger/export").status
            except LOST:
                return 0

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        assert wait_until(lambda: any(holds_a_copy(running, it) for it in names), SECONDS_MAX)
        running.kill(next(it for it in names if holds_a_copy(running, it)))
        assert asking.result(SECONDS_MAX) == 0
    assert sorted(os.listdir(folder)) == before
    os.kill(running.parts()["signer"], signal.SIGCONT)
    with business.api("auditor") as api:
        again = api.get("/v1/ledger/export")
    assert again.status == 200
    Unpacked.read(again.raw).require_signed(VerifierKey.parse(business.log_vkey))


def holds_a_copy(running: Running, part: str) -> bool:
    """True when the process has a file open in the folder for copies that has no name."""
    folder = str(running.data / "run")
    for handle in Path(f"/proc/{running.parts()[part]}/fd").iterdir():
        target = os.readlink(handle) if handle.is_symlink() else ""
        if target.startswith(folder) and target.endswith("(deleted)"):
            return True
    return False
