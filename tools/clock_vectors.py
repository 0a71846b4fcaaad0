"""The vectors of the statutory clocks: for each, what is due by the rules and what was worked out beside them.

    python -m tools.clock_vectors    say each vector, expected and computed; 1 when any does not hold

`origin` tells a vector that was worked out before the rules were written (`study`) from one that came with its rule
(`table`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from domain import clock
from domain.clock import Clock
from domain.clock_rules import RULES
from infrastructure.calendars.public_holidays import PublicHolidays
from tools.steps import ROOT

FILE: Final = ROOT / "tests/data/clock_vectors.json"
_STEPS: Final[Mapping[str, Callable[[Clock, datetime], Clock]]] = {
    "paused": clock.paused,
    "resumed": clock.resumed,
    "extended": clock.extended,
    "used": clock.first_used,
}


@dataclass(frozen=True, slots=True)
class Vector:
    """A case of one rule, and by when it is due. `facts` are steps of a clock, in order; `due_at` may be left open."""

    name: str
    origin: Literal["study", "table"]
    rule: str
    zone: str
    place: tuple[str, str | None]
    starts_at: datetime
    facts: tuple[tuple[str, datetime], ...]
    due_on: str
    due_at: str | None = None

    @property
    def expected(self) -> str:
        """What was worked out."""
        return self.due_on if self.due_at is None else f"{self.due_on} {self.due_at}"

    def computed(self) -> str:
        """What the rules say."""
        running = self.clock()
        due_on = running.due_on.isoformat()
        return due_on if self.due_at is None else f"{due_on} {running.due_at:%Y-%m-%dT%H:%M:%SZ}"

    def clock(self) -> Clock:
        """Its clock, with all its facts."""
        first = self.starts_at.year - 1
        calendar = PublicHolidays().working_calendar(*self.place, first, first + 3)
        running = clock.started(RULES[self.rule], self.starts_at, self.zone, calendar)
        for step, at in self.facts:
            running = _STEPS[step](running, at)
        return running


def read_vectors(text: str) -> Iterator[Vector]:
    """The vectors in a file's text."""
    for each in json.loads(text):
        country, subdivision = each.pop("place")
        yield Vector(
            **{
                **each,
                "place": (country, subdivision),
                "starts_at": _instant(each["starts_at"]),
                "facts": tuple((step, _instant(at)) for step, at in each["facts"]),
            }
        )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def main(arguments: Sequence[str]) -> int:
    """Run the command line; a path may stand in for the file."""
    vectors = list(read_vectors(Path(arguments[0] if arguments else FILE).read_text()))
    held = 0
    for each in vectors:
        computed = each.computed()
        holds = computed == each.expected
        held += holds
        print(f"{each.name}: {each.expected}, computed {computed}{'' if holds else ': DIFFERS'}")
    print(f"{held} of {len(vectors)} hold")
    return 0 if held == len(vectors) > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
