"""Whether a subject is a person the business knows: their stream begins with their being registered."""

from __future__ import annotations

from uuid import UUID

from application.ports import EventStore
from application.recorded import Recorded
from domain.errors import NotFound
from domain.subject import SubjectRegistered


def require_person(store: EventStore, tenant: UUID, subject: UUID) -> tuple[Recorded[object], ...]:
    """The stream of a registered person, erased or not.

    Refuses: NotFound.
    """
    events = store.read(tenant, subject)
    if not events or not isinstance(events[0].decision, SubjectRegistered):
        raise NotFound()
    return events
