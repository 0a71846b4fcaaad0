"""Whether a subject is a person the business knows, and whether their data still stands."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.ports import EventStore
from application.recorded import Recorded
from domain.errors import Erased, NotFound
from domain.subject import SubjectRegistered


class Erasures(Protocol):
    """Who was erased. Sees every erasure that was ordered."""

    def erased_at(self, tenant: UUID, subject: UUID) -> datetime | None:
        """Since when nobody can open the subject's profile; None while it stands."""
        ...


def require_person(store: EventStore, tenant: UUID, subject: UUID) -> tuple[Recorded[object], ...]:
    """The stream of a registered person, erased or not.

    Refuses: NotFound.
    """
    events = store.read(tenant, subject)
    if not events or not isinstance(events[0].decision, SubjectRegistered):
        raise NotFound()
    return events


def require_living(
    store: EventStore, erasures: Erasures, tenant: UUID, subject: UUID
) -> tuple[Recorded[object], ...]:
    """The stream of a registered person whose data stands.

    Refuses: NotFound, Erased.
    """
    events = require_person(store, tenant, subject)
    if erasures.erased_at(tenant, subject) is not None:
        raise Erased()
    return events
