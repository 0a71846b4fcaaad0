"""Public holidays: dates that laws fix, so that they can be checked here by hand."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from infrastructure.calendars.public_holidays import PublicHolidays

HOLIDAYS = PublicHolidays()


def closed(country: str, part: str | None, first: str, last: str) -> list[str]:
    found = HOLIDAYS.closed_dates(
        country, part, date.fromisoformat(first), date.fromisoformat(last)
    )
    return sorted(day.isoformat() for day in found)


def test_a_country_has_its_national_holidays() -> None:
    assert closed("US", None, "2027-07-01", "2027-07-31") == ["2027-07-04", "2027-07-05"]
    assert closed("FR", None, "2027-07-01", "2027-07-31") == ["2027-07-14"]


def test_a_part_of_a_country_has_holidays_of_its_own() -> None:
    assert closed("DE", None, "2027-01-02", "2027-01-31") == []
    assert closed("DE", "BY", "2027-01-02", "2027-01-31") == ["2027-01-06"]


def test_half_days_are_not_holidays() -> None:
    # Germany's shops close early on Christmas Eve; by law it is a working day.
    assert closed("DE", None, "2027-12-24", "2027-12-26") == ["2027-12-25", "2027-12-26"]


def test_both_ends_of_the_range_are_included_and_nothing_beyond() -> None:
    assert closed("FR", None, "2027-12-25", "2028-01-01") == ["2027-12-25", "2028-01-01"]
    assert closed("FR", None, "2027-12-26", "2027-12-31") == []


def test_an_observed_day_at_the_turn_of_the_year_counts() -> None:
    # 1 January 2028 is a Saturday: federal offices close on the Friday before.
    assert closed("US", None, "2027-12-31", "2027-12-31") == ["2027-12-31"]


def test_years_without_rules_have_no_holidays() -> None:
    assert closed("US", None, "0001-01-01", "0003-01-01") == []
    assert closed("US", None, "9998-01-01", "9999-12-31") == []


@pytest.mark.parametrize(
    ("country", "part"), [("US", "CA"), ("US", None), ("US", ""), ("AU", "NSW"), ("IN", "MH")]
)
def test_places_with_rules_are_known(country: str, part: str | None) -> None:
    assert HOLIDAYS.is_known(country, part)


@pytest.mark.parametrize(
    ("country", "part"),
    [
        *(("XX", None), ("US", "XX"), ("us", None), ("USA", None), ("", None), ("DE", "Bayern")),
        *(("germany", None), ("__class__", None), ("../US", None), ("DE", "by")),
    ],
)
def test_other_places_are_not_known_and_have_no_holidays(country: str, part: str | None) -> None:
    assert not HOLIDAYS.is_known(country, part)
    assert closed(country, part, "2027-01-01", "2027-12-31") == []


def test_nothing_is_loaded_before_it_is_asked_for_and_then_one_country_only() -> None:
    code = (
        "import sys, infrastructure.calendars.public_holidays as p;"
        "assert 'holidays' not in sys.modules;"
        "assert p.PublicHolidays().is_known('FR', None);"
        "assert 'holidays' in sys.modules;"
        "assert 'holidays.countries' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
