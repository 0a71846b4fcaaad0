"""Working days of a place, for whoever reckons with deadlines."""

from __future__ import annotations

from typing import Protocol

from domain.working_days import WorkingCalendar


class WorkingCalendars(Protocol):
    """Calendars of working days, read from data that names its edition."""

    def working_calendar(
        self, country: str, subdivision: str | None, first_year: int, last_year: int
    ) -> WorkingCalendar:
        """The calendar of a place for those years, both included; holidays observed on another day count there too.

        A place that is not known has weekends alone: every deadline then falls earlier, and none later. The same place
        and years give equal calendars for as long as the edition is the same.
        """
        ...
