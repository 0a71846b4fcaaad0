"""What a person takes along, and what their page shows."""

from __future__ import annotations

from typing import Final

from api.http import schemas_packages as schemas
from api.http.answers_json import counted_json, shown_json
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import SubjectId
from api.http.routes_access import access_json
from api.http.routes_consents import state_json
from api.http.routes_people import person_json
from application.portability.pages import PersonPage
from application.ports import AgendaRow
from application.recorded import Answer
from domain import errors
from domain.custody import Kept
from domain.values import from_epoch, instant_text, public_id

routes = Routes("People and consent")

MEDIA: Final = {"json": "application/json", "csv": "application/zip"}


@routes.add(
    "GET",
    "/v1/subjects/{id}/package",
    schemas.Package,
    errors.NotFound,
    errors.Erased,
    errors.UnknownReference,
    errors.IdentityNotVerified,
    errors.Behind,
    errors.RangeTooLong,
    errors.Stale,
    errors.Unreadable,
    also=("application/zip",),
    long=True,
)
def take_package(call: Call, id: SubjectId, query: schemas.PackageAsked) -> Answer:
    """Give everything that is held about a person, for handing it to them: each value with where it comes from.

    A request for access or portability is fulfilled once a package was made that names it (`request_id`): the event of
    that package is its evidence.

    It is opened under a purpose (`legal_duty` with the request as its case), as one access; that it was made is on
    record. It holds what the person may see: nothing that is withheld from them, and no names of staff. 410 for who
    is erased.
    Roles: privacy_officer, owner.
    """
    made = call.platform.packaging.make(id, query.request_id, query.format, call.by)
    data = call.platform.package_bytes(made, query.format)
    ending = "json" if query.format == "json" else "zip"
    named = f'attachment; filename="{public_id("package", made.id)}.{ending}"'
    headers = (
        ("content-type", MEDIA[query.format]),
        ("cache-control", "private, no-store"),
        ("content-disposition", named),
    )
    return Answer(200, headers, data)


@routes.add(
    "GET",
    "/v1/subjects/{id}/page",
    schemas.PersonPage,
    errors.NotFound,
    errors.Behind,
    errors.RangeTooLong,
    errors.Unreadable,
)
def show_page(call: Call, id: SubjectId) -> Answer:
    """Give what a person's page shows: what is held, their consents and visits, who was given it, who looked.

    All in the person's view. The values of the profile are there under a purpose alone, on the record.
    Roles: privacy_officer, owner.
    """
    return answered(_page_json(call.platform.person_pages.page(id, call.by)))


def _page_json(it: PersonPage) -> dict[str, object]:
    return {
        "held": person_json(it.held),
        "bookings": [_visit_json(row) for row in it.visits],
        "consents": [state_json(one) for one in it.consents.states],
        "shared": counted_json(it.shared),
        "recipients": [shown_json(one) for one in it.shared.part.rows],
        "looked": [access_json(row, "person") for row in it.looked.rows],
        "restricted": it.custody.restricted_by is not None,
        "kept": [_kept_json(one) for one in it.custody.kept.values()],
        "may_ask": list(it.may_ask),
    }


def _visit_json(row: AgendaRow) -> dict[str, object]:
    return {
        "booking_id": public_id("booking", row.booking),
        "service_id": public_id("service", row.service),
        "location_id": public_id("location", row.location),
        "start": instant_text(from_epoch(row.start)),
        "end": instant_text(from_epoch(row.end)),
        "status": row.status,
    }


def _kept_json(it: Kept) -> dict[str, object]:
    return {
        "retention_class": it.retention_class,
        "exception": it.exception,
        "statute": it.statute,
        "usable_for": list(it.purposes),
        "until": None if it.until is None else it.until.isoformat(),
    }
