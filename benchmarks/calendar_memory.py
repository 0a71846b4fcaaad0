"""How much memory and time the import of a 5 MB calendar takes.

Makes a calendar of a little under 5 MiB from a seed, then imports it in a process of its own and
compares that process's resident memory before with its peak after (both as Linux tells them).

    python -m benchmarks.calendar_memory [--seed 1] [--kind single|recurring]
"""

from __future__ import annotations

import argparse
import platform
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

TARGET_BYTES: Final = 5 * 1024 * 1024 - 1024
WINDOW: Final = (datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 12, 31, tzinfo=UTC))
ZONE: Final = "Europe/Amsterdam"
LIMIT_MIB: Final = 150
_TZIDS: Final = ("Europe/Amsterdam", "America/New_York", "W. Europe Standard Time", "Own Zone")
_OWN_ZONE: Final = """BEGIN:VTIMEZONE\r
TZID:Own Zone\r
BEGIN:STANDARD\r
DTSTART:16010101T030000\r
TZOFFSETFROM:+0200\r
TZOFFSETTO:+0100\r
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r
END:STANDARD\r
BEGIN:DAYLIGHT\r
DTSTART:16010101T020000\r
TZOFFSETFROM:+0100\r
TZOFFSETTO:+0200\r
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r
END:DAYLIGHT\r
END:VTIMEZONE\r
"""


def made_calendar(seed: int, kind: str) -> tuple[bytes, int]:
    """A calendar of quarter-hour steps within working hours, and its number of events."""
    dice = random.Random(seed)
    parts = ["BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Benchmark//EN\r\n", _OWN_ZONE]
    size, count = sum(map(len, parts)), 0
    while size < TARGET_BYTES:
        part = _event(dice, count, kind)
        parts.append(part)
        size, count = size + len(part.encode()), count + 1
    return ("".join(parts) + "END:VCALENDAR\r\n").encode(), count


def _event(dice: random.Random, number: int, kind: str) -> str:
    day = datetime(2026, 6, 1) + timedelta(days=dice.randrange(1200))
    start = day + timedelta(hours=8, minutes=15 * dice.randrange(36))
    end = start + timedelta(minutes=15 * dice.randint(1, 8))
    tzid = dice.choice(_TZIDS)
    lines = [
        "BEGIN:VEVENT",
        f"UID:{number}-{dice.getrandbits(64):016x}@calendar.example",
        "DTSTAMP:20261101T000000Z",
        f"DTSTART;TZID={tzid}:{start:%Y%m%dT%H%M%S}",
        f"DTEND;TZID={tzid}:{end:%Y%m%dT%H%M%S}",
        f"SUMMARY:Appointment {number} \u2013 {dice.getrandbits(80):020x}",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
    ]
    if kind == "recurring":
        lines.append(f"RRULE:FREQ=WEEKLY;COUNT={dice.randint(2, 6)}")
        again = start + timedelta(days=7)
        lines.append(f"EXDATE;TZID={tzid}:{again:%Y%m%dT%H%M%S}")
    else:
        lines.append(f"LOCATION:Room {dice.randrange(99)}\\, floor {dice.randrange(9)}")
    return "\r\n".join([*lines, "END:VEVENT", ""])


def _imported(path: Path) -> None:
    """Child: import the file, print growth of peak memory (KiB), seconds and blocks."""
    from infrastructure.calendars.calendar_reader import read_busy

    before = _status_kib("VmRSS")
    began = time.perf_counter()
    body = path.read_bytes()
    blocks = read_busy(body, zone=ZONE, window_start=WINDOW[0], window_end=WINDOW[1])
    seconds = time.perf_counter() - began
    print(_status_kib("VmHWM") - before, seconds, len(blocks))


def _status_kib(name: str) -> int:
    # Not getrusage: its peak survives an exec, so that a child starts with its parent's.
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0])


def main() -> None:
    """Print one line per kind of calendar; exit 1 when the memory limit is passed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--kind", choices=("single", "recurring"))
    options.add_argument("--import-file", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.import_file:
        _imported(chosen.import_file)
        return
    print(f"{platform.machine()}, Python {platform.python_version()}, seed {chosen.seed}")
    print(f"{'calendar':<10} {'bytes':>9} {'events':>7} {'blocks':>7} {'MiB more':>9} {'s':>6}")
    worst = 0.0
    for kind in [chosen.kind] if chosen.kind else ["single", "recurring"]:
        body, events = made_calendar(chosen.seed, kind)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "calendar.ics"
            path.write_bytes(body)
            command = [sys.executable, "-m", "benchmarks.calendar_memory", "--import-file"]
            child = subprocess.run(
                [*command, str(path)], check=True, stdout=subprocess.PIPE, text=True
            )
        grown, seconds, blocks = child.stdout.split()
        mebibytes = int(grown) / 1024
        worst = max(worst, mebibytes)
        print(
            f"{kind:<10} {len(body):>9} {events:>7} {blocks:>7} {mebibytes:>9.1f}"
            f" {float(seconds):>6.2f}"
        )
    print(f"limit: {LIMIT_MIB} MiB more: {'kept' if worst < LIMIT_MIB else 'PASSED'}")
    sys.exit(0 if worst < LIMIT_MIB else 1)


if __name__ == "__main__":
    main()
