"""What of a person is sealed, part by part: their profile, their visits, what shows their consents.

Every part says from which event it comes, when that was, and who told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from application.access.reveal import Sight
from application.booking.streams import booking_as_recorded
from application.consent_log import consent_stream
from application.people.profiles import PROFILE_FIELDS, profile_sights
from application.ports import AgendaRow, EventStore
from application.recorded import Recorded
from domain.access import Field
from domain.booking import Booking
from domain.consent import ConsentGiven, ConsentRefused, ConsentWithdrawn
from domain.sealing import Envelope

BOOKED: Final[tuple[Field, ...]] = ("name", "phone", "address", "note", "metadata")
SHOWN: Final[tuple[Field, ...]] = ("evidence",)
ALL: Final[tuple[Field, ...]] = (*PROFILE_FIELDS, "note", "metadata", "evidence")

Source = Literal["profile", "booking", "consent"]


@dataclass(frozen=True, slots=True)
class Part:
    """One envelope, what of it is told, and where it comes from; `thing` is the booking's or the consent's id."""

    source: Source
    thing: UUID
    sight: Sight
    fields: tuple[Field, ...]
    event: Recorded[object]


def parts_of(
    store: EventStore, tenant: UUID, subject: UUID, visits: Sequence[AgendaRow]
) -> list[Part]:
    """Everything that was sealed for a person, by source, oldest first."""
    found = list(_profile(store.read(tenant, subject), subject))
    for row in visits:
        booked = booking_as_recorded(store, tenant, row.booking)
        if booked is not None and isinstance(booked.state.person, Envelope):
            event = store.read(tenant, row.booking)[0]
            found.append(_booked(subject, booked.state, booked.state.person, event))
    return found + list(_consents(store.read(tenant, consent_stream(subject)), subject))


def _profile(events: Sequence[Recorded[object]], subject: UUID) -> Iterator[Part]:
    for event, (sight, says) in zip(events, profile_sights(events), strict=True):
        told = tuple(one for one in PROFILE_FIELDS if one in says)
        yield Part("profile", subject, sight, told, event)


def _booked(subject: UUID, state: Booking, person: Envelope, event: Recorded[object]) -> Part:
    return Part("booking", state.id, Sight(subject, person), BOOKED, event)


def _consents(events: Sequence[Recorded[object]], subject: UUID) -> Iterator[Part]:
    for event in events:
        match event.decision:
            case (
                ConsentGiven(consent=id, evidence=Envelope() as shown)
                | ConsentRefused(consent=id, evidence=Envelope() as shown)
                | ConsentWithdrawn(consent=id, evidence=Envelope() as shown)
            ):
                yield Part("consent", id, Sight(subject, shown), SHOWN, event)
            case _:
                pass
