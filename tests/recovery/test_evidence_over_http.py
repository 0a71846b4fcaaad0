"""Evidence of a running deployment, taken over HTTP and checked by the offline verifier in an empty environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.server.processes import wait_until
from tests.api_client import Business
from tests.running import ROOT, Running

pytestmark = pytest.mark.xdist_group("running")

SECONDS_MAX = 60.0


def verdict(business: Business, data: bytes, folder: Path) -> tuple[int, str]:
    """What the offline verifier says, knowing nothing but the key of the log."""
    bundle = folder / "evidence.zip"
    bundle.write_bytes(data)
    command = [sys.executable, str(ROOT / "verifier"), str(bundle), "--vkey", business.log_vkey]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={}, cwd=folder)
    return done.returncode, done.stdout + done.stderr


def customers(business: Business, count: int) -> list[str]:
    """The subjects of so many bookings."""
    service = business.offer("Visit", 30, booking_window_days=365)
    staff = business.engage([service])
    with business.api("booking") as api:
        return [
            api.made(
                "/v1/bookings",
                business.wish(service, 60 * number, f"p{number}@example.test", staff_id=staff),
            )["subject_id"]
            for number in range(count)
        ]


def test_a_customer_s_evidence_is_complete_and_needs_nobody_s_word(
    running: Running, tmp_path: Path
) -> None:
    business = Business.found(running)
    first, *_ = customers(business, 3)
    with business.api("privacy_officer") as api:
        taken = api.get(f"/v1/subjects/{first}/evidence")
        assert taken.status == 200 and taken.headers["content-type"] == "application/zip"
        code, words = verdict(business, taken.raw, tmp_path)
        assert code == 0, words
        assert api.get("/v1/subjects/sub_" + "0" * 31 + "1/evidence").status == 404
        absent = api.get("/v1/subjects/sub_" + "0" * 31 + "1/evidence", {"absent": "proof"})
        code, words = verdict(business, absent.raw, tmp_path)
        assert (absent.status, code) == (200, 0), words
    changed = bytearray(taken.raw)
    changed[len(changed) // 2] ^= 1
    assert verdict(business, bytes(changed), tmp_path)[0] in (1, 2)


def test_kill_9_of_the_cartographer_leaves_nothing_out(running: Running, tmp_path: Path) -> None:
    business = Business.found(running)
    people = customers(business, 4)
    running.kill("cartographer")
    with business.api("auditor") as api:
        first = f"/v1/subjects/{people[0]}/evidence"
        assert wait_until(lambda: api.get(first).status == 200, SECONDS_MAX)
        for person in people:
            taken = api.get(f"/v1/subjects/{person}/evidence")
            code, words = verdict(business, taken.raw, tmp_path)
            assert code == 0, words
