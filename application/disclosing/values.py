"""What a recipient is handed of each person: opened for this sending alone, after it was recorded and mirrored.

Source: API "fields".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from application.disclosing.facts import Gathered, SealedProfile
from application.ports import AgendaRow, Opener
from domain.disclosure_rules import is_given
from domain.errors import Erased
from domain.values import Personal, from_epoch, instant_text, public_id

PROFILE_FIELDS: Final = ("name", "email", "phone", "address")
BOOKING_FIELDS: Final = ("note", "metadata")

Value = Personal | list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Handed:
    """What is handed over of one person, by field; a field of which nothing is held is left out."""

    subject: UUID
    values: dict[str, Value]


def open_values(
    opener: Opener, tenant: UUID, found: Gathered, fields: Sequence[str]
) -> tuple[Handed, ...]:
    """Open `fields` of everyone in `found`, in their order. What cannot be opened stops all of it.

    Refuses: Erased, Unreadable.
    """
    handed = []
    for facts in found.facts.subjects:
        given = [
            row
            for row, visit in zip(found.rows[facts.subject], facts.visits, strict=True)
            if is_given(found.facts.terms, found.facts.scope, visit)
        ]
        values: dict[str, Value] = {}
        values |= _profile(opener, tenant, found.profiles[facts.subject], fields)
        if "booking_times" in fields:
            values["booking_times"] = [_times(row) for row in given]
        values |= _of_bookings(opener, tenant, given, fields)
        handed.append(Handed(facts.subject, values))
    return tuple(handed)


def plain(value: Value) -> object:
    """A value as JSON for whoever is handed it."""
    return value.open() if isinstance(value, Personal) else [_opened(one) for one in value]


def _profile(
    opener: Opener, tenant: UUID, profile: SealedProfile, fields: Sequence[str]
) -> dict[str, Value]:
    asked = [one for one in PROFILE_FIELDS if one in fields]
    if not asked:
        return {}
    known: dict[str, object] = {}
    opened = opener.open(tenant, [part.envelope for part in profile.parts])
    for part, values in zip(profile.parts, opened, strict=True):
        if values is None:
            raise Erased()
        said = values if part.fields is None else {one: values.get(one) for one in part.fields}
        known |= said
    return {one: Personal(str(text)) for one in asked if (text := known.get(one)) is not None}


def _of_bookings(
    opener: Opener, tenant: UUID, rows: Sequence[AgendaRow], fields: Sequence[str]
) -> dict[str, Value]:
    asked = [one for one in BOOKING_FIELDS if one in fields]
    if not asked:
        return {}
    sealed = [row.person for row in rows if row.person is not None]
    found: dict[str, list[dict[str, object]]] = {one: [] for one in asked}
    for row, opened in zip(rows, opener.open(tenant, sealed), strict=True):
        if opened is None:
            raise Erased()
        for one in asked:
            if value := opened.get(one):
                found[one].append(
                    {"booking_id": public_id("booking", row.booking), one: _sealed(value)}
                )
    return {one: values for one, values in found.items() if values}


def _times(row: AgendaRow) -> dict[str, object]:
    return {
        "booking_id": public_id("booking", row.booking),
        "location_id": public_id("location", row.location),
        "service_id": public_id("service", row.service),
        "start": instant_text(from_epoch(row.start)),
        "end": instant_text(from_epoch(row.end)),
        "status": row.status,
    }


def _sealed(value: object) -> object:
    """Opened text as text that prints nothing."""
    if isinstance(value, Mapping):
        return {str(key): _sealed(one) for key, one in value.items()}
    return Personal(str(value))


def _opened(value: object) -> object:
    if isinstance(value, Personal):
        return value.open()
    if isinstance(value, Mapping):
        return {str(key): _opened(one) for key, one in value.items()}
    return value
