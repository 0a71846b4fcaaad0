"""A report as PDF/A, by typst. The same rows make the same bytes: no fonts of the machine, no clock.

Characters that the fonts inside typst lack are written as `\\u{hex}`; were one forgotten, PDF/A would refuse it, so
that no letter of a name can be dropped unseen.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from application.reports.report import Report
from domain.errors import RangeTooLong, Unavailable
from infrastructure.reports.said import cell_text, lines

ROWS_MAX: Final = 2_000
SECONDS_MAX: Final = 60.0
PROGRAM: Final = Path(__file__).with_name("typeset.py")
# Latin, Greek and Cyrillic, and the punctuation and signs that go with them.
COVERED: Final = (
    (0x20, 0x7E),
    (0xA1, 0xAC),
    (0xAE, 0x17F),
    (0x391, 0x3A1),
    (0x3A3, 0x3C9),
    (0x410, 0x44F),
)
COVERED_SIGNS: Final = frozenset("–—‘’“”„…€™ŸЁё")


def rendered(report: Report) -> bytes:
    """The bytes. Refuses: RangeTooLong (over 2,000 rows), Unavailable (they took too long)."""
    if len(report.rows) > ROWS_MAX:
        words = f"A PDF has at most {ROWS_MAX:,} rows; take another format, or a shorter period"
        raise RangeTooLong(words)
    return typeset("page.typ", _data(report))


def typeset(page: str, data: Mapping[str, object]) -> bytes:
    """The pages that `page` makes of `data`. Refuses: Unavailable (they took too long)."""
    try:
        done = subprocess.run(
            [sys.executable, str(PROGRAM), page],
            input=json.dumps(data).encode(),
            capture_output=True,
            timeout=SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable("The pages took too long", retry_after_seconds=10) from None
    if done.returncode != 0 or not done.stdout.startswith(b"%PDF-"):
        # What it said may hold what is in the report.
        raise RuntimeError(f"typesetting ended with {done.returncode}")
    return done.stdout


def shown(text: str) -> str:
    """A text with every character that can be shown, and the others by their number.

    >>> shown("Müller & 株")
    'Müller & \\\\u{682a}'
    """
    return "".join(one if _is_covered(one) else f"\\u{{{ord(one):x}}}" for one in text)


def _is_covered(character: str) -> bool:
    number = ord(character)
    return character in COVERED_SIGNS or any(low <= number <= high for low, high in COVERED)


def _data(report: Report) -> dict[str, object]:
    at, names = report.as_of, [one.name for one in report.kind.columns]
    return {
        "title": f"{report.kind.name}: {report.kind.question}",
        "date": [at.year, at.month, at.day, at.hour, at.minute, at.second],
        "head": [[what, shown(told)] for what, told in lines(report)],
        "rows": [
            {
                "number": str(number),
                "cells": [[name, shown(cell_text(row[name]))] for name in names],
            }
            for number, row in enumerate(report.rows, 1)
        ],
        "columns": [[one.name, one.says] for one in report.kind.columns],
    }
