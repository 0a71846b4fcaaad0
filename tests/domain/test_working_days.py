"""Months, business days and the next working day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from domain.working_days import WorkingCalendar, add_business_days, add_months, roll_forward

DAYS = st.dates(date(2020, 1, 1), date(2029, 12, 31))


def calendar(*holidays: str, weekend: frozenset[int] = frozenset({5, 6})) -> WorkingCalendar:
    days = frozenset(map(date.fromisoformat, holidays))
    return WorkingCalendar("XX", "1", 2019, 2032, days, weekend)


CALENDARS = st.sets(DAYS, max_size=200).map(
    lambda days: WorkingCalendar("XX", "1", 2019, 2032, frozenset(days))
)


@given(DAYS, st.integers(0, 60))
def test_months_are_those_of_another_implementation(day: date, months: int) -> None:
    assert add_months(day, months) == day + relativedelta(months=months)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        *(("2026-01-31", 1, "2026-02-28"), ("2028-01-31", 1, "2028-02-29")),
        *(("2026-12-31", 2, "2027-02-28"), ("2026-11-15", 1, "2026-12-15")),
        *(("2024-02-29", 24, "2026-02-28"), ("2026-05-31", 0, "2026-05-31")),
    ],
)
def test_a_month_without_that_date_ends_on_its_last(day: str, months: int, expected: str) -> None:
    assert add_months(date.fromisoformat(day), months).isoformat() == expected


@given(DAYS, st.integers(0, 40), CALENDARS)
def test_business_days_are_counted_one_by_one(day: date, count: int, days: WorkingCalendar) -> None:
    found = add_business_days(day, count, days)
    between = [day + timedelta(days=n + 1) for n in range((found - day).days)]
    working = [each for each in between if each.weekday() < 5 and each not in days.holidays]
    assert len(working) == count
    assert not count or working[-1] == found


@given(DAYS, CALENDARS)
def test_rolling_stops_at_the_first_working_day(day: date, days: WorkingCalendar) -> None:
    found = roll_forward(day, days)
    skipped = [day + timedelta(days=n) for n in range((found - day).days)]
    assert found.weekday() < 5
    assert found not in days.holidays
    assert all(each.weekday() >= 5 or each in days.holidays for each in skipped)
    assert roll_forward(found, days) == found


def test_a_calendar_may_have_another_weekend() -> None:
    friday = date(2026, 11, 27)
    assert roll_forward(friday, calendar(weekend=frozenset({4, 5}))) == date(2026, 11, 29)
    assert roll_forward(friday, calendar("2026-11-27", "2026-11-30")) == date(2026, 12, 1)


@pytest.mark.parametrize("day", [date(2018, 12, 31), date(2033, 1, 1)])
def test_what_a_calendar_does_not_cover_is_not_guessed(day: date) -> None:
    with pytest.raises(AssertionError, match="says nothing of"):
        calendar().is_working_day(day)
    assert calendar().is_working_day(date(2019, 1, 1))
    assert calendar().is_working_day(date(2032, 12, 31))
