"""Time the slot core on the recorded fixtures: one staff member, 60 days, 15-minute steps.

    .venv/bin/python -m benchmarks.slots_core

*cold* has no day of the zone converted yet; *warm* is the next query. Both convert the working time
and list the slots; reading the fixture is not counted. Every answer is compared with the fixture.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
import zoneinfo
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from domain import local_time
from domain.availability import SlotRules, StaffTime, free_starts, relevant_range
from domain.schedule import Hours, Schedule, WeeklyHours, working_intervals

FIXTURES = Path(__file__).parents[1] / "tests/data"
TARGET_MS = 1.5
OFFICE = Schedule("America/New_York", (WeeklyHours((0, 1, 2, 3, 4), Hours(9 * 60, 17 * 60)),))
RULES = SlotRules(duration_minutes=30, slot_interval_minutes=15)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def query_of(fixture: dict[str, list[dict[str, str]]]) -> Callable[[], list[int]]:
    """The whole core for one fixture, busy blocks at hand as the database would give them."""
    first, last = at(str(fixture["from"])), at(str(fixture["to"]))
    busy = tuple((at(block["start"]), at(block["end"])) for block in fixture["busy"])

    def listed() -> list[int]:
        relevant = relevant_range(RULES, first, last, now=first)
        assert relevant is not None
        staff_time = StaffTime(working_intervals(OFFICE, *relevant), busy)
        return free_starts(RULES, staff_time, first, last, now=first)

    return listed


def milliseconds(work: Callable[[], object], before: Callable[[], None], runs: int) -> list[float]:
    taken = []
    for _ in range(runs):
        before()
        begun = time.perf_counter_ns()
        work()
        taken.append((time.perf_counter_ns() - begun) / 1e6)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500, help="runs of each row (default 500)")
    runs = parser.parse_args().runs
    zoneinfo.reset_tzpath(())
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(
        f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()},"
        f" {os.cpu_count()} cores, load {load}; {runs} runs, no random input"
    )
    print(f"{'busy blocks':>12}{'slots':>7}{'':>6}{'median ms':>11}{'p95 ms':>9}{'min ms':>9}")
    for name in ("slots_100.json", "slots_500.json"):
        fixture = json.loads((FIXTURES / name).read_text())
        work = query_of(fixture)
        found = work()
        if found != [at(slot) for slot in fixture["slots"]]:
            raise SystemExit(f"{name}: the slots are not those recorded")
        for label, before in (
            ("cold", local_time.steady_offset.cache_clear),
            ("warm", lambda: None),
        ):
            taken = sorted(milliseconds(work, before, runs))
            median, high = statistics.median(taken), taken[int(len(taken) * 0.95)]
            print(
                f"{len(fixture['busy']):>12}{len(found):>7}{label:>6}"
                f"{median:>11.3f}{high:>9.3f}{taken[0]:>9.3f}"
            )
    print(f"target: at most {TARGET_MS} ms with 100 busy blocks")


if __name__ == "__main__":
    main()
