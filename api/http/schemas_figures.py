"""Shapes of figures."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.http.fields import AtLeast, LocationRef
from api.http.schemas_common import Input, Output
from api.http.schemas_disclosing import LocalDate
from application.figures.figures import By

Count = Annotated[int, Field(ge=0)]


class FiguresAsked(Input):
    """Which local days of a location: those in [from, to), at most 366; and by what they are told apart."""

    location_id: LocationRef
    from_: Annotated[LocalDate, Field(alias="from", description="The first local day.")]
    to: Annotated[LocalDate, Field(description="The first local day that no longer counts.")]
    by: Annotated[By, Field(description="Weeks begin on Monday, months on their first.")] = "day"
    at_least: Annotated[
        AtLeast | None,
        Field(description="Wait (at most 5 seconds) until they include this event or position."),
    ] = None


class Counted(Output):
    """Bookings and minutes. `booked` is all but cancelled and declined ones, whose time `minutes_booked` is.

    `minutes_open` is working time by the schedules that stood; null by service and by source, as is `utilisation`,
    booked by open minutes.
    """

    made: Count
    booked: Count
    cancelled: Count
    declined: Count
    no_shows: Count
    completed: Count
    minutes_booked: Count
    minutes_open: Count | None
    utilisation: float | None


class Figure(Counted):
    """Of what `key` names: the day, or the first one of the week or month; a staff member, a service, or a source.

    A source is the key through which bookings were made: `key_...`, or `system:<part>`.
    """

    key: str


class Figures(Output):
    """By key, and of all together."""

    location_id: str
    time_zone: str
    by: By
    data: list[Figure]
    total: Counted
