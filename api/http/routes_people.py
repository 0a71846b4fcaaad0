"""People: found by a contact, what is held about them, and corrected."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from api.http import schemas_people as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import SubjectId
from api.http.rendering import Json, opened_json, optional_instant
from api.http.rendering_erasures import kept_json
from api.http.schemas_policies import AsOf
from application.event_types import catalogue
from application.people.contacts import ContactKind
from application.people.people import Corrected, CorrectPerson, Holding, PersonHeld, Searched
from application.recorded import Answer
from application.setup.register import Unset
from domain import errors
from domain.errors import FieldError, Unacceptable
from domain.personal_fields import FIELDS
from domain.subject import Correction, ProfileField
from domain.values import Personal, instant_text, public_id

routes = Routes("People and consent")

CORRECTABLE: Final[tuple[ProfileField, ...]] = ("name", "email", "phone", "address")
# Where data came from, by how the type of its event begins.
SOURCES: Final[dict[str, str]] = {
    "booking": "given with a booking",
    "subject.registered": "given with a booking",
    "subject.corrected": "corrected by the business",
    "consent": "given with a consent",
    "staff": "entered by the business",
}


@routes.add(
    "POST", "/v1/subjects/search", schemas.FoundSubjects, headers=("Daybook-Event",), opens=True
)
def search_subjects(call: Call, body: schemas.Search) -> Answer:
    """Find who has an e-mail address, or a phone number.

    That somebody looked is recorded as an access to that field; without a Daybook-Purpose, for `service`.
    Roles: privacy_officer, owner.
    """
    kind, value = _sought(body)
    return call.write(lambda by: call.platform.people.search(kind, value, by), _found)


@routes.add(
    "GET",
    "/v1/subjects/{id}",
    schemas.Subject,
    errors.PurposeRequired,
    errors.Unreadable,
    errors.Behind,
    headers=("ETag",),
    opens=True,
    waits=True,
)
def show_subject(call: Call, id: SubjectId, query: AsOf) -> Answer:
    """Show what is held about a person: kinds of data, where they came from, and how long they are kept.

    With a Daybook-Purpose the values of the profile are opened, and that is recorded. An erased person is shown with
    `erased_at` and without values; what is kept of them is under `kept`, with the exception and its purposes.
    Roles: privacy_officer, owner; auditor without values.
    """
    found = call.platform.people.show(id, query.as_of, call.by)
    return answered(person_json(found), version=found.version)


@routes.add(
    "PATCH",
    "/v1/subjects/{id}",
    schemas.Corrected,
    errors.ContactTaken,
    errors.Erased,
    headers=("Daybook-Event", "ETag"),
    changes=True,
)
def correct_subject(call: Call, id: SubjectId, body: schemas.SubjectCorrection) -> Answer:
    """Correct a person's profile: the fields given stand from now on, the others stay.

    Look-ups by the new e-mail address and phone number find the person, by the old ones no longer. What was given with
    a booking stays as it was given. 409 `contact_taken` where the address is another person's.
    Roles: privacy_officer, owner.
    """
    given = {name: getattr(body, name) for name in CORRECTABLE}
    named = tuple(name for name in CORRECTABLE if not isinstance(given[name], Unset))
    values = {name: None if given[name] is None else Personal(given[name]) for name in named}
    people = call.platform.people
    if_match = call.if_match(lambda: people.version(id, call.by))
    command = CorrectPerson(id, named, Correction(**values), if_match)
    return call.write(lambda by: people.correct(command, by), _corrected)


def _sought(body: schemas.Search) -> tuple[ContactKind, str]:
    if body.email is not None and body.phone is None:
        return "email", body.email
    if body.phone is not None and body.email is None:
        return "phone", body.phone
    error = FieldError("", "one_of", "Give an e-mail address, or a phone number.")
    raise Unacceptable(errors=(error,))


def _found(found: Searched) -> Answer:
    data = [{"subject_id": public_id("subject", one)} for one in found.subjects]
    return answered({"data": data}, event=found.event)


def person_json(it: PersonHeld) -> Json:
    """What is held about a person."""
    shown: Json = {
        "id": public_id("subject", it.subject),
        "as_of": instant_text(it.as_of),
        "registered_at": instant_text(it.registered_at),
        "corrected_at": optional_instant(it.corrected_at),
        "erased_at": optional_instant(it.erased_at),
        "held": [_held_json(one) for one in it.held],
        "kept": [kept_json(one) for one in it.kept],
    }
    if it.values is not None:
        shown["values"] = opened_json(it.values)
    return shown


def _held_json(it: Holding) -> Json:
    sealed = catalogue()[it.event_type].sealed
    codes = [
        value.name
        for one in sealed
        if one.retention_class == it.retention_class
        for value in fields(one.group)  # type: ignore[arg-type]
    ]
    concept, whole = it.event_type.split(".")[0], it.event_type.rpartition(".")[0]
    return {
        "source": SOURCES.get(whole) or SOURCES.get(concept) or concept,
        "event_type": it.event_type,
        "retention_class": it.retention_class,
        "categories": sorted({FIELDS[code].category for code in codes}),
        "fields": codes,
        "given": [_given_json(code) for code in codes],
        "count": it.count,
        "first_at": instant_text(it.first_at),
        "last_at": instant_text(it.last_at),
    }


def _given_json(code: str) -> Json:
    known = FIELDS[code]
    return {"field": code, "voluntary": not known.required, "without_it": known.without}


def _corrected(receipt: Corrected) -> Answer:
    it = receipt.decision
    shown: Json = {
        "id": public_id("subject", it.subject),
        "event_id": public_id("event", receipt.event),
        "fields": list(it.fields),
    }
    return answered(shown, event=receipt.event, version=receipt.version)
