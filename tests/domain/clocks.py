"""What the tests of clocks share: short ways to say rules, instants and calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime

from domain import clock
from domain.clock import Clock
from domain.clock_rules import RULES
from domain.working_days import WorkingCalendar

BERLIN = "Europe/Berlin"
HOLIDAYS = ("2026-12-25", "2026-12-26", "2027-01-01")
CALENDAR = WorkingCalendar("XX", "1", 1990, 2040, frozenset(map(date.fromisoformat, HOLIDAYS)))


def at(text: str) -> datetime:
    """An instant in UTC: a date is its noon."""
    return datetime.fromisoformat(text if "T" in text else f"{text}T12:00").replace(tzinfo=UTC)


def running(rule: str, since: str, zone: str = BERLIN) -> Clock:
    """A clock that has just started."""
    return clock.started(RULES[rule], at(since), zone, CALENDAR)
