"""The agenda of a location, day by day."""

from __future__ import annotations

from api.http import schemas_booking as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.rendering import Json
from application.booking.agenda import AgendaEntry, AgendaQuery
from application.recorded import Answer
from domain import errors
from domain.values import from_epoch, instant_text, public_id

routes = Routes("Book")


@routes.add(
    "GET",
    "/v1/agenda",
    schemas.Agenda,
    errors.PurposeRequired,
    errors.RangeTooLong,
    errors.Unreadable,
    errors.LedgerDamaged,
    errors.TooMany,
    headers=("Daybook-Position",),
    opens=True,
    looks_back=True,
)
def show_agenda(call: Call, query: schemas.AgendaAsked) -> Answer:
    """Show who comes when, by local dates of the location.

    Names are opened only under a purpose, and recorded as one access for the whole page. With `known_at` it shows the
    calendar as it was known then, by a replay: `Daybook-Position` says of which position. 422 for an instant in the
    future or before the first event, or with more than 100,000 events between it and the nearest state that is kept.
    """
    asked = AgendaQuery(query.location_id, query.from_, query.to, query.at_least, query.known_at)
    page = call.platform.agenda.days(asked, call.by)
    days = [
        {
            "date": day.on.isoformat(),
            "entries": [_entry(one, with_name=page.with_names) for one in day.entries],
        }
        for day in page.days
    ]
    return answered({"days": days}, headers=(("daybook-position", str(page.position)),))


def _entry(entry: AgendaEntry, *, with_name: bool) -> Json:
    row = entry.row
    shown: Json = {
        "booking_id": public_id("booking", row.booking),
        "service_id": public_id("service", row.service),
        "staff_id": public_id("staff", row.staff),
        "start": instant_text(from_epoch(row.start)),
        "end": instant_text(from_epoch(row.end)),
        "status": row.status,
    }
    if with_name:
        shown["customer"] = {"name": None if entry.name is None else entry.name.open()}
    return shown
