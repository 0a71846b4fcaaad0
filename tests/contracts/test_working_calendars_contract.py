"""The port `WorkingCalendars`: the days on which a place works, with the edition of what says so."""

from __future__ import annotations

from datetime import date
from importlib.metadata import version

import pytest

from application.working_calendars import WorkingCalendars
from infrastructure.calendars.public_holidays import PublicHolidays
from infrastructure.twin.memory import ListedHolidays

GERMANY = frozenset({date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1)})
LISTED = ListedHolidays(
    {
        ("DE", None): GERMANY,
        ("DE", "BY"): frozenset({date(2027, 1, 6)}),
        ("US", None): frozenset({date(2026, 11, 26), date(2027, 12, 31)}),
    }
)


@pytest.fixture(params=[PublicHolidays(), LISTED], ids=["package", "memory"])
def calendars(request: pytest.FixtureRequest) -> WorkingCalendars:
    """Each adapter."""
    found: WorkingCalendars = request.param
    return found


def works(
    calendars: WorkingCalendars, country: str, part: str | None, day: str, years: tuple[int, int]
) -> bool:
    return calendars.working_calendar(country, part, *years).is_working_day(date.fromisoformat(day))


@pytest.mark.parametrize(
    ("country", "part", "day", "expected"),
    [
        ("US", None, "2026-11-26", False),  # Thanksgiving
        ("US", None, "2026-11-27", True),  # the day after it is no federal holiday
        ("US", None, "2026-11-28", False),  # a Saturday
        ("US", None, "2027-12-31", False),  # New Year's Day of 2028, observed on the Friday before
        ("DE", None, "2026-12-25", False),
        ("DE", None, "2027-01-06", True),
        ("DE", "BY", "2027-01-06", False),
        ("DE", "BY", "2026-12-25", False),  # a part has its country's holidays too
    ],
)
def test_a_place_works_on_its_working_days(
    calendars: WorkingCalendars, country: str, part: str | None, day: str, expected: bool
) -> None:
    assert works(calendars, country, part, day, (2026, 2027)) is expected


@pytest.mark.parametrize(("country", "part"), [("EU", None), ("DE", "XX"), ("", None)])
def test_a_place_that_is_not_known_has_weekends_alone(
    calendars: WorkingCalendars, country: str, part: str | None
) -> None:
    assert calendars.working_calendar(country, part, 2026, 2027).holidays == frozenset()
    assert works(calendars, country, part, "2026-12-25", (2026, 2026))
    assert not works(calendars, country, part, "2026-12-26", (2026, 2026))


def test_a_calendar_has_the_years_that_were_asked_for_and_no_others(
    calendars: WorkingCalendars,
) -> None:
    found = calendars.working_calendar("DE", None, 2026, 2026)
    assert (found.id, found.first_year, found.last_year) == ("DE", 2026, 2026)
    assert date(2026, 12, 25) in found.holidays
    assert all(day.year == 2026 for day in found.holidays)
    with pytest.raises(AssertionError, match="DE says nothing of 2027"):
        found.is_working_day(date(2027, 1, 1))


def test_the_same_question_has_the_same_answer_and_names_its_edition(
    calendars: WorkingCalendars,
) -> None:
    found = calendars.working_calendar("DE", "BY", 2026, 2027)
    assert found == calendars.working_calendar("DE", "BY", 2026, 2027)
    assert found.id == "DE-BY"
    assert found.version


def test_the_edition_is_the_version_that_is_installed() -> None:
    found = PublicHolidays().working_calendar("US", None, 2026, 2026)
    assert found.version == f"holidays {version('holidays')}"
