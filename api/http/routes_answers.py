"""Who did we share with: about one person, to one recipient, in a period."""

from __future__ import annotations

from typing import Final

from api.http import schemas_answers as schemas
from api.http.answers_json import complete_json, counted_json, shown_json
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import RecipientId, SubjectId, read_cursor, write_cursor
from api.http.rendering import Json
from application.answers.disclosure_answers import Moment, Part
from application.answers.disclosure_reads import Wanted
from application.recorded import Answer
from domain import errors

routes = Routes("Answers")

POSITION: Final = ("Daybook-Position",)


@routes.add(
    "GET",
    "/v1/subjects/{id}/disclosures",
    schemas.PersonAnswer,
    errors.LedgerDamaged,
    headers=POSITION,
)
def disclosures_about(call: Call, id: SubjectId, query: schemas.PersonAsked) -> Answer:
    """Say who was given data of a person: named recipients, what, why, when, on which ground, with what consent.

    Refusals are rows too, and are not counted as shared. `as_of` is the past as it was; what is withheld from the
    person until a date opens by itself on it. `complete_to` says up to where nothing is missing, and under which
    checkpoint; rows beyond it are there, not yet proved. Opens no values.
    Roles: privacy_officer, owner (views officer, person), auditor (all three).
    """
    after = read_cursor("answers", query.cursor)
    found = call.platform.disclosure_answers.about(
        id, query.view, _moment(query), query.limit, after, call.by
    )
    return _answered(found.part, {"view": found.view, "answer": counted_json(found)})


@routes.add(
    "GET",
    "/v1/recipients/{id}/disclosures",
    schemas.DisclosureList,
    errors.LedgerDamaged,
    headers=POSITION,
)
def disclosures_to(call: Call, id: RecipientId, query: schemas.AnswersAsked) -> Answer:
    """List what a recipient was given, and what it was refused, by the time it was recorded.

    What is withheld is left out, except for an auditor: to be in this list would tell to whom.
    Roles: privacy_officer, owner, auditor.
    """
    after = read_cursor("answers", query.cursor)
    part = call.platform.disclosure_answers.to_recipient(
        id, _moment(query), query.limit, after, call.by
    )
    return _answered(part, {"complete_to": complete_json(part.complete_to)})


@routes.add(
    "GET", "/v1/disclosures", schemas.DisclosureList, errors.LedgerDamaged, headers=POSITION
)
def list_disclosures(call: Call, query: schemas.DisclosuresAsked) -> Answer:
    """List disclosures and refusals by the time they were recorded.

    In a list that is narrowed by more than time, what is withheld is left out, except for an auditor.
    Roles: privacy_officer, owner, auditor.
    """
    after = read_cursor("answers", query.cursor)
    wanted = Wanted(
        query.from_,
        query.to,
        query.purpose,
        query.recipient_id,
        query.country,
        query.legal_process,
    )
    part = call.platform.disclosure_answers.wanted(
        wanted, _moment(query), query.limit, after, call.by
    )
    return _answered(part, {"complete_to": complete_json(part.complete_to)})


def _moment(query: schemas.AnswersAsked) -> Moment:
    return Moment(query.as_of, query.known_at, query.at_least)


def _answered(part: Part, more: Json) -> Answer:
    following = write_cursor("answers", *part.next) if part.next else None
    body = {**more, "data": [shown_json(one) for one in part.rows], "next_cursor": following}
    return answered(body, headers=(("daybook-position", str(part.reached)),))
