"""The business's own figures of a location."""

from __future__ import annotations

from api.http import schemas_figures as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.rendering import Json
from application.figures.figures import Figure, FiguresQuery
from application.recorded import Answer
from domain import errors
from domain.values import public_id

routes = Routes("Figures")


@routes.add(
    "GET",
    "/v1/figures",
    schemas.Figures,
    errors.RangeTooLong,
    errors.UnknownReference,
    headers=("Daybook-Position",),
)
def show_figures(call: Call, query: schemas.FiguresAsked) -> Answer:
    """Count a location's bookings, and how much of its working time they took, by its local days.

    `made` counts on the day on which a booking was made, everything else on the day on which its visit starts, as the
    booking stands now. No personal data is in it, and small numbers are told as they are.
    Roles: owner, manager.
    """
    asked = FiguresQuery(query.location_id, query.from_, query.to, query.by, query.at_least)
    page = call.platform.figures.of(asked, call.by)
    shown = {
        "location_id": public_id("location", query.location_id),
        "time_zone": page.time_zone,
        "by": query.by,
        "data": [{"key": one.key, **_counted(one)} for one in page.figures],
        "total": _counted(page.total),
    }
    return answered(shown, headers=(("daybook-position", str(page.position)),))


def _counted(it: Figure) -> Json:
    counts = it.counts
    return {
        "made": counts.made,
        "booked": counts.booked,
        "cancelled": counts.cancelled,
        "declined": counts.declined,
        "no_shows": counts.no_shows,
        "completed": counts.completed,
        "minutes_booked": counts.minutes_booked,
        "minutes_open": it.minutes_open,
        "utilisation": it.utilisation,
    }
