"""Recurrence rules: worked examples, and equality with an independent implementation."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import CalendarTooDense
from infrastructure.calendars.calendar_expansion import Effort, occurrences
from infrastructure.calendars.calendar_lines import Place
from infrastructure.calendars.calendar_rules import read_rule

YEARS = datetime(1996, 1, 1), datetime(2009, 12, 31)


def expanded(
    text: str, start: datetime, first: datetime = YEARS[0], last: datetime = YEARS[1]
) -> list[datetime]:
    return list(occurrences(read_rule(text, Place(1)), start, first, last, Effort()))


@pytest.mark.parametrize(
    ("rule", "start", "days"),
    [
        # The third Tuesday, Wednesday or Thursday of the month.
        (
            "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
            "1997-09-04",
            ["1997-09-04", "1997-10-07", "1997-11-06"],
        ),
        # The second to last weekday of the month.
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=3",
            "1997-09-29",
            ["1997-09-29", "1997-10-30", "1997-11-27"],
        ),
        # Election day: the first Tuesday after a Monday in November, every fourth year.
        (
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=3",
            "1996-11-05",
            ["1996-11-05", "2000-11-07", "2004-11-02"],
        ),
        # Friday the 13th.
        (
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=3",
            "1997-09-02",
            ["1998-02-13", "1998-03-13", "1998-11-13"],
        ),
        ("FREQ=YEARLY;BYDAY=20MO;COUNT=2", "1997-05-19", ["1997-05-19", "1998-05-18"]),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=2", "1997-05-12", ["1997-05-12", "1998-05-11"]),
        # A week without a weekday means the weekday of the start.
        ("FREQ=YEARLY;BYWEEKNO=20;COUNT=2", "1997-05-12", ["1997-05-12", "1998-05-11"]),
        ("FREQ=YEARLY;BYYEARDAY=-1;COUNT=2", "1997-01-01", ["1997-12-31", "1998-12-31"]),
        ("FREQ=YEARLY;COUNT=2", "1996-02-29", ["1996-02-29", "2000-02-29"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-3;COUNT=2", "1997-09-28", ["1997-09-28", "1997-10-29"]),
        ("FREQ=MONTHLY;COUNT=3", "1997-01-31", ["1997-01-31", "1997-03-31", "1997-05-31"]),
        # The day on which a week begins decides what every other week means.
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            "1997-08-05",
            ["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"],
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            "1997-08-05",
            ["1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"],
        ),
        ("FREQ=DAILY;INTERVAL=10;COUNT=2", "1997-09-02", ["1997-09-02", "1997-09-12"]),
    ],
)
def test_a_rule_gives_the_days_that_the_standard_says(
    rule: str, start: str, days: list[str]
) -> None:
    nine = timedelta(hours=9)
    found = expanded(rule, datetime.fromisoformat(start) + nine)
    assert [at - nine for at in found] == [datetime.fromisoformat(day) for day in days]


def test_times_of_a_day_are_multiplied_and_in_order() -> None:
    found = expanded(
        "FREQ=DAILY;BYHOUR=15,9;BYMINUTE=30,0;COUNT=5;BYSECOND=60", datetime(1997, 9, 2, 9, 10)
    )
    assert [at.strftime("%d %H:%M:%S") for at in found] == [
        *("02 09:30:59", "02 15:00:59", "02 15:30:59", "03 09:00:59", "03 09:30:59"),
    ]


def test_effort_is_spent_by_candidates_not_by_results() -> None:
    rule = read_rule("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", Place(1))
    year = datetime(1997, 1, 1), datetime(1997, 12, 31)
    assert list(occurrences(rule, year[0], *year, Effort(1000))) == []
    with pytest.raises(CalendarTooDense):
        list(occurrences(rule, year[0], *year, Effort(100)))


# Laws. Rules that match nothing are left out: the other one would search for them to the year 9999.

MONTHS = st.sets(st.integers(1, 12), min_size=1, max_size=4)
MONTH_DAYS = st.sets(st.integers(1, 28) | st.integers(-28, -1), min_size=1, max_size=4)
WEEKDAY_NAMES = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
WEEKDAYS = st.sets(st.sampled_from(WEEKDAY_NAMES), min_size=1)
STARTS = st.datetimes(datetime(1999, 1, 1), datetime(2003, 12, 31)).map(
    lambda at: at.replace(microsecond=0)
)


def listed(values: Collection[int] | Collection[str]) -> str:
    return ",".join(sorted(map(str, values)))


@st.composite
def numbered_weekdays(draw: st.DrawFn, largest: int) -> str:
    number = st.integers(1, largest) | st.integers(-largest, -1)
    return listed({f"{draw(number)}{day}" for day in draw(WEEKDAYS)})


@st.composite
def day_rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY"]))
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.integers(1, 4))}"]
    parts.append(f"WKST={draw(st.sampled_from(['MO', 'SU', 'WE']))}")
    if frequency != "MONTHLY" and draw(st.booleans()):
        parts.append(f"BYMONTH={listed(draw(MONTHS))}")
        limited = True
    else:
        limited = False
    kinds = {"YEARLY": "mdnwy", "MONTHLY": "mdnb", "WEEKLY": "d", "DAILY": "mdb"}[frequency]
    kind = draw(st.sampled_from(["", *(k for k in kinds if not (limited and k in "wy"))]))
    if kind in ("m", "b"):
        parts.append(f"BYMONTHDAY={listed(draw(MONTH_DAYS))}")
    if kind in ("d", "b"):
        parts.append(f"BYDAY={listed(draw(WEEKDAYS))}")
    if kind == "n":
        parts.append(f"BYDAY={draw(numbered_weekdays(4))}")
    if kind == "w":
        weeks = st.sets(st.integers(1, 53) | st.just(-1), min_size=1, max_size=3)
        parts.append(f"BYWEEKNO={listed(draw(weeks))}")
        parts.append(f"BYDAY={listed(draw(WEEKDAYS))}")
    if kind == "y":
        days = st.sets(st.integers(1, 365) | st.integers(-365, -1), min_size=1, max_size=4)
        parts.append(f"BYYEARDAY={listed(draw(days))}")
    if draw(st.booleans()):
        parts.append(f"BYHOUR={listed(draw(st.sets(st.integers(0, 23), min_size=1, max_size=3)))}")
    if kind and frequency in ("YEARLY", "MONTHLY") and draw(st.booleans()):
        parts.append(f"BYSETPOS={draw(st.sampled_from(['1', '-1', '1,-1']))}")
    return ";".join(parts)


UNITS = {
    "HOURLY": timedelta(hours=1),
    "MINUTELY": timedelta(minutes=1),
    "SECONDLY": timedelta(seconds=1),
}


def by_the_other(text: str, start: datetime, last: datetime) -> list[datetime]:
    return rrulestr(text, dtstart=start).between(start, last, inc=True)


@settings(max_examples=150, deadline=None)
@given(rule=day_rules(), start=STARTS, days_until=st.integers(0, 1500))
def test_daily_to_yearly_rules_equal_an_independent_expansion(
    rule: str, start: datetime, days_until: int
) -> None:
    last = start + timedelta(days=3000)
    whole = by_the_other(rule, start, last)
    assert expanded(rule, start, start, last) == whole
    # Entered in the middle it gives the same, so nothing depends on walking from the start.
    first = start + timedelta(days=days_until, hours=5)
    assert expanded(rule, start, first, last) == [at for at in whole if at >= first]
    counted = expanded(f"{rule};COUNT=7", start, first, last)
    assert counted == [at for at in whole[:7] if at >= first]


@given(data=st.data(), start=STARTS, hours_until=st.integers(0, 300))
def test_hourly_to_secondly_rules_equal_counting_step_by_step(
    data: st.DataObject, start: datetime, hours_until: int
) -> None:
    frequency = data.draw(st.sampled_from(sorted(UNITS)))
    least = {"HOURLY": 1, "MINUTELY": 7, "SECONDLY": 400}[frequency]
    interval = data.draw(st.integers(least, least * 100))
    weekdays = data.draw(WEEKDAYS | st.just(set()))
    hours = data.draw(st.sets(st.integers(0, 23), max_size=20))
    minutes = data.draw(st.sets(st.integers(0, 59), max_size=20))
    rule = f"FREQ={frequency};INTERVAL={interval}"
    rule += f";BYDAY={listed(weekdays)}" if weekdays else ""
    rule += f";BYHOUR={listed(hours)}" if hours else ""
    if frequency == "SECONDLY":
        rule += f";BYMINUTE={listed(minutes)}" if minutes else ""
    last = start + timedelta(days=20)
    steps = (last - start) // (UNITS[frequency] * interval)
    whole = [
        at
        for at in (start + n * interval * UNITS[frequency] for n in range(steps + 1))
        if (not weekdays or WEEKDAY_NAMES[at.weekday()] in weekdays)
        and (not hours or at.hour in hours)
        and (frequency != "SECONDLY" or not minutes or at.minute in minutes)
    ]
    first = start + timedelta(hours=hours_until)
    assert expanded(rule, start, first, last) == [at for at in whole if at >= first]
    counted = expanded(f"{rule};COUNT=7", start, first, last)
    assert counted == [at for at in whole[:7] if at >= first]


@given(start=st.dates(date(1999, 1, 1), date(2003, 12, 31)))
def test_every_day_of_a_year_is_in_exactly_one_week_of_one_of_three_years(start: date) -> None:
    at = datetime(start.year, start.month, start.day)
    weeks = ",".join(map(str, range(1, 54)))
    rule = f"FREQ=YEARLY;BYWEEKNO={weeks};BYDAY=MO,TU,WE,TH,FR,SA,SU"
    last = at + timedelta(days=400)
    found = expanded(rule, at, at, last)
    assert found == [at + timedelta(days=n) for n in range(401)]
