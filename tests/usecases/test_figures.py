"""The business's figures: days of the location's zone, working time as it stood, and who may ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from application.figures.figures import By, Figure, Figures, FiguresPage, FiguresQuery
from application.figures.open_time import open_minutes
from application.figures.rows import Working
from application.recorded import Caller
from domain.errors import NotPermitted, RangeTooLong, Unacceptable, UnknownReference
from domain.local_time import midnight
from domain.schedule import Hours, Override, Schedule, WeeklyHours
from domain.values import epoch_seconds, public_id
from infrastructure.twin.memory_figures import MemoryFigures
from tests.usecases.salon import Salon, at

MONDAY = at(0).date()
OWNER = frozenset({"owner"})
EVERY_DAY = tuple(range(7))
NOBODY = UUID(int=7)


@pytest.fixture
def owner(salon: Salon) -> Caller:
    return replace(salon.by, roles=OWNER)


@pytest.fixture
def ask(salon: Salon, here: UUID, owner: Caller) -> Callable[..., FiguresPage]:
    world = salon.world
    figures = Figures(MemoryFigures(world.state), world.positions, world.book, world.holidays)

    def ask(by: By = "day", days: int = 7, **more: object) -> FiguresPage:
        query = FiguresQuery(here, MONDAY, MONDAY + timedelta(days=days), by)
        caller = more.pop("caller", owner)
        return figures.of(replace(query, **more), caller)  # type: ignore[arg-type]

    return ask


def by_key(page: FiguresPage) -> dict[str, Figure]:
    return {one.key: one for one in page.figures}


def days_of(zone: str, first: date, count: int) -> list[int]:
    return [midnight(zone, first.toordinal() + number) for number in range(count + 1)]


def worked(schedule: Schedule | None, since: int, until: int | None, version: int = 1) -> Working:
    return Working(NOBODY, version, since, until, (NOBODY,), schedule)


def test_days_weeks_and_months_are_told_even_where_nothing_happened(
    ask: Callable[..., FiguresPage],
) -> None:
    assert [one.key for one in ask(days=3).figures] == [
        (MONDAY + timedelta(days=number)).isoformat() for number in range(3)
    ]
    weeks = ask("week", from_=MONDAY + timedelta(days=2), days=15).figures
    assert [date.fromisoformat(one.key) - MONDAY for one in weeks] == [
        timedelta(days=number) for number in (2, 7, 14)
    ]
    months = [date.fromisoformat(one.key) for one in ask("month", days=200).figures]
    assert months[0] == MONDAY
    assert all(one.day == 1 for one in months[1:])
    assert ask("source").figures == ()


def test_a_booking_of_an_hour_is_an_eighth_of_the_day(
    salon: Salon, here: UUID, cut: UUID, ask: Callable[..., FiguresPage]
) -> None:
    salon.a_staff_member([here], [cut])
    made = salon.book(cut, at(10))
    gone = salon.book(cut, at(12))
    salon.course.cancel(salon.target(gone), "other", salon.by)
    page = ask(days=1)
    (day,) = page.figures
    counts = day.counts
    assert (counts.made, counts.booked, counts.cancelled, counts.minutes_booked) == (2, 1, 1, 60)
    assert page.total.counts == counts
    assert page.time_zone == "Europe/London"
    assert page.position == salon.total() - 1
    services = by_key(ask("service", days=1))
    assert services[public_id("service", cut)].minutes_open is None
    assert services[public_id("service", cut)].utilisation is None
    assert by_key(ask("source", days=1)).keys() == {"key_1"}
    assert made.state.subject.hex not in repr(page)


def test_only_who_runs_the_place_is_told(
    salon: Salon, ask: Callable[..., FiguresPage], owner: Caller, here: UUID
) -> None:
    manager = replace(owner, roles=frozenset({"manager"}), locations=frozenset({here}))
    assert ask(caller=manager).figures
    elsewhere = frozenset({salon.a_location()})
    with pytest.raises(UnknownReference):
        ask(caller=replace(manager, locations=elsewhere))
    for role in ("staff", "booking", "auditor", "engineer", "privacy_officer", "corporate"):
        with pytest.raises(NotPermitted):
            ask(caller=replace(owner, roles=frozenset({role})))


def test_what_cannot_be_asked_is_refused(ask: Callable[..., FiguresPage]) -> None:
    for refused, asked in (
        (Unacceptable, {"to": MONDAY}),
        (RangeTooLong, {"days": 367}),
        (UnknownReference, {"location": NOBODY}),
        (UnknownReference, {"at_least": NOBODY}),
    ):
        with pytest.raises(refused):
            ask(**asked)
    assert len(ask(days=366).figures) == 366


# --- working time ----------------------------------------------------------------------------------------------------


def test_hours_count_on_the_days_they_lie_in_and_clocks_change() -> None:
    nights = Schedule("Europe/London", (WeeklyHours(EVERY_DAY, Hours(22 * 60, 6 * 60)),))
    days = days_of("Europe/London", date(2027, 3, 27), 3)
    found = open_minutes([worked(nights, 0, None)], NOBODY, days, frozenset())
    assert found == {NOBODY: [480, 420, 480]}, "in the night to the 28th an hour is skipped"


def test_what_stood_when_the_day_ended_counts_for_the_whole_day() -> None:
    nine = Schedule("UTC", (WeeklyHours(EVERY_DAY, Hours(540, 600)),))
    ten = Schedule("UTC", (WeeklyHours(EVERY_DAY, Hours(600, 720)),))
    days = days_of("UTC", date(2027, 3, 1), 5)
    noon = [day + 43_200 for day in days]
    rows = [
        worked(None, noon[0], noon[1]),
        worked(nine, noon[1], noon[2], 2),
        worked(ten, noon[2], noon[4], 3),
        replace(worked(None, noon[4], None, 4), locations=()),
    ]
    assert open_minutes(rows, NOBODY, days, frozenset()) == {NOBODY: [0, 60, 120, 120, 0]}
    assert open_minutes(rows, UUID(int=8), days, frozenset()) == {NOBODY: [0] * 5}


def test_a_holiday_has_no_hours_and_an_override_has_its_own() -> None:
    on = date(2027, 3, 2)
    weekly = (WeeklyHours(EVERY_DAY, Hours(540, 600)),)
    schedule = Schedule("UTC", weekly, (Override(on, (Hours(0, 1_440),)),))
    days = days_of("UTC", date(2027, 3, 1), 3)
    found = open_minutes([worked(schedule, 0, None)], NOBODY, days, {date(2027, 3, 3)})
    assert found == {NOBODY: [60, 1_440, 0]}


def test_a_day_that_was_skipped_has_nothing_and_endless_hours_fill_every_other() -> None:
    always = Schedule("Pacific/Apia", (WeeklyHours(EVERY_DAY, Hours(0, 1_440)),))
    days = days_of("Pacific/Apia", date(2011, 12, 28), 5)
    found = open_minutes([worked(always, 0, None)], NOBODY, days, frozenset())
    assert found == {NOBODY: [1_440, 1_440, 0, 1_440, 1_440]}


def test_a_visit_late_in_the_evening_counts_on_the_local_day(
    salon: Salon, here: UUID, cut: UUID, ask: Callable[..., FiguresPage]
) -> None:
    late = Schedule("America/New_York", (WeeklyHours(EVERY_DAY, Hours(0, 1_440)),))
    salon.revises(here, time_zone="America/New_York")
    salon.a_staff_member([here], [cut], late)
    start: datetime = at(2, day=1)  # nine in the evening of Monday, in New York
    salon.book(cut, start)
    found = by_key(ask(days=2))
    assert found[MONDAY.isoformat()].counts.booked == 1
    assert found[(MONDAY + timedelta(days=1)).isoformat()].counts.booked == 0
    assert epoch_seconds(start) % 86_400 == 7_200
