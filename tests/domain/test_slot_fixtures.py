"""The recorded fixtures: busy blocks in, exactly these slots out, whatever the machine's zone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zoneinfo
from datetime import datetime
from pathlib import Path

import pytest

from domain.availability import SlotRules, StaffTime, free_starts, relevant_range
from domain.schedule import Hours, Schedule, WeeklyHours, working_intervals

ROOT = Path(__file__).parents[2]
FIXTURES = ("slots_100.json", "slots_500.json")
NEW_YORK_OFFICE = Schedule(
    "America/New_York", (WeeklyHours((0, 1, 2, 3, 4), Hours(9 * 60, 17 * 60)),)
)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def listed_and_expected(name: str) -> tuple[list[int], list[int]]:
    """Slots as the engine lists them and as the fixture has them."""
    fixture = json.loads((ROOT / "tests/data" / name).read_text())
    first, last = at(fixture["from"]), at(fixture["to"])
    rules = SlotRules(duration_minutes=30, slot_interval_minutes=15)
    relevant = relevant_range(rules, first, last, now=first)
    assert relevant is not None
    busy = tuple((at(block["start"]), at(block["end"])) for block in fixture["busy"])
    staff_time = StaffTime(working_intervals(NEW_YORK_OFFICE, *relevant), busy)
    listed = free_starts(rules, staff_time, first, last, now=first)
    return listed, [at(slot) for slot in fixture["slots"]]


@pytest.mark.parametrize(
    "machine_zone", ["UTC", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe"]
)
def test_the_recorded_slots_are_found_exactly_under_every_machine_zone(machine_zone: str) -> None:
    # A process of its own: the machine's zone belongs to the whole process.
    done = subprocess.run(
        [sys.executable, "-W", "error", __file__],
        env={**os.environ, "TZ": machine_zone, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"slots_100.json": 1120, "slots_500.json": 484}


if __name__ == "__main__":
    time.tzset()
    zoneinfo.reset_tzpath(())
    counts = {}
    for fixture_name in FIXTURES:
        found, recorded = listed_and_expected(fixture_name)
        assert found == recorded, fixture_name
        counts[fixture_name] = len(found)
    print(json.dumps(counts))
